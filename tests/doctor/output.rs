//! How findings are shown.

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use super::clinic::{Finding, Patient};
use crate::props::Pty;

#[test]
fn every_format_shows_the_same_findings() -> Result<()> {
    let patient = Patient::userpass()?.args(&["--account", "nobody77"]);
    // The first login makes the folder of tokens, which the others see.
    patient.run(&[])?;
    let (findings, code) = patient.examined(&[])?;
    ensure!(code == 1 && findings.len() > 12, "{findings:#?}");
    let jsonl = patient.run(&["-o", "jsonl"])?;
    let lines = jsonl.stdout.lines().map(serde_json::from_str).collect::<Result<Vec<Finding>, _>>()?;
    ensure!(lines == findings, "{jsonl:?}");
    let error: Value = serde_json::from_str(jsonl.stderr.lines().last().context("no error")?)?;
    ensure!(error["error"]["exit_code"] == 1 && error["error"]["message"] == "1 check failed.", "{error}");
    let csv = patient.run(&["-o", "csv"])?;
    ensure!(csv.stdout.starts_with("check,status,subject,message,hint\nconfiguration,ok,"), "{csv:?}");
    let text = patient.run(&[])?;
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
fn words_are_coloured_on_a_terminal() -> Result<()> {
    let patient = Patient::userpass()?;
    let config = patient.config().to_string_lossy().into_owned();
    let run = |variables: &[(&str, &str)]| {
        let variables = [&[("RUCIO_CONFIG", config.as_str())], variables].concat();
        Pty::ours(&patient.home, &variables, &["doctor", "--offline"])?.end()
    };
    let (code, screen) = run(&[])?;
    ensure!(code == 0 && screen.contains("\x1b[32mok\x1b[0m      configuration"), "{code}: {screen}");
    let (_, screen) = run(&[("NO_COLOR", "1")])?;
    ensure!(screen.contains("ok      configuration") && !screen.contains('\x1b'), "{screen}");
    Ok(())
}
