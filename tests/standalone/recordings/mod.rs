//! The recordings in docs/ are what they claim to be, and show nothing of the machine on which they were recorded.

use std::fs;

use anyhow::{Context, Result, ensure};
use regex::Regex;
use serde_json::Value;

use crate::support::project;

/// What every recording must show, by its name.
const SHOWN: [(&str, &[&str]); 9] = [
    (
        "download",
        &[
            r"\$ rucio download .*test:mixed",
            // A file that has ended, a bar of one that is active, and the total.
            r"ok   test:mixed-0\d\.dat +[\d.]+ [kM]B  DAVS +[\d.]+s +[\d.]+ [kM]B/s\n",
            r"test:mixed-0\d\.dat  DAVS  █+░+ +\d+% +[\d.]+/[\d.]+ MB +[\d.]+ [kM]B/s +\d+s\n",
            r"\d of 10 files  ━+─+  [\d.]+/92\.2 MB  [\d.]+ MB/s  \d+s left",
            r"Downloaded 10 files, 92\.2 MB in [\d.]+s \([\d.]+ MB/s\)",
        ],
    ),
    (
        "resume",
        &[
            r"test:mixed-09\.dat  DAVS  █+░+ +4\d%",
            "Killed",
            // The bytes of the second run only.
            r"Downloaded 1 file, [123]\d\.\d MB in",
        ],
    ),
    ("failed", &[r"FAIL test:gone\.dat", r"1 of 3 files failed:\n  test:gone\.dat  DAVS: ", "Retry: rucio download "]),
    ("interrupted", &[r"Interrupted: \d of 10 files done, .* partly \([\d.]+ MB kept\)", "Resume: rucio download "]),
    ("upload", &["  upload +█", r"ok   user\.jdoe:analysis\.\w+\.root", r"Uploaded 1 file, 104\.9 MB in"]),
    ("doctor", &["All checks passed", "Login +failed ", "\n +fix: ", "error: 1 check failed"]),
    ("session", &[r"account    : jdoe\n", r"state      : valid \(verified with the server\)"]),
    ("rules", &[r"RSE_EXPRESSION +DAVS_SCRATCHDISK\n", r"\n[0-9a-f]{8} .* DAVS_SCRATCHDISK ", "Not shown: CREATED"]),
    ("status", &[r"Session  .* left \(until ", r"Rules +1 OK \(", r"RSE +USED +LIMIT +LEFT\n"]),
];

/// Paths, people, tokens and addresses of the machine on which it was recorded.
const PRIVATE: &str =
    r"/tmp/|/home/|/root|/work|/var/|eyJ[A-Za-z0-9]|@[a-z]|-----BEGIN|\w+-\w+-\w+-[0-9a-f]{32}|(?:\d{1,3}\.){3}\d{1,3}";

/// Header and events of a recording.
fn read(name: &str) -> Result<(Value, Vec<(f64, String)>)> {
    let path = project().join("docs/recordings").join(format!("{name}.cast"));
    let text = fs::read_to_string(&path).with_context(|| path.display().to_string())?;
    let (header, events) = text.split_once('\n').context("no event")?;
    let events = events.lines().map(|line| {
        let (time, kind, text): (f64, String, String) = serde_json::from_str(line).context(line.to_owned())?;
        ensure!(kind == "o", "{line}");
        Ok((time, text))
    });
    Ok((serde_json::from_str(header)?, events.collect::<Result<_>>()?))
}

#[test]
fn recordings_are_short_and_show_what_they_should() -> Result<()> {
    let controls = Regex::new(r"\x1b\[[?0-9;]*[A-Za-z]|\r")?;
    for (name, patterns) in SHOWN {
        let (header, events) = read(name)?;
        ensure!(header["version"] == 2 && header["width"] == 100 && header["height"] == 24, "{name}: {header}");
        ensure!(events.windows(2).all(|pair| pair[0].0 <= pair[1].0), "{name}: times go back");
        ensure!(events.last().is_some_and(|(time, _)| *time < 25.0), "{name} is too long");
        let text: String = events.into_iter().map(|(_, text)| text).collect();
        let mut rest = &*controls.replace_all(&text, "");
        for pattern in patterns {
            let found = Regex::new(pattern)?.find(rest).with_context(|| format!("{name} does not show {pattern}"))?;
            rest = &rest[found.start()..];
        }
    }
    Ok(())
}

#[test]
fn recordings_show_nothing_of_the_machine() -> Result<()> {
    let private = Regex::new(PRIVATE)?;
    for file in fs::read_dir(project().join("docs/recordings"))? {
        let path = file?.path();
        if path.extension().is_some_and(|extension| extension == "cast" || extension == "txt") {
            let text = fs::read_to_string(&path)?;
            let found = private.find(&text).map(|found| found.as_str());
            ensure!(found.is_none(), "{} shows {}", path.display(), found.unwrap_or_default());
        }
    }
    Ok(())
}

/// What README.md shows of a download is part of the recording.
#[test]
fn recordings_agree_with_the_readme() -> Result<()> {
    let readme = fs::read_to_string(project().join("README.md"))?;
    let still = fs::read_to_string(project().join("docs/recordings/download.txt"))?;
    let bars = |text: &str| text.lines().filter(|line| line.contains("B/s ")).map(str::to_owned).collect::<Vec<_>>();
    ensure!(bars(&still).len() > 2 && bars(&readme) == bars(&still), "renew it: {:?}", bars(&still));
    Ok(())
}
