//! Output that replaces itself: on a terminal each frame takes the whole screen, elsewhere each change is printed.

use std::io::{self, IsTerminal, Write};

use console::{Term, truncate_str};

use super::{Ui, clean};
use crate::error::{Error, Result};
use crate::time::{date, unix_time};

const ENTER_SCREEN: &str = "\x1b[?1049h";
const LEAVE_SCREEN: &str = "\x1b[?1049l";
const CLEAR: &str = "\x1b[H\x1b[2J";

/// Shows frames. On a terminal the last one stays when it is dropped.
#[derive(Debug)]
pub struct Frames<'a> {
    ui: &'a Ui,
    title: String,
    last: Option<String>,
    failure: Option<String>,
    /// The alternate screen of the terminal, which keeps what was there before.
    screen: Option<Screen>,
}

/// The alternate screen, until it is dropped.
#[derive(Debug)]
struct Screen(Term);

impl<'a> Frames<'a> {
    /// Starts with an empty screen.
    pub fn new(ui: &'a Ui, title: String) -> Self {
        let has_screen =
            ui.is_terminal() && io::stdout().is_terminal() && console::Term::stdout().features().is_attended();
        let screen = has_screen.then(|| Screen(Term::stdout()));
        if let Some(screen) = &screen {
            screen.write(ENTER_SCREEN);
        }
        Self { ui, title, last: None, failure: None, screen }
    }

    /// Shows the next frame; without a terminal, only if it differs from the last one.
    pub fn show(&mut self, text: &str) -> Result<()> {
        let is_new = self.last.as_deref() != Some(text);
        self.failure = None;
        if self.screen.is_none() && is_new {
            let between = if self.last.is_some() && self.ui.format().is_text() { "\n" } else { "" };
            self.ui.write_bytes(format!("{between}{text}").as_bytes())?;
        }
        self.last = Some(text.to_owned());
        self.draw()
    }

    /// Shows that there is no new frame; the last one stays.
    pub fn show_failure(&mut self, why: &str) -> Result<()> {
        if self.screen.is_none() {
            tracing::warn!("{why}");
        }
        self.failure = Some(why.lines().next().unwrap_or_default().to_owned());
        self.draw()
    }

    fn draw(&self) -> Result<()> {
        let Some(Screen(term)) = &self.screen else { return Ok(()) };
        let (rows, columns) = term.size();
        let title = format!("{}  {}", self.title, date(unix_time()));
        let failure = self.failure.as_ref().map(|why| clean(&format!("No new data: {why}")).into_owned());
        let text = self.last.as_deref().unwrap_or_default();
        let screen = layout(&title, failure.as_deref(), text, usize::from(rows), usize::from(columns));
        let mut out = io::stdout();
        let written = out.write_all(format!("{CLEAR}{screen}").as_bytes()).and_then(|()| out.flush());
        written.map_err(|source| Error::io("standard output", source))
    }
}

impl Drop for Frames<'_> {
    fn drop(&mut self) {
        if self.screen.take().is_some()
            && let Some(last) = &self.last
        {
            // The terminal may be gone; the frame cannot be shown then.
            let _ = self.ui.write_bytes(last.as_bytes());
        }
    }
}

impl Screen {
    fn write(&self, text: &str) {
        // As above.
        let _ = self.0.write_str(text);
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        self.write(LEAVE_SCREEN);
    }
}

/// Fits a frame into a screen: long lines are cut, and missing ones counted.
fn layout(title: &str, failure: Option<&str>, text: &str, rows: usize, columns: usize) -> String {
    let mut lines: Vec<String> = std::iter::once(title).chain(failure).chain([""]).map(str::to_owned).collect();
    let space = rows.saturating_sub(lines.len() + 1);
    let all: Vec<&str> = text.lines().collect();
    if all.len() <= space {
        lines.extend(all.iter().map(ToString::to_string));
    } else {
        let shown = space.saturating_sub(1);
        lines.extend(all.iter().take(shown).map(ToString::to_string));
        lines.push(format!("... and {} more lines", all.len() - shown));
    }
    let cut = lines.iter().map(|line| truncate_str(line, columns, "…").into_owned());
    cut.collect::<Vec<_>>().join("\r\n")
}

#[cfg(test)]
mod tests {
    use super::super::log::Shared;
    use super::*;

    #[test]
    fn frames_fit_the_screen() {
        assert_eq!(layout("title", None, "a\nb\n", 24, 80), "title\r\n\r\na\r\nb");
        assert_eq!(layout("a long title", Some("why"), "a\nb\nc\n", 6, 6), "a lon…\r\nwhy\r\n\r\na\r\n... a…");
        assert_eq!(layout("t", None, "a\nb\n", 2, 80), "t\r\n\r\n... and 2 more lines");
    }

    #[tokio::test]
    async fn frames_in_a_pipe_are_printed_when_they_change() {
        let shared = Shared::default();
        let ui = Ui::new(shared.clone(), false);
        let mut frames = Frames::new(&ui, "title".to_owned());
        for text in ["one", "one", "two"] {
            let (outcome, frame) = ui.captured(async { ui.line(text) }).await;
            outcome.unwrap();
            assert_eq!(frame, format!("{text}\n"));
            frames.show(&frame).unwrap();
        }
        drop(frames);
        assert_eq!(shared.text(), "one\n\ntwo\n");
    }
}
