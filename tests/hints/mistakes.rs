//! Mistakes in names: what was meant is looked up for a person at the terminal, and only for one.

use anyhow::{Result, ensure};

use super::{at_terminal, commands, typed};
use crate::fixtures::Home;
use crate::support::Testbed;

/// Runs a command as jdoe at a terminal. Returns its exit code and its screen.
fn run(home: &Home, words: &[&str]) -> Result<(i32, String)> {
    let config = Testbed::get()?.config("userpass")?.display().to_string();
    ensure!(home.ours().config("userpass")?.args(["whoami"]).run()?.code == 0, "no login");
    at_terminal(home, &config, words)
}

#[test]
fn mistyped_rse_is_named_with_those_that_are_near() -> Result<()> {
    let home = Home::new()?;
    let (code, screen) = run(&home, &["rse", "show", "XRD"])?;
    ensure!(code == 1 && screen.contains("No RSE matches 'XRD'. Did you mean XRD1 or XRD2"), "{screen}");
    let hints = commands(&screen)?;
    ensure!(hints == ["rucio rse list"], "{screen}");
    let config = Testbed::get()?.config("userpass")?.display().to_string();
    ensure!(typed(&home, &config, &hints[0])?.stdout.contains("XRD1"));
    let (_, screen) = run(&home, &["download", "--rses", "NOSUCH", "test:davsfile"])?;
    ensure!(screen.contains("No RSE matches 'NOSUCH'."), "{screen}");
    Ok(())
}

#[test]
fn mistyped_scope_and_account_are_named_with_those_that_are_near() -> Result<()> {
    let home = Home::new()?;
    let (code, screen) = run(&home, &["did", "list", "tset:*"])?;
    ensure!(code == 1 && screen.contains("There is no scope 'tset'. Did you mean test"), "{screen}");
    let (code, screen) = run(&home, &["account", "show", "jode"])?;
    ensure!(code == 1 && screen.contains("There is no account 'jode'. Did you mean jdoe"), "{screen}");
    Ok(())
}

#[test]
fn did_without_a_scope_is_proposed_with_those_that_have_it() -> Result<()> {
    let home = Home::new()?;
    for words in [&["did", "show", "davsfile"][..], &["download", "davsfile"]] {
        let (code, screen) = run(&home, words)?;
        ensure!(code == 1 && screen.contains("A DID is SCOPE:NAME;"), "{words:?}: {screen}");
        ensure!(screen.contains("Did you mean test:davsfile?"), "{words:?}: {screen}");
    }
    let (code, screen) = run(&home, &["did", "list", "test"])?;
    ensure!(code == 0 && screen.contains("hint: A DID is SCOPE:NAME."), "{screen}");
    Ok(())
}

#[test]
fn list_without_collections_names_the_files() -> Result<()> {
    let home = Home::new()?;
    let (code, screen) = run(&home, &["did", "list", "test:mixed-0*"])?;
    ensure!(code == 0 && screen.contains("hint: No dataset or container matches, but 10 files do"), "{screen}");
    let (_, screen) = run(&home, &["did", "list", "--filter", "type=all", "test:mixed-0*"])?;
    ensure!(screen.contains("test:mixed-03.dat") && !screen.contains("hint: "), "{screen}");
    Ok(())
}

#[test]
fn rule_that_exists_already_is_named() -> Result<()> {
    let home = Home::new()?;
    let add = ["rule", "add", "test:davsfile", "--copies", "1", "--rses", "POSIX"];
    let refused = home.ours().config("userpass")?.args(add).run()?;
    ensure!(refused.code == 1, "{refused:?}");
    let hints = commands(&refused.stderr)?;
    let show = hints.iter().find(|command| command.starts_with("rucio rule show ")).cloned().unwrap_or_default();
    let config = Testbed::get()?.config("userpass")?.display().to_string();
    let shown = typed(&home, &config, &show)?;
    ensure!(shown.code == 0 && shown.stdout.contains("davsfile"), "{refused:?} {shown:?}");
    Ok(())
}

/// In a pipe there are no more requests than officially, but the value is named.
#[test]
fn mistakes_in_a_pipe_are_named_without_proposals() -> Result<()> {
    let home = Home::new()?;
    let refused = home.ours().config("userpass")?.args(["rse", "show", "XRD"]).run()?;
    ensure!(refused.stderr.contains("No RSE matches 'XRD'. To list them: `rucio rse list`."), "{refused:?}");
    let listed = home.ours().config("userpass")?.args(["did", "list", "test"]).run()?;
    ensure!(listed.code == 0 && listed.stderr.is_empty(), "{listed:?}");
    Ok(())
}

/// The DID exists; a replica at these RSEs does not.
#[test]
fn did_without_a_replica_at_the_rses_is_not_reported_as_missing() -> Result<()> {
    let home = Home::new()?;
    let run = |words: &[&str]| home.ours().config("userpass")?.folder(home.path()).args(words).run();
    let refused = run(&["download", "--rses", "SSH", "test:mixed"])?;
    ensure!(refused.code == 1, "{refused:?}");
    ensure!(refused.stderr.contains("test:mixed: no replica matches --rses SSH"), "{refused:?}");
    ensure!(!refused.stderr.contains("does not exist"), "{refused:?}");
    let missing = run(&["download", "test:no-such-file"])?;
    ensure!(missing.stderr.contains("DID does not exist: test:no-such-file"), "{missing:?}");
    Ok(())
}
