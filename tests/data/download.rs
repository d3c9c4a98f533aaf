//! What `rucio download` can do besides: dry runs, lists, patterns, shares, and reports for other programs.

use std::collections::BTreeSet;
use std::fs;
use std::process::Stdio;

use anyhow::{Result, ensure};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

use super::expect;
use super::fixture::Fixture;
use crate::fixtures::grid::GridFiles;
use crate::fixtures::{shell_code, wait_for};
use crate::support::{Rucio, Testbed};

#[test]
fn dry_run_lists_everything_and_does_nothing() -> Result<()> {
    let fixture = Fixture::new()?;
    let words = ["download", "--dry-run", "--dir", "out", "--rses", "DAVS", "test:davsfile"];
    let dry = fixture.run(&words)?;
    expect(&dry, 0)?;
    ensure!(fixture.files()?.is_empty() && !fixture.path("out").exists(), "{:?}", fixture.files()?);
    ensure!(dry.stdout.lines().count() == 7, "{}", dry.stdout);
    ensure!(dry.stdout.contains("test:davsfile-0.dat from DAVS to out/davsfile/davsfile-0.dat\n"), "{}", dry.stdout);
    ensure!(dry.stdout.contains("\nWould download 6 file(s), "), "{}", dry.stdout);
    expect(&fixture.run(&["download", "--dir", "out", "test:davsfile-0.dat", "test:davsfile"])?, 0)?;
    fs::remove_file(fixture.path("out/davsfile/davsfile-1.dat"))?;
    let again = fixture.rucio()?.args(words).args(["-o", "json"]).run()?;
    let records: Vec<Value> = serde_json::from_str(&again.stdout)?;
    let there = records.iter().filter(|record| record["state"] == "there").count();
    let missing: Vec<_> = records.iter().filter(|record| record["state"] == "download").collect();
    ensure!(there == 5 && missing.len() == 1, "{}", again.stdout);
    let pfn = missing[0]["pfn"].as_str().unwrap_or_default();
    ensure!(missing[0]["name"] == "davsfile-1.dat" && pfn.ends_with("/davsfile-1.dat"), "{}", missing[0]);
    ensure!(!fixture.path("out/davsfile/davsfile-1.dat").exists());
    let gone = fixture.run(&["download", "--dry-run", "test:nosuch.dat", "test:s3.dat"])?;
    expect(&gone, 1)?;
    ensure!(gone.stdout.contains("test:nosuch.dat: no known replica\n"), "{}", gone.stdout);
    ensure!(fixture.run(&["get", "--dry-run", "test:davsfile"])?.code == 2);
    Ok(())
}

/// Files that are chosen by their names are listed by their names, the others by the collection's: both have the replicas that
/// the official client lists, and leave out what has none there.
#[test]
fn pattern_for_all_files_means_the_same_as_none() -> Result<()> {
    let fixture = Fixture::new()?;
    for collection in ["test:nested", "test:threeways", "test:container"] {
        let plan = |options: &[&str]| -> Result<(i32, BTreeSet<String>)> {
            let outcome =
                fixture.rucio()?.args(["download", "--dry-run", "-o", "tsv", collection]).args(options).run()?;
            Ok((outcome.code, outcome.stdout.lines().skip(1).map(str::to_owned).collect()))
        };
        for options in [&[][..], &["--rses", "DAVS"], &["--protocol", "https"], &["--allow-tape"]] {
            let by_names = [options, &["--include", "*"]].concat();
            ensure!(plan(options)? == plan(&by_names)?, "{collection} {options:?}");
        }
        for rses in [&[][..], &["--rses", "DAVS"]] {
            let official = Rucio::official("rucio")?.config("userpass")?;
            let official = official.args(["replica", "list", "file", "--pfns", collection]).args(rses).run()?;
            let listed: BTreeSet<_> = official.stdout.lines().filter_map(|pfn| pfn.rsplit('/').next()).collect();
            let (code, planned) = plan(rses)?;
            let planned: BTreeSet<_> = planned.iter().filter_map(|row| row.split('\t').nth(1)).collect();
            ensure!(!listed.is_empty() && code == 0, "{collection} {rses:?}: {code}, {official:?}");
            ensure!(planned == listed, "{collection} {rses:?}: {planned:?} {listed:?}");
        }
    }
    Ok(())
}

#[test]
fn shares_are_disjoint_and_complete() -> Result<()> {
    let fixture = Fixture::new()?;
    let names = |words: &[&str]| -> Result<Vec<String>> {
        let outcome = fixture.rucio()?.args(["download", "--dry-run", "-o", "name"]).args(words).run()?;
        expect(&outcome, 0)?;
        Ok(outcome.stdout.lines().map(str::to_owned).collect())
    };
    let all: BTreeSet<_> = names(&["bench:small"])?.into_iter().collect();
    let mut shared = Vec::new();
    for shard in ["1/3", "2/3", "3/3"] {
        let share = names(&["--shard", shard, "bench:small"])?;
        ensure!((500..850).contains(&share.len()), "{shard} has {}", share.len());
        shared.extend(share);
    }
    ensure!(all.len() == 2000);
    ensure!(shared.len() == 2000);
    ensure!(shared.into_iter().collect::<BTreeSet<_>>() == all);
    // Six files in a hundred shares: most have none, and that is no failure.
    let mut empty = 0;
    for shard in 1..=3 {
        let shard = format!("{shard}/100");
        let outcome = fixture.run(&["download", "--shard", &shard, "test:davsfile"])?;
        expect(&outcome, 0)?;
        empty += usize::from(outcome.stdout.contains("No files in this part."));
    }
    ensure!(empty > 0);
    // But where there is nothing at all, no share succeeds.
    for shard in ["1/2", "2/2"] {
        expect(&fixture.run(&["download", "--shard", shard, "test:nosuch"])?, 1)?;
    }
    Ok(())
}

#[test]
fn patterns_select_by_name() -> Result<()> {
    let fixture = Fixture::new()?;
    for (number, (words, expected)) in [
        (vec!["--include", "*-[01].dat"], vec!["davsfile-0.dat", "davsfile-1.dat"]),
        (vec!["--exclude", "*", "--include", "*-0.*"], vec!["davsfile-0.dat"]),
        (vec!["--include", "*", "--exclude", "*-[0-4]*"], vec!["davsfile-5.dat"]),
    ]
    .into_iter()
    .enumerate()
    {
        let dir = number.to_string();
        let outcome = fixture.rucio()?.args(["download", "--dir", &dir, "test:davsfile"]).args(&words).run()?;
        expect(&outcome, 0)?;
        let paths: Vec<_> = expected.iter().map(|name| format!("{dir}/davsfile/{name}")).collect();
        let here: Vec<_> = fixture.files()?.into_iter().filter(|path| path.starts_with(&format!("{dir}/"))).collect();
        ensure!(here == paths, "{words:?}: {here:?}");
        ensure!(outcome.stdout.contains(&format!("Downloaded files: {:29}\n", expected.len())), "{}", outcome.stdout);
    }
    let none = fixture.run(&["download", "--include", "*.rot", "test:davsfile"])?;
    expect(&none, 1)?;
    ensure!(none.stderr.contains("None of 6 file(s) matches --include and --exclude"), "{}", none.stderr);
    Ok(())
}

#[test]
fn failed_list_is_the_input_of_the_next_run() -> Result<()> {
    let fixture = Fixture::new()?;
    // The destination of a file is a folder.
    fs::create_dir_all(fixture.path("davsfile/davsfile-3.dat/in the way"))?;
    let reports = ["--summary", "summary.json", "--failed-list", "failed.txt"];
    let first = fixture.rucio()?.args(["download"]).args(reports).args(["test:davsfile", "test:hopeless.dat"]).run()?;
    expect(&first, 1)?;
    let failed: BTreeSet<_> = fixture.read("failed.txt")?.lines().map(str::to_owned).collect();
    ensure!(failed.iter().eq(["test:davsfile-3.dat\ttest:davsfile", "test:hopeless.dat"]), "{failed:?}");
    let summary: Value = serde_json::from_str(&fixture.read("summary.json")?)?;
    let files = summary["files"].as_array().map_or(&[][..], Vec::as_slice);
    let file = |name: &str| files.iter().find(|file| file["name"] == name).unwrap_or(&Value::Null);
    ensure!(files.len() == 7 && summary["downloaded_files"] == 5 && summary["complete"] == true, "{summary}");
    let good = file("davsfile-0.dat");
    ensure!(good["state"] == "DONE" && good["path"] == "./davsfile/davsfile-0.dat", "{good}");
    ensure!(good["bytes"].is_u64() && good["adler32"].is_string() && good["seconds"].is_f64(), "{good}");
    ensure!(good["pfn"].as_str().is_some_and(|pfn| pfn.contains("davsfile-0.dat")));
    ensure!(good["reason"].is_null());
    let bad = file("hopeless.dat");
    ensure!(bad["state"] == "FAILED" && bad["reason"].as_str().is_some_and(|why| why.contains("hecksum")), "{bad}");
    fs::remove_dir_all(fixture.path("davsfile/davsfile-3.dat"))?;
    fs::write(
        fixture.path("failed.txt"),
        format!("# again\n\n{}", fixture.read("failed.txt")?.replace("test:hopeless.dat", "")),
    )?;
    let second = fixture.rucio()?.args(["download", "--files-from", "failed.txt"]).args(reports).run()?;
    expect(&second, 0)?;
    ensure!(fixture.read("failed.txt")?.is_empty());
    ensure!(fixture.path("davsfile/davsfile-3.dat").is_file());
    let files: Vec<_> = fixture.files()?.into_iter().filter(|path| path.ends_with(".dat")).collect();
    ensure!(files.len() == 6 && files.iter().all(|path| path.starts_with("davsfile/")), "{files:?}");
    // And a third run has nothing to do.
    let third = fixture.rucio()?.args(["download", "--files-from", "failed.txt"]).args(reports).run()?;
    expect(&third, 0)?;
    ensure!(third.stderr.contains("The list of DIDs is empty"));
    ensure!(fixture.read("summary.json")?.contains(r#""total_files":0"#));
    Ok(())
}

#[test]
fn listing_of_many_dids_is_batched() -> Result<()> {
    let fixture = Fixture::new()?;
    let names: Vec<_> = (0..10).map(|number| format!("test:mixed-{number:02}.dat")).collect();
    let mut list: Vec<_> = names.iter().flat_map(|name| [name.clone(), format!("{name}\ttest:mixed")]).collect();
    list.push("test:nosuch.dat".to_owned());
    fs::write(fixture.path("list"), list.join("\n"))?;
    let words = ["download", "--dry-run", "--files-from", "list", "test:davsfile", "-o", "json"];
    let outcome = fixture.run(&words)?;
    expect(&outcome, 1)?;
    let records: Vec<Value> = serde_json::from_str(&outcome.stdout)?;
    let paths: BTreeSet<_> = records.iter().filter_map(|record| record["path"].as_str()).collect();
    ensure!(records.len() == 27 && paths.len() == 26, "{} {paths:?}", records.len());
    ensure!(paths.contains("./mixed/mixed-03.dat") && paths.contains("./test/mixed-03.dat"), "{paths:?}");
    let copies = records.iter().filter(|record| record["state"] == "copy").count();
    ensure!(copies == 10, "{copies}");
    Ok(())
}

#[test]
fn reports_are_complete_after_ctrl_c() -> Result<()> {
    for files in GridFiles::everywhere()? {
        let (fixture, did) = (Fixture::new()?, files.large.did());
        let words = ["--summary", "summary.json", "--failed-list", "failed.txt", "--dir", "data", "--limit-rate", "5M"];
        let mut command = fixture.command(&["download", &did])?;
        let mut child = command.args(words).stdout(Stdio::null()).stderr(Stdio::null()).spawn()?;
        let is_there = || fixture.files().map(|all| all.iter().any(|path| path.starts_with("data/")));
        wait_for("the first bytes", || Ok(is_there()?.then_some(())))?;
        kill_process(Pid::from_child(&child), Signal::INT)?;
        let code = shell_code(child.wait()?);
        let summary: Value = serde_json::from_str(&fixture.read("summary.json")?)?;
        ensure!(code == 130 && summary["complete"] == false, "{code} {summary}");
        let file = &summary["files"][0];
        ensure!(file["state"] == "INTERRUPTED" && file["rse"] == files.rse, "{summary}");
        ensure!(fixture.read("failed.txt")? == format!("{did}\n"), "{}", fixture.read("failed.txt")?);
    }
    Ok(())
}

#[test]
fn selection_and_dry_run_work_for_metalinks_and_pfns() -> Result<()> {
    let fixture = Fixture::new()?;
    let metalink = fixture.run(&["replica", "list", "file", "--metalink", "--rses", "DAVS", "test:davsfile"])?;
    fs::write(fixture.path("set.meta4"), &metalink.stdout)?;
    let dry = fixture.run(&["download", "--dry-run", "--metalink", "set.meta4", "--exclude", "*-[1-5].dat"])?;
    expect(&dry, 0)?;
    ensure!(dry.stdout.contains("test:davsfile-0.dat from DAVS to ./test/davsfile-0.dat\n"), "{}", dry.stdout);
    ensure!(dry.stdout.ends_with("0 not available. 5 file(s) not selected.\n"), "{}", dry.stdout);
    let pfn = format!("{}/davs/data/nosuch", Testbed::get()?.value("DAVS")?);
    let words = ["download", "--rses", "DAVS", "--pfn", pfn.as_str(), "test:davsfile-0.dat"];
    let dry = fixture.rucio()?.args(words).args(["--dry-run", "-o", "jsonl"]).run()?;
    expect(&dry, 0)?;
    let record: Value = serde_json::from_str(&dry.stdout)?;
    ensure!(record["pfn"] == pfn.as_str() && record["bytes"] == 1000, "{record}");
    let failed = fixture.rucio()?.args(words).args(["--failed-list", "failed.txt"]).run()?;
    expect(&failed, 1)?;
    ensure!(fixture.read("failed.txt")? == "test:davsfile-0.dat\n");
    Ok(())
}
