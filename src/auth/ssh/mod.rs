//! `GET /auth/ssh_challenge_token` and `GET /auth/ssh`: a challenge, signed with an SSH key that is an identity of the
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

use super::{Token, asking, named_account};
use crate::certificate::question;
use crate::error::{Error, Result};
use crate::exceptions::Exception;
use crate::http::{Client, Request, checked};
use crate::interact::Interact;
use agent::Agent;
use key::{KeyFile, PublicKey};

/// Asks for a token with the key of this file. `agent` is the socket of the SSH agent: it signs if it has the key, so
/// that nobody is asked for a pass phrase. Where it has not, or does not want to, the file is opened.
pub(super) async fn authenticate(client: &Client, private_key: &Path, agent: Option<&Path>) -> Result<Token> {
    let account = named_account(client)?;
    if let Some(signature) = by_agent(client, account, private_key, agent).await? {
        return exchange(client, account, private_key, &signature).await;
    }
    // The pass phrase comes before the challenge, which is good for ten seconds.
    let key = open(client, private_key).await?;
    let signature = key::sign(&key, challenge(client, account).await?.as_bytes())?;
    exchange(client, account, private_key, &signature).await
}

/// A challenge signed by the agent, if it has the key and wants to.
async fn by_agent(client: &Client, account: &str, path: &Path, socket: Option<&Path>) -> Result<Option<Vec<u8>>> {
    let (path, socket) = (path.to_owned(), socket.map(Path::to_owned));
    let found = asking(move || find(&path, socket.map(Agent))).await??;
    let Some((agent, key)) = found else { return Ok(None) };
    let challenge = challenge(client, account).await?;
    match asking(move || agent.sign(&key, challenge.as_bytes())).await? {
        Ok(signature) => Ok(Some(signature)),
        Err(error) => {
            tracing::warn!("The SSH agent has the key, but does not sign: {error}. The key's file is read.");
            Ok(None)
        }
    }
}

/// The agent and the key, if the one has the other. A key that no server can verify is refused here, before anybody is
/// asked for its pass phrase.
fn find(path: &Path, agent: Option<Agent>) -> Result<Option<(Agent, PublicKey)>> {
    let public = KeyFile::read(path).map_or_else(|_| PublicKey::beside(path), |file| file.public());
    let Some(public) = public else { return Ok(None) };
    public.require_rsa(path)?;
    let Some(agent) = agent else { return Ok(None) };
    match agent.has(&public) {
        Ok(true) => return Ok(Some((agent, public))),
        Ok(false) => tracing::debug!("the SSH agent does not have {}", path.display()),
        Err(error) => tracing::debug!("the SSH agent at {} is of no help: {error}", agent.0.display()),
    }
    Ok(None)
}

/// Whether somebody has to be asked before a key can sign.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Readiness {
    /// It needs no pass phrase.
    Open,
    /// The agent has it.
    InAgent,
    /// Its pass phrase is asked for.
    Locked,
}

/// Whether a login with the key of this file asks somebody. Asks the agent, and no server.
///
/// # Errors
/// `CannotAuthenticate` for a file that cannot be read, and a key that no server can verify.
pub(crate) fn readiness(path: &Path, agent: Option<&Path>) -> Result<Readiness> {
    if find(path, agent.map(|socket| Agent(socket.to_owned())))?.is_some() {
        return Ok(Readiness::InAgent);
    }
    let file = KeyFile::read(path).map_err(|error| key::unreadable(path, &error))?;
    Ok(if file.is_locked() { Readiness::Locked } else { Readiness::Open })
}

async fn open(client: &Client, path: &Path) -> Result<PKey<Private>> {
    let (path, interact): (_, Arc<dyn Interact>) = (path.to_owned(), client.interact().clone());
    asking(move || {
        let file = KeyFile::read(&path).map_err(|error| key::unreadable(&path, &error))?;
        warn_if_open(&path);
        file.open(|| interact.secret(&question(&path)))
    })
    .await?
}

/// The official client takes a key that others may read, and so do set-ups that work; ssh would refuse it.
fn warn_if_open(path: &Path) {
    let mode = std::fs::metadata(path).map_or(0, |metadata| metadata.permissions().mode() & 0o777);
    if mode & 0o077 != 0 {
        let place = path.display();
        tracing::warn!(
            "The permissions of the SSH private key {place} are {mode:o}: it is not yours alone. Run `chmod 600 {place}`."
        );
    }
}

/// What the server wants to have signed. No server can have us sign a login by SSH or a signed file in this way: both
/// have zero bytes, and a header that is text has none.
async fn challenge(client: &Client, account: &str) -> Result<String> {
    let request = Request::get("auth/ssh_challenge_token");
    let response = checked(client.authenticate(client.connections()?, &request).await?).await;
    let response = response.map_err(|error| match error.class() {
        Some(Exception::CannotAuthenticate) => error.with_hint(format!(
            "There is no account {account} at this server: check [client] account or --account, and auth_host."
        )),
        _ => error,
    })?;
    let challenge = response.headers().get("x-rucio-ssh-challenge-token").and_then(|value| value.to_str().ok());
    challenge.filter(|challenge| !challenge.is_empty()).map(str::to_owned).ok_or_else(|| {
        let details = "The server's answer carries no challenge to sign; is this a Rucio auth_host?";
        Error::new(Exception::CannotAuthenticate, details).with_hint("Check [client] auth_host or --auth-host.")
    })
}

async fn exchange(client: &Client, account: &str, key: &Path, signature: &[u8]) -> Result<Token> {
    let request = Request::get("auth/ssh").header("x-rucio-ssh-signature", BASE64_STANDARD.encode(signature));
    let response = client.authenticate(client.connections()?, &request).await?;
    if response.status() == StatusCode::INTERNAL_SERVER_ERROR {
        return Err(failed(response, account).await);
    }
    Token::from_answer(response).await.map_err(|error| match error.class() {
        Some(Exception::CannotAuthenticate) if error.hint().is_none() => error.with_hint(format!(
            "The key {0} must be an identity of the account {account}; an administrator adds it with `rucio account \
             identity add --type SSH --id \"$(cat {0}.pub)\" --email EMAIL {account}`. Or choose another account with \
             --account.",
            key.display()
        )),
        _ => error,
    })
}

/// Servers look at the identities of the account one after the other, and fall over one that is no RSA key.
async fn failed(mut response: Response, account: &str) -> Error {
    // The first bytes say it all, and nobody knows how many there are.
    let text = response.chunk().await.ok().flatten().unwrap_or_default();
    let text = String::from_utf8_lossy(&text[..text.len().min(200)]).into_owned();
    match text.contains("class: RSAKey") {
        true => Error::new(
            Exception::CannotAuthenticate,
            format!("The account {account} has an SSH identity that is no RSA key, over which the server fails: {text}."),
        )
        .with_hint(format!(
            "Have an administrator look for it with `rucio account identity list {account}` and take it away with `rucio \
             account identity remove`; or log in another way with -S."
        )),
        false => Error::new(Exception::RucioException, format!("The server failed (http status code: 500): {text}")),
    }
}
