//! `GET /auth/userpass`: user name and password.

use super::{Login, Token, ask_blocking};
use crate::error::{Error, Result};
use crate::exceptions::Exception;
use crate::http::Request;
use crate::secret::Secret;

/// Requests a token with a user name and a password. What is not configured is prompted for.
pub(super) async fn authenticate(login: &Login, username: Option<&str>, password: Option<&Secret>) -> Result<Token> {
    let username = match username {
        Some(username) => username.to_owned(),
        None => {
            let interact = login.interact.clone();
            ask_blocking(move || interact.line("User name: ")).await?.map_err(|_| not_set("username", "--user"))?
        }
    };
    let password = match password {
        Some(password) => password.clone(),
        None => {
            let interact = login.interact.clone();
            let question = format!("Password of {username}: ");
            ask_blocking(move || interact.secret(&question)).await?.map_err(|_| not_set("password", "--password"))?
        }
    };
    let request = Request::get("auth/userpass")
        .header("x-rucio-username", username)
        .header("x-rucio-password", password.expose());
    Token::from_response(login.transport.send_to_auth_host(&request).await?).await
}

fn not_set(option: &str, flag: &str) -> Error {
    Error::new(Exception::CannotAuthenticate, format!("'{option}' is not set, and there is no terminal to ask at."))
        .with_hint(format!(
            "Give the option {flag}, or add `{option} = …` to [client] in the configuration file; or have it asked for, in \
             a terminal: run `rucio login`."
        ))
}
