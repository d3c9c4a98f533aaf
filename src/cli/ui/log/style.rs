//! How messages look: as the official client's log lines, which scripts read, or as plain messages for people.

use super::Settings;

/// The form of messages on standard error.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MessageStyle {
    /// Log lines with time and level.
    LogLine,
    /// `error: ...`, `warning: ...` and `hint: ...`
    Plain,
}

impl MessageStyle {
    /// Returns the form for this process: plain messages on a terminal, unless log lines are requested, or the command logs
    /// its progress.
    pub(in crate::cli) fn choose(settings: &Settings, is_terminal: bool) -> Self {
        let wants_log = settings.format.is_some()
            || settings.level >= tracing::Level::DEBUG
            || settings.logs_progress
            || settings.is_automation;
        if is_terminal && !wants_log { Self::Plain } else { Self::LogLine }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn message_style_is_plain_on_a_terminal_unless_log_lines_are_wanted() {
        let people = Settings::default();
        let cases = [
            (people.clone(), false, MessageStyle::LogLine),
            (people.clone(), true, MessageStyle::Plain),
            (Settings { level: tracing::Level::WARN, ..people.clone() }, true, MessageStyle::Plain),
            (Settings { level: tracing::Level::DEBUG, ..people.clone() }, true, MessageStyle::LogLine),
            (Settings { format: Some("%(message)s".into()), ..people.clone() }, true, MessageStyle::LogLine),
            (Settings { logs_progress: true, ..people.clone() }, true, MessageStyle::LogLine),
            (Settings { is_automation: true, ..people }, true, MessageStyle::LogLine),
        ];
        for (settings, is_terminal, expected) in cases {
            assert_eq!(MessageStyle::choose(&settings, is_terminal), expected, "{settings:?} {is_terminal}");
        }
    }
}
