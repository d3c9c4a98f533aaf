//! Builds the command line to run next, which repeats the global options of the current one.

use std::ffi::OsString;
use std::path::Path;

use crate::config::Overrides;
use crate::hint::{Command, Hint, Parameter, shell_word};

/// Returns `rucio`, the options that select the session and the login, and `words`. Omits the password, which is
/// prompted for.
pub(super) fn command(overrides: &Overrides, words: &str) -> String {
    let given = [
        (option(Parameter::Config), &overrides.config),
        (option(Parameter::Profile), &overrides.profile),
        (option(Parameter::Host), &overrides.host),
        (option(Parameter::AuthHost), &overrides.auth_host),
        (option(Parameter::Account), &overrides.account),
        (option(Parameter::AuthMethod), &overrides.auth_strategy),
        (option(Parameter::CaCertificate), &overrides.ca_certificate),
        (option(Parameter::Certificate), &overrides.certificate),
        (option(Parameter::ClientKey), &overrides.client_key),
        (option(Parameter::User), &overrides.user),
        (option(Parameter::Vo), &overrides.vo),
        (option(Parameter::OidcScope), &overrides.oidc_scope),
        (option(Parameter::OidcAudience), &overrides.oidc_audience),
        ("--oidc-refresh-lifetime", &overrides.oidc_refresh_lifetime),
        (option(Parameter::OidcIssuer), &overrides.oidc_issuer),
    ];
    let given = given.iter().filter_map(|(option, value)| Some(format!(" {option} {}", shell_word(value.as_ref()?))));
    let flags = [(overrides.oidc_polling, " --oidc-polling"), (overrides.no_browser, " --no-browser")];
    let flags = flags.iter().filter(|(given, _)| *given).map(|(_, flag)| (*flag).to_owned());
    format!("rucio{} {words}", given.chain(flags).collect::<String>())
}

/// Returns the options for a corrected command line: a value that the hints blame is replaced by one that they propose,
/// else by a placeholder.
pub(super) fn corrected(overrides: &Overrides, hints: &[Hint]) -> Overrides {
    let mut corrected = overrides.clone();
    let is_set_up = hints.contains(&Hint::command("", Command::SetUp));
    for hint in hints {
        match hint {
            Hint::Parameters { parameters, .. } => {
                parameters.iter().for_each(|one| blank(&mut corrected, *one));
                // Only an option can name it while there is no configuration.
                if is_set_up && parameters.contains(&Parameter::CaCertificate) {
                    corrected.ca_certificate = Some(placeholder(Parameter::CaCertificate).to_owned());
                }
            }
            Hint::Values { values, .. } => {
                for (parameter, value) in values {
                    if let Some(given) = value_of(&mut corrected, *parameter) {
                        *given = Some(value.clone());
                    }
                }
            }
            _ => {}
        }
    }
    corrected
}

/// Replaces the value of an option by a placeholder, if the option was given. A key belongs to its certificate.
fn blank(overrides: &mut Overrides, parameter: Parameter) {
    if let Some(value @ Some(_)) = value_of(overrides, parameter) {
        *value = Some(placeholder(parameter).to_owned());
    }
    if matches!(parameter, Parameter::Certificate | Parameter::Proxy) {
        blank(overrides, Parameter::ClientKey);
    }
}

fn value_of(overrides: &mut Overrides, parameter: Parameter) -> Option<&mut Option<String>> {
    Some(match parameter {
        Parameter::Config => &mut overrides.config,
        Parameter::Profile => &mut overrides.profile,
        Parameter::Host => &mut overrides.host,
        Parameter::AuthHost => &mut overrides.auth_host,
        Parameter::Account => &mut overrides.account,
        Parameter::AuthMethod => &mut overrides.auth_strategy,
        Parameter::CaCertificate => &mut overrides.ca_certificate,
        Parameter::Certificate | Parameter::Proxy => &mut overrides.certificate,
        Parameter::ClientKey => &mut overrides.client_key,
        Parameter::User => &mut overrides.user,
        Parameter::Vo => &mut overrides.vo,
        Parameter::OidcScope => &mut overrides.oidc_scope,
        Parameter::OidcAudience => &mut overrides.oidc_audience,
        Parameter::OidcIssuer => &mut overrides.oidc_issuer,
        _ => return None,
    })
}

/// Returns what stands for the value of an option that the user must fill in.
fn placeholder(parameter: Parameter) -> &'static str {
    match parameter {
        Parameter::Host | Parameter::AuthHost => "URL",
        Parameter::Account => "ACCOUNT",
        Parameter::AuthMethod => "STRATEGY",
        Parameter::CaCertificate => "PATH",
        Parameter::Config | Parameter::Certificate | Parameter::Proxy | Parameter::ClientKey => "FILE",
        Parameter::Vo => "VO",
        Parameter::OidcScope => "SCOPES",
        Parameter::OidcAudience => "AUDIENCE",
        _ => "NAME",
    }
}

/// Returns a command line as it can be typed again, without the password, which is prompted for.
pub(super) fn repeat(words: &[OsString]) -> String {
    let mut rest = words.iter().map(|word| word.to_string_lossy());
    let program = rest.next().unwrap_or_default();
    let program = Path::new(program.as_ref()).file_name().unwrap_or_default().to_string_lossy();
    let mut line = shell_word(&program).into_owned();
    while let Some(word) = rest.next() {
        let (name, value) = word.split_once('=').map_or((word.as_ref(), None), |(name, value)| (name, Some(value)));
        if name.len() > 2 && "--password".starts_with(name) {
            if value.is_none() {
                rest.next();
            }
        } else {
            line = line + " " + &shell_word(&word);
        }
    }
    line
}

/// Returns the option of the command line.
pub(super) fn option(parameter: Parameter) -> &'static str {
    match parameter {
        Parameter::Config => "--config",
        Parameter::Profile => "--profile",
        Parameter::Host => "-H",
        Parameter::AuthHost => "--auth-host",
        Parameter::Account => "--account",
        Parameter::AuthMethod => "-S",
        Parameter::CaCertificate => "--ca-certificate",
        Parameter::Certificate | Parameter::Proxy => "--certificate",
        Parameter::ClientKey => "--client-key",
        Parameter::User => "--user",
        Parameter::Password => "--password",
        Parameter::Vo => "--vo",
        Parameter::OidcScope => "--oidc-scope",
        Parameter::OidcAudience => "--oidc-audience",
        Parameter::OidcIssuer => "--oidc-issuer",
        Parameter::MinimumValidity => "--min-life",
        Parameter::Protocol => "--protocol",
        Parameter::SourceRses => "--rses",
        Parameter::TargetFolder => "--dir",
        Parameter::Lfn => "--lfn",
        Parameter::Pfn => "--pfn",
        Parameter::Guid => "--guid",
        Parameter::UploadLifetime => "--lifetime",
        Parameter::RegisterAfterUpload => "--register-after-upload",
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
    fn next_command_does_not_repeat_what_is_blamed() {
        let overrides = Overrides {
            account: Some("nosuch".into()),
            certificate: Some("old.pem".into()),
            client_key: Some("old.key".into()),
            ..Overrides::default()
        };
        let blamed = [
            Hint::parameters("Check it", [Parameter::Certificate, Parameter::Host]),
            Hint::values("Act as that one", [(Parameter::Account, "kim".to_owned())]),
        ];
        let next = command(&corrected(&overrides, &blamed), "login");
        assert_eq!(next, "rucio --account kim --certificate FILE --client-key FILE login");
        assert_eq!(command(&corrected(&overrides, &["Text.".into()]), "login"), command(&overrides, "login"));
    }

    #[test]
    fn next_command_repeats_the_typed_words_without_the_password() {
        let typed = |words: &[&str]| repeat(&words.iter().map(OsString::from).collect::<Vec<_>>());
        let words =
            ["/usr/bin/rucio", "--password", "hunter2", "-a", "kim", "--passw=x", "download", "--pfn", "f", "s:a b"];
        assert_eq!(typed(&words), "rucio -a kim download --pfn f 's:a b'");
    }

    #[test]
    fn next_command_repeats_options_for_a_shell_and_no_passwords() {
        let expected = r#"rucio --config "/home/kim o'hara/rucio.cfg" --account kim --no-browser login"#;
        assert_eq!(command(&given(), "login"), expected);
        assert_eq!(command(&Overrides::default(), "session show"), "rucio session show");
    }
}
