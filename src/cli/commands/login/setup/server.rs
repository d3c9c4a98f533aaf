//! Finds out whether a server is one of Rucio, and with which CA certificates.

use super::questions::from_root;
use crate::api;
use crate::auth::{Login, ask_blocking};
use crate::cli::context::Context;
use crate::cli::terminal::Terminal;
use crate::config::{Config, Overrides, Settings};
use crate::diagnosis;
use crate::error::Result;
use crate::hint::{Hint, Parameter};
use crate::interact::Interact;

/// A Rucio server that answered.
#[derive(Debug)]
pub(super) struct Reached {
    /// Its Rucio release.
    pub release: String,
    pub host: String,
    /// The CA certificates that its certificate was verified with, if they are not the default ones.
    pub ca: Option<String>,
}

/// Requests the release of the server in these options, else in the configuration. If the server's certificate cannot
/// be verified, other CA certificates are tried: those of this machine, then those that the user names.
pub(super) async fn reach(context: &Context, options: &Overrides, config: &Config) -> Result<Reached> {
    let mut options = options.clone();
    loop {
        let login = Login::cached_only(settings(context, &options, config)?, "rucio::login");
        let host = login.settings().rucio_host.clone();
        let error = match api::server::ping_at(&login.client(), &host).await {
            Ok(ping) => return Ok(Reached { release: ping.version, host, ca: options.ca_certificate }),
            Err(error) => error,
        };
        let proposals: Vec<_> = error.hints().iter().filter_map(proposed_ca).collect();
        let is_new = |ca: &String| options.ca_certificate.as_ref() != Some(ca);
        let ca = match proposals.iter().flatten().find(|ca| is_new(ca)) {
            _ if proposals.is_empty() => None,
            Some(ca) => Some(ca.clone()),
            None => prompt_for_ca(error.details()).await?,
        };
        match ca {
            Some(ca) => options.ca_certificate = Some(from_root(&ca)),
            None => return Err(error),
        }
    }
}

/// Whether the server that logs in is the one of these options, too.
pub(super) async fn is_auth_host(context: &Context, options: &Overrides, config: &Config) -> Result<bool> {
    let login = Login::cached_only(settings(context, options, config)?, "rucio::login");
    Ok(diagnosis::server::authentication(&login.client()).await.1)
}

/// Returns settings for requests without a login: the files of the authentication method may be missing.
pub(super) fn settings(context: &Context, options: &Overrides, config: &Config) -> Result<Settings> {
    let options = Overrides { auth_strategy: Some("gss".to_owned()), ..options.clone() };
    Settings::resolve(&options, &context.env, config)
}

/// Returns the CA certificates that a hint proposes; `Some(None)` if it only says that others are needed.
fn proposed_ca(hint: &Hint) -> Option<Option<String>> {
    match hint {
        Hint::Values { values, .. } => {
            let ca = values.iter().find(|(parameter, _)| *parameter == Parameter::CaCertificate);
            ca.map(|(_, path)| Some(path.clone()))
        }
        Hint::Parameters { parameters, .. } if parameters.contains(&Parameter::CaCertificate) => Some(None),
        _ => None,
    }
}

/// Prompts for CA certificates; `None` without a terminal or an answer.
async fn prompt_for_ca(problem: &str) -> Result<Option<String>> {
    let question = format!("{problem}\nCA certificates of the server (file or directory): ");
    let answer = ask_blocking(move || Terminal.line(&question)).await?;
    Ok(answer.ok().filter(|answer| !answer.is_empty()))
}
