//! A log event with the attributes of a record in Python's logging.

use chrono::{DateTime, Local};
use std::fmt::{Debug, Write as _};
use std::path::Path;
use tracing::field::{Field, Visit};
use tracing::{Event, Level, Metadata};

pub(super) struct Record<'a> {
    pub(super) message: String,
    pub(super) when: DateTime<Local>,
    metadata: &'a Metadata<'a>,
}

impl<'a> Record<'a> {
    pub(super) fn new(event: &Event<'a>) -> Self {
        let mut text = Text::default();
        event.record(&mut text);
        Self { message: text.message + &text.fields, when: Local::now(), metadata: event.metadata() }
    }

    pub(super) fn is_debug(&self) -> bool {
        *self.metadata.level() >= Level::DEBUG
    }

    pub(super) fn is_hint(&self) -> bool {
        self.metadata.target() == super::HINT
    }

    /// Returns the word before a message for people, if it has one.
    pub(super) fn label(&self) -> Option<&'static str> {
        match *self.metadata.level() {
            _ if self.is_hint() => Some("hint"),
            Level::ERROR => Some("error"),
            Level::WARN => Some("warning"),
            _ => None,
        }
    }

    pub(super) fn level_name(&self) -> &'static str {
        match *self.metadata.level() {
            Level::ERROR => "ERROR",
            Level::WARN => "WARNING",
            Level::INFO => "INFO",
            _ => "DEBUG",
        }
    }

    /// Returns Python's number of the level.
    pub(super) fn level_number(&self) -> i64 {
        match *self.metadata.level() {
            Level::ERROR => 40,
            Level::WARN => 30,
            Level::INFO => 20,
            _ => 10,
        }
    }

    /// Returns the escape sequence of the level's colour.
    pub(super) fn paint(&self) -> &'static str {
        match *self.metadata.level() {
            Level::ERROR => "\x1b[31;1m",
            Level::WARN => "\x1b[33;1m",
            Level::INFO => "\x1b[32;1m",
            _ => "\x1b[36;1m",
        }
    }

    /// Returns the local time, with milliseconds after a comma.
    pub(super) fn time(&self) -> String {
        self.when.format("%Y-%m-%d %H:%M:%S,%3f").to_string()
    }

    /// Returns the path of the source file.
    pub(super) fn path(&self) -> &'a str {
        self.metadata.file().unwrap_or_default()
    }

    pub(super) fn file_name(&self) -> &'a str {
        part(Path::new(self.path()).file_name())
    }

    pub(super) fn module(&self) -> &'a str {
        part(Path::new(self.path()).file_stem())
    }

    pub(super) fn line(&self) -> i64 {
        self.metadata.line().unwrap_or_default().into()
    }
}

fn part(name: Option<&std::ffi::OsStr>) -> &str {
    name.and_then(std::ffi::OsStr::to_str).unwrap_or_default()
}

/// Collects the message and the fields of an event.
#[derive(Default)]
struct Text {
    message: String,
    fields: String,
}

impl Visit for Text {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        // Writing to a String cannot fail.
        let _ = match field.name() {
            "message" => write!(self.message, "{value:?}"),
            name => write!(self.fields, " {name}={value:?}"),
        };
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        match field.name() {
            "message" => self.message.push_str(value),
            _ => self.record_debug(field, &value),
        }
    }
}
