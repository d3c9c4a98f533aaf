//! Standard output.

use super::records::{self, Listing, Shape};
use super::{Bytes, Format, Table, clean, pager::Pager, screen};
use crate::{Error, Result};
use indicatif::MultiProgress;
use serde::Serialize;
use std::io::{self, BufWriter, IsTerminal, Write};
use std::sync::{Mutex, OnceLock, PoisonError};

type Out = BufWriter<Box<dyn Write + Send>>;

/// The look of `[experimental] cli = rich`, which only terminals get.
#[derive(Debug, Clone, Copy)]
pub struct Rich {
    /// Whether states are coloured.
    pub colours: bool,
    /// Whether `less` shows what does not fit on the screen.
    pub pager: bool,
}

/// What a coloured word says at a glance.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tone {
    /// All is well.
    Good,
    /// Look twice.
    Doubtful,
    /// Something is wrong.
    Bad,
}

impl Tone {
    fn style(self) -> console::Style {
        let style = console::Style::new().force_styling(true);
        match self {
            Self::Good => style.green(),
            Self::Doubtful => style.yellow(),
            Self::Bad => style.red(),
        }
    }
}

/// Writes what a command shows. In a pipe it is buffered and passes unchanged; on a terminal it appears at once, above
/// the bars, and control characters of strangers are made visible.
pub struct Ui {
    out: Mutex<Out>,
    terminal: bool,
    format: Format,
    colours: bool,
    rich: OnceLock<Rich>,
    bars: MultiProgress,
}

impl Ui {
    /// Standard output, with the bars on standard error if they are wanted.
    pub fn stdout(format: Format, bars: bool) -> Self {
        let stdout = io::stdout();
        let terminal = stdout.is_terminal();
        Self { bars: screen::bars(bars && io::stderr().is_terminal()), format, ..Self::new(stdout, terminal) }
    }

    /// Any other place; no bars are drawn.
    pub fn new(out: impl Write + Send + 'static, terminal: bool) -> Self {
        let out = Mutex::new(BufWriter::with_capacity(1 << 16, Box::new(out) as Box<dyn Write + Send>));
        let (rich, bars) = (OnceLock::new(), screen::bars(false));
        Self { out, terminal, format: Format::Table, colours: true, rich, bars }
    }

    /// The same place, where a terminal may be without colours.
    #[must_use]
    pub fn with_colours(self, colours: bool) -> Self {
        Self { colours, ..self }
    }

    /// The same place, in another format.
    #[must_use]
    pub fn with_format(self, format: Format) -> Self {
        Self { format, ..self }
    }

    /// Shows people boxes and colours from now on, in a terminal.
    pub(in crate::cli) fn enrich(&self, rich: Rich) {
        if self.terminal && self.format == Format::Table && self.rich.set(rich).is_ok() && rich.pager {
            let mut out = self.out.lock().unwrap_or_else(PoisonError::into_inner);
            *out = BufWriter::new(Box::new(Paged::default()));
        }
    }

    /// How results are shown.
    pub fn format(&self) -> Format {
        self.format
    }

    /// Shows people a line. Formats for machines leave it out.
    pub fn line(&self, text: &str) -> Result<()> {
        match self.format {
            Format::Table => self.write(text, "\n"),
            _ => Ok(()),
        }
    }

    /// Shows people a line that begins with a word, in colour on a terminal. Formats for machines leave it out.
    pub fn marked(&self, word: &str, tone: Tone, rest: &str) -> Result<()> {
        match (self.format, self.terminal && self.colours) {
            (Format::Table, false) => self.line(&format!("{word}{rest}")),
            (Format::Table, true) => {
                let line = format!("{}{}", tone.style().apply_to(word), clean(rest));
                self.bars.suspend(|| self.on_out(|out| writeln!(out, "{line}").and_then(|()| out.flush())))
            }
            _ => Ok(()),
        }
    }

    /// Hands a shell its completions, and nothing else.
    pub(in crate::cli) fn answer(&self, text: &str) -> Result<()> {
        self.on_out(|out| out.write_all(text.as_bytes()).and_then(|()| out.flush()))
    }

    /// Starts to hand over what a server sends, whatever the format.
    pub fn bytes(&self) -> Bytes<'_> {
        Bytes::new(self)
    }

    /// Starts a list of records.
    pub fn list(&self, shape: Shape) -> Listing<'_> {
        Listing::new(self, shape)
    }

    /// Shows the one record a command is about; people see the text.
    pub fn one(&self, shape: Shape, record: &impl Serialize, text: impl FnOnce() -> String) -> Result<()> {
        match self.format {
            Format::Table => self.line(&text()),
            Format::Json => self.write(&records::pretty(record)?, "\n"),
            _ => {
                let mut list = self.list(shape);
                list.record(record)?;
                list.end()
            }
        }
    }

    /// Shows machines the one record a command is about; people see it otherwise, or nothing.
    pub fn record(&self, shape: Shape, record: &impl Serialize) -> Result<()> {
        match self.format {
            Format::Table => Ok(()),
            _ => self.one(shape, record, String::new),
        }
    }

    /// Shows people a table; an empty one without headers is an empty line. Formats for machines leave it out.
    pub fn table(&self, table: &Table) -> Result<()> {
        match self.rich.get().filter(|_| self.format == Format::Table) {
            Some(rich) => {
                // less scrolls sideways, so that ids stay in one piece and can be copied
                let width = (!rich.pager).then(|| console::Term::stdout().size().1);
                let drawn = table.render_rich(width, rich.colours);
                self.bars.suspend(|| self.on_out(|out| writeln!(out, "{drawn}").and_then(|()| out.flush())))
            }
            None => self.line(&table.render()),
        }
    }

    /// Hands over what is still buffered; due at the end and before anything else goes to standard error.
    pub fn flush(&self) -> Result<()> {
        self.on_out(Write::flush)
    }

    /// Whether a person looks at it.
    pub fn is_terminal(&self) -> bool {
        self.terminal
    }

    /// The bars that lines are written above of, for [`super::log::init`] and [`super::Progress`].
    pub fn bars(&self) -> MultiProgress {
        self.bars.clone()
    }

    /// Shows machines a piece of a record.
    pub(super) fn write_record(&self, text: &str) -> Result<()> {
        self.write(text, "")
    }

    /// Hands over bytes at once, as they are.
    pub(super) fn write_bytes(&self, bytes: &[u8]) -> Result<()> {
        self.on_out(|out| out.write_all(bytes).and_then(|()| out.flush()))
    }

    fn write(&self, text: &str, end: &str) -> Result<()> {
        let write = |text: &str, out: &mut Out| {
            out.write_all(text.as_bytes())?;
            out.write_all(end.as_bytes())
        };
        match self.terminal {
            false => self.on_out(|out| write(text, out)),
            true => self.bars.suspend(|| self.on_out(|out| write(&clean(text), out).and_then(|()| out.flush()))),
        }
    }

    fn on_out(&self, act: impl FnOnce(&mut Out) -> io::Result<()>) -> Result<()> {
        let mut out = self.out.lock().unwrap_or_else(PoisonError::into_inner);
        act(&mut out).map_err(|source| Error::io("standard output", source))
    }
}

/// Standard output by way of the pager, which starts with the first thing that is shown.
#[derive(Default)]
struct Paged(Option<Box<dyn Write + Send>>);

impl Write for Paged {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let start = || Pager::start().map_or_else(|| Box::new(io::stdout()) as _, |pager| Box::new(pager) as _);
        self.0.get_or_insert_with(start).write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.as_mut().map_or(Ok(()), |out| out.flush())
    }
}

impl std::fmt::Debug for Ui {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Ui").field("terminal", &self.terminal).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::super::log::Shared;
    use super::*;

    struct Closed;

    impl Write for Closed {
        fn write(&mut self, _: &[u8]) -> io::Result<usize> {
            Err(io::ErrorKind::BrokenPipe.into())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn a_pipe_gets_the_bytes_unchanged_and_buffered() {
        let shared = Shared::default();
        let ui = Ui::new(shared.clone(), false);
        ui.line("a\x1b[31m\r").unwrap();
        assert_eq!(shared.text(), "");
        ui.table(&Table::plain()).unwrap();
        ui.flush().unwrap();
        assert_eq!(shared.text(), "a\x1b[31m\r\n\n");
    }

    #[test]
    fn a_terminal_gets_lines_at_once_and_no_controls() {
        let shared = Shared::default();
        Ui::new(shared.clone(), true).line("a\x1b[31m\r").unwrap();
        assert_eq!(shared.text(), "a␛[31m␍\n");
    }

    #[test]
    fn a_word_is_coloured_on_a_terminal_that_may_and_what_follows_it_never() {
        for (terminal, colours, expected) in [
            (true, true, "\x1b[31mfailed\x1b[0m: ␛[0m\n"),
            (true, false, "failed: ␛[0m\n"),
            (false, true, "failed: \x1b[0m\n"),
        ] {
            let shared = Shared::default();
            let ui = Ui::new(shared.clone(), terminal).with_colours(colours);
            ui.marked("failed", Tone::Bad, ": \x1b[0m").unwrap();
            ui.flush().unwrap();
            assert_eq!(shared.text(), expected);
        }
    }

    #[test]
    fn a_closed_pipe_is_an_error_of_its_own() {
        let ui = Ui::new(Closed, false);
        ui.line("short lines wait in the buffer").unwrap();
        assert!(ui.flush().unwrap_err().is_broken_pipe());
        assert!(ui.line(&"long ".repeat(100_000)).unwrap_err().is_broken_pipe());
        assert!(Ui::new(Closed, true).line("x").unwrap_err().is_broken_pipe());
    }
}
