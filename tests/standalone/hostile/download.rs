//! A thousand hostile names in one listing, and good ones among them.

use std::collections::HashSet;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use super::ended;
use super::names::{by_hand, generated, good};
use super::site::{Catalogue, Site, content, dataset, found, lines, record};
use crate::fixtures::sandbox::Sandbox;
use crate::support::Outcome;

/// How many good files are among the others.
const GOOD: usize = 20;

/// Scopes that are no better than the names.
const SCOPES: [&str; 10] = ["s", "s", "t", "..", ".", "", "../outside", "/etc", "a/../../x", "s\n\x1b[2J"];

/// All hostile names with good ones in between, and two files of different scopes with the same name.
fn files(sandbox: &Sandbox) -> Vec<(String, String)> {
    let hostile: Vec<_> = by_hand(&sandbox.outside()).into_iter().chain(generated()).collect();
    let every = hostile.len() / GOOD;
    let mut files = Vec::new();
    for (number, name) in hostile.into_iter().enumerate() {
        if number % every == 0 && number / every < GOOD {
            files.push(("s".to_owned(), good(number / every)));
        }
        files.push((SCOPES[number % SCOPES.len()].to_owned(), name));
    }
    files.extend([("one", "same"), ("two", "same")].map(|(scope, name)| (scope.to_owned(), name.to_owned())));
    files
}

/// Runs a download of them all, with a summary and a list of failed files, both outside of the sandbox.
fn download(site: &Site, sandbox: &Sandbox, words: &[&str]) -> Result<Outcome> {
    let home = site.home().path();
    let (summary, failed) = (home.join("summary.json"), home.join("failed"));
    let reports =
        ["--summary", &summary.to_string_lossy(), "--failed-list", &failed.to_string_lossy()].map(str::to_owned);
    let rucio = site.client()?.folder(&sandbox.around());
    rucio.args(["download", "--dir", "target"]).args(reports).args(words).run()
}

/// The result of each file in the summary: the number of the file, and its path if it is present.
fn summary(site: &Site) -> Result<Vec<Value>> {
    let text = fs::read_to_string(site.home().path().join("summary.json"))?;
    let summary: Value = serde_json::from_str(&text)?;
    Ok(summary["files"].as_array().context("no files in the summary")?.clone())
}

/// The summary, the list and the disk agree; every file has the content that was listed by its name.
fn all_is_told(site: &Site, sandbox: &Sandbox, files: &[(String, String)]) -> Result<()> {
    let records = summary(site)?;
    ensure!(records.len() == files.len(), "{} of {} files are recorded", records.len(), files.len());
    let (mut here, mut missing) = (HashSet::new(), 0);
    for record in &records {
        let name = record["name"].as_str().context("no name")?;
        match record["state"].as_str() {
            Some("DONE" | "ALREADY_DONE") => {
                let path = sandbox.around().join(record["path"].as_str().context("no path")?);
                ensure!(path.file_name() == Path::new(name).file_name(), "{name:?} is at {}", path.display());
                let path = path.canonicalize()?;
                ensure!(path.starts_with(sandbox.target().canonicalize()?), "{name:?} is at {}", path.display());
                let text = fs::read_to_string(&path)?;
                let number: usize = text.trim().trim_start_matches("this is file ").parse()?;
                ensure!(text == content(number) && files[number].1 == name, "{name:?} holds {text:?}");
                here.insert(path);
            }
            _ => {
                ensure!(record["reason"].as_str().is_some_and(|reason| !reason.is_empty()), "no reason: {record}");
                missing += 1;
            }
        }
    }
    ensure!(here.len() + missing == files.len(), "{} here and {missing} missing of {}", here.len(), files.len());
    let found = sandbox.files()?;
    let found: HashSet<_> = found.iter().map(|path| path.canonicalize()).collect::<Result<_, _>>()?;
    ensure!(found == here, "not recorded: {:?}", found.symmetric_difference(&here));
    listed_safely(site, files, missing)
}

/// Each line of the list is one of the files that failed, or a remark.
fn listed_safely(site: &Site, files: &[(String, String)], missing: usize) -> Result<()> {
    let text = fs::read_to_string(site.home().path().join("failed"))?;
    ensure!(text.split('\n').count() == missing + 1, "{} lines for {missing} files", text.split('\n').count() - 1);
    for line in text.lines().filter(|line| !line.starts_with('#')) {
        let (did, _) = line.split_once('\t').unwrap_or((line, ""));
        let known = files.iter().any(|(scope, name)| did == format!("{scope}:{name}"));
        ensure!(known && !line.contains(|c: char| c.is_control() && c != '\t'), "{line:?} is none of the files");
    }
    Ok(())
}

fn good_ones_are_here(folder: &Path, files: &[(String, String)]) -> Result<()> {
    for number in 0..GOOD {
        let index = files.iter().position(|(_, name)| *name == good(number)).context("no such file")?;
        let path = folder.join(good(number));
        let text = fs::read_to_string(&path).with_context(|| format!("reading {}", path.display()))?;
        ensure!(text == content(index), "{} holds {text:?}", path.display());
    }
    Ok(())
}

/// Downloads all files, by these words, into this folder of the sandbox.
fn only_good_ones_come(sandbox: &Sandbox, words: &[&str], folder: &str) -> Result<Outcome> {
    let files = files(sandbox);
    let site = Site::of_files(&files)?;
    let outcome = download(&site, sandbox, words)?;
    ended(&outcome, 1)?;
    sandbox.is_untouched()?;
    good_ones_are_here(&sandbox.target().join(folder), &files)?;
    all_is_told(&site, sandbox, &files)?;
    Ok(outcome)
}

#[test]
fn hostile_names_in_a_dataset_are_left_out() -> Result<()> {
    for (words, folder) in [(vec!["s:set"], "set"), (vec!["s:set", "--no-subdir"], "")] {
        let outcome = only_good_ones_come(&Sandbox::new()?, &words, folder)?;
        let refused = outcome.stderr.matches("cannot be used as a path below the target folder").count();
        ensure!(refused > 300, "only {refused} names were refused");
        let both = outcome.stderr.matches("two:same and one:same would both be written to").count();
        ensure!(both == 1, "{}", outcome.stderr);
    }
    Ok(())
}

#[test]
fn hostile_links_in_the_target_folder_are_not_followed() -> Result<()> {
    for (words, folder) in [(vec!["s:set"], "set"), (vec!["s:set", "--no-subdir"], "")] {
        only_good_ones_come(&Sandbox::with_links()?, &words, folder)?;
    }
    Ok(())
}

/// Files found by a search are requested one by one: then the scope is the folder.
#[test]
fn hostile_scopes_do_not_lead_out_of_the_folder() -> Result<()> {
    let sandbox = Sandbox::with_links()?;
    let mut seen = HashSet::new();
    let files: Vec<_> = files(&sandbox).into_iter().filter(|file| seen.insert(file.clone())).collect();
    let rows = files.iter().map(|(scope, name)| found(scope, name, "FILE", 1)).collect();
    let listed = files.iter().enumerate().map(|(number, (scope, name))| record(number, scope, name)).collect();
    let site = Site::start(Catalogue { found: lines(rows), listed: lines(listed) }, |_| {})?;
    ended(&download(&site, &sandbox, &["s:*"])?, 1)?;
    sandbox.is_untouched()?;
    good_ones_are_here(&sandbox.target().join("s"), &files)
}

/// The name of a collection becomes a folder.
#[test]
fn hostile_names_of_collections_do_not_lead_out_of_the_folder() -> Result<()> {
    let sandbox = Sandbox::with_links()?;
    let names = by_hand(&sandbox.outside()).into_iter().chain(generated().into_iter().take(100));
    let mut seen = HashSet::new();
    let names: Vec<_> = names.chain(["fine".to_owned()]).filter(|name| seen.insert(name.clone())).collect();
    let kinds = ["DATASET", "CONTAINER"];
    let rows = names.iter().enumerate().map(|(number, name)| found("s", name, kinds[number % 2], 1)).collect();
    let site = Site::start(Catalogue { found: lines(rows), listed: lines(vec![record(0, "s", "inner.dat")]) }, |_| {})?;
    let outcome = download(&site, &sandbox, &["s:*"])?;
    ended(&outcome, 1)?;
    sandbox.is_untouched()?;
    ensure!(fs::read_to_string(sandbox.target().join("fine/inner.dat"))? == content(0));
    let files = sandbox.files()?;
    ensure!(files.iter().all(|path| path.ends_with("inner.dat")), "{files:?}");
    for path in files {
        ensure!(fs::read_to_string(&path)? == content(0), "{} is wrong", path.display());
    }
    Ok(())
}

/// During the download, the folders are replaced with links.
#[test]
fn hostile_links_created_meanwhile_are_not_followed() -> Result<()> {
    let sandbox = Sandbox::new()?;
    let files: Vec<_> =
        (0..60).map(|number| ("s".to_owned(), format!("part-{}/{}", number % 3, good(number)))).collect();
    let listed = files.iter().enumerate().map(|(number, (scope, name))| record(number, scope, name)).collect();
    let (target, outside) = (sandbox.target().join("set"), sandbox.outside());
    let turn = move |number: usize| {
        if number % 10 == 5 {
            let (folder, aside) =
                (target.join(format!("part-{}", number / 10 % 3)), target.join(format!("aside-{number}")));
            // It exists only if a file was received before; the next time it is a link.
            if !folder.is_symlink() && fs::rename(&folder, aside).is_ok() {
                let _ = std::os::unix::fs::symlink(&outside, folder);
            }
        }
    };
    let site = Site::start(Catalogue { found: dataset(files.len()), listed: lines(listed) }, turn)?;
    let outcome = download(&site, &sandbox, &["--ndownloader", "1", "s:set"])?;
    ended(&outcome, 1)?;
    sandbox.is_untouched()?;
    ensure!(outcome.stderr.contains("symbolic link"), "{}", outcome.stderr);
    let states: Vec<_> = summary(&site)?.iter().map(|record| record["state"].clone()).collect();
    ensure!(states.contains(&"DONE".into()) && states.contains(&"FAILED".into()), "{states:?}");
    Ok(())
}

/// What is not fetched is not written either: a dry run shows the same refusals and leaves no trace at all.
#[test]
fn hostile_names_in_a_dry_run_touch_nothing() -> Result<()> {
    let sandbox = Sandbox::with_links()?;
    let files = files(&sandbox);
    let site = Site::of_files(&files)?;
    let before = sandbox.files()?;
    let rucio = site.client()?.folder(&sandbox.around());
    let outcome = rucio.args(["download", "--dir", "target", "--dry-run", "s:set"]).run()?;
    ended(&outcome, 1)?;
    sandbox.is_untouched()?;
    ensure!(sandbox.files()? == before, "{:?}", sandbox.files()?);
    let lines = outcome.stdout.lines().filter(|line| line.starts_with("download ") || line.starts_with("cannot "));
    ensure!(lines.count() == files.len(), "{}", outcome.stdout);
    ensure!(!outcome.stdout.contains(|c: char| c.is_control() && c != '\n'), "the list may do harm");
    Ok(())
}

/// The files go to standard output, and nowhere else.
#[test]
fn hostile_names_in_cat_write_no_file() -> Result<()> {
    let sandbox = Sandbox::with_links()?;
    for name in ["../../x", "/dev/null", "..", "a\n\x1b[2J", &outside_of(&sandbox)] {
        let catalogue =
            Catalogue { found: lines(vec![found("s", name, "FILE", 1)]), listed: lines(vec![record(7, "s", name)]) };
        let site = Site::start(catalogue, |_| {})?;
        let outcome = site.client()?.folder(&sandbox.target()).args(["cat", &format!("s:{name}")]).run()?;
        ended(&outcome, 0)?;
        ensure!(outcome.stdout == content(7), "{name:?}: {outcome:?}");
        sandbox.is_untouched()?;
        ensure!(sandbox.files()?.is_empty(), "{:?}", sandbox.files()?);
    }
    Ok(())
}

fn outside_of(sandbox: &Sandbox) -> String {
    sandbox.outside().join("x").to_string_lossy().into_owned()
}

/// The target folder itself may be a link.
#[test]
fn hostile_target_behind_a_link_is_used_as_named() -> Result<()> {
    let sandbox = Sandbox::new()?;
    let files: Vec<_> = (0..GOOD).map(|number| ("s".to_owned(), good(number))).collect();
    let site = Site::of_files(&files)?;
    let link = site.home().path().join("link");
    std::os::unix::fs::symlink(sandbox.target(), &link)?;
    let rucio = site.client()?.folder(site.home().path());
    let outcome = rucio.args(["download", "--dir", "link/./deeper", "s:set"]).run()?;
    ended(&outcome, 0)?;
    sandbox.is_untouched()?;
    good_ones_are_here(&sandbox.target().join("deeper/set"), &files)
}
