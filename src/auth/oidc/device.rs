//! The device flow (RFC 8628): the user confirms a code, in a browser on any device.

use oauth2::{DeviceAuthorizationUrl, StandardDeviceAuthorizationResponse};

use super::open;
use super::provider::{Grant, Provider};
use crate::auth::Login;
use crate::error::Result;

/// Shows the code and waits until it is confirmed, refused or expired.
pub(super) async fn log_in(login: &Login, provider: &Provider<'_>) -> Result<Grant> {
    let endpoint = provider
        .token_endpoint()?
        .set_device_authorization_url(DeviceAuthorizationUrl::from_url(provider.device_url()?));
    let mut request = endpoint.exchange_device_code().add_scopes(provider.scopes());
    for (name, value) in provider.target() {
        request = request.add_extra_param(name, value);
    }
    let device: StandardDeviceAuthorizationResponse =
        request.request_async(&provider.http).await.map_err(|error| provider.failure(error))?;
    show_code(login, &device).await?;
    let mut request = endpoint.exchange_device_access_token(&device);
    if let Some((name, value)) = provider.resource() {
        request = request.add_extra_param(name, value);
    }
    // The provider determines the polling interval and the timeout.
    let answer = request.request_async(&provider.http, tokio::time::sleep, None).await;
    provider.granted(&answer.map_err(|error| provider.failure(error))?)
}

async fn show_code(login: &Login, device: &StandardDeviceAuthorizationResponse) -> Result<()> {
    let link = device.verification_uri().as_str();
    let code = device.user_code().secret();
    let whole = device.verification_uri_complete().map(|link| link.secret().as_str());
    let short_cut = whole.map(|link| format!("\n\nOr go to this address, which has the code in it:\n\n    {link}"));
    login.interact.show(&format!(
        "Please use an internet browser on any device, go to:\n\n    {link}\n\nand type in the code  {code}{}",
        short_cut.unwrap_or_default()
    ));
    open(login, whole.unwrap_or(link)).await?;
    login.interact.show("Waiting for the code to be confirmed ...");
    Ok(())
}
