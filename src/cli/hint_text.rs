//! Hints as the user reads them: sentences with the options and commands of this program.

use super::next_command::{self, option};
use crate::config::Overrides;
use crate::error::Error;
use crate::exceptions::Exception;
use crate::hint::{Command, Hint, Parameter, shell_word};

/// Returns the hints of an error as one text, and a command that logs in or creates a configuration if that is missing.
pub(super) fn of_error(error: &Error, overrides: &Overrides) -> Option<String> {
    let mut hints = error.hints().to_vec();
    if !hints.iter().any(Hint::is_command) {
        // What a server says about its own configuration is no matter of this client's.
        let is_own = error.status().is_none() || error.class() != Some(Exception::ConfigNotFound);
        hints.extend(next_step(error.class()).filter(|_| is_own));
    }
    text(&hints, overrides)
}

/// Returns the hints of a finding of `doctor` as one text; a command alone without words around it.
pub(super) fn of_finding(hints: &[Hint], overrides: &Overrides) -> Option<String> {
    match hints {
        [hint] => bare_command(hint, overrides).or_else(|| text(hints, overrides)),
        hints => text(hints, overrides),
    }
}

fn next_step(class: Option<Exception>) -> Option<Hint> {
    match class? {
        Exception::CannotAuthenticate | Exception::NoAuthInformation => Some(Hint::LogIn { force: false }),
        Exception::ConfigNotFound => Some(Hint::SetUp { force: false }),
        _ => None,
    }
}

fn text(hints: &[Hint], overrides: &Overrides) -> Option<String> {
    let corrected = next_command::corrected(overrides, hints);
    let sentences = hints.iter().enumerate().map(|(index, hint)| {
        // What is wrong is found out with the same options.
        let is_check = matches!(hint, Hint::Command { command: Command::Doctor, .. });
        sentence(hint, index == 0, if is_check { overrides } else { &corrected })
    });
    Some(sentences.collect::<Vec<_>>().join(" ")).filter(|text| !text.is_empty())
}

fn sentence(hint: &Hint, is_first: bool, overrides: &Overrides) -> String {
    match hint {
        Hint::Text(text) => text.clone(),
        Hint::Parameters { advice, parameters } => format!("{advice}: {}.", names(parameters)),
        Hint::Values { advice, values } => format!("{advice}: {}.", options(values)),
        Hint::LogIn { .. } => instruction("", &command_line(hint, overrides), is_first),
        Hint::SetUp { force: false } if is_first => instruction("", &command_line(hint, overrides), is_first),
        Hint::SetUp { force: false } => instruction("To create one", &command_line(hint, overrides), is_first),
        Hint::SetUp { force: true } => instruction("To replace it", &command_line(hint, overrides), is_first),
        Hint::Command { advice, .. } | Hint::Run { advice, .. } => {
            instruction(advice, &command_line(hint, overrides), is_first)
        }
    }
}

fn instruction(advice: &str, command: &str, is_first: bool) -> String {
    match advice {
        "" if is_first => format!("Run `{command}`."),
        "" => format!("Then run `{command}`."),
        advice => format!("{advice}: `{command}`."),
    }
}

/// Returns the command if the hint is nothing else.
fn bare_command(hint: &Hint, overrides: &Overrides) -> Option<String> {
    let is_bare = match hint {
        Hint::LogIn { .. } | Hint::SetUp { .. } => true,
        Hint::Command { advice, .. } | Hint::Run { advice, .. } => advice.is_empty(),
        Hint::Text(_) | Hint::Parameters { .. } | Hint::Values { .. } => false,
    };
    is_bare.then(|| command_line(hint, overrides))
}

/// Returns the command line of a hint; empty if it has none.
fn command_line(hint: &Hint, overrides: &Overrides) -> String {
    match hint {
        Hint::LogIn { force: false } => next_command::command(overrides, "login"),
        Hint::LogIn { force: true } => next_command::command(overrides, "login --force"),
        Hint::SetUp { force: false } => next_command::command(overrides, "login --setup"),
        Hint::SetUp { force: true } => next_command::command(overrides, "login --setup --force"),
        Hint::Command { command, .. } => command_of_program(command, overrides),
        Hint::Run { command, .. } => command.clone(),
        Hint::Text(_) | Hint::Parameters { .. } | Hint::Values { .. } => String::new(),
    }
}

/// Spells a command. Those of administrators do not repeat the options of this call: others run them.
fn command_of_program(command: &Command, overrides: &Overrides) -> String {
    match command {
        Command::WhoAmI { account } => {
            let account = account.clone().or_else(|| overrides.account.clone());
            next_command::command(&Overrides { account, ..overrides.clone() }, "whoami")
        }
        Command::WhoAmIVerbose => next_command::command(overrides, "-v whoami"),
        Command::Doctor => next_command::command(overrides, "doctor"),
        Command::SetUp => next_command::command(overrides, "login --setup"),
        Command::ListRses => next_command::command(overrides, "rse list"),
        Command::ListScopes => next_command::command(overrides, "scope list"),
        Command::ListAccounts => next_command::command(overrides, "account list"),
        Command::ShowRule { id } => next_command::command(overrides, &format!("rule show {}", shell_word(id))),
        Command::AddIdentity { kind, identity, account } => {
            let password = if *kind == "USERPASS" { " --password PASSWORD" } else { "" };
            let account = account.as_deref().map_or("ACCOUNT".into(), shell_word);
            let identity = shell_word(identity);
            format!("rucio account identity add --type {kind} --id {identity} --email EMAIL{password} {account}")
        }
        Command::AddSshKey { public_key, account } => format!(
            "rucio account identity add --type SSH --id \"$(cat {})\" --email EMAIL {}",
            shell_word(public_key),
            shell_word(account)
        ),
        Command::ListIdentities { account } => format!("rucio account identity list {}", shell_word(account)),
        Command::Unban { account } => format!("rucio account update --unban {}", shell_word(account)),
        Command::ListLimits { account } => {
            next_command::command(overrides, &format!("account limit list {}", shell_word(account)))
        }
        Command::ListRules { did } => next_command::command(overrides, &format!("rule list --did {}", shell_word(did))),
    }
}

fn options(values: &[(Parameter, String)]) -> String {
    let words = values.iter().map(|(parameter, value)| format!("{} {}", option(*parameter), shell_word(value)));
    words.collect::<Vec<_>>().join(" ")
}

/// Returns all ways to set the parameters: `--account, RUCIO_ACCOUNT or [client] account`. Variables are left out if
/// there are several parameters.
fn names(parameters: &[Parameter]) -> String {
    let mut flags: Vec<_> = parameters.iter().map(|parameter| option(*parameter)).collect();
    flags.dedup();
    let variable = match parameters {
        [parameter] => parameter.variable().map(str::to_owned),
        _ => None,
    };
    let in_file: Vec<_> = parameters.iter().filter_map(|parameter| parameter.option()).collect();
    let in_file = (!in_file.is_empty()).then(|| format!("[client] {}", listed(&in_file, "and")));
    let ways: Vec<_> = [Some(listed(&flags, "and")), variable, in_file].into_iter().flatten().collect();
    match ways.as_slice() {
        [flags, in_file] if parameters.len() > 1 => format!("{flags}, or {in_file}"),
        ways => listed(ways, "or"),
    }
}

/// Joins words as in `a, b and c`.
fn listed(words: &[impl AsRef<str>], conjunction: &str) -> String {
    let words: Vec<_> = words.iter().map(AsRef::as_ref).collect();
    match words.as_slice() {
        [] => String::new(),
        [word] => (*word).to_owned(),
        [first @ .., last] => format!("{} {conjunction} {last}", first.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn overrides() -> Overrides {
        Overrides { account: Some("kim".into()), ..Overrides::default() }
    }

    #[test]
    fn missing_login_or_configuration_gets_a_command() {
        let refused = || Error::new(Exception::CannotAuthenticate, "");
        let not_found = Error::new(Exception::ConfigNotFound, "").before_start();
        let host = Hint::parameters("Check the server", [Parameter::Host]);
        for (error, expected) in [
            (refused(), Some("Run `rucio --account kim login`.")),
            (refused().with_hint("Check it."), Some("Check it. Then run `rucio --account kim login`.")),
            (refused().with_hint(Hint::run("", "kinit")), Some("Run `kinit`.")),
            (refused().with_hint(Hint::LogIn { force: true }), Some("Run `rucio --account kim login --force`.")),
            (not_found.with_hint("Name one."), Some("Name one. To create one: `rucio --account kim login --setup`.")),
            (Error::value("").with_hint(host), Some("Check the server: -H or [client] rucio_host.")),
            (Error::new(Exception::AccessDenied, ""), None),
            (Error::new(Exception::ConfigNotFound, "of the server").with_status(404), None),
            (Error::interrupted(), None),
        ] {
            assert_eq!(of_error(&error, &overrides()).as_deref(), expected, "{error:?}");
        }
    }

    #[test]
    fn parameters_are_listed_with_all_ways_to_set_them() {
        for (parameters, expected) in [
            (vec![Parameter::Config], "--config or RUCIO_CONFIG"),
            (vec![Parameter::Account], "--account, RUCIO_ACCOUNT or [client] account"),
            (vec![Parameter::Lfn], "--lfn"),
            (vec![Parameter::Host, Parameter::AuthHost], "-H and --auth-host, or [client] rucio_host and auth_host"),
        ] {
            assert_eq!(names(&parameters), expected);
        }
        let values = [(Parameter::Certificate, "my cert.pem".to_owned())];
        assert_eq!(options(&values), "--certificate 'my cert.pem'");
    }

    #[test]
    fn finding_shows_a_lone_command_without_a_sentence() {
        let shown = |hints: &[Hint]| of_finding(hints, &overrides());
        assert_eq!(shown(&[Hint::LogIn { force: false }]).as_deref(), Some("rucio --account kim login"));
        assert_eq!(shown(&[Hint::run("See it", "ls -l x")]).as_deref(), Some("See it: `ls -l x`."));
        assert_eq!(shown(&[]), None);
    }
}
