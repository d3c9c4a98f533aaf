//! What stands on a terminal after a command, in three sizes, compared with the snapshots beside this file.
//!
//! `RUCIO_BLESS=1 cargo test --test main screens` writes them again. Names, times and rates that differ from run to run are
//! masked.

use std::cell::Cell;
use std::fs;
use std::path::PathBuf;

use anyhow::{Result, ensure};
use regex::Regex;

use crate::fixtures::{Home, Tmux};
use crate::support::{Testbed, project, unified, var};

/// Columns and lines of the terminals.
const SIZES: [(u16, u16); 3] = [(80, 24), (200, 50), (40, 10)];
/// A terminal of jdoe, with the testbed's configuration and proxy.
struct Screen {
    // Ends before its home is removed.
    tmux: Tmux,
    home: Home,
    columns: u16,
    lines: u16,
    /// Number of commands so far.
    runs: Cell<u32>,
}

impl Screen {
    fn new((columns, lines): (u16, u16)) -> Result<Self> {
        let home = Home::new()?;
        let config = Testbed::get()?.config("userpass")?.to_string_lossy().into_owned();
        let proxy = Home::certificate("jdoe.proxy.pem")?.to_string_lossy().into_owned();
        let variables = [("RUCIO_CONFIG", config.as_str()), ("X509_USER_PROXY", proxy.as_str())];
        let tmux = Tmux::start(&home, &variables, "bash --norc")?;
        tmux.resize(columns, lines)?;
        let screen = Self { tmux, home, columns, lines, runs: Cell::new(0) };
        screen.start("PS1='$ '; cd; rucio whoami")?;
        screen.wait_for_end()?;
        Ok(screen)
    }

    fn enter(&self, line: &str) -> Result<()> {
        self.tmux.type_text(line)?;
        self.tmux.press("Enter")
    }

    /// Waits until the pattern is on the screen. Returns the screen.
    fn wait(&self, pattern: &str) -> Result<String> {
        let pattern = Regex::new(pattern)?;
        self.tmux.wait_until(pattern.as_str(), |screen| pattern.is_match(screen))
    }

    /// Starts a command on an empty screen, which shows only its output and its exit code.
    fn start(&self, command: &str) -> Result<()> {
        self.runs.set(self.runs.get() + 1);
        self.enter(&format!("clear; {command}; echo code $? of {}", self.runs.get()))
    }

    /// Waits for the exit code of the command. Returns the screen.
    fn wait_for_end(&self) -> Result<String> {
        self.wait(&format!(r"(?m)^code \d+ of {}$", self.runs.get()))
    }

    /// Compares the screen with a snapshot. Nothing may be wrapped by the terminal: it would break words.
    fn compare(&self, name: &str, screen: &str) -> Result<()> {
        let widest = screen.lines().map(|line| line.chars().count()).max().unwrap_or(0);
        ensure!(widest <= usize::from(self.columns), "{name}: {widest} columns\n{screen}");
        let shown = masked(screen)?;
        let path = snapshot(&format!("{name}.{}x{}", self.columns, self.lines));
        if var("RUCIO_BLESS").is_some() {
            return Ok(fs::write(path, shown)?);
        }
        let expected = fs::read_to_string(&path)?;
        ensure!(shown == expected, "{}:\n{}", path.display(), unified(&expected, &shown));
        Ok(())
    }

    /// Fails if the terminal has wrapped a line of the screen.
    fn has_whole_lines(&self, name: &str) -> Result<()> {
        let wrapped = self.tmux.wrapped_lines()?;
        ensure!(wrapped.is_empty(), "{name} in {} columns: {wrapped:#?}", self.columns);
        Ok(())
    }
}

fn snapshot(name: &str) -> PathBuf {
    project().join("tests/screens/snapshots").join(format!("{name}.txt"))
}

/// Masks what differs from run to run, and the blanks that align it.
fn masked(screen: &str) -> Result<String> {
    let rules = [
        // The prompt behind the end.
        (r"(?s)(code \d+) of \d+\n.*\z", "$1"),
        // The error message belongs to all commands.
        (r"(?s)\n(20\d\d-[^\n]*ERROR|error:).*\n(code \d)", "\n$2"),
        (r"(?m)^((?:Interrupted:|Downloaded|Uploaded) .*)\n  (\S.*)$", "$1 $2"),
        (r"(?m)^((?:Interrupted:|Downloaded|Uploaded) .*)\n  (\S.*)$", "$1 $2"),
        (r"screens\.[0-9a-f]{8}", "screens.UNIQUE"),
        (r"█*░+|█+|━*─+|━+", "BAR"),
        (r"[\d.]+ [kMG]?B/s", "RATE"),
        (r"[\d.]+/([\d.]+ [kMG]?B)\b", "SIZE/$1"),
        (r"\b\d+%", "N%"),
        (r"\b\d+m\d+s\b|\b[\d.]+s\b", "TIME"),
        (r"\([\d.]+ [kM]B kept\)", "(SIZE kept)"),
        (r", [\d.]+ [kMG]?B in", ", SIZE in"),
        (r"(?m) +$", ""),
        (r" {2,}(RATE|SIZE|N%|TIME|BAR)", "  $1"),
        (r"BAR {2,}", "BAR  "),
    ];
    let mut text = screen.to_owned();
    for (pattern, replacement) in rules {
        text = Regex::new(pattern)?.replace_all(&text, replacement).into_owned();
    }
    Ok(text + "\n")
}

#[test]
fn screens_of_a_download() -> Result<()> {
    for size in SIZES {
        let screen = Screen::new(size)?;
        screen.start("rucio download --dir a --limit-rate 5M test:mixed-08.dat")?;
        let during = screen.wait(r"\d+% .*s\n0 of 1 file .*\d+s left")?;
        screen.compare("download", &during)?;
        let end = screen.wait_for_end()?;
        screen.compare("downloaded", &end)?;
        screen.has_whole_lines("download")?;
    }
    Ok(())
}

#[test]
fn screens_of_a_download_that_fails() -> Result<()> {
    for size in SIZES {
        let screen = Screen::new(size)?;
        screen.start("rucio download --ndownloader 1 test:gone.dat test:mixed-02.dat")?;
        screen.wait_for_end()?;
        // In the smallest window the beginning has been scrolled out.
        let all = screen.tmux.screen_with_history()?;
        let output = all.rfind("warn test:gone.dat").map_or(all.as_str(), |start| &all[start..]);
        screen.compare("failed", output)?;
        // The error message below the report belongs to all commands, and is not wrapped by us.
        if screen.columns > 80 {
            screen.has_whole_lines("failed")?;
        }
    }
    Ok(())
}

#[test]
fn screens_of_a_download_that_is_interrupted() -> Result<()> {
    for size in SIZES {
        let screen = Screen::new(size)?;
        screen.start("rucio download --limit-rate 5M test:mixed-08.dat")?;
        screen.wait(r" [1-9]\d% .*s\n0 of 1 file")?;
        screen.tmux.press("C-c")?;
        let end = screen.wait_for_end()?;
        screen.compare("interrupted", &end)?;
        screen.has_whole_lines("interrupted")?;
        // The command that it shows resumes.
        screen.start("rucio download --limit-rate 50M test:mixed-08.dat")?;
        let end = screen.wait_for_end()?;
        ensure!(end.contains("Downloaded 1 file") && !end.contains("25.0 MB in"), "{end}");
    }
    Ok(())
}

#[test]
fn screens_of_an_upload() -> Result<()> {
    for size in SIZES {
        let screen = Screen::new(size)?;
        let name = format!("screens.{:08x}", fastrand::u32(..));
        fs::write(screen.home.path().join(&name), vec![7; 1_000_000])?;
        screen.start(&format!("rucio upload --rse POSIX_SCRATCHDISK --register-after-upload {name}"))?;
        let end = screen.wait_for_end()?;
        screen.compare("upload", &end)?;
        screen.has_whole_lines("upload")?;
    }
    Ok(())
}

/// Lists are those of a testbed that others use, too: only their layout is compared.
#[test]
fn screens_of_lists_fit_the_terminal() -> Result<()> {
    for size in SIZES {
        let screen = Screen::new(size)?;
        screen.start("rucio --no-pager rule list --account root")?;
        screen.wait_for_end()?;
        screen.has_whole_lines("rule list")?;
        screen.start("rucio --no-pager replica list file test:davsfile")?;
        screen.wait_for_end()?;
        if screen.columns > 40 {
            screen.has_whole_lines("replica list file")?;
        }
        screen.start("rucio rule list --account root | head -2 | wc -L")?;
        let piped = screen.wait_for_end()?;
        let width = piped.lines().find_map(|line| line.trim().parse::<usize>().ok()).unwrap_or(0);
        ensure!(width > 150, "a pipe has the official table: {piped}");
    }
    Ok(())
}
