//! `GET /auth/oidc`: a login in the browser; the server returns the token for a code or when polled.

use std::time::{Duration, Instant};

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use url::Url;

use super::acceptance::add_identity;
use super::{cannot_authenticate, duration, open};
use crate::auth::{Login, Token, ask_blocking, clock_skew};
use crate::config::OidcSettings;
use crate::error::{Error, Result};
use crate::exceptions::Exception;
use crate::hint::{Hint, Parameter};
use crate::http::{Request, checked};
use crate::retry::Retryable;

/// Attempts at entering the login code.
const CODE_TRIES: u32 = 3;
/// Polling interval for the token, as in the official client.
const POLL_INTERVAL: Duration = Duration::from_secs(2);

/// Lets the user log in at the identity provider, and fetches the token.
pub(super) async fn authenticate(login: &Login, settings: &OidcSettings) -> Result<Token> {
    let link = login_link(login, settings).await?;
    login.interact.show(&format!("Please use your internet browser, go to:\n\n    {link}\n\nand log in there."));
    open(login, &link).await?;
    let token =
        if settings.polling { poll(login, settings, &link).await } else { exchange_code(login, settings).await };
    token.map(clock_skew::correct_expiry)
}

async fn login_link(login: &Login, settings: &OidcSettings) -> Result<String> {
    let response = login.transport.send_to_auth_host(&request("auth/oidc", settings)).await?;
    clock_skew::warn_on_clock_skew(&response);
    let response = checked(response).await.map_err(|error| no_link(error, login, settings))?;
    let link = response.headers().get("x-rucio-oidc-auth-url").and_then(|value| value.to_str().ok());
    link.map(str::to_owned).ok_or_else(|| {
        cannot_authenticate("The server offers no OIDC login for this scope, audience or issuer").with_hint(
            Hint::parameters(
                "Check these with the site's administrators",
                [Parameter::OidcScope, Parameter::OidcAudience, Parameter::OidcIssuer],
            ),
        )
    })
}

/// Explains why the server returned no login link. It reports some causes as Python tracebacks.
fn no_link(error: Error, login: &Login, settings: &OidcSettings) -> Error {
    if error.class() != Some(Exception::CannotAuthenticate) {
        return error;
    }
    let details = error.details();
    match (&settings.issuer, login.account()) {
        (Some(issuer), _) if details.contains(&format!("KeyError: '{issuer}'")) => cannot_authenticate(format!(
            "The server knows no identity provider '{issuer}'."
        ))
        .with_hint(Hint::parameters("Correct it, or leave it out for the server's default", [Parameter::OidcIssuer])),
        _ if details.contains("scope and audience") => error.with_hint(Hint::values(
            "Request what the server needs, usually",
            [(Parameter::OidcScope, "openid profile".to_owned()), (Parameter::OidcAudience, "rucio".to_owned())],
        )),
        _ if details.starts_with("Traceback") => {
            let last = details.lines().map(str::trim).rfind(|line| !line.is_empty()).unwrap_or_default();
            cannot_authenticate(format!("The server cannot prepare a login: {last}"))
                .with_hint("Tell the site's administrators; the provider may be down.")
                .with_hint(Hint::parameters("Meanwhile use another authentication method", [Parameter::AuthMethod]))
        }
        (_, Some(account)) => {
            error.with_hint(Hint::parameters(format!("Check that there is an account {account}"), [Parameter::Account]))
        }
        _ => error,
    }
}

async fn poll(login: &Login, settings: &OidcSettings, link: &str) -> Result<Token> {
    let timeout = settings.polling_timeout;
    login.interact.show(&format!(
        "Waiting up to {} for the login in the browser ... If the browser shows an error, press Ctrl-C.",
        duration(timeout)
    ));
    let path = path_on_auth_host(login, link)?;
    let start = Instant::now();
    loop {
        match fetch(login, &path, settings).await {
            Err(error) if is_pending(&error) => {}
            outcome => return outcome,
        }
        let remaining = timeout.saturating_sub(start.elapsed());
        if remaining.is_zero() {
            return Err(login_timeout(login, timeout));
        }
        tokio::time::sleep(POLL_INTERVAL.min(remaining)).await;
    }
}

/// Whether the login may still succeed. The server gives the same answer while the user has not logged in, if the
/// provider or the user refused, and if the identity has no account; connection errors may be temporary.
fn is_pending(error: &Error) -> bool {
    let is_refused = error.class() == Some(Exception::CannotAuthenticate) && error.status() == Some(401);
    is_refused || error.is_retryable()
}

fn login_timeout(login: &Login, timeout: Duration) -> Error {
    let account = login.account().unwrap_or("account");
    cannot_authenticate(format!("No login in the browser within {}.", duration(timeout)))
        .with_hint("Run the command again and log in at once ([client] oidc_polling_timeout gives more time).")
        .with_hint(format!("If the browser showed an error, your identity may not belong to {account}."))
        .with_hint(add_identity(login, "SUB=…, ISS=…"))
}

async fn exchange_code(login: &Login, settings: &OidcSettings) -> Result<Token> {
    for _ in 0..CODE_TRIES {
        login.interact.show("Copy the code from the browser to this terminal and press enter:");
        let interact = login.interact.clone();
        let code = ask_blocking(move || interact.code()).await?;
        let code = code.map_err(|error| Error::io("Cannot read the login code", error))?;
        let code = utf8_percent_encode(code.trim(), NON_ALPHANUMERIC);
        match fetch(login, &format!("auth/oidc_redirect?{code}"), settings).await {
            Ok(token) => return Ok(token),
            Err(error) => login.interact.show(&format!("This code was not accepted ({error}). Please try again.")),
        }
    }
    Err(cannot_authenticate("No valid login code was entered.")
        .with_hint("Run the command again for a new link.")
        .with_hint("If the browser showed an error instead of a code, your identity may belong to no account.")
        .with_hint(add_identity(login, "SUB=…, ISS=…")))
}

async fn fetch(login: &Login, path: &str, settings: &OidcSettings) -> Result<Token> {
    let request = request(path, settings).header("x-rucio-client-fetch-token", "True");
    Token::from_response(login.transport.send_to_auth_host(&request).await?).await
}

/// Returns path and query of the login link, which must be on auth_host: no request goes anywhere else.
fn path_on_auth_host(login: &Login, link: &str) -> Result<String> {
    let host = Url::parse(&login.settings().auth_host).ok();
    match Url::parse(link) {
        Ok(url) if host.is_some_and(|host| host.origin() == url.origin()) => {
            let query = url.query().map(|query| format!("?{query}")).unwrap_or_default();
            Ok(format!("{}{query}", url.path().trim_start_matches('/')))
        }
        _ => Err(cannot_authenticate("The server's login link leads to another host")
            .with_hint(Hint::parameters("Set it to the host of the link", [Parameter::AuthHost]))),
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn polling_waits_only_for_what_may_still_come() {
        let refusal = |class, status: Option<u16>| match status {
            Some(status) => Error::new(class, "").with_status(status),
            None => Error::new(class, ""),
        };
        for (class, status, pending) in [
            (Exception::CannotAuthenticate, Some(401), true),
            (Exception::ServerConnectionException, None, true),
            (Exception::RucioException, Some(503), true),
            (Exception::CannotAuthenticate, Some(500), false),
            (Exception::CannotAuthenticate, None, false),
            (Exception::RucioException, Some(404), false),
        ] {
            assert_eq!(is_pending(&refusal(class, status)), pending, "{class:?} {status:?}");
        }
    }
}
