//! `GET /auth/userpass`: a name and a password.

use super::Token;
use crate::error::Result;
use crate::http::{Client, Request};
use crate::secret::Secret;

/// Asks for a token with a user name and a password.
pub(super) async fn authenticate(client: &Client, username: &str, password: &Secret) -> Result<Token> {
    let request = Request::get("auth/userpass")
        .header("x-rucio-username", username)
        .header("x-rucio-password", password.expose());
    Token::from_answer(client.authenticate(client.connections()?, &request).await?).await
}
