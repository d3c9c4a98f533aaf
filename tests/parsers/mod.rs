//! Every command, option, spelling, choice and default that the official client's own parsers know is known here.

mod coverage;

use std::collections::BTreeMap;
use std::process::Command as Process;

use anyhow::{Context, Result, ensure};
use clap::{Arg, Command};
use serde::Deserialize;

use crate::support::{Testbed, project};

/// What differs on purpose: where, what, and why.
const INTENDED: [(&str, &str, &str); 6] = [
    ("rucio add-rule", "3 arguments", "one argument takes all words; the last two are separated after parsing"),
    ("rucio did list", "argument 1 must be required", "the user guide lists by a filter alone"),
    ("rucio subscription touch", "argument 1 must not be required", "without a DID the server refuses the call"),
    ("rucio list-dids", "argument 1 must be required", "the user guide lists by a filter alone"),
    ("rucio ls", "argument 1 must be required", "the same command"),
    (
        "rucio upload",
        "--transfer-timeout must default to Some(\"360\"), not None",
        "[upload] transfer_timeout is the default, 360 where it is not set; no configuration is read before the command runs",
    ),
];

/// A command of the official client.
#[derive(Debug, Deserialize)]
struct Node {
    path: Vec<String>,
    aliases: Vec<String>,
    params: Vec<Param>,
}

#[derive(Debug, Deserialize)]
struct Param {
    /// With their dashes; none for an argument.
    options: Vec<String>,
    flag: bool,
    required: bool,
    many: bool,
    values: usize,
    choices: Option<Vec<String>>,
    default: Option<String>,
    repeats: bool,
    variable: Option<String>,
}

#[test]
fn parsers_know_every_command_and_option_of_the_official_client() -> Result<()> {
    let official = official_trees()?;
    let mut missing = Vec::new();
    for (tree, command) in ["new", "old", "admin"].into_iter().zip(rucio::cli::trees()) {
        let nodes = official.get(tree).with_context(|| format!("no {tree} tree"))?;
        ensure!(nodes.len() > 40, "the {tree} tree has only {} commands", nodes.len());
        for node in nodes {
            let faults = faults_of(&command, node);
            missing.extend(faults.into_iter().map(|fault| (title(&command, node), fault)));
        }
    }
    let unexpected: Vec<_> = missing.iter().filter(|(place, fault)| !is_intended(place, fault)).collect();
    let text: Vec<_> = unexpected.iter().map(|(place, fault)| format!("{place}: {fault}")).collect();
    ensure!(text.is_empty(), "{} faults:\n{}", text.len(), text.join("\n"));
    let stale =
        INTENDED.iter().filter(|(at, what, _)| !missing.iter().any(|(place, fault)| place == at && fault == what));
    let stale: Vec<_> = stale.map(|(at, what, _)| format!("{at}: {what}")).collect();
    ensure!(stale.is_empty(), "no difference any more: {}", stale.join(", "));
    Ok(())
}

fn is_intended(place: &str, fault: &str) -> bool {
    INTENDED.iter().any(|(at, what, _)| *at == place && *what == fault)
}

/// The parsers of the installed client.
fn official_trees() -> Result<BTreeMap<String, Vec<Node>>> {
    let testbed = Testbed::get()?;
    let output = Process::new(format!("{}/bin/python", testbed.value("CLIENT_VENV")?))
        .arg(project().join("tests/parsers/dump.py"))
        .env_clear()
        .env("RUCIO_CONFIG", testbed.config("userpass")?)
        .output()?;
    ensure!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).context("what the dump wrote")
}

fn title(tree: &Command, node: &Node) -> String {
    std::iter::once(tree.get_name()).chain(node.path.iter().map(String::as_str)).collect::<Vec<_>>().join(" ")
}

/// What of an official command is missing here.
fn faults_of(tree: &Command, node: &Node) -> Vec<String> {
    let Some(ours) = find(tree, &node.path) else { return vec!["no such command".to_owned()] };
    let mut faults: Vec<_> = node
        .aliases
        .iter()
        .filter(|alias| find(tree, std::slice::from_ref(alias)).is_none())
        .map(|alias| format!("no second name {alias}"))
        .collect();
    let (options, arguments): (Vec<_>, Vec<_>) = node.params.iter().partition(|param| !param.options.is_empty());
    faults.extend(options.into_iter().flat_map(|param| option_faults(ours, param)));
    faults.extend(argument_faults(ours, &arguments));
    faults
}

fn find<'a>(tree: &'a Command, path: &[String]) -> Option<&'a Command> {
    path.iter().try_fold(tree, |command, name| command.find_subcommand(name))
}

fn option_faults(command: &Command, param: &Param) -> Vec<String> {
    let mut faults = Vec::new();
    for spelling in &param.options {
        match spelling.as_str() {
            "--help" | "-h" | "--version" => {}
            _ => match option(command, spelling) {
                None => faults.push(format!("no {spelling}")),
                Some(ours) => faults.extend(differences(ours, param).map(|what| format!("{spelling} {what}"))),
            },
        }
    }
    faults
}

/// The option with this spelling. Two long ones have a single dash; they are rewritten before the parser sees them.
fn option<'a>(command: &'a Command, spelling: &str) -> Option<&'a Arg> {
    let spelling = match spelling {
        "-pwd" => "--password",
        "-to" => "--to-did",
        other => other,
    };
    command.get_arguments().find(|arg| match spelling.strip_prefix("--") {
        Some(long) => {
            arg.get_long() == Some(long) || arg.get_all_aliases().is_some_and(|aliases| aliases.contains(&long))
        }
        None => {
            let short = spelling.chars().nth(1);
            arg.get_short() == short
                || arg.get_all_short_aliases().is_some_and(|aliases| aliases.iter().any(|alias| Some(*alias) == short))
        }
    })
}

fn differences<'a>(ours: &'a Arg, param: &'a Param) -> impl Iterator<Item = String> + 'a {
    let takes_value = ours.get_action().takes_values();
    let range = ours.get_num_args().unwrap_or_else(|| 1.into());
    let can_be_bare = !takes_value || range.min_values() == 0;
    let default = ours.get_default_values().first().map(|value| value.to_string_lossy().into_owned());
    [
        (param.flag && !can_be_bare, "must be a flag".to_owned()),
        (!param.flag && !takes_value, "must take a value".to_owned()),
        (!param.flag && range.max_values() < param.values, format!("must take {} values", param.values)),
        (param.required && !ours.is_required_set(), "must be required".to_owned()),
        (!param.required && ours.is_required_set(), "must not be required".to_owned()),
        (param.repeats, "must be repeatable".to_owned()),
        (!same_choices(ours, param.choices.as_deref()), format!("must take {:?}", param.choices)),
        (!same_default(default.as_deref(), param), format!("must default to {:?}, not {default:?}", param.default)),
        (!knows_variable(param), format!("must take the variable {:?}", param.variable)),
    ]
    .into_iter()
    .filter_map(|(wrong, what)| wrong.then_some(what))
}

fn same_choices(ours: &Arg, theirs: Option<&[String]>) -> bool {
    let values = ours.get_possible_values();
    match theirs {
        Some(theirs) => theirs.iter().all(|choice| values.iter().any(|value| value.get_name() == choice)),
        // click's BOOL names no choices; the names of strategies are checked by what uses them
        None => {
            values.is_empty()
                || values.iter().any(|value| value.get_name() == "true")
                || ours.get_id() == "auth_strategy"
        }
    }
}

/// A default that ours has, too, or that is applied later, which its help then says.
fn same_default(ours: Option<&str>, param: &Param) -> bool {
    const APPLIED_LATER: [&str; 4] = ["rucio-clients", "openid profile", "3", "1"];
    match (&param.default, ours) {
        (None, _) => true,
        (Some(theirs), Some(ours)) => {
            theirs.parse::<f64>().ok() == ours.parse().ok() && (theirs == ours || ours.parse::<f64>().is_ok())
        }
        (Some(theirs), None) => param.flag || theirs == "True" || APPLIED_LATER.contains(&theirs.as_str()),
    }
}

fn knows_variable(param: &Param) -> bool {
    let known = |name: &str| rucio::env_vars::ALL.iter().any(|(known, _)| *known == name);
    param.variable.as_deref().is_none_or(known)
}

fn argument_faults(command: &Command, theirs: &[&Param]) -> Vec<String> {
    let ours: Vec<_> = command.get_positionals().collect();
    if ours.len() != theirs.len() {
        return vec![format!("{} arguments", theirs.len())];
    }
    let check = |(number, (ours, theirs)): (usize, (&&Arg, &&Param))| {
        let many = ours.get_num_args().is_some_and(|range| range.max_values() > 1)
            || matches!(ours.get_action(), clap::ArgAction::Append);
        let number = number + 1;
        [
            (theirs.required && !ours.is_required_set(), format!("argument {number} must be required")),
            (!theirs.required && ours.is_required_set(), format!("argument {number} must not be required")),
            (theirs.many != many, format!("argument {number} must be given once or often")),
            (
                !same_choices(ours, theirs.choices.as_deref()),
                format!("argument {number} must take {:?}", theirs.choices),
            ),
        ]
    };
    let all = ours.iter().zip(theirs).enumerate().flat_map(check);
    all.filter_map(|(wrong, what)| wrong.then_some(what)).collect()
}
