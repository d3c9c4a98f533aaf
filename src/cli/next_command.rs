//! Builds the command line to run next, which repeats the global options of the current one.

use crate::config::Overrides;
use crate::hint::{Parameter, shell_word};

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
    fn next_command_repeats_options_for_a_shell_and_no_passwords() {
        let expected = r#"rucio --config "/home/kim o'hara/rucio.cfg" --account kim --no-browser login"#;
        assert_eq!(command(&given(), "login"), expected);
        assert_eq!(command(&Overrides::default(), "session show"), "rucio session show");
    }
}
