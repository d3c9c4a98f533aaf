//! The tests' own tools.

use anyhow::Result;

use crate::support::{Outcome, Secrets, split, unified};

#[test]
fn harness_diff_shows_only_what_differs() {
    assert_eq!(unified("a\nb\nc\nd", "a\nb\nx\nd"), "@@ from line 1 @@\n a\n b\n-c\n+x\n d\n");
    assert_eq!(unified("a", "a\nb"), "@@ from line 1 @@\n a\n+b\n");
}

#[test]
fn harness_finds_secrets_in_output() {
    let mut secrets = Secrets::default();
    secrets.token("jdoe-jdoe-unknown-0123456789abcdef\n");
    secrets.password("secret");
    let shown = |stdout: &str, stderr: &str| {
        let outcome = Outcome { stdout: stdout.to_owned(), stderr: stderr.to_owned(), ..Outcome::default() };
        (secrets.shown_in(&outcome, false).is_some(), secrets.shown_in(&outcome, true).is_some())
    };
    assert_eq!(shown("a secret of mine", "client_secret, secrets"), (false, false));
    assert_eq!(shown("x-jdoe-jdoe-unknown-0123456789abcdef", ""), (true, false));
    assert_eq!(shown("", "x-jdoe-jdoe-unknown-0123456789abcdef"), (true, true));
    assert_eq!(shown("", "password=secret"), (true, true));
    assert_eq!(shown("-----BEGIN PRIVATE KEY-----", ""), (true, true));
}

#[test]
fn harness_splits_words_as_a_shell_does() -> Result<()> {
    assert_eq!(split(r#"a "b c"'d' '' e\ f "g\n\"h""#)?, ["a", "b cd", "", "e f", r#"g\n"h"#]);
    assert!(split("'open").is_err());
    assert!(split("end\\").is_err());
    Ok(())
}
