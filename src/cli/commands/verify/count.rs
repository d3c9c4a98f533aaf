//! Counts files by state.

use crate::error::{Error, Result};
use crate::exceptions::Exception;

/// The states, in the order of the counters.
const STATES: [&str; 6] = ["ok", "missing", "wrong_size", "wrong_checksum", "unreadable", "extra"];

/// One counter per state.
#[derive(Debug, Default)]
pub(super) struct Count([u64; STATES.len()]);

impl Count {
    /// Counts a file in this state.
    pub(super) fn add(&mut self, state: &str) {
        if let Some(at) = STATES.iter().position(|known| *known == state) {
            self.0[at] += 1;
        }
    }

    fn all(&self) -> u64 {
        self.0.iter().sum()
    }

    /// Returns the counts as text: `7 file(s): 5 ok, 1 missing, 1 extra`.
    pub(super) fn line(&self) -> String {
        let counted = STATES.iter().zip(self.0).filter(|(state, number)| *number > 0 || **state == "ok");
        let counted: Vec<_> = counted.map(|(state, number)| format!("{number} {state}")).collect();
        format!("{} file(s): {}", self.all(), counted.join(", "))
    }

    /// Returns the result of the command. Errors: a file failed verification, or there was no file.
    pub(super) fn verdict(&self) -> Result<()> {
        let [ok, missing, size, checksum, unreadable, extra] = self.0;
        let details = match self.all() {
            0 => "Nothing to verify.".to_owned(),
            all if ok == all => return Ok(()),
            all => format!("{} of {all} file(s) failed verification.", all - ok),
        };
        let error = Error::new(Exception::FileConsistencyMismatch, details);
        Err(match (missing + size + checksum + unreadable, ok, extra) {
            (0, 0, 1..) => error.with_hint("Give the downloaded DID, or the scope with --scope."),
            (0, _, 1..) => error.with_hint("To ignore files that are not in the catalogue: --ignore-extra"),
            (1.., ..) => {
                error.with_hint("To fix this, use --failed-list FILE, then run `rucio download --files-from FILE`.")
            }
            (0, _, 0) => error,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn verify_counts_everything_and_only_right_files_are_right() {
        let mut count = Count::default();
        assert!(count.verdict().unwrap_err().to_string().contains("Nothing to verify"));
        ["ok", "ok"].iter().for_each(|state| count.add(state));
        assert_eq!((count.line().as_str(), count.verdict().is_ok()), ("2 file(s): 2 ok", true));
        ["extra", "missing"].iter().for_each(|state| count.add(state));
        assert_eq!(count.line(), "4 file(s): 2 ok, 1 missing, 1 extra");
        assert!(count.verdict().unwrap_err().to_string().contains("2 of 4 file(s)"));
    }
}
