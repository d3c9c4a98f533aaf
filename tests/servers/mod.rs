//! What this client does with a server of any Rucio release: `tests/run --server VERSION` runs these tests, and others that
//! fit, against one. docs/servers.md has the results.

use std::fs;
use std::path::PathBuf;

use anyhow::{Context, Result, ensure};

use crate::fixtures::{Home, wait_for};
use crate::support::{Outcome, Rucio, Testbed, unique};

/// A folder to work in.
struct Desk {
    home: Home,
    folder: PathBuf,
}

impl Desk {
    fn new() -> Result<Self> {
        let home = Home::new()?;
        let folder = home.path().join("desk");
        fs::create_dir(&folder)?;
        Ok(Self { home, folder })
    }

    fn rucio(&self, config: &str) -> Result<Rucio> {
        Ok(self.home.ours().config(config)?.folder(&self.folder))
    }

    /// Runs a command line, which must succeed.
    fn run(&self, config: &str, words: &str) -> Result<Outcome> {
        let outcome = self.rucio(config)?.args(words.split(' ')).run()?;
        ensure!(outcome.code == 0, "{words}: {}\n{}\n{}", outcome.code, outcome.stdout, outcome.stderr);
        Ok(outcome)
    }

    /// Runs a command line as jdoe; its output must contain these lines.
    fn shows(&self, config: &str, words: &str, lines: &[&str]) -> Result<()> {
        let outcome = self.run(config, words)?;
        for line in lines {
            ensure!(outcome.stdout.contains(line), "{words}: no {line:?} in\n{}", outcome.stdout);
        }
        Ok(())
    }
}

/// The Rucio release of the server: 41 for 41.5.1.
fn release() -> Result<u32> {
    let version = version()?;
    version.split('.').next().and_then(|number| number.parse().ok()).context(version)
}

fn version() -> Result<&'static str> {
    Ok(Testbed::get()?.server_version())
}

#[test]
fn any_server_shows_what_it_has() -> Result<()> {
    let desk = Desk::new()?;
    ensure!(desk.run("userpass", "ping")?.stdout.trim() == version()?);
    for (words, lines) in [
        ("whoami", &["account    : jdoe"][..]),
        ("scope list", &["mock", "test", "user.jdoe"]),
        ("list-scopes", &["mock", "test", "user.jdoe"]),
        ("did list test:*", &["test:mixed", "test:container"]),
        ("did show test:mixed", &["DATASET"]),
        ("did content list --short test:container", &["test:mixed", "test:xrd"]),
        ("list-files --csv test:davsfile", &["test:davsfile-0.dat", "test:davsfile-5.dat"]),
        ("did metadata list test:mixed-00.dat", &["bytes:"]),
        ("replica list file --pfns --rses POSIX test:davsfile", &["davsfile-0.dat", "davsfile-5.dat"]),
        ("replica list dataset test:mixed", &["DAVS"]),
        ("rse list", &["DAVS", "POSIX"]),
        ("rse show POSIX", &["scheme: file"]),
        ("rule list --did test:multi", &["test:multi"]),
        ("account limit list jdoe", &["POSIX", "tier=1"]),
        ("account identity list jdoe", &["CN=John Doe,O=Testbed"]),
        ("subscription list", &["testdata"]),
    ] {
        desk.shows("userpass", words, lines)?;
    }
    desk.shows("root", "config list --section testbed-more", &["help@testbed.local"])
}

#[test]
fn any_server_takes_changes() -> Result<()> {
    let (desk, name) = (Desk::new()?, unique("any"));
    desk.run("root", "account limit set prod --rse SSH --bytes 5000000000")?;
    desk.shows("root", "account limit list prod --rse SSH", &["5.000 GB"])?;
    desk.run("root", "account limit unset prod --rse SSH")?;
    desk.run("root", "account limit set prod --rse SSH --bytes -1")?;
    desk.run("root", &format!("account limit set prod --rse country={name} --locality global --bytes 7"))?;
    desk.run("root", &format!("account limit unset prod --rse country={name} --locality global"))?;
    let dataset = format!("user.jdoe:{name}");
    desk.run("userpass", &format!("did add --type dataset {dataset}"))?;
    desk.run("userpass", &format!("did content add --to-did {dataset} user.jdoe:hello.txt"))?;
    desk.run("userpass", &format!("did metadata add {dataset} --key project --value {name}"))?;
    desk.shows("userpass", &format!("did metadata list {dataset}"), &[&name])?;
    let rule = desk.run("userpass", &format!("rule add {dataset} --copies 1 --rses DAVS_SCRATCHDISK"))?;
    let id = rule.stdout.lines().last().context("no rule")?.trim().to_owned();
    desk.shows("userpass", &format!("rule list --did {dataset}"), &[&id])?;
    desk.run("root", &format!("rule remove {id}"))?;
    desk.run("root", &format!("rse attribute add SSH --key {name} --value 1"))?;
    desk.run("root", &format!("rse attribute remove SSH --attribute {name}"))?;
    Ok(())
}

#[test]
fn any_server_moves_files_and_traces() -> Result<()> {
    let (desk, name) = (Desk::new()?, unique("any"));
    fs::write(desk.folder.join(&name), name.as_bytes())?;
    let upload = format!("upload --rse POSIX_SCRATCHDISK --scope user.jdoe --register-after-upload {name}");
    desk.run("userpass", &upload)?;
    desk.run("userpass", &format!("download --dir back --no-subdir user.jdoe:{name}"))?;
    ensure!(fs::read(desk.folder.join("back").join(&name))? == name.as_bytes());
    desk.run("userpass", &format!("download --trace-appid {name} --rses POSIX --dir here test:davsfile"))?;
    desk.run("userpass", "verify --dir here test:davsfile")?;
    let log = PathBuf::from(Testbed::get()?.value("LOGS")?).join("traces.jsonl");
    wait_for("a trace of each of the six files", || {
        let traces = fs::read_to_string(&log)?;
        let own = traces.lines().filter(|line| line.contains(&name) && line.contains("davsfile-")).count();
        Ok((own == 6).then_some(()))
    })
}

/// Runs a command that servers have only since this release. Where they lack it, the error names both versions.
fn works_since(since: u32, words: &str, lines: &[&str]) -> Result<()> {
    let desk = Desk::new()?;
    if release()? >= since {
        return desk.shows("userpass", words, lines);
    }
    let outcome = desk.rucio("userpass")?.args(words.split(' ')).run()?;
    let hint = format!("The server runs Rucio {}; this needs Rucio {since} or newer.", version()?);
    ensure!(outcome.code == 1 && outcome.stderr.contains(&hint), "{outcome:?}");
    Ok(())
}

#[test]
fn any_server_takes_names_with_slashes_since_38() -> Result<()> {
    let (desk, name) = (Desk::new()?, unique("any"));
    let words = format!("did add --type dataset user.jdoe:{name}/part");
    let outcome = desk.rucio("userpass")?.args(words.split(' ')).run()?;
    ensure!((outcome.code == 0) == (release()? >= 38), "{outcome:?}");
    Ok(())
}

#[test]
fn any_server_without_open_data_is_named() -> Result<()> {
    works_since(38, "opendata did list", &["mock"])
}

/// The call of servers before 39 fails in 36.5.0 and 38.6.4 for every account.
#[test]
fn any_server_without_accounts_of_identities_is_named() -> Result<()> {
    works_since(39, "whoami --linked-identities", &["jdoe (USERPASS)", "CN=John Doe,O=Testbed (X509)"])
}
