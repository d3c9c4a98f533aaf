//! Standard output. `tables` prints tables as the terminal needs them, `captured` returns what a command prints, `severity`
//! colours words.

mod captured;
mod severity;
mod tables;

pub use severity::Severity;
pub use tables::Rich;

use super::records::{self, Listing, Shape};
use super::{Bytes, Format, Selection, Style, clean, screen, terminal_width};
use crate::lock::lock;
use crate::{Error, Result};
use indicatif::MultiProgress;
use serde::Serialize;
use std::io::{self, BufWriter, IsTerminal, Write};
use std::sync::{Mutex, OnceLock};

type Out = BufWriter<Box<dyn Write + Send>>;

/// Output of a command. In a pipe it is buffered and unchanged; on a terminal it is written at once, above the progress
/// bars, and control characters in data are made visible.
pub struct Ui {
    out: Mutex<Out>,
    /// Where the output is held back, if it is.
    held: Mutex<Option<Out>>,
    terminal: bool,
    format: Format,
    selection: Selection,
    colours: bool,
    utf8: bool,
    log_lines: bool,
    rich: OnceLock<Rich>,
    classic: OnceLock<()>,
    pager: Option<String>,
    bars: MultiProgress,
}

impl Ui {
    /// Creates the output on standard output; with `bars`, progress bars on standard error, which must be a terminal.
    pub fn stdout(format: Format, bars: bool) -> Self {
        let stdout = io::stdout();
        let terminal = stdout.is_terminal();
        Self { bars: screen::bars(bars), format, ..Self::new(stdout, terminal) }
    }

    /// Creates the output on any writer, without progress bars.
    pub fn new(out: impl Write + Send + 'static, terminal: bool) -> Self {
        let out = Mutex::new(BufWriter::with_capacity(1 << 16, Box::new(out) as Box<dyn Write + Send>));
        let rich = OnceLock::new();
        let bars = screen::bars(false);
        Self {
            out,
            held: Mutex::new(None),
            terminal,
            format: Format::Table,
            selection: Selection::default(),
            colours: true,
            rich,
            utf8: true,
            log_lines: true,
            classic: OnceLock::new(),
            pager: None,
            bars,
        }
    }

    /// Sets whether colours are used on a terminal.
    #[must_use]
    pub fn with_colours(self, colours: bool) -> Self {
        Self { colours, ..self }
    }

    /// Sets whether the terminal shows characters outside ASCII.
    #[must_use]
    pub fn with_utf8(self, utf8: bool) -> Self {
        Self { utf8, ..self }
    }

    /// Sets whether transfers write the official client's log lines, although they draw bars.
    #[must_use]
    pub fn with_log_lines(self, log_lines: bool) -> Self {
        Self { log_lines, ..self }
    }

    /// Sets the command line of the pager for tables that are taller than the screen.
    #[must_use]
    pub fn with_pager(self, pager: Option<String>) -> Self {
        Self { pager, ..self }
    }

    /// Sets the output format.
    #[must_use]
    pub fn with_format(self, format: Format) -> Self {
        Self { format, ..self }
    }

    /// Sets which rows and fields of lists are shown. Text beside the lists is then omitted, as in the other formats.
    #[must_use]
    pub fn with_selection(self, selection: Selection) -> Self {
        let is_text = self.format == Format::Table && !selection.is_everything();
        let format = if is_text { Format::Selected } else { self.format };
        Self { format, selection, ..self }
    }

    /// Returns which rows and fields of lists are shown.
    pub(super) fn selection(&self) -> &Selection {
        &self.selection
    }

    /// Shows on a terminal exactly what the official client prints.
    pub(in crate::cli) fn set_classic(&self) {
        // An error means that it is set already.
        let _ = self.classic.set(());
    }

    /// Whether output is made for a person at a terminal, instead of what the official client prints.
    pub fn is_for_people(&self) -> bool {
        self.terminal && self.format.is_text() && self.classic.get().is_none()
    }

    /// Returns the width that text is fitted to: that of the terminal of a person.
    pub fn width(&self) -> Option<usize> {
        self.is_for_people().then(terminal_width)
    }

    /// Returns the output format.
    pub fn format(&self) -> Format {
        self.format
    }

    /// Prints a line in table format; the other formats omit it.
    pub fn line(&self, text: &str) -> Result<()> {
        match self.format {
            Format::Table => self.write(text, "\n"),
            _ => Ok(()),
        }
    }

    /// Prints a line in table format, its first word coloured on a terminal; the other formats omit it.
    pub fn marked(&self, word: &str, tone: Severity, rest: &str) -> Result<()> {
        self.marked_after("", word, tone, rest)
    }

    /// Like [`Self::marked`], with a text before the coloured word.
    pub fn marked_after(&self, before: &str, word: &str, tone: Severity, rest: &str) -> Result<()> {
        match (self.format, self.terminal && self.colours) {
            (Format::Table, false) => self.line(&format!("{before}{word}{rest}")),
            (Format::Table, true) => {
                let line = format!("{}{}{}", clean(before), tone.style().apply_to(word), clean(rest));
                self.bars.suspend(|| self.on_out(|out| writeln!(out, "{line}").and_then(|()| out.flush())))
            }
            _ => Ok(()),
        }
    }

    /// Writes the response to a completion request, unchanged.
    pub(in crate::cli) fn answer(&self, text: &str) -> Result<()> {
        self.on_out(|out| out.write_all(text.as_bytes()).and_then(|()| out.flush()))
    }

    /// Starts writing raw bytes, in any format.
    pub fn bytes(&self) -> Bytes<'_> {
        Bytes::new(self)
    }

    /// Starts a list of records.
    pub fn list(&self, shape: Shape) -> Listing<'_> {
        Listing::new(self, shape)
    }

    /// Prints the only record of a command; in table format, `text`.
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

    /// Prints the only record of a command; table format omits it.
    pub fn record(&self, shape: Shape, record: &impl Serialize) -> Result<()> {
        match self.format {
            Format::Table => Ok(()),
            _ => self.one(shape, record, String::new),
        }
    }

    /// Writes what is buffered. Needed at the end, and before other output goes to standard error.
    pub fn flush(&self) -> Result<()> {
        self.on_out(Write::flush)
    }

    /// Whether the output is a terminal.
    pub fn is_terminal(&self) -> bool {
        self.terminal
    }

    /// Returns the progress bars that lines are written above, for [`super::log::init`] and [`super::Progress`].
    pub fn bars(&self) -> MultiProgress {
        self.bars.clone()
    }

    /// Returns the characters and colours that the terminal shows.
    pub fn style(&self) -> Style {
        Style { utf8: self.utf8, colours: self.colours }
    }

    /// Whether transfers write the official client's log lines: to a pipe, without bars, or if the user asks for them.
    pub fn has_log_lines(&self) -> bool {
        self.log_lines || self.bars.is_hidden()
    }

    /// Writes part of a record.
    pub(super) fn write_record(&self, text: &str) -> Result<()> {
        self.write(text, "")
    }

    /// Writes bytes unchanged and flushes.
    pub(super) fn write_bytes(&self, bytes: &[u8]) -> Result<()> {
        self.on_out(|out| out.write_all(bytes).and_then(|()| out.flush()))
    }

    fn write(&self, text: &str, end: &str) -> Result<()> {
        let write = |text: &str, out: &mut Out| {
            out.write_all(text.as_bytes())?;
            out.write_all(end.as_bytes())
        };
        if self.terminal {
            self.bars.suspend(|| self.on_out(|out| write(&clean(text), out).and_then(|()| out.flush())))
        } else {
            self.on_out(|out| write(text, out))
        }
    }

    fn on_out(&self, act: impl FnOnce(&mut Out) -> io::Result<()>) -> Result<()> {
        let outcome = match &mut *lock(&self.held) {
            Some(held) => act(held),
            None => act(&mut lock(&self.out)),
        };
        outcome.map_err(|source| Error::io("standard output", source))
    }
}

impl std::fmt::Debug for Ui {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Ui").field("terminal", &self.terminal).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Table, log::Shared};
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
    fn output_to_a_pipe_is_unchanged_and_buffered() {
        let shared = Shared::default();
        let ui = Ui::new(shared.clone(), false);
        ui.line("a\x1b[31m\r").unwrap();
        assert_eq!(shared.text(), "");
        ui.table(&Table::plain()).unwrap();
        ui.flush().unwrap();
        assert_eq!(shared.text(), "a\x1b[31m\r\n\n");
    }

    #[test]
    fn output_to_a_terminal_comes_by_lines_and_without_controls() {
        let shared = Shared::default();
        Ui::new(shared.clone(), true).line("a\x1b[31m\r").unwrap();
        assert_eq!(shared.text(), "a␛[31m␍\n");
    }

    #[test]
    fn output_colours_a_word_only_on_a_terminal_that_may() {
        for (terminal, colours, expected) in [
            (true, true, "\x1b[31mfailed\x1b[0m: ␛[0m\n"),
            (true, false, "failed: ␛[0m\n"),
            (false, true, "failed: \x1b[0m\n"),
        ] {
            let shared = Shared::default();
            let ui = Ui::new(shared.clone(), terminal).with_colours(colours);
            ui.marked("failed", Severity::Error, ": \x1b[0m").unwrap();
            ui.flush().unwrap();
            assert_eq!(shared.text(), expected);
        }
    }

    #[test]
    fn output_to_a_closed_pipe_is_an_error_of_its_own() {
        let ui = Ui::new(Closed, false);
        ui.line("short lines wait in the buffer").unwrap();
        assert!(ui.flush().unwrap_err().is_broken_pipe());
        assert!(ui.line(&"long ".repeat(100_000)).unwrap_err().is_broken_pipe());
        assert!(Ui::new(Closed, true).line("x").unwrap_err().is_broken_pipe());
    }
}
