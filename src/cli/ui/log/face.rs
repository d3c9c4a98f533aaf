//! How messages look: as the official client's log lines, which scripts read, or as plain messages for people.

use super::Settings;

/// The form of messages on standard error.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Face {
    /// Log lines with time and level.
    Log,
    /// `error: ...`, `warning: ...` and `hint: ...`
    Plain,
}

impl Face {
    /// Returns the form for this process: plain messages on a terminal where log lines were not asked for, which transfers
    /// always have.
    pub(in crate::cli) fn choose(settings: &Settings, is_terminal: bool) -> Self {
        let wants_log = settings.format.is_some()
            || settings.level >= tracing::Level::DEBUG
            || settings.is_transfer
            || settings.is_automation;
        if is_terminal && !wants_log { Self::Plain } else { Self::Log }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn face_is_plain_on_a_terminal_unless_log_lines_are_wanted() {
        let people = Settings::default();
        let cases = [
            (people.clone(), false, Face::Log),
            (people.clone(), true, Face::Plain),
            (Settings { level: tracing::Level::WARN, ..people.clone() }, true, Face::Plain),
            (Settings { level: tracing::Level::DEBUG, ..people.clone() }, true, Face::Log),
            (Settings { format: Some("%(message)s".into()), ..people.clone() }, true, Face::Log),
            (Settings { is_transfer: true, ..people.clone() }, true, Face::Log),
            (Settings { is_automation: true, ..people }, true, Face::Log),
        ];
        for (settings, is_terminal, expected) in cases {
            assert_eq!(Face::choose(&settings, is_terminal), expected, "{settings:?} {is_terminal}");
        }
    }
}
