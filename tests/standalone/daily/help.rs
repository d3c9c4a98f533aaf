//! `rucio help TOPIC`, and of commands.

use anyhow::{Result, ensure};

use crate::expect;
use crate::support::Rucio;

#[test]
fn help_shows_topics_and_commands() -> Result<()> {
    for (words, start) in [
        (&["help", "rse-expressions"][..], "An RSE expression selects RSEs"),
        (&["help", "exit-codes"], "Exit codes of the commands:\n\n  0 "),
        (&["help", "environment"], "Environment variables"),
        (&["help", "options"], "Global options are given before"),
        (&["help", "rule", "add"], "Create a replication rule"),
        (&["help", "list-dids"], "List "),
        (&["rse", "list", "-v", "--help"], "List RSEs"),
        (&["whoami", "--profile", "prod", "-h"], "Show the account you are logged in as"),
        (&["help"], "Client for the Rucio data management system"),
        (&["help", "--help"], "Show help on a command, or on a topic"),
    ] {
        let outcome = Rucio::ours().args(words).run()?;
        expect(&outcome, 0)?;
        ensure!(outcome.stdout.contains(start), "{words:?}: {}", outcome.stdout);
        ensure!(outcome.stdout.ends_with('\n') && !outcome.stdout.ends_with("\n\n"), "{words:?}");
    }
    let outcome = Rucio::ours().args(["help", "nosuch"]).run()?;
    ensure!(outcome.code == 2 && outcome.stderr.contains("nosuch"), "{outcome:?}");
    Ok(())
}
