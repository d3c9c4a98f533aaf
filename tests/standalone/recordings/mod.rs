//! The recordings in docs/ are what they claim to be, and show nothing of the machine on which they were recorded.

use std::fs;

use anyhow::{Context, Result, ensure};
use regex::Regex;
use serde_json::Value;

use crate::support::project;

/// What every recording must show, by its name.
const SHOWN: [(&str, &[&str]); 2] = [
    (
        "download",
        &[
            r"\$ rucio download .*test:mixed",
            // A bar of a file with its rate, and that of the whole with what is left, one below the other.
            r"  \[=+> +\] +\d+% +[\d.]+ [kM]B/s test:mixed-0\d\.dat +\d/10 files \[=+> +\] [\d.]+ MB/92\.16 MB [\d.]+ MB/s \d+s",
            // Several at a time.
            r"(% +[\d.]+ [kM]B/s test:mixed-0\d\.dat +\[=*>? *\] +\d+){3}",
            r"Downloaded files: +10",
        ],
    ),
    (
        "resume",
        &[
            r"  \[=+> +\] +\d+% +[\d.]+ MB/s test:mixed-09\.dat",
            "Killed",
            r"Resuming an earlier download, [\d.]+ MB already present: test:mixed-09\.dat",
            r"Downloaded files: +1\b",
        ],
    ),
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
        ensure!(events.last().is_some_and(|(time, _)| *time < 15.0), "{name} is too long");
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
