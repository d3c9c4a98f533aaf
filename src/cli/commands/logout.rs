//! `rucio logout`

use std::path::PathBuf;

use crate::auth::session::{self, Session};
use crate::auth::{TokenSource, ask_blocking};
use crate::cli::context::Context;
use crate::cli::leaf::{Extension, NoServer};
use crate::cli::terminal::Terminal;
use crate::cli::ui::Shape;
use crate::config::{AuthMethod, token_folders};
use crate::error::{Error, Result};
use crate::exceptions::Exception;
use crate::hint::Hint;
use crate::interact::Interact;
use crate::time::date;

const SHAPE: Shape = Shape::named(&["account"], &["host", "account", "vo", "auth_type", "source", "expires_at"]);

/// Log out: delete the saved token and refresh token of this server and account
///
/// Rucio cannot revoke tokens: prints until when the token remains valid on the server, and what would log you in
/// again.
///
/// Example: rucio logout --all --yes
#[derive(Debug, clap::Args)]
#[command(add = Extension, add = NoServer::With("all"))]
pub(crate) struct Args {
    /// Log out of all your sessions on this machine: every server, account and VO
    #[arg(long)]
    all: bool,
    /// Do not ask for confirmation
    #[arg(short, long)]
    yes: bool,
}

pub(crate) async fn run(context: &Context, args: Args) -> Result<()> {
    let folders = if args.all { all_folders(context)? } else { Vec::new() };
    if !args.yes {
        ask(context, args.all).await?;
    }
    let forgotten = if args.all { session::forget_all(&folders)? } else { session::forget(context.login()?)? };
    if forgotten.is_empty() {
        context.ui.line("No saved sessions.")?;
    }
    let mut list = context.ui.list(SHAPE);
    for session in &forgotten {
        list.line(&record(session), || text(session))?;
    }
    list.end()?;
    warn_of_others(context);
    Ok(())
}

/// Returns the token folders of all VOs, and that of the configured token file.
fn all_folders(context: &Context) -> Result<Vec<PathBuf>> {
    let mut folders = token_folders(&context.env)?;
    let chosen = context.login().ok().map(|login| login.settings().token_dir.clone());
    folders.extend(chosen.filter(|folder| !folders.contains(folder)));
    Ok(folders)
}

/// Asks for confirmation. Errors: it is denied, or there is no terminal.
async fn ask(context: &Context, all: bool) -> Result<()> {
    let question = if all {
        "Log out of all sessions? [y/N] ".to_owned()
    } else {
        let login = context.login()?;
        let settings = login.settings();
        let account = settings.account.as_deref().unwrap_or("the default account");
        let methods: Vec<_> = session::of_account(login).into_iter().map(|session| method(&session)).collect();
        let sessions = match methods.len() {
            0 | 1 => String::new(),
            number => format!(" ({number} sessions: {})", methods.join(", ")),
        };
        format!("Log out of {account} at {}{sessions}? [y/N] ", settings.rucio_host)
    };
    let answer = ask_blocking(move || Terminal.line(&question)).await?;
    let words = if all { "logout --all --yes" } else { "logout --yes" };
    match answer {
        Ok(answer) if ["y", "yes"].contains(&answer.to_lowercase().as_str()) => Ok(()),
        Ok(_) => Err(Error::value("Not logged out.".to_owned())),
        Err(_) => Err(Error::new(Exception::InputValidationError, "There is no terminal to prompt on.")
            .with_hint(Hint::run("", context.command(words)))),
    }
}

fn record(session: &Session) -> serde_json::Value {
    serde_json::json!({
        "host": session.host, "account": session.account, "vo": session.vo, "auth_type": session.auth_type,
        "source": session.source.to_string(), "expires_at": session.expires.and_then(super::session::view::iso),
    })
}

fn text(session: &Session) -> String {
    let account = session.account.as_deref().unwrap_or("the default account");
    let host = session.host.as_deref().unwrap_or("a server of the official client");
    let end = match session.expires {
        _ if session.has_ended() => "it had expired".to_owned(),
        Some(end) => format!("the token remains valid on the server until {}", date(end)),
        None => "the token remains valid on the server until it expires".to_owned(),
    };
    format!("Logged out of {account} at {host} ({}); {end}.", method(session))
}

fn method(session: &Session) -> String {
    session.auth_type.clone().unwrap_or_else(|| "unknown method".to_owned())
}

/// Warns if commands still use another token, or would log in again automatically.
fn warn_of_others(context: &Context) {
    let Ok(login) = context.login() else { return };
    if let Some(Session { source, .. }) = session::current(login).filter(|session| !session.has_ended()) {
        let remedy = match source {
            TokenSource::Variable(name) => format!("unset {name}"),
            _ => "remove it".to_owned(),
        };
        tracing::warn!("Commands still use the token of {source}: {remedy} to log out completely.");
    } else if let Some(means) = logs_in_automatically(&login.settings().auth) {
        tracing::warn!("The next command logs in again automatically, with {means}.");
    }
}

/// Returns the credential that lets commands log in without interaction, if any.
fn logs_in_automatically(auth: &AuthMethod) -> Option<String> {
    match auth {
        AuthMethod::Userpass { username: Some(_), password: Some(_) } => Some("the configured password".to_owned()),
        AuthMethod::X509 { cert, .. } => Some(format!("the certificate {}", cert.display())),
        AuthMethod::X509Proxy { proxy } => Some(format!("the proxy {}", proxy.display())),
        AuthMethod::Ssh { private_key, .. } => Some(format!("the key {}", private_key.display())),
        AuthMethod::Gss => Some("the Kerberos ticket".to_owned()),
        AuthMethod::Userpass { .. } | AuthMethod::Oidc(_) => None,
    }
}
