//! Progress bars on the terminal, which they share with log lines and output.

use console::Term;
use indicatif::{MultiProgress, ProgressDrawTarget, TermLike};
use std::io;

/// Maximum redraws per second: more are not visible and slow down remote terminals.
const MAX_REDRAWS_PER_SECOND: u8 = 10;

/// Creates the bars on standard error; hidden if it is not a terminal.
pub(super) fn bars(terminal: bool) -> MultiProgress {
    MultiProgress::with_draw_target(if terminal {
        ProgressDrawTarget::term_like_with_hz(Box::new(IgnoreErrors(Term::buffered_stderr())), MAX_REDRAWS_PER_SECOND)
    } else {
        ProgressDrawTarget::hidden()
    })
}

/// A terminal that may disappear: ignores errors while drawing, on which indicatif would panic.
#[derive(Debug)]
struct IgnoreErrors<T>(T);

impl<T: TermLike> IgnoreErrors<T> {
    fn ignore_error(&self, act: impl FnOnce(&T) -> io::Result<()>) -> io::Result<()> {
        act(&self.0).or(Ok(()))
    }
}

impl<T: TermLike> TermLike for IgnoreErrors<T> {
    fn width(&self) -> u16 {
        self.0.width()
    }

    fn height(&self) -> u16 {
        self.0.height()
    }

    fn move_cursor_up(&self, n: usize) -> io::Result<()> {
        self.ignore_error(|term| term.move_cursor_up(n))
    }

    fn move_cursor_down(&self, n: usize) -> io::Result<()> {
        self.ignore_error(|term| term.move_cursor_down(n))
    }

    fn move_cursor_right(&self, n: usize) -> io::Result<()> {
        self.ignore_error(|term| term.move_cursor_right(n))
    }

    fn move_cursor_left(&self, n: usize) -> io::Result<()> {
        self.ignore_error(|term| term.move_cursor_left(n))
    }

    fn write_line(&self, s: &str) -> io::Result<()> {
        self.ignore_error(|term| term.write_line(s))
    }

    fn write_str(&self, s: &str) -> io::Result<()> {
        self.ignore_error(|term| term.write_str(s))
    }

    fn clear_line(&self) -> io::Result<()> {
        self.ignore_error(T::clear_line)
    }

    fn flush(&self) -> io::Result<()> {
        self.ignore_error(T::flush)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use indicatif::ProgressBar;

    /// A terminal that has been closed.
    #[derive(Debug)]
    struct Gone;

    impl TermLike for Gone {
        fn width(&self) -> u16 {
            80
        }
        fn move_cursor_up(&self, _: usize) -> io::Result<()> {
            Err(io::ErrorKind::BrokenPipe.into())
        }
        fn move_cursor_down(&self, _: usize) -> io::Result<()> {
            Err(io::ErrorKind::BrokenPipe.into())
        }
        fn move_cursor_right(&self, _: usize) -> io::Result<()> {
            Err(io::ErrorKind::BrokenPipe.into())
        }
        fn move_cursor_left(&self, _: usize) -> io::Result<()> {
            Err(io::ErrorKind::BrokenPipe.into())
        }
        fn write_line(&self, _: &str) -> io::Result<()> {
            Err(io::ErrorKind::BrokenPipe.into())
        }
        fn write_str(&self, _: &str) -> io::Result<()> {
            Err(io::ErrorKind::BrokenPipe.into())
        }
        fn clear_line(&self) -> io::Result<()> {
            Err(io::ErrorKind::BrokenPipe.into())
        }
        fn flush(&self) -> io::Result<()> {
            Err(io::ErrorKind::BrokenPipe.into())
        }
    }

    #[test]
    fn screen_survives_a_terminal_that_went_away() {
        let bars = MultiProgress::with_draw_target(ProgressDrawTarget::term_like(Box::new(IgnoreErrors(Gone))));
        let bar = bars.add(ProgressBar::new(3));
        bar.tick();
        assert_eq!(bars.suspend(|| 7), 7);
        bar.finish();
    }
}
