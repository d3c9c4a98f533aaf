//! The scripts of `examples/` do what they say, on the testbed.

use std::collections::BTreeSet;
use std::fs;

use anyhow::{Context, Result, ensure};

use crate::fixtures::Home;
use crate::support::{Outcome, Rucio, Testbed, project, unique};

/// A shell with our program in its path, jdoe's configuration and a home of its own.
fn bash(home: &Home) -> Result<Rucio> {
    let bin = home.path().join("bin");
    if !bin.exists() {
        fs::create_dir(&bin)?;
        let ours = Rucio::path();
        std::os::unix::fs::symlink(ours, bin.join("rucio"))?;
    }
    let path = format!("{}:/usr/bin:/bin", bin.display());
    let shell = Rucio::program("/bin/bash").config("userpass")?.home(home.path()).folder(home.path());
    Ok(shell.env("PATH", &path).env("INTERVAL", "0.1"))
}

fn script(name: &str) -> String {
    project().join("examples").join(name).to_string_lossy().into_owned()
}

fn run(home: &Home, name: &str, arguments: &[&str]) -> Result<Outcome> {
    bash(home)?.args([script(name).as_str()]).args(arguments).run()
}

/// The lines of a CI file between `# begin` and `# end`.
fn marked(name: &str) -> Result<String> {
    let text = fs::read_to_string(script(name))?;
    let lines = text.lines().skip_while(|line| line.trim() != "# begin").skip(1);
    let lines: Vec<_> = lines.take_while(|line| line.trim() != "# end").map(str::trim_start).collect();
    ensure!(!lines.is_empty(), "{name} has no marked lines");
    Ok(lines.join("\n"))
}

fn names(folder: &std::path::Path) -> Result<BTreeSet<String>> {
    let entries = fs::read_dir(folder).with_context(|| folder.display().to_string())?;
    entries.map(|entry| Ok(entry?.file_name().to_string_lossy().into_owned())).collect()
}

#[test]
fn example_waits_until_a_dataset_is_available() -> Result<()> {
    let (home, name) = (Home::new()?, unique("example"));
    let did = format!("user.jdoe:{name}");
    for line in [vec!["add-dataset", &did], vec!["attach", &did, "user.jdoe:hello.txt"]] {
        let outcome = home.ours().config("userpass")?.args(line).run()?;
        ensure!(outcome.code == 0, "{outcome:?}");
    }
    let there = run(&home, "make-available.sh", &[&did, "DAVS_SCRATCHDISK"])?;
    ensure!(there.code == 0 && there.stdout.ends_with(" OK[1/0/0]\n"), "{there:?}");
    let again = run(&home, "make-available.sh", &[&did, "DAVS_SCRATCHDISK"])?;
    ensure!(again.stdout == there.stdout, "another rule: {again:?}");
    let never = run(&home, "make-available.sh", &[&did, "XRD_SCRATCHDISK", "0"])?;
    ensure!(never.code == 124 && never.stdout.ends_with(" REPLICATING[0/1/0]\n"), "{never:?}");
    Ok(())
}

#[test]
fn example_job_array_processes_each_file_once_in_a_shared_directory() -> Result<()> {
    let (home, mut processed) = (Home::new()?, Vec::new());
    for job in ["0", "1", "2"] {
        let outcome = run(&home, "job-array.sh", &["test:davsfile", job, "3"])?;
        ensure!(outcome.code == 0, "{outcome:?}");
        let files = outcome.stdout.lines().map(|line| line.trim_start_matches("work on data/").to_owned());
        processed.extend(files);
    }
    processed.sort();
    let all = Rucio::ours().config("userpass")?.args(["list-files", "test:davsfile", "-o", "name"]).run()?;
    let mut all: Vec<_> = all.stdout.lines().filter_map(|did| did.split_once(':')).map(|(_, name)| name).collect();
    all.sort_unstable();
    ensure!(!all.is_empty() && processed == all, "{processed:?} of {all:?}");
    let there = names(&home.path().join("data"))?;
    ensure!(there.iter().map(String::as_str).eq(all), "{there:?}");
    Ok(())
}

#[test]
fn example_nightly_job_fetches_new_files_and_reports_an_expired_proxy() -> Result<()> {
    let home = Home::new()?;
    let folder = home.path().join("results");
    fs::create_dir(&folder)?;
    let job = |proxy: &str| -> Result<Outcome> {
        let proxy = Home::certificate(proxy)?.to_string_lossy().into_owned();
        let folder = folder.to_string_lossy().into_owned();
        let shell = bash(&home)?.env("X509_USER_PROXY", &proxy);
        shell.args([script("cron-proxy.sh").as_str(), "test:davsfile", &folder]).run()
    };
    for _ in 0..2 {
        let outcome = job("jdoe.proxy.pem")?;
        ensure!(outcome.code == 0 && outcome.stdout.is_empty() && !outcome.stderr.contains("ERROR"), "{outcome:?}");
    }
    ensure!(names(&folder.join("davsfile"))?.len() == 6, "{:?}", names(&folder)?);
    let ended = job("jdoe.expired-proxy.pem")?;
    ensure!(ended.code == 1 && ended.stderr.contains("has expired: make a new one"), "{ended:?}");
    Ok(())
}

#[test]
fn example_report_reads_records_with_jq() -> Result<()> {
    let outcome = run(&Home::new()?, "report.sh", &["test", "jdoe"])?;
    ensure!(outcome.code == 0, "{outcome:?}");
    for line in ["\nch: CATALOG, ", "\ndavsfile\t6\t", "test:xrd\t"] {
        ensure!(outcome.stdout.contains(line), "no {line:?} in {}", outcome.stdout);
    }
    Ok(())
}

#[test]
fn example_jobs_of_both_ci_systems_run() -> Result<()> {
    ensure!(Testbed::get()?.value("URL")?.starts_with("https://"), "no testbed");
    for file in ["gitlab-ci.yml", "github-actions.yml"] {
        let home = Home::new()?;
        let shell = bash(&home)?.env("RUCIO_USER", "jdoe").env("RUCIO_PASSWORD", "secret").env("DID", "test:davsfile");
        let outcome = shell.args(["-e", "-c", &marked(file)?]).run()?;
        ensure!(outcome.code == 0, "{file}: {outcome:?}");
        ensure!(names(&home.path().join("data"))?.len() == 6, "{file}");
    }
    Ok(())
}
