//! Login in a browser on this machine (RFC 8252): the provider redirects the browser to a loopback port with a code
//! that only this process can redeem (PKCE, RFC 7636).

use std::time::Duration;

use oauth2::{AuthUrl, AuthorizationCode, CsrfToken, PkceCodeChallenge, PkceCodeVerifier, RedirectUrl};
use url::Url;

use super::loopback::{AuthorizationResponse, Loopback};
use super::provider::{Grant, Provider};
use super::{cannot_authenticate, duration, open};
use crate::auth::{Login, ask_blocking};
use crate::error::{Error, Result};

/// Shows and opens the provider's login page, and waits for the redirect.
pub(super) async fn log_in(login: &Login, provider: &Provider<'_>, timeout: Duration) -> Result<Grant> {
    let loopback = Loopback::open().await?;
    let (challenge, verifier) = PkceCodeChallenge::new_random_sha256();
    let (link, state) = link(provider, &loopback, challenge)?;
    login.interact.show(&format!("Please use your internet browser, go to:\n\n    {link}\n\nand log in there."));
    let opened = open(login, link.as_str()).await?;
    let answer = tokio::time::timeout(timeout, answer(login, loopback.answer(&state), &state, opened)).await;
    let answer = answer.map_err(|_| browser_timeout(timeout))??;
    exchange(provider, answer, verifier, loopback.redirect()).await
}

fn link(provider: &Provider<'_>, loopback: &Loopback, challenge: PkceCodeChallenge) -> Result<(Url, CsrfToken)> {
    let client = provider.token_endpoint()?.set_auth_uri(AuthUrl::from_url(provider.authorization_url()?));
    let client = client.set_redirect_uri(RedirectUrl::from_url(loopback.redirect().clone()));
    let mut request =
        client.authorize_url(CsrfToken::new_random).add_scopes(provider.scopes()).set_pkce_challenge(challenge);
    // OpenID Connect issues refresh tokens only after consent (Core 1.0, 11).
    if provider.requests_refresh_token() {
        request = request.add_extra_param("prompt", "consent");
    }
    for (name, value) in provider.target() {
        request = request.add_extra_param(name, value);
    }
    Ok(request.url())
}

/// Waits for the redirect. If no browser was opened, it may run on another machine, which cannot reach this port: then
/// the user may also type in the address it ended on.
async fn answer(
    login: &Login,
    browser: impl Future<Output = Result<AuthorizationResponse>>,
    state: &CsrfToken,
    opened: bool,
) -> Result<AuthorizationResponse> {
    if opened {
        return browser.await;
    }
    login.interact.show(
        "If that browser is on another machine, it will end on an address that it cannot reach: copy this address, or the \
         code in it, to this terminal and press enter.",
    );
    tokio::pin!(browser);
    loop {
        let interact = login.interact.clone();
        tokio::select! {
            answer = &mut browser => return answer,
            typed = ask_blocking(move || interact.code()) => match typed? {
                Ok(text) if text.trim().is_empty() => {}
                Ok(text) => match AuthorizationResponse::from_input(&text, state.secret()) {
                    Some(answer) => return Ok(answer),
                    None => login.interact.show("This is not the address of this login. Please try again."),
                },
                // No input is possible: wait for the browser only.
                Err(_) => return browser.await,
            },
        }
    }
}

async fn exchange(
    provider: &Provider<'_>,
    answer: AuthorizationResponse,
    verifier: PkceCodeVerifier,
    redirect: &Url,
) -> Result<Grant> {
    if let Some(issuer) = answer.issuer.filter(|issuer| issuer != provider.issuer()) {
        return Err(cannot_authenticate(format!(
            "The browser came back from {issuer}, not from {}.",
            provider.issuer()
        ))
        .with_hint("Run the command again, and use only the link it shows."));
    }
    let code = answer.code.map_err(|reason| provider.refused(&reason))?;
    let endpoint = provider.token_endpoint()?.set_redirect_uri(RedirectUrl::from_url(redirect.clone()));
    let mut request = endpoint.exchange_code(AuthorizationCode::new(code)).set_pkce_verifier(verifier);
    if let Some((name, value)) = provider.resource() {
        request = request.add_extra_param(name, value);
    }
    let granted = request.request_async(&provider.http).await.map_err(|error| provider.failure(error))?;
    provider.granted(&granted)
}

fn browser_timeout(timeout: Duration) -> Error {
    cannot_authenticate(format!("No login in the browser within {}.", duration(timeout))).with_hint(
        "Run the command again and log in at once ([client] oidc_polling_timeout gives more time). If no browser \
         runs on this machine, use [client] oidc_login = device.",
    )
}
