//! `GET /auth/ssh_challenge_token` and `GET /auth/ssh`: signs a challenge with an SSH key that is an identity of the
//! account.

mod agent;
mod key;
mod wire;

use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::sync::Arc;

use base64::prelude::{BASE64_STANDARD, Engine as _};
use openssl::pkey::{PKey, Private};
use reqwest::{Response, StatusCode};

use super::{Login, Token, ask_blocking};
use crate::certificate::question;
use crate::error::{Error, Result};
use crate::exceptions::Exception;
use crate::hint::{Command, Hint, Parameter};
use crate::http::{Request, checked};
use crate::interact::Interact;
use agent::Agent;
use key::{KeyFile, PublicKey};

/// Requests a token with the key in this file. `agent` is the socket of the SSH agent: it signs if it holds the key, so
/// that no pass phrase is needed. If it does not, or refuses, the file is opened.
pub(super) async fn authenticate(login: &Login, private_key: &Path, agent: Option<&Path>) -> Result<Token> {
    let account = login.require_account()?;
    if let Some(signature) = by_agent(login, account, private_key, agent).await? {
        return exchange(login, account, private_key, &signature).await;
    }
    // The pass phrase is asked for before the challenge, which is valid for ten seconds.
    let key = open(login, private_key).await?;
    let signature = key::sign(&key, challenge(login, account).await?.as_bytes())?;
    exchange(login, account, private_key, &signature).await
}

/// Returns a challenge signed by the agent; `None` if it does not hold the key, or refuses.
async fn by_agent(login: &Login, account: &str, path: &Path, socket: Option<&Path>) -> Result<Option<Vec<u8>>> {
    let path = path.to_owned();
    let socket = socket.map(Path::to_owned);
    let found = ask_blocking(move || find(&path, socket.map(Agent))).await??;
    let Some((agent, key)) = found else { return Ok(None) };
    let challenge = challenge(login, account).await?;
    match ask_blocking(move || agent.sign(&key, challenge.as_bytes())).await? {
        Ok(signature) => Ok(Some(signature)),
        Err(error) => {
            tracing::warn!("The SSH agent has the key, but does not sign: {error}. The key's file is read.");
            Ok(None)
        }
    }
}

/// Returns the agent and the key if the agent holds it. A key that no server can verify is refused here, before its
/// pass phrase is asked for.
fn find(path: &Path, agent: Option<Agent>) -> Result<Option<(Agent, PublicKey)>> {
    let public = KeyFile::read(path).map_or_else(|_| PublicKey::read_public_half(path), |file| file.public());
    let Some(public) = public else { return Ok(None) };
    public.require_rsa(path)?;
    let Some(agent) = agent else { return Ok(None) };
    match agent.has_key(&public) {
        Ok(true) => return Ok(Some((agent, public))),
        Ok(false) => tracing::debug!("the SSH agent does not have {}", path.display()),
        Err(error) => tracing::debug!("the SSH agent at {} is of no help: {error}", agent.0.display()),
    }
    Ok(None)
}

/// Whether a key can sign without interaction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Readiness {
    /// It needs no pass phrase.
    Open,
    /// The agent holds it.
    InAgent,
    /// It needs a pass phrase from the user.
    Locked,
}

/// Returns whether a login with the key in this file needs interaction. Contacts the agent, but no server.
///
/// # Errors
/// `CannotAuthenticate` for a file that cannot be read, or a key that no server can verify.
pub(crate) fn readiness(path: &Path, agent: Option<&Path>) -> Result<Readiness> {
    if find(path, agent.map(|socket| Agent(socket.to_owned())))?.is_some() {
        return Ok(Readiness::InAgent);
    }
    let file = KeyFile::read(path).map_err(|error| key::unreadable(path, &error))?;
    Ok(if file.is_locked() { Readiness::Locked } else { Readiness::Open })
}

async fn open(login: &Login, path: &Path) -> Result<PKey<Private>> {
    let (path, interact): (_, Arc<dyn Interact>) = (path.to_owned(), login.interact.clone());
    ask_blocking(move || {
        let file = KeyFile::read(&path).map_err(|error| key::unreadable(&path, &error))?;
        warn_if_open(&path);
        file.open(|| interact.secret(&question(&path)))
    })
    .await?
}

/// A warning only: the official client accepts a key that others can read, and working set-ups have one; ssh would
/// refuse it.
fn warn_if_open(path: &Path) {
    let mode = std::fs::metadata(path).map_or(0, |metadata| metadata.permissions().mode() & 0o777);
    if mode & 0o077 != 0 {
        let place = path.display();
        tracing::warn!(
            "The permissions of the SSH private key {place} are {mode:o}: others can access it. Run `chmod 600 {place}`."
        );
    }
}

/// Requests the challenge to sign. No server can obtain a signature for an SSH login or a signed file this way: both
/// contain zero bytes, which a header of text cannot.
async fn challenge(login: &Login, account: &str) -> Result<String> {
    let request = Request::get("auth/ssh_challenge_token");
    let response = checked(login.transport.send_to_auth_host(&request).await?).await;
    let response = response.map_err(|error| match error.class() {
        Some(Exception::CannotAuthenticate) => error.with_hint(Hint::parameters(
            format!("There is no account {account} at this server. Check account and server"),
            [Parameter::Account, Parameter::AuthHost],
        )),
        _ => error,
    })?;
    let challenge = response.headers().get("x-rucio-ssh-challenge-token").and_then(|value| value.to_str().ok());
    challenge.filter(|challenge| !challenge.is_empty()).map(str::to_owned).ok_or_else(|| {
        let details = "The server's answer contains no challenge to sign; is this a Rucio auth_host?";
        Error::new(Exception::CannotAuthenticate, details)
            .with_hint(Hint::parameters("Check the address", [Parameter::AuthHost]))
    })
}

async fn exchange(login: &Login, account: &str, key: &Path, signature: &[u8]) -> Result<Token> {
    let request = Request::get("auth/ssh").header("x-rucio-ssh-signature", BASE64_STANDARD.encode(signature));
    let response = login.transport.send_to_auth_host(&request).await?;
    if response.status() == StatusCode::INTERNAL_SERVER_ERROR {
        return Err(failed(response, account).await);
    }
    Token::from_response(response).await.map_err(|error| match error.class() {
        Some(Exception::CannotAuthenticate) if error.hints().is_empty() => error
            .with_hint(Hint::command(
                format!("The key {} must be an identity of the account; an administrator can add it", key.display()),
                Command::AddSshKey { public_key: format!("{}.pub", key.display()), account: account.to_owned() },
            ))
            .with_hint(Hint::parameters("Or choose another account", [Parameter::Account])),
        _ => error,
    })
}

/// Explains a server error: servers check the identities of the account one after the other, and fail at one that is
/// not an RSA key.
async fn failed(mut response: Response, account: &str) -> Error {
    // The first bytes are enough; the response may have any length.
    let text = response.chunk().await.ok().flatten().unwrap_or_default();
    let text = String::from_utf8_lossy(&text[..text.len().min(200)]).into_owned();
    if text.contains("class: RSAKey") {
        Error::new(
            Exception::CannotAuthenticate,
            format!(
                "The account {account} has an SSH identity that is not an RSA key, over which the server fails: {text}."
            ),
        )
        .with_hint(Hint::command(
            "An administrator can find the identity in this list and remove it",
            Command::ListIdentities { account: account.to_owned() },
        ))
        .with_hint(Hint::parameters("Or use another authentication method", [Parameter::AuthMethod]))
    } else {
        Error::new(Exception::RucioException, format!("The server failed (http status code: 500): {text}"))
    }
}
