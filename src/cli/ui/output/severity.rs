//! Colours of words.

/// Severity of a coloured word.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Severity {
    /// Success (green).
    Ok,
    /// Warning (yellow).
    Warning,
    /// Error (red).
    Error,
}

impl Severity {
    pub(super) fn style(self) -> console::Style {
        let style = console::Style::new().force_styling(true);
        match self {
            Self::Ok => style.green(),
            Self::Warning => style.yellow(),
            Self::Error => style.red(),
        }
    }
}
