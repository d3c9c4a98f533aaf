//! How findings are shown.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;

use anyhow::{Context, Result, ensure};
use regex::Regex;
use serde_json::Value;

use crate::fixtures::doctor::{DoctorFixture, Finding};
use crate::fixtures::{Home, Pty};
use crate::support::{Testbed, project, unified, var};

#[test]
fn doctor_findings_are_the_same_in_every_format() -> Result<()> {
    let doctor = DoctorFixture::userpass()?.args(&["--account", "nobody77"]);
    // The first login creates the token folder, which the others see.
    doctor.run(&[])?;
    let (findings, code) = doctor.examined(&[])?;
    ensure!(code == 1 && findings.len() > 12, "{findings:#?}");
    let jsonl = doctor.run(&["-o", "jsonl"])?;
    let lines = jsonl.stdout.lines().map(serde_json::from_str).collect::<Result<Vec<Finding>, _>>()?;
    ensure!(lines == findings, "{jsonl:?}");
    let error: Value = serde_json::from_str(jsonl.stderr.lines().last().context("no error")?)?;
    ensure!(error["error"]["exit_code"] == 1 && error["error"]["message"] == "1 check failed.", "{error}");
    let csv = doctor.run(&["-o", "csv"])?;
    ensure!(csv.stdout.starts_with("check,status,subject,message,hint\nconfiguration,ok,"), "{csv:?}");
    let text = doctor.run(&[])?;
    for finding in findings {
        let start = format!("{:<7} {:<13} {}: ", finding.status, finding.check, finding.subject);
        let at = text.stdout.lines().position(|line| line.starts_with(&start));
        let at = at.with_context(|| format!("no line {start:?} in {}", text.stdout))?;
        let next = text.stdout.lines().nth(at + 1).map(str::trim);
        ensure!(finding.hint.is_none() || finding.hint.as_deref() == next, "{next:?} below {start}");
    }
    Ok(())
}

#[test]
fn doctor_status_is_coloured_on_a_terminal() -> Result<()> {
    let doctor = DoctorFixture::userpass()?;
    let config = doctor.config().to_string_lossy().into_owned();
    let run = |variables: &[(&str, &str)]| {
        let variables = [&[("RUCIO_CONFIG", config.as_str())], variables].concat();
        Pty::ours(&doctor.home, &variables, &["doctor", "--offline"])?.end()
    };
    let (code, screen) = run(&[])?;
    ensure!(code == 0 && screen.contains("Configuration  \x1b[32mok\x1b[0m"), "{code}: {screen}");
    let (_, screen) = run(&[("NO_COLOR", "1")])?;
    ensure!(screen.contains("Configuration  ok") && !screen.contains('\x1b'), "{screen}");
    Ok(())
}

/// At a terminal: a line per group, problems last; with `-v` all checks, with `-q` only problems.
#[test]
fn doctor_at_a_terminal_shows_problems_last() -> Result<()> {
    let doctor = DoctorFixture::userpass()?;
    let config = doctor.config().to_string_lossy().into_owned();
    let run = |words: &[&str]| -> Result<String> {
        let words = [words, &["--account", "nobody77", "doctor"]].concat();
        let (code, screen) = Pty::ours(&doctor.home, &[("RUCIO_CONFIG", &config), ("NO_COLOR", "1")], &words)?.end()?;
        ensure!(code == 1, "{screen}");
        Ok(screen.replace('\r', ""))
    };
    let screen = run(&[])?;
    let lines: Vec<_> = screen.lines().collect();
    ensure!(
        lines[0].starts_with("Configuration  ok       ") && lines.iter().all(|line| line.chars().count() <= 80),
        "{screen}"
    );
    let groups = lines.iter().take_while(|line| !line.is_empty()).count();
    ensure!(groups == 5, "{screen}");
    ensure!(lines[groups + 1].starts_with("login          failed   "), "{screen}");
    let text = screen.split_whitespace().collect::<Vec<_>>().join(" ");
    ensure!(text.contains("there is no account nobody77; jdoe belongs to jdoe"), "{screen}");
    ensure!(text.contains("fix: Correct the account"), "{screen}");
    let quiet = run(&["-q"])?;
    ensure!(quiet.starts_with("login          failed   ") && !quiet.contains("Configuration"), "{quiet}");
    let detailed = run(&["-v"])?;
    ensure!(detailed.contains("\n tls           ok       ") && detailed.lines().count() > 20, "{detailed}");
    ensure!(detailed.contains("\n configuration ok       "), "{detailed}");
    // In a pipe, too, there are only problems with `-q`.
    let piped = doctor.run(&["-q", "--account", "nobody77"])?;
    ensure!(piped.stdout.lines().all(|line| !line.starts_with("ok ")), "{piped:?}");
    ensure!(piped.stdout.contains("failed  login"), "{piped:?}");
    Ok(())
}

/// The example in the documentation is the real output. `RUCIO_BLESS=1` updates it.
#[test]
fn doctor_output_is_as_documented() -> Result<()> {
    let doctor = DoctorFixture::of(Home::new()?, None)?;
    let (url, certs) = (Testbed::get()?.value("URL")?, Testbed::get()?.value("CERTS")?);
    let lines = format!(
        "rucio_host = {url}\nauth_host = {url}\nca_cert = {certs}/ca.pem\nauth_type = userpass\nusername = jdoe\n\
         password = guess\nacount = jdoe"
    );
    let config = doctor.home.config(&lines)?;
    fs::set_permissions(&config, Permissions::from_mode(0o644))?;
    let client = doctor.home.ours().env("RUCIO_CONFIG", &config).env("RUCIO_ACCOUNT", "jdoe").env("LOGNAME", "jdoe");
    let outcome = client.args(["doctor"]).run()?;
    ensure!(outcome.code == 1, "{outcome:?}");
    let said = elsewhere(&outcome.stdout, &doctor, url, certs)?;
    let (page, text) = page()?;
    let (before, rest) = text.split_once(PROMPT).context("no example")?;
    let end = rest.find("\n\n").context("the example has no end")? + 1;
    if var("RUCIO_BLESS").is_some() {
        return Ok(fs::write(page, format!("{before}{PROMPT}{said}{}", &rest[end..]))?);
    }
    ensure!(rest[..end] == said, "{}", unified(&rest[..end], &said));
    Ok(())
}

const PROMPT: &str = "    $ rucio doctor\n";

/// The page with the example.
fn page() -> Result<(PathBuf, String)> {
    let page = project().join("docs/doctor.md");
    let text = fs::read_to_string(&page).with_context(|| page.display().to_string())?;
    Ok((page, text))
}

/// The same output at jdoe's own site: everything that depends on this machine is removed or replaced.
fn elsewhere(text: &str, doctor: &DoctorFixture, url: &str, certs: &str) -> Result<String> {
    let home = doctor.home.path().to_string_lossy();
    // His folder for temporary files is his home here.
    let text =
        text.replace(&format!("{home}/jdoe/"), "/tmp/jdoe/").replace(&format!("{home}: writable"), "/tmp: writable");
    let text = text.replace(&*home, "/home/jdoe").replace(certs, "/etc/grid-security");
    let port = url.rsplit(':').next().unwrap_or_default();
    let text =
        text.replace(&format!("localhost:{port}"), "rucio.example.org:443").replace("localhost", "rucio.example.org");
    let text = Regex::new(r"(?m)(^ok +name .*?: )\S+( \S+)* \(")?.replace(&text, "${1}192.0.2.7 (");
    let others = Regex::new(r"(?m)^ok +transfers +(scp|gfal-copy): .*\n|^\w+ +credentials +\S*/tmp/.*\n( {22}.*\n)?")?;
    let text = others.replace_all(&text, "");
    Ok(text.lines().map(|line| format!("    {line}\n")).collect())
}
