//! WLCG bearer token discovery: tokens that other programs leave in the environment and in files, in the order of
//! <https://zenodo.org/records/3937438>.
//!
//! Such tokens are meant for many services. One is used only while it is valid, and only for a server that it can be
//! meant for, so that it does not reach any other.

#[cfg(test)]
mod tests;

use std::fs;
use std::io::{Error, ErrorKind, Result};
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use rustix::process::geteuid;
use url::Url;

use crate::auth::clock_skew::not_valid_yet;
use crate::auth::token_cache::{require_private, warn_if_readable};
use crate::auth::{Claims, Token, TokenSource};
use crate::config::{AuthMethod, BearerTokens, OidcSettings, Settings};
use crate::env_vars;
use crate::input_file;
use crate::time::{date, unix_time};

/// Audiences that mean every service.
const FOR_ALL: [&str; 2] = ["https://wlcg.cern.ch/jwt/v1/any", "ANY"];

/// Returns the first usable token. Warns about those before it that are not used, with the reason.
pub(in crate::auth) fn discover(settings: &Settings) -> Option<Token> {
    let AuthMethod::Oidc(oidc) = &settings.auth else { return None };
    usable(&oidc.bearer, |claims| audience_problem(claims, settings, oidc), warn).next()
}

/// Returns all valid tokens, whatever their audience is: each storage gets the one that is for it. Warns about one that
/// a variable names and that is not used, unless [`discover`] does so; an old token at a usual path is no surprise.
pub(in crate::auth) fn discover_all(bearer: &BearerTokens, settings: &Settings) -> Vec<Token> {
    let is_usual =
        |source: &TokenSource| matches!(source, TokenSource::File(path) if bearer.usual_files.contains(path));
    let report = |source: &TokenSource, reason: &str| {
        if is_usual(source) || matches!(settings.auth, AuthMethod::Oidc(_)) {
            tracing::debug!("The token of {source} is not used: {reason}");
        } else {
            warn(source, reason);
        }
    };
    usable(bearer, |_| None, report).collect()
}

fn warn(source: &TokenSource, reason: &str) {
    tracing::warn!("The token of {source} is not used: {reason}");
}

/// Returns the tokens that are valid and about which `problem` finds nothing. Reports the others with the reason.
fn usable(
    bearer: &BearerTokens,
    problem: impl Fn(&Claims) -> Option<String>,
    report: impl Fn(&TokenSource, &str),
) -> impl Iterator<Item = Token> {
    let variable =
        bearer.variable.iter().map(|token| (TokenSource::Variable(env_vars::BEARER_TOKEN), token.expose().into()));
    let files = bearer.named_file.iter().chain(&bearer.usual_files);
    let files = files.filter_map(|path| Some((TokenSource::File(path.clone()), read(path)?)));
    variable.chain(files).filter_map(move |(source, value): (_, String)| {
        let value = value.trim();
        if value.is_empty() {
            return None;
        }
        match refusal(value, &problem) {
            None => {
                tracing::debug!("using the token of {source}");
                Some(Token::new(value, None).from(source))
            }
            Some(reason) => {
                report(&source, &reason);
                None
            }
        }
    })
}

/// Returns the content of a file, if it exists and can be trusted.
fn read(path: &Path) -> Option<String> {
    match trusted(path).and_then(|()| input_file::read_to_string(path)) {
        Ok(text) => Some(text),
        Err(error) if error.kind() == ErrorKind::NotFound => None,
        Err(error) => {
            tracing::warn!("The token of {} is not used: {error}", path.display());
            None
        }
    }
}

/// Checks that only the user and root can change the file. In a folder that others can write to, it must be the user's,
/// or root's; if others can read it there, it is used with a warning.
fn trusted(path: &Path) -> Result<()> {
    const WRITABLE: u32 = 0o022;
    let of_root = fs::symlink_metadata(path)?.uid() == 0 && !geteuid().is_root();
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    if !of_root && fs::metadata(folder)?.mode() & WRITABLE != 0 {
        require_private(path, WRITABLE)?;
        warn_if_readable(path);
        return Ok(());
    }
    let file = fs::metadata(path)?;
    if ![0, geteuid().as_raw()].contains(&file.uid()) || file.mode() & WRITABLE != 0 {
        let details = format!("{} can be changed by others", path.display());
        return Err(Error::new(ErrorKind::PermissionDenied, details));
    }
    Ok(())
}

/// Returns why a token is not used.
fn refusal(value: &str, problem: impl Fn(&Claims) -> Option<String>) -> Option<String> {
    let Some(claims) = Claims::parse(value) else { return Some("it is not a JSON web token.".to_owned()) };
    expiry_problem(&claims).or_else(|| problem(&claims))
}

/// Returns why a token is not valid now.
fn expiry_problem(claims: &Claims) -> Option<String> {
    match claims.exp {
        None => Some("it does not say until when it is valid.".to_owned()),
        Some(end) if end <= unix_time() => Some(format!("it ended at {}.", date(end))),
        Some(_) => not_valid_yet(claims),
    }
}

/// Returns why a token is not for this server. If the command line chose the server, the audience must name it; if the
/// configuration did, a token with an audience must have one of the configured ones, if any are configured.
fn audience_problem(claims: &Claims, settings: &Settings, oidc: &OidcSettings) -> Option<String> {
    let audiences = claims.aud.join(", ");
    if oidc.bearer.must_name_server {
        let named = claims.aud.iter().any(|audience| names(audience, &settings.rucio_host));
        return (!named).then(|| {
            format!(
                "its audience ({audiences}) does not name {}, which an option chose. To send it there, request a \
                 token with this audience (oidc_audience).",
                settings.rucio_host
            )
        });
    }
    let wanted: Vec<_> = oidc.audience.as_deref().unwrap_or_default().split_whitespace().collect();
    let meant = |audience: &String| wanted.contains(&audience.as_str()) || FOR_ALL.contains(&audience.as_str());
    let suits = wanted.is_empty() || claims.aud.is_empty() || claims.aud.iter().any(meant);
    (!suits).then(|| format!("it is for {audiences}, and oidc_audience asks for {}.", wanted.join(" ")))
}

/// Whether an audience is this server, by URL or by host name.
fn names(audience: &str, server: &str) -> bool {
    let Ok(server) = Url::parse(server) else { return false };
    match Url::parse(audience) {
        Ok(url) if url.has_host() => url.origin() == server.origin(),
        _ => server.host_str().is_some_and(|host| host.eq_ignore_ascii_case(audience)),
    }
}
