//! The only module that writes to standard output and standard error.
//!
//! Output formats, tables, values as Python prints them, the log, progress bars and the pager belong here. The commands
//! decide what to print.

mod bytes;
mod clean;
mod events;
mod format;
mod frames;
pub mod log;
mod messages;
mod output;
mod pager;
mod progress;
mod records;
mod screen;
mod selection;
pub mod table;
mod text;
pub mod values;

pub use bytes::Bytes;
pub use clean::{clean, one_line};
pub use events::{Events, PROGRESS_INTERVAL, fields, named};
pub use format::Format;
pub use frames::Frames;
pub(super) use messages::{is_error_terminal, print_message, usage};
pub use output::{Rich, Severity, Ui};
pub(super) use pager::LESS;
pub use progress::{FileBar, LocksBar, Mark, Progress, Report, Style};
pub use records::{Listing, Shape};
pub(super) use screen::can_draw;
pub use selection::{Selection, SortKey};
pub use table::{Cell, Table};
pub(super) use text::{field, terminal_width, wrap, wrap_command};
