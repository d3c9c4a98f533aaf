//! What stands on a terminal after a command, in three sizes, compared with the snapshots beside this file.
//!
//! `RUCIO_BLESS=1 cargo test --test main screens` writes them again. Names, times and rates that differ from run to run are
//! masked.

use std::cell::Cell;
use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;

use anyhow::{Context, Result, ensure};
use regex::Regex;

use crate::fixtures::{Home, Tmux};
use crate::support::{Rucio, Testbed, project, unified, var};

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
    fn new(size: (u16, u16)) -> Result<Self> {
        let config = Testbed::get()?.config("userpass")?.to_string_lossy().into_owned();
        let proxy = Home::certificate("jdoe.proxy.pem")?.to_string_lossy().into_owned();
        Self::start_in(Home::new()?, &[("RUCIO_CONFIG", &config), ("X509_USER_PROXY", &proxy)], size)
    }

    /// A terminal with a configuration of its own. `user` is account, user name and password.
    fn with_config(user: [&str; 3], size: (u16, u16)) -> Result<Self> {
        let home = Home::in_tmp()?;
        let (certificate, token) = (home.copy("ca.pem", 0o600)?, home.path().join("token"));
        let url = Testbed::get()?.value("URL")?;
        let [account, name, password] = user;
        let config = home.config(&format!(
            "rucio_host = {url}\nauth_host = {url}\nca_cert = {}\naccount = {account}\nauth_type = userpass\n\
             username = {name}\npassword = {password}\nauth_token_file_path = {}",
            certificate.display(),
            token.display(),
        ))?;
        fs::set_permissions(&config, Permissions::from_mode(0o600))?;
        Self::start_in(home, &[("RUCIO_CONFIG", &config)], size)
    }

    fn start_in(home: Home, variables: &[(&str, &str)], (columns, lines): (u16, u16)) -> Result<Self> {
        let tmux = Tmux::start(&home, variables, "bash --norc")?;
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

    /// Runs a command to its end. Returns its output, with what was scrolled out of the window.
    fn run(&self, command: &str) -> Result<String> {
        let begin = format!("begin {}", self.runs.get() + 1);
        self.start(&format!("echo {begin}; {command}"))?;
        self.wait_for_end()?;
        let all = self.tmux.screen_with_history()?;
        let (_, output) = all.rsplit_once(&format!("{begin}\n")).context(all.clone())?;
        Ok(output.to_owned())
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
        // The prompt behind the end, if the shell has written it yet.
        (r"(?s)(code \d+) of \d+(?:\n.*)?\z", "$1"),
        (r"(?m)^((?:Interrupted:|Downloaded|Uploaded) .*)\n  (\S.*)$", "$1 $2"),
        (r"(?m)^((?:Interrupted:|Downloaded|Uploaded) .*)\n  (\S.*)$", "$1 $2"),
        (r"screens\.[0-9a-f]{8}", "screens.UNIQUE"),
        (r"\bscreen[0-9a-f]{8}", "screenUNIQUE"),
        (r"\b[0-9a-f]{8}(?:[0-9a-f]{24})?\b", "ID"),
        (r"\b20\d\d-\d\d-\d\d\b", "DATE"),
        (r"\b\d\d:\d\d:\d\d\b", "TIME"),
        (r"\b(?:1 h 0 min|\d+ min \d+ s)\b", "TIME"),
        (r"/tmp/\.tmp\w+", "HOME"),
        (r"localhost:\d+", "localhost:PORT"),
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

/// Prepares a screen: the command must not fail.
fn succeed(rucio: Rucio) -> Result<()> {
    let outcome = rucio.run()?;
    ensure!(outcome.code == 0, "{outcome:?}");
    Ok(())
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
        screen.has_whole_lines("failed")?;
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

#[test]
fn screens_of_doctor_and_the_session() -> Result<()> {
    for size in SIZES {
        let screen = Screen::with_config(["jdoe", "jdoe", "secret"], size)?;
        for (name, command) in [
            ("doctor", "rucio doctor"),
            ("doctor-problem", "rucio --account nobody77 doctor"),
            ("session", "rucio session show"),
        ] {
            screen.compare(name, &screen.run(command)?)?;
            screen.has_whole_lines(name)?;
        }
    }
    Ok(())
}

/// Masks the end of a name, of which narrow tables show a part.
fn with_fixed_name(text: String, unique: &str) -> String {
    (0..=unique.len() - 3).fold(text, |text, start| text.replace(&unique[start..], &"XXXXXXXX"[start..]))
}

#[test]
fn screens_of_a_rule_list() -> Result<()> {
    for size in SIZES {
        let screen = Screen::new(size)?;
        let unique = format!("{:08x}", fastrand::u32(..));
        let did = format!("user.jdoe:screens.{unique}");
        let rucio = |words: &[&str]| succeed(screen.home.ours().config("userpass")?.args(words));
        rucio(&["add-dataset", &did])?;
        for (name, rse) in [("rule", "DAVS_SCRATCHDISK"), ("rules", "XRD_SCRATCHDISK")] {
            rucio(&["add-rule", &did, "1", rse])?;
            let output = screen.run(&format!("rucio --no-pager rule list --did {did}"))?;
            let output = with_fixed_name(output, &unique);
            // The server lists rules in any order.
            let mut lines: Vec<_> = output.lines().collect();
            if let Some(start) = lines.iter().position(|line| line.contains("HDISK")).filter(|_| name == "rules") {
                lines[start..start + 2].sort_by_key(|line| line.contains("XR"));
            }
            screen.compare(name, &lines.join("\n"))?;
            screen.has_whole_lines(name)?;
        }
    }
    Ok(())
}

#[test]
fn screens_of_the_status() -> Result<()> {
    let home = Home::new()?;
    let account = format!("screen{:08x}", fastrand::u32(..));
    let scope = format!("user.{account}");
    let root = |words: &[&str]| succeed(home.ours().config("root")?.args(words));
    root(&["account", "add", &account, "USER"])?;
    let identity = ["--type", "USERPASS", "--id", &account, "--email", "a@b.org", "--password", "secret"];
    root(&[&["account", "identity", "add", &account][..], &identity].concat())?;
    root(&["account", "limit", "set", &account, "--rse", "DAVS_SCRATCHDISK", "--bytes", "5GB"])?;
    root(&["scope", "add", "--account", &account, &scope])?;
    for size in SIZES {
        let screen = Screen::with_config([&account, &account, "secret"], size)?;
        if size == SIZES[0] {
            screen.run(&format!("rucio add-dataset {scope}:data; rucio add-rule {scope}:data 1 DAVS_SCRATCHDISK"))?;
        }
        screen.compare("status", &screen.run("rucio status")?)?;
        screen.has_whole_lines("status")?;
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
        // A single row is shown as lines, and a name that is longer than a line stays whole.
        if screen.columns > 40 {
            screen.has_whole_lines("rule list")?;
        }
        screen.start("rucio --no-pager rule list --account root --sort created_at --limit 3")?;
        screen.wait_for_end()?;
        if screen.columns > 40 {
            screen.has_whole_lines("rule list --limit")?;
        }
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
