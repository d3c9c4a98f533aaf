//! The client of the REST API: adds the token to requests, replaces a refused one, and checks the status of responses.

use std::sync::Arc;

use futures_util::future::BoxFuture;
use reqwest::{Response, StatusCode};
use serde::de::DeserializeOwned;

use super::transport::insert;
use super::{JsonStream, Request, Transport, body, checked, json};
use crate::config::{DEFAULT_VO, Settings};
use crate::error::{Error, Result};
use crate::retry::{OUTAGE, Retryable};
use crate::secret::Secret;

/// Source of a client's tokens.
pub(crate) trait TokenProvider: Send + Sync {
    /// Returns the token for a request; logs in if there is none yet.
    fn token(&self) -> BoxFuture<'_, Result<Secret>>;
    /// Returns another token after the server refused this one.
    fn replace_refused<'a>(&'a self, refused: &'a Secret) -> BoxFuture<'a, Result<Secret>>;
}

/// Client of one Rucio server for one account. Cheap to clone; nothing is read or sent before the first request.
#[derive(Clone)]
pub struct Client {
    transport: Transport,
    tokens: Arc<dyn TokenProvider>,
}

impl std::fmt::Debug for Client {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Client").field("transport", &self.transport).finish_non_exhaustive()
    }
}

impl Client {
    /// Creates a client with this source of tokens: see [`Login::client`](crate::auth::Login::client).
    pub(crate) fn new(transport: Transport, tokens: Arc<dyn TokenProvider>) -> Self {
        Self { transport, tokens }
    }

    /// Returns the connections, for requests without the token.
    pub(crate) fn transport(&self) -> &Transport {
        &self.transport
    }

    /// Returns the settings of this client.
    pub fn settings(&self) -> &Settings {
        self.transport.settings()
    }

    /// Returns the configured account; `None` means the server's default for the identity.
    pub fn account(&self) -> Option<&str> {
        self.settings().account.as_deref()
    }

    /// Returns the VO; `None` for the default one.
    pub fn vo(&self) -> Option<&str> {
        Some(self.settings().vo.as_str()).filter(|vo| *vo != DEFAULT_VO)
    }

    /// Returns the current token, for requests about it.
    ///
    /// Errors: those of the login.
    pub async fn token(&self) -> Result<Secret> {
        self.tokens.token().await
    }

    /// Sends a request with the token and with retries, and returns the response if it is a success. Replaces a rejected
    /// token once.
    ///
    /// Errors: the server's exception class and message for every response that is not a success;
    /// `ServerConnectionException` without a response; `CannotAuthenticate` without a token.
    pub async fn send_checked(&self, request: Request) -> Result<Response> {
        let host = &self.settings().rucio_host;
        let answer = checked(self.send_authenticated(host, &request).await?).await;
        self.explain_unknown_call(answer, host, &request).await
    }

    /// Sends a request without a token to this host, checks the status, and parses the response as one JSON value.
    pub(crate) async fn public_json<T: DeserializeOwned>(&self, host: &str, request: Request) -> Result<T> {
        let answer = self.transport.json(host, &request).await;
        self.explain_unknown_call(answer, host, &request).await
    }

    /// If the server does not know the call, replaces the hint by the server's version, if it is a Rucio server.
    async fn explain_unknown_call<T>(&self, answer: Result<T>, host: &str, request: &Request) -> Result<T> {
        #[derive(serde::Deserialize)]
        struct Ping {
            version: String,
        }
        let error = match answer {
            Err(error) if error.is_unknown_call() => error,
            answer => return answer,
        };
        let ping = self.transport.json::<Ping>(host, &Request::get("ping")).await;
        let Ok(Ping { version }) = ping else { return Err(error) };
        let needed = match request.since {
            Some(release) => format!("this needs Rucio {release} or newer"),
            None => "it does not know this call".to_owned(),
        };
        Err(error.with_only_hint(format!("The server runs Rucio {version}; {needed}.")))
    }

    /// Sends a request with the token and with retries to this host, for which the token must be valid. Returns the
    /// response, successful or not. Replaces a rejected token once.
    pub(crate) async fn send_authenticated(&self, host: &str, request: &Request) -> Result<Response> {
        let token = self.token().await.map_err(Error::before_start)?;
        let response = self.send_with_token(host, request, &token).await?;
        if !is_token_refused(&response) {
            return Ok(response);
        }
        let token = self.tokens.replace_refused(&token).await?;
        self.send_with_token(host, request, &token).await
    }

    async fn send_with_token(&self, host: &str, request: &Request, token: &Secret) -> Result<Response> {
        let mut headers = self.transport.headers()?;
        insert(&mut headers, "x-rucio-auth-token", token.expose(), true)?;
        self.transport.send_patiently(host, request, headers).await
    }

    /// Like [`Client::send_checked`]; parses the response as one JSON value.
    pub async fn json<T: DeserializeOwned>(&self, request: Request) -> Result<T> {
        self.read_whole(request, |body| json::parse(&body)).await
    }

    /// Sends a request and reads the whole response. If it breaks off, a request that only reads is sent again.
    async fn read_whole<T>(&self, request: Request, parse: impl Fn(Vec<u8>) -> Result<T>) -> Result<T> {
        let mut retries = 1..self.settings().request_retries;
        loop {
            let response = self.send_checked(request.clone()).await?;
            match (body::read_all(response).await.and_then(&parse), retries.next()) {
                (Err(error), Some(retry)) if error.is_retryable() && request.is_read() => {
                    let pause = OUTAGE.pause(retry - 1);
                    tracing::warn!("The server's answer is incomplete, retrying in {pause:.1?}: {}", error.details());
                    tokio::time::sleep(pause).await;
                }
                (result, _) => return result,
            }
        }
    }

    /// Like [`Client::send_checked`]; the response is a list, one JSON value per line.
    pub async fn stream<T: DeserializeOwned>(&self, request: Request) -> Result<JsonStream<T>> {
        Ok(JsonStream::new(self.send_checked(request).await?))
    }

    /// Like [`Client::send_checked`]; returns the response as text.
    pub async fn text(&self, request: Request) -> Result<String> {
        self.read_whole(request, |body| Ok(body::to_text(body))).await
    }

    /// Like [`Client::send_checked`]; ignores the body of the response.
    pub async fn execute(&self, request: Request) -> Result<()> {
        body::read_all(self.send_checked(request).await?).await.map(drop)
    }
}

/// Returns whether the server rejected the token. A 401 with `AccessDenied` means that the token is valid but the
/// account lacks permission: a new login would not help.
fn is_token_refused(response: &Response) -> bool {
    let class = response.headers().get("ExceptionClass").and_then(|class| class.to_str().ok());
    response.status() == StatusCode::UNAUTHORIZED && class != Some("AccessDenied")
}
