//! Requests and responses of the shells' completion scripts.

use std::ffi::OsString;

use clap_complete::engine::CompletionCandidate;

use super::shell_words;
use crate::cli::shell::Shell;

/// A completion request.
pub(super) struct CompletionRequest {
    /// The command line; its last word is the one to complete.
    pub(super) words: Vec<OsString>,
    /// Whether the last word has an open quote.
    in_quote: bool,
    /// Characters at which bash splits words (`COMP_WORDBREAKS`): it expects only the text after the last of them.
    breaks: String,
}

impl Shell {
    /// Parses the arguments of the script: bash passes the line and its word breaks, the others pass the words. In fish
    /// the last word is as typed, with its quotes.
    pub(super) fn read(self, arguments: &[OsString]) -> CompletionRequest {
        let arguments = arguments.get(1..).unwrap_or_default();
        match (self, arguments) {
            (Self::Bash, [line, breaks, ..]) => {
                let (words, in_quote) = shell_words::words(&line.to_string_lossy());
                let start = words.iter().position(|word| is_program(word)).unwrap_or_default();
                let words = words.into_iter().skip(start).map(OsString::from).collect();
                CompletionRequest { words, in_quote, breaks: breaks.to_string_lossy().into_owned() }
            }
            (shell, arguments) => {
                let mut words = arguments.to_vec();
                if let (Self::Fish, Some(last)) = (shell, words.last_mut()) {
                    *last = shell_words::words(&last.to_string_lossy()).0.join(" ").into();
                }
                CompletionRequest { words, in_quote: false, breaks: String::new() }
            }
        }
    }

    /// Formats the candidates, one per line.
    pub(super) fn show(self, request: &CompletionRequest, candidates: Vec<CompletionCandidate>) -> String {
        let line = |candidate: CompletionCandidate| match self {
            Self::Bash => for_bash(request, &candidate.get_value().to_string_lossy()),
            Self::Zsh | Self::Fish => {
                let help = candidate.get_help().map(ToString::to_string).unwrap_or_default();
                let help = help.lines().next().unwrap_or_default().to_owned();
                format!("{}\t{help}\n", candidate.get_value().to_string_lossy())
            }
        };
        candidates.into_iter().map(line).collect()
    }
}

/// Whether a value is incomplete (`scope:`, `tier=`): no space is added after it.
fn is_continued(value: &str) -> bool {
    value.ends_with([':', '=', '/', ','])
}

fn for_bash(request: &CompletionRequest, value: &str) -> String {
    if request.in_quote {
        // bash closes the quote after a single candidate; for an incomplete value a second candidate prevents that.
        return if is_continued(value) { format!("{value}\n{value}...\n") } else { format!("{value}\n") };
    }
    let current = request.words.last().map(|word| word.to_string_lossy()).unwrap_or_default();
    let cut = current.rfind(|c| request.breaks.contains(c)).map_or(0, |at| at + 1);
    let rest = value.get(cut..).unwrap_or_default();
    let end = if is_continued(value) { "" } else { " " };
    format!("{}{end}\n", shell_words::quoted(rest))
}

/// Whether the word is the name of the program; variable assignments may precede it.
fn is_program(word: &str) -> bool {
    matches!(word.rsplit('/').next(), Some("rucio" | "rucio-admin"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bash(line: &str, value: &str) -> String {
        let request = Shell::Bash.read(&["rucio".into(), line.into(), " \t\n\"'><=;|&(:".into()]);
        Shell::Bash.show(&request, vec![CompletionCandidate::new(value)])
    }

    #[test]
    fn completion_in_bash_returns_what_follows_the_last_break() {
        assert_eq!(bash("X=1 rucio did list te", "test:"), "test:\n");
        assert_eq!(bash("rucio did list test:m", "test:mixed"), "mixed \n");
        assert_eq!(bash("rucio rse list --rses=ti", "--rses=tier="), "tier=\n");
        assert_eq!(bash("rucio rse list --rses 'ti", "tier=1&disk=1"), "tier=1&disk=1\n");
        assert_eq!(bash("rucio rse list --rses 'ti", "tier="), "tier=\ntier=...\n");
        assert_eq!(bash("rucio did list ", "a b"), "a\\ b \n");
    }

    #[test]
    fn completion_in_fish_leaves_the_quotes_of_the_last_word() {
        let request = Shell::Fish.read(&["rucio".into(), "rucio".into(), "'a b".into()]);
        assert_eq!(request.words, ["rucio", "a b"]);
    }
}
