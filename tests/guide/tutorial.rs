//! docs/tutorial.md: its commands are run in order, with the testbed's names, and print what it shows.

use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt, symlink};

use anyhow::{Context, Result, ensure};
use regex::Regex;

use crate::fixtures::{Home, Pty, USER};
use crate::support::{Outcome, Rucio, Testbed, project, unique, var};

/// The names of the tutorial as patterns, and those of the testbed; `{}` is unique to a run.
const NAMES: [(&str, &str); 9] = [
    (r"mc25:part-(\d)\.root", "test:davsfile-${1}.dat"),
    (r"mc25:(ntuples|\*)", "user.jdoe:{}.$1"),
    (r"https://rucio\.example\.org", "{url}"),
    ("/etc/grid-security/certificates", "{certs}/ca.pem"),
    ("CERN_SCRATCHDISK", "DAVS_SCRATCHDISK"),
    ("CERN_DATADISK", "DAVS"),
    (r"/home/jdoe", "{home}"),
    (r"\bresults\b", "{}.results"),
    (r"\bhistograms\b", "{}.histograms"),
];

/// A fenced block of a language, as lines.
fn blocks(text: &str, language: &str) -> Vec<Vec<String>> {
    let fence = format!("```{language}\n");
    let fences = text.split(&fence).skip(1);
    fences.filter_map(|rest| rest.split("```").next()).map(|block| block.lines().map(str::to_owned).collect()).collect()
}

/// A command, and the lines that are shown after it.
struct Step {
    command: String,
    shown: Vec<String>,
}

fn steps(block: &[String]) -> Vec<Step> {
    let mut steps: Vec<Step> = Vec::new();
    for line in block {
        match (line.strip_prefix("$ "), steps.last_mut()) {
            (Some(command), _) => steps.push(Step { command: command.to_owned(), shown: Vec::new() }),
            (None, Some(step)) => step.shown.push(line.clone()),
            (None, None) => {}
        }
    }
    steps
}

/// Converts a shown line to a pattern: numbers, blanks and the width of tables may differ, `...` is anything.
fn pattern(line: &str) -> Result<Regex> {
    let escaped = regex::escape(&line.replace("...", "\0"));
    let loose = Regex::new(r"\d+")?.replace_all(&escaped, r"\d+");
    let loose = Regex::new(r"(\\-|[ ])+")?.replace_all(&loose, "[ -]+");
    Ok(Regex::new(&format!("(?m)^{}$", loose.replace('\0', ".*")))?)
}

fn complaint(step: &Step, output: &str) -> Result<Option<String>> {
    for line in step.shown.iter().filter(|line| *line != "...") {
        if !pattern(line)?.is_match(output) {
            return Ok(Some(format!("$ {}\ndoes not print {line:?} but\n{output}", step.command)));
        }
    }
    Ok(None)
}

/// A reader of the tutorial.
struct Reader {
    home: Home,
    name: String,
}

impl Reader {
    /// Creates the dataset, and what the tutorial expects in the home directory.
    fn new() -> Result<Self> {
        let reader = Self { home: Home::new()?, name: unique("tutorial") };
        let dataset = format!("user.jdoe:{}.ntuples", reader.name);
        let files: Vec<_> = (0..6).map(|number| format!("test:davsfile-{number}.dat")).collect();
        for line in [vec!["did", "add", &dataset], vec!["did", "content", "add", "--to-did", &dataset]] {
            let files = files.iter().map(String::as_str).filter(|_| line.len() > 3);
            let outcome = Rucio::ours().config("userpass")?.args(line.iter().copied().chain(files)).run()?;
            ensure!(outcome.code == 0, "{outcome:?}");
        }
        let home = reader.home.path();
        reader.home.copy("jdoe.proxy.pem", 0o600)?;
        fs::rename(home.join("jdoe.proxy.pem"), home.join("proxy.pem"))?;
        fs::write(home.join(format!("{}.results.root", reader.name)), &reader.name)?;
        fs::create_dir(home.join("bin"))?;
        let ours = var("RUCIO_BIN").unwrap_or_else(|| env!("CARGO_BIN_EXE_rucio").to_owned());
        symlink(ours, home.join("bin/rucio"))?;
        fs::write(home.join("bin/my-analysis"), "#!/bin/sh\nwc -c \"$@\"\n")?;
        fs::set_permissions(home.join("bin/my-analysis"), Permissions::from_mode(0o755))?;
        Ok(reader)
    }

    /// Replaces the names of the tutorial.
    fn here(&self, text: &str) -> Result<String> {
        let testbed = Testbed::get()?;
        let mut text = text.to_owned();
        for (name, here) in NAMES {
            text = Regex::new(name)?.replace_all(&text, here).into_owned();
        }
        let text = text.replace("{}", &self.name).replace("{home}", &self.home.path().to_string_lossy());
        Ok(text.replace("{url}", testbed.value("URL")?).replace("{certs}", testbed.value("CERTS")?))
    }

    fn lines(&self, block: &[String]) -> Result<Vec<String>> {
        block.iter().map(|line| self.here(line)).collect()
    }

    /// Answers the prompts of `rucio login --setup` as shown.
    fn log_in(&self, step: &Step) -> Result<()> {
        let words: Vec<_> = step.command.split(' ').skip(1).collect();
        let mut terminal = Pty::ours(&self.home, &[], &words)?;
        let (prompts, output) = step.shown.split_at(
            step.shown
                .iter()
                .position(|line| line.starts_with("Connected"))
                .context("the tutorial does not connect")?,
        );
        // Sentences between the prompts end with a full stop.
        for line in prompts.iter().filter(|line| !line.ends_with('.')) {
            let (prompt, answer) = line.rsplit_once(": ").unwrap_or((line.trim_end_matches(':'), ""));
            terminal.wait_for(&format!("{}: $", regex::escape(prompt)))?;
            let is_secret = prompt.starts_with("Password");
            if is_secret {
                terminal.wait_for_secrecy()?;
            }
            terminal.type_in(&format!("{}\n", if is_secret { "secret" } else { answer }))?;
        }
        let (code, screen) = terminal.end()?;
        let screen = screen.replace('\r', "");
        let missing = output.iter().find(|line| !screen.contains(*line));
        ensure!(code == 0 && missing.is_none(), "no {missing:?} in\n{screen}");
        Ok(())
    }

    fn shell(&self, script: &str, job: &str) -> Result<Outcome> {
        let home = self.home.path();
        let shell = Rucio::program("/bin/bash").home(home).folder(home).env("LOGNAME", USER);
        let shell = shell.env("PATH", &format!("{}/bin:/usr/bin:/bin", home.display()));
        let shell = shell.env("X509_USER_PROXY", &format!("{}/proxy.pem", home.display()));
        shell.env("SLURM_ARRAY_TASK_ID", job).args(["-c", script]).run()
    }

    /// Runs the steps in one shell, which keeps the variables. Returns what is wrong.
    fn follow(&self, steps: &[Step]) -> Result<Vec<String>> {
        let lines = steps.iter().map(|step| format!("echo '@@@'\n{}\n", step.command));
        let outcome = self.shell(&format!("exec 2>&1\nset -e\n{}", lines.collect::<String>()), "")?;
        let parts: Vec<_> = outcome.stdout.split("@@@\n").skip(1).collect();
        ensure!(
            outcome.code == 0 && parts.len() == steps.len(),
            "exit code {}, {} of {} commands:\n{}",
            outcome.code,
            parts.len(),
            steps.len(),
            outcome.stdout
        );
        let complaints = steps.iter().zip(parts).map(|(step, output)| complaint(step, output));
        Ok(complaints.collect::<Result<Vec<_>>>()?.into_iter().flatten().collect())
    }
}

#[test]
fn tutorial_commands_work_as_shown() -> Result<()> {
    let text = fs::read_to_string(project().join("docs/tutorial.md"))?;
    let reader = Reader::new()?;
    let mut all = Vec::new();
    for block in blocks(&text, "console") {
        all.extend(steps(&reader.lines(&block)?));
    }
    let (login, rest) = all.split_first().context("no commands")?;
    reader.log_in(login)?;
    ensure!(rest.len() > 12, "only {} commands", rest.len());
    let wrong = reader.follow(rest)?;
    ensure!(wrong.is_empty(), "{}", wrong.join("\n"));
    Ok(())
}

#[test]
fn tutorial_job_runs_as_array() -> Result<()> {
    let text = fs::read_to_string(project().join("docs/tutorial.md"))?;
    let reader = Reader::new()?;
    let scripts = blocks(&text, "sh");
    let script = reader.lines(scripts.first().context("no job")?)?.join("\n");
    reader.home.testbed_config("auth_type = x509_proxy")?;
    let config = reader.home.path().join("rucio.cfg");
    let script = format!("export RUCIO_CONFIG={}\n{script}", config.display());
    for job in ["1", "2"] {
        let outcome = reader.shell(&script, job)?;
        ensure!(outcome.code == 0, "job {job}: {outcome:?}");
    }
    let dataset = format!("user.jdoe:{}.histograms", reader.name);
    let outcome = Rucio::ours().config("userpass")?.args(["did", "content", "list", "--short", &dataset]).run()?;
    ensure!(outcome.stdout.lines().count() == 2, "{outcome:?}");
    Ok(())
}
