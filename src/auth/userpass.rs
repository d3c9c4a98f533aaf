//! `GET /auth/userpass`: user name and password.

use std::io;

use super::{Login, Token, ask_blocking};
use crate::error::{Error, Result};
use crate::exceptions::Exception;
use crate::hint::{Hint, Parameter};
use crate::http::Request;
use crate::secret::Secret;

/// How often a password is prompted for.
const MAX_TRIES: u32 = 3;

/// Requests a token with a user name and a password. What is not configured is prompted for.
pub(super) async fn authenticate(login: &Login, username: Option<&str>, password: Option<&Secret>) -> Result<Token> {
    let username = match username {
        Some(username) => username.to_owned(),
        None => {
            let interact = login.interact.clone();
            ask_blocking(move || interact.line("User name: "))
                .await?
                .map_err(|error| not_set(Parameter::User, error))?
        }
    };
    let token = match password {
        Some(password) => request_token(login, &username, password).await?,
        None => prompt(login, &username).await?,
    };
    Ok(token.of_identity(Some(username)))
}

/// Requests a token with a password from the prompt, which is repeated if the server refuses the login.
async fn prompt(login: &Login, username: &str) -> Result<Token> {
    let mut tries = 1..=MAX_TRIES;
    loop {
        let interact = login.interact.clone();
        let question = format!("Password of {username}: ");
        let password = ask_blocking(move || interact.secret(&question))
            .await?
            .map_err(|error| not_set(Parameter::Password, error))?;
        tries.next();
        match request_token(login, username, &password).await {
            Err(error) if error.status() == Some(401) && !tries.is_empty() => {
                login.interact.show("The server refuses this login. Try again, or press Ctrl-C.");
            }
            outcome => return outcome,
        }
    }
}

async fn request_token(login: &Login, username: &str, password: &Secret) -> Result<Token> {
    let request = Request::get("auth/userpass")
        .header("x-rucio-username", username)
        .header("x-rucio-password", password.expose());
    Token::from_response(login.transport.send_to_auth_host(&request).await?).await.map_err(with_class_name)
}

/// Puts the class before the server's message, as the official client does in this method.
fn with_class_name(error: Error) -> Error {
    match error.class() {
        Some(class) if error.status().is_some() => {
            let details = format!("{}: {}", class.name(), error.details());
            error.with_details(details)
        }
        _ => error,
    }
}

fn not_set(parameter: Parameter, error: io::Error) -> Error {
    let option = parameter.option().unwrap_or_default();
    Error::new(Exception::CannotAuthenticate, format!("'{option}' is not set, and the prompt failed"))
        .with_source(error)
        .with_hint(Hint::parameters("Set it", [parameter]))
        .with_hint("To be prompted for it, log in at a terminal.")
        .with_hint(Hint::LogIn { force: false })
}
