//! What no output may show: tokens, passwords, keys. Every run of our client is searched for them.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use super::Outcome;

/// The secrets that are around a run.
#[derive(Debug, Default)]
pub(crate) struct Secrets {
    tokens: BTreeSet<String>,
    passwords: BTreeSet<String>,
}

impl Secrets {
    /// Those in these files below a home: tokens and their records.
    pub(crate) fn tokens_below(&mut self, folder: &Path) {
        for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
            let (path, name) = (entry.path(), entry.file_name());
            let name = name.to_string_lossy();
            match entry.file_type() {
                Ok(kind) if kind.is_dir() => self.tokens_below(&path),
                Ok(kind) if kind.is_file() && name.starts_with("auth_token_for") && !name.ends_with(".origin") => {
                    self.token(&fs::read_to_string(&path).unwrap_or_default());
                }
                _ => {}
            }
        }
    }

    /// A token; what is too short to be one is none.
    pub(crate) fn token(&mut self, text: &str) {
        let text = text.trim();
        if text.len() >= 20 {
            self.tokens.insert(text.to_owned());
        }
    }

    /// A password.
    pub(crate) fn password(&mut self, text: &str) {
        if !text.is_empty() {
            self.passwords.insert(text.to_owned());
        }
    }

    /// The passwords in a configuration file. (Some tests replace it with a FIFO.)
    pub(crate) fn passwords_in(&mut self, config: &Path) {
        if !config.is_file() {
            return;
        }
        for line in fs::read_to_string(config).unwrap_or_default().lines() {
            if let Some((name, value)) = line.split_once('=')
                && ["password", "oidc_client_secret"].contains(&name.trim())
            {
                self.password(value.trim());
            }
        }
    }

    /// What the output shows of them. Tokens and keys must be nowhere; a password may be an innocent word in what a
    /// command shows, so it is looked for in the log only.
    pub(crate) fn shown_in(&self, outcome: &Outcome, token_wanted: bool) -> Option<String> {
        let (stdout, stderr) = (&outcome.stdout, &outcome.stderr);
        let in_stdout = |token: &&String| !token_wanted && stdout.contains(token.as_str());
        let token = self.tokens.iter().find(|token| in_stdout(token) || stderr.contains(token.as_str()));
        if let Some(token) = token {
            return Some(format!("the token {token}"));
        }
        if stdout.contains("PRIVATE KEY-----") || stderr.contains("PRIVATE KEY-----") {
            return Some("a private key".to_owned());
        }
        self.passwords.iter().find(|password| has_word(stderr, password)).map(|word| format!("the password {word}"))
    }
}

fn has_word(text: &str, word: &str) -> bool {
    let is_part = |letter: char| letter.is_alphanumeric() || letter == '_';
    text.match_indices(word).any(|(at, found)| {
        let (before, after) = (text[..at].chars().next_back(), text[at + found.len()..].chars().next());
        !before.is_some_and(is_part) && !after.is_some_and(is_part)
    })
}
