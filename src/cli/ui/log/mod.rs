//! Messages on standard error: log lines in the format of the official client, or plain messages at a terminal (`style`).
//! `format` reads RUCIO_LOGGING_FORMAT, `record` is one log record. Messages are written where they occur, with `tracing`.

mod format;
mod record;
mod style;

pub use format::Format;
pub use style::MessageStyle;
#[cfg(test)]
pub(super) use tests::Shared;

use super::clean;
use super::text::wrap_message;
use console::Term;
use indicatif::MultiProgress;
use record::Record;
use std::io::{self, IsTerminal, Write};
use std::sync::Mutex;
use tracing::level_filters::LevelFilter;
use tracing::{Event, Level, Metadata, Subscriber};
use tracing_subscriber::layer::{Context, Layer, SubscriberExt};

use crate::error::LOG_ONLY;
use crate::lock::lock;
use crate::secret::hide_in_urls;

/// Settings of the log.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Least severe level that is written: DEBUG with `-v`, WARN with `-q`, else INFO.
    pub level: Level,
    /// `RUCIO_LOGGING_FORMAT`, if it is set.
    pub format: Option<String>,
    /// Whether colours are allowed: false with `NO_COLOR`. They are used only on a terminal.
    pub colour: bool,
    /// Whether the command logs its progress: a transfer without bars.
    pub logs_progress: bool,
    /// Whether no human reads the terminal: `CI` is set.
    pub is_automation: bool,
}

impl Default for Settings {
    fn default() -> Self {
        Self { level: Level::INFO, format: None, colour: true, logs_progress: false, is_automation: false }
    }
}

/// Blanks before the further lines of a message.
const INDENT: usize = 2;
/// Target of the events of [`hint`].
const HINT: &str = "rucio::hint";

/// Logs what the user can do about an error. It is shown with `-q`, too.
pub(in crate::cli) fn hint(text: &str) {
    tracing::info!(target: HINT, "{text}");
}

/// Writes the messages of this crate to standard error, above the progress bars. Later calls change nothing.
/// Returns their form.
pub fn init(settings: Settings, bars: MultiProgress) -> MessageStyle {
    let stderr = io::stderr();
    let terminal = stderr.is_terminal();
    let layer = Lines::new(settings, terminal, bars, stderr);
    let style = layer.style;
    // An error means that logging is set up already.
    let _ = tracing::subscriber::set_global_default(tracing_subscriber::registry().with(layer));
    style
}

/// Writes one line per event.
struct Lines<W> {
    level: Level,
    format: Option<Format>,
    style: MessageStyle,
    terminal: bool,
    colour: bool,
    bars: MultiProgress,
    out: Mutex<W>,
}

impl<W: Write> Lines<W> {
    fn new(settings: Settings, terminal: bool, bars: MultiProgress, out: W) -> Self {
        let style = MessageStyle::choose(&settings, terminal);
        let format = settings.format.as_deref().map(Format::new);
        let colour = settings.colour && terminal;
        Self { level: settings.level, format, style, terminal, colour, bars, out: Mutex::new(out) }
    }

    fn line(&self, record: &Record<'_>) -> String {
        match (&self.format, self.style) {
            (Some(format), _) => format.apply(record),
            (None, MessageStyle::LogLine) => official(record, self.colour),
            (None, MessageStyle::Plain) => plain(record, self.colour, self.width()),
        }
    }

    /// Returns the width of the terminal; `None` if it is unknown.
    fn width(&self) -> Option<usize> {
        let size = if self.terminal { Term::stderr().size_checked() } else { None };
        size.map(|(_, columns)| columns.into()).filter(|columns| *columns > 0)
    }

    /// Writes a line with one call. Errors are ignored: they could only be reported on standard error.
    fn write(&self, line: &str) {
        let write = || lock(&self.out).write_all(line.as_bytes());
        let _ = if self.terminal { self.bars.suspend(write) } else { write() };
    }
}

impl<S: Subscriber, W: Write + 'static> Layer<S> for Lines<W>
where
    Mutex<W>: Send + Sync,
{
    fn enabled(&self, metadata: &Metadata<'_>, _: Context<'_, S>) -> bool {
        let target = metadata.target();
        let is_shown = target != LOG_ONLY || self.style == MessageStyle::LogLine;
        is_ours(target) && is_shown && (*metadata.level() <= self.level || target == HINT)
    }

    fn max_level_hint(&self) -> Option<LevelFilter> {
        // At least that of hints.
        Some(self.level.max(Level::INFO).into())
    }

    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        let mut record = Record::new(event);
        record.message = hide_in_urls(&record.message).into_owned();
        if self.terminal {
            record.message = clean(&record.message).into_owned();
        }
        if record.is_hint() && self.style == MessageStyle::LogLine {
            record.message.insert_str(0, "Hint: ");
        }
        self.write(&(self.line(&record) + "\n"));
    }
}

/// Whether the event comes from this crate, not from a dependency.
fn is_ours(target: &str) -> bool {
    target.strip_prefix("rucio").is_some_and(|rest| rest.is_empty() || rest.starts_with("::"))
}

/// Formats time, level and message; at debug level the source file, too.
fn official(record: &Record<'_>, colour: bool) -> String {
    let (paint, reset) = if colour { (record.paint(), "\x1b[0m") } else { ("", "") };
    let file = if record.is_debug() { format!("{}\t", record.file_name()) } else { String::new() };
    format!("{paint}{}\t{}\t{file}{}{reset}", record.time(), record.level_name(), record.message)
}

/// Formats a message for people, in lines of the terminal's width. The details of an error follow its first sentence on the
/// same line.
fn plain(record: &Record<'_>, colour: bool, width: Option<usize>) -> String {
    let (paint, reset) = if colour { (record.paint(), "\x1b[0m") } else { ("", "") };
    let message = record.message.replacen(".\nDetails: ", ". ", 1).replacen("\nDetails: ", ": ", 1);
    let start = record.label().map(|label| format!("{paint}{label}:{reset} ")).unwrap_or_default();
    match width {
        Some(width) => wrap_message(&start, &message, width, INDENT),
        None => start + &message,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;

    /// A writer whose output the test can read.
    #[derive(Clone, Default)]
    pub(in crate::cli::ui) struct Shared(Arc<Mutex<Vec<u8>>>);

    impl Shared {
        pub(in crate::cli::ui) fn text(&self) -> String {
            String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
        }
    }

    impl Write for Shared {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn logged(level: Level, format: Option<&str>, terminal: bool, colour: bool, log: impl FnOnce()) -> String {
        let settings =
            Settings { level, format: format.map(str::to_owned), colour, logs_progress: true, ..Settings::default() };
        written(settings, terminal, log)
    }

    fn written(settings: Settings, terminal: bool, log: impl FnOnce()) -> String {
        let shared = Shared::default();
        let layer = Lines::new(settings, terminal, super::super::screen::bars(false), shared.clone());
        tracing::subscriber::with_default(tracing_subscriber::registry().with(layer), log);
        shared.text()
    }

    #[test]
    fn log_only_messages_are_not_for_people() {
        let log = || tracing::error!(target: LOG_ONLY, "once");
        assert_eq!(written(Settings::default(), true, log), "");
        assert!(written(Settings::default(), false, log).ends_with("\tERROR\tonce\n"));
    }

    #[test]
    fn log_line_has_the_official_form() {
        let text = logged(Level::INFO, None, false, true, || {
            tracing::info!("hello\x1b[1m\nworld");
            tracing::debug!("not shown");
        });
        let (time, rest) = text.split_once('\t').unwrap();
        assert_eq!(rest, "INFO\thello\x1b[1m\nworld\n");
        assert!(chrono::NaiveDateTime::parse_from_str(time, "%Y-%m-%d %H:%M:%S,%3f").is_ok(), "{time}");
    }

    #[test]
    fn log_debug_lines_name_the_file_and_others_are_left_out() {
        let text = logged(Level::DEBUG, None, false, true, || {
            tracing::debug!(tries = 3, "again");
            tracing::error!(target: "hyper::client", "not ours");
            tracing::error!(target: "rucioish", "not ours");
        });
        assert_eq!(text.split_once('\t').unwrap().1, "DEBUG\tmod.rs\tagain tries=3\n");
    }

    #[test]
    fn log_on_a_terminal_has_colours_and_no_controls() {
        let text = logged(Level::INFO, None, true, true, || tracing::warn!("a\x1b[31m\rb"));
        assert!(text.starts_with("\x1b[33;1m") && text.ends_with("\tWARNING\ta␛[31m␍b\x1b[0m\n"), "{text:?}");
        let plain = logged(Level::INFO, None, true, false, || tracing::error!("x"));
        assert!(plain.ends_with("\tERROR\tx\n") && !plain.contains('\x1b'));
    }

    #[test]
    fn log_hint_is_shown_whatever_the_level() {
        let text = logged(Level::WARN, None, false, true, || {
            tracing::info!("not shown");
            hint("Run `kinit`.");
        });
        assert!(text.ends_with("\tINFO\tHint: Run `kinit`.\n") && text.lines().count() == 1, "{text}");
    }

    #[test]
    fn log_for_people_has_labels_in_place_of_times_and_levels() {
        let text = written(Settings { colour: false, ..Settings::default() }, true, || {
            tracing::error!("RSE does not exist.\nDetails: RSE 'X' not found");
            tracing::error!("Replica not found\nDetails: gone");
            tracing::warn!("careful");
            tracing::info!("done");
            hint("List RSEs.");
        });
        let expected = "error: RSE does not exist. RSE 'X' not found\nerror: Replica not found: gone\nwarning: careful\n\
                        done\nhint: List RSEs.\n";
        assert_eq!(text, expected);
        let coloured = written(Settings::default(), true, || tracing::error!("x"));
        assert_eq!(coloured, "\x1b[31;1merror:\x1b[0m x\n");
    }

    #[test]
    fn log_format_can_be_configured() {
        let text = logged(Level::INFO, Some("%(levelname)-8s|%(message)s"), true, true, || tracing::info!("x"));
        assert_eq!(text, "INFO    |x\n");
    }

    #[test]
    fn log_survives_a_broken_standard_error() {
        struct Closed;
        impl Write for Closed {
            fn write(&mut self, _: &[u8]) -> io::Result<usize> {
                Err(io::ErrorKind::BrokenPipe.into())
            }
            fn flush(&mut self) -> io::Result<()> {
                Ok(())
            }
        }
        let layer = Lines::new(Settings::default(), true, super::super::screen::bars(false), Closed);
        tracing::subscriber::with_default(tracing_subscriber::registry().with(layer), || tracing::info!("x"));
    }
}
