//! Builds the command line to run next, which repeats the global options of the current one.

use std::borrow::Cow;

use crate::config::Overrides;
use crate::error::Error;
use crate::exceptions::Exception;

/// The login command as hints of the library write it, without global options.
const LOGIN: &str = "`rucio login";

/// Returns `rucio`, the options that select the session and the login, and `words`. Omits the password, which is
/// prompted for.
pub(super) fn command(overrides: &Overrides, words: &str) -> String {
    let given = [
        ("--config", &overrides.config),
        ("--profile", &overrides.profile),
        ("-H", &overrides.host),
        ("--auth-host", &overrides.auth_host),
        ("--account", &overrides.account),
        ("-S", &overrides.auth_strategy),
        ("--ca-certificate", &overrides.ca_certificate),
        ("--certificate", &overrides.certificate),
        ("--client-key", &overrides.client_key),
        ("--user", &overrides.user),
        ("--vo", &overrides.vo),
        ("--oidc-scope", &overrides.oidc_scope),
        ("--oidc-audience", &overrides.oidc_audience),
        ("--oidc-refresh-lifetime", &overrides.oidc_refresh_lifetime),
        ("--oidc-issuer", &overrides.oidc_issuer),
    ];
    let given = given.iter().filter_map(|(option, value)| Some(format!(" {option} {}", quoted(value.as_ref()?))));
    let flags = [(overrides.oidc_polling, " --oidc-polling"), (overrides.no_browser, " --no-browser")];
    let flags = flags.iter().filter(|(given, _)| *given).map(|(_, flag)| (*flag).to_owned());
    format!("rucio{} {words}", given.chain(flags).collect::<String>())
}

/// Returns the hint for a failure: the error's own, and the login command if a login is missing.
pub(super) fn hint(error: &Error, overrides: &Overrides) -> Option<String> {
    let said = error.hint().map(|hint| hint.replace(LOGIN, &format!("`{}", command(overrides, "login"))));
    let names_command = said.as_ref().is_some_and(|hint| hint.contains('`'));
    let (first, words) = match error.class() {
        Some(Exception::CannotAuthenticate | Exception::NoAuthInformation) => ("Then run", "login"),
        Some(Exception::ConfigNotFound) => ("To write a first one, run", "login --setup"),
        _ => return said,
    };
    let command = command(overrides, words);
    match said {
        Some(said) if names_command => Some(said),
        Some(said) => Some(format!("{said} {first} `{command}`.")),
        None => Some(format!("Run `{command}`.")),
    }
}

/// Quotes a value as one word of a POSIX shell.
fn quoted(value: &str) -> Cow<'_, str> {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./:=@%+,~".contains(c);
    match !value.is_empty() && !value.starts_with('~') && value.chars().all(plain) {
        true => value.into(),
        false => format!("'{}'", value.replace('\'', r"'\''")).into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn given() -> Overrides {
        Overrides {
            config: Some("/home/kim o'hara/rucio.cfg".into()),
            account: Some("kim".into()),
            password: Some("hunter2".into()),
            no_browser: true,
            ..Overrides::default()
        }
    }

    #[test]
    fn options_are_repeated_for_a_shell_and_passwords_are_not() {
        let expected = r"rucio --config '/home/kim o'\''hara/rucio.cfg' --account kim --no-browser login";
        assert_eq!(command(&given(), "login"), expected);
        assert_eq!(command(&Overrides::default(), "session show"), "rucio session show");
        for (value, word) in [("", "''"), ("~x", "'~x'"), ("a b", "'a b'"), ("https://h:443/x=1", "https://h:443/x=1")]
        {
            assert_eq!(quoted(value), word);
        }
    }

    #[test]
    fn who_has_to_log_in_first_is_told_how() {
        let overrides = Overrides { account: Some("kim".into()), ..Overrides::default() };
        let refused = || Error::new(Exception::CannotAuthenticate, "");
        let cases = [
            (refused(), Some("Run `rucio --account kim login`.")),
            (refused().with_hint("Check it."), Some("Check it. Then run `rucio --account kim login`.")),
            (refused().with_hint("Run `kinit`."), Some("Run `kinit`.")),
            (refused().with_hint("Run `rucio login --force`."), Some("Run `rucio --account kim login --force`.")),
            (
                Error::Login(Box::new(Error::new(Exception::ConfigNotFound, "").with_hint("Name one."))),
                Some("Name one. To write a first one, run `rucio --account kim login --setup`."),
            ),
            (Error::new(Exception::AccessDenied, ""), None),
            (Error::Interrupted, None),
        ];
        for (error, expected) in cases {
            assert_eq!(hint(&error, &overrides).as_deref(), expected, "{error:?}");
        }
    }
}
