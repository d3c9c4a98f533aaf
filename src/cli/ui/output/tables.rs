//! Tables: in a pipe those of the official client, on a terminal fitted to its width, in boxes or in a pager.

use std::io::{self, BufWriter, Write};

use super::Ui;
use crate::cli::ui::pager::Pager;
use crate::cli::ui::text::wrap;
use crate::cli::ui::{Format, Table, print_message};
use crate::error::{Error, Result};
use crate::lock::lock;

/// Settings of `[experimental] cli = rich`, which has an effect only on a terminal.
#[derive(Debug, Clone, Copy)]
pub struct Rich {
    /// Whether states are coloured.
    pub colours: bool,
    /// Whether output that does not fit on the screen is paged with `less`.
    pub pager: bool,
}

impl Ui {
    /// Enables boxes, colours and the pager, in table format on a terminal.
    pub(in crate::cli) fn enrich(&self, rich: Rich) {
        if self.terminal && self.format.is_text() && self.rich.set(rich).is_ok() && rich.pager {
            let mut out = lock(&self.out);
            *out = BufWriter::new(Box::new(Paged::default()));
        }
    }

    /// Prints a table in table format (an empty one without headers is an empty line); the other formats omit it.
    pub fn table(&self, table: &Table) -> Result<()> {
        if self.format == Format::Table { self.draw(table) } else { Ok(()) }
    }

    /// Prints a table, in any format.
    pub(in crate::cli::ui) fn draw(&self, table: &Table) -> Result<()> {
        match self.rich.get() {
            Some(rich) => {
                // less scrolls sideways: with it no text is wrapped, so that ids can be copied
                let width = (!rich.pager).then(|| console::Term::stdout().size().1);
                let drawn = table.render_rich(width, rich.colours);
                self.bars.suspend(|| self.on_out(|out| writeln!(out, "{drawn}").and_then(|()| out.flush())))
            }
            None if self.is_for_people() => self.fitted(table),
            None => self.write(&table.render(), "\n"),
        }
    }

    /// Prints a table that fits into the width of the terminal, through the pager if it is taller than the screen.
    fn fitted(&self, table: &Table) -> Result<()> {
        let (rows, columns) = console::Term::stdout().size();
        let fitted = table.render_fitting(columns.into(), self.colours);
        let is_held = lock(&self.held).is_some();
        let is_tall = fitted.text.lines().count() >= usize::from(rows);
        let pager = self.pager.as_ref().filter(|_| is_tall && !is_held);
        self.bars.suspend(|| match pager.and_then(|line| Pager::start_command(line)) {
            Some(mut pager) => {
                writeln!(pager, "{}", fitted.text).map_err(|source| Error::io("standard output", source))
            }
            None => self.on_out(|out| writeln!(out, "{}", fitted.text).and_then(|()| out.flush())),
        })?;
        if !fitted.omitted.is_empty() && !is_held {
            let text = format!("Not shown: {}. For all columns: -o csv", fitted.omitted.join(", "));
            print_message(&wrap("", &text, usize::from(columns).saturating_sub(1), 2));
        }
        Ok(())
    }
}

/// Standard output through the pager, which the first write starts.
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
