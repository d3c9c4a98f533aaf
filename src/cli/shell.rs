//! Shells with a completion script.

use clap::ValueEnum;

/// A shell with a script in `completions/`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Shell {
    /// bash 3.2 or later
    Bash,
    /// zsh 5 or later
    Zsh,
    /// fish 3 or later
    Fish,
}

impl Shell {
    pub(super) fn by_name(name: &str) -> Option<Self> {
        Self::from_str(name, false).ok()
    }

    /// Returns the completion script, which calls this program.
    pub(super) fn script(self) -> &'static str {
        match self {
            Self::Bash => include_str!("../../completions/rucio.bash"),
            Self::Zsh => include_str!("../../completions/_rucio"),
            Self::Fish => include_str!("../../completions/rucio.fish"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shell_script_exists_for_every_shell() {
        for shell in Shell::value_variants() {
            assert!(shell.script().contains("RUCIO_COMPLETE"), "{shell:?}");
        }
    }
}
