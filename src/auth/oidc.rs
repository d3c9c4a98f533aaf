//! `GET /auth/oidc`: a login in the browser, whose outcome the server hands over for a code or on being polled.

use std::time::{Duration, Instant};

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use url::Url;

use super::{Token, asking};
use crate::config::OidcSettings;
use crate::error::{Error, Result};
use crate::exceptions::Exception;
use crate::http::{Client, Request, checked};

/// How often a mistyped code may be typed again.
const CODE_TRIES: u32 = 3;
/// How long the server is polled for the token, and how often.
const POLL_FOR: Duration = Duration::from_secs(180);
const POLL_EVERY: Duration = Duration::from_secs(2);

/// Has the user log in at the identity provider and fetches the token.
pub(super) async fn authenticate(client: &Client, settings: &OidcSettings) -> Result<Token> {
    let link = login_link(client, settings).await?;
    client.interact().show(&format!("Please use your internet browser, go to:\n\n    {link}\n\nand log in there."));
    match settings.polling {
        true => poll(client, settings, &link).await,
        false => exchange_code(client, settings).await,
    }
}

async fn login_link(client: &Client, settings: &OidcSettings) -> Result<String> {
    let response = client.authenticate(client.connections()?, &request("auth/oidc", settings)).await?;
    let response = checked(response).await?;
    let link = response.headers().get("x-rucio-oidc-auth-url").and_then(|value| value.to_str().ok());
    link.map(str::to_owned).ok_or_else(|| {
        Error::new(Exception::CannotAuthenticate, "The server offers no OIDC login for this scope, audience or issuer")
            .with_hint("Check --oidc-scope, --oidc-audience and --oidc-issuer with the site's administrators.")
    })
}

async fn poll(client: &Client, settings: &OidcSettings, link: &str) -> Result<Token> {
    client.interact().show("Waiting up to 3 minutes for the login in the browser ...");
    let path = path_on_auth_host(client, link)?;
    let start = Instant::now();
    while start.elapsed() < POLL_FOR {
        if let Ok(token) = fetch(client, &path, settings).await {
            return Ok(token);
        }
        tokio::time::sleep(POLL_EVERY).await;
    }
    Err(Error::new(Exception::CannotAuthenticate, "Nobody logged in in the browser within 3 minutes"))
}

async fn exchange_code(client: &Client, settings: &OidcSettings) -> Result<Token> {
    for _ in 0..CODE_TRIES {
        client.interact().show("Copy the code from the browser to this terminal and press enter:");
        let interact = client.interact().clone();
        let code = asking(move || interact.code()).await?;
        let code = code.map_err(|error| Error::io("Cannot read the login code", error))?;
        let code = utf8_percent_encode(code.trim(), NON_ALPHANUMERIC);
        match fetch(client, &format!("auth/oidc_redirect?{code}"), settings).await {
            Ok(token) => return Ok(token),
            Err(error) => client.interact().show(&format!("This code was not accepted ({error}). Please try again.")),
        }
    }
    Err(Error::new(Exception::CannotAuthenticate, "No valid login code was given"))
}

async fn fetch(client: &Client, path: &str, settings: &OidcSettings) -> Result<Token> {
    let request = request(path, settings).header("x-rucio-client-fetch-token", "True");
    Token::from_answer(client.authenticate(client.connections()?, &request).await?).await
}

/// The server's own login links point at its auth_host; nothing of ours goes anywhere else.
fn path_on_auth_host(client: &Client, link: &str) -> Result<String> {
    let host = Url::parse(&client.settings().auth_host).ok();
    match Url::parse(link) {
        Ok(url) if host.is_some_and(|host| host.origin() == url.origin()) => {
            let query = url.query().map(|query| format!("?{query}")).unwrap_or_default();
            Ok(format!("{}{query}", url.path().trim_start_matches('/')))
        }
        _ => Err(Error::new(Exception::CannotAuthenticate, "The server's login link leads to another host")),
    }
}

fn request(path: &str, settings: &OidcSettings) -> Request {
    let text = |value: bool| if value { "True" } else { "False" };
    let lifetime = settings.refresh_lifetime.as_deref().unwrap_or("None");
    let mut request = Request::get(path)
        .header("x-rucio-client-authorize-polling", text(settings.polling))
        .header("x-rucio-client-authorize-scope", &settings.scope)
        .header("x-rucio-client-authorize-refresh-lifetime", lifetime);
    if let Some(audience) = &settings.audience {
        request = request.header("x-rucio-client-authorize-audience", audience);
    }
    if let Some(issuer) = &settings.issuer {
        request = request.header("x-rucio-client-authorize-issuer", issuer);
    }
    request
}
