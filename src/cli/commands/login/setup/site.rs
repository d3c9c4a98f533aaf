//! The configuration of a site, from a URL or a file.

use std::path::Path;

use url::Url;

use super::questions::empty;
use super::server::{self, Reached};
use crate::auth::Login;
use crate::cli::context::Context;
use crate::config::{Config, Overrides, with_option};
use crate::env_vars;
use crate::error::{Error, Result};
use crate::exceptions::Exception;
use crate::hint::Parameter;
use crate::http::{checked, is_loopback, text, transport_error};
use crate::input_file;

/// Reads the configuration, adds the options of this call and what is missing in it, and checks its server. Returns the
/// text of the new file.
pub(super) async fn configuration(context: &Context, source: &str) -> Result<(String, Reached)> {
    let site = read(context, source).await?;
    let config = Config::parse(&site, source).map_err(|error| {
        let details = format!("{source} is not a configuration: {}", error.details());
        Error::new(Exception::ConfigLoadingError, details).with_hint("Check the address with the site's documentation.")
    })?;
    config.require("client", "rucio_host")?;
    let options = context.overrides();
    let reached = server::reach(context, &options, &config).await?;
    let added = added(context, &Overrides { ca_certificate: reached.ca.clone(), ..options }, &config);
    let place = Path::new(source);
    let text = added
        .iter()
        .try_fold(site, |text, (option, value)| with_option(&text, place, "client", option, Some(value.as_str())))?;
    Ok((text, reached))
}

/// Returns the text of a file, or of what a URL refers to.
async fn read(context: &Context, source: &str) -> Result<String> {
    match Url::parse(source).ok().filter(|url| matches!(url.scheme(), "http" | "https")) {
        Some(url) => fetch(context, url).await,
        None => input_file::read_to_string(source).map_err(|error| {
            let details = format!("{source} cannot be read: {error}.");
            Error::new(Exception::ConfigLoadingError, details)
                .with_hint("Give the URL (https://...) or the path of your site's rucio.cfg.")
        }),
    }
}

async fn fetch(context: &Context, url: Url) -> Result<String> {
    if url.scheme() == "http" && !is_loopback(&url) {
        let details = format!("{url} is not protected: others could replace the configuration on its way.");
        return Err(Error::new(Exception::ConfigLoadingError, details).with_hint("Use https://."));
    }
    let host = url.origin().ascii_serialization();
    let options = Overrides { host: Some(host.clone()), auth_host: Some(host), ..context.overrides() };
    let login = Login::cached_only(server::settings(context, &options, &empty()?)?, "rucio::login");
    let answer = login.transport().connections()?.get(url.as_str()).await.map_err(transport_error)?;
    text(checked(answer).await?).await
}

/// Returns the options to add: those of this call, and the account if the site's file leaves it open. A password needs
/// one: the user's name on this machine is the default.
fn added(context: &Context, options: &Overrides, config: &Config) -> Vec<(&'static str, String)> {
    let in_file = |option: &str| config.non_empty("client", option);
    let method =
        options.auth_strategy.clone().or_else(|| in_file("auth_type")).unwrap_or_else(|| "userpass".to_owned());
    let is_password = method.eq_ignore_ascii_case("userpass");
    let here = || context.env.first(&[env_vars::LOGNAME, env_vars::USER, env_vars::LNAME, env_vars::USERNAME]);
    let known = options.account.clone().or_else(|| in_file("account"));
    let account = known.or_else(|| here().filter(|_| is_password));
    let user = options.user.clone().or_else(|| in_file("username")).or_else(|| account.clone());
    let wanted = [
        (Parameter::Host, options.host.clone()),
        (
            Parameter::AuthHost,
            options.auth_host.clone().or_else(|| in_file("auth_host").or_else(|| in_file("rucio_host"))),
        ),
        (Parameter::CaCertificate, options.ca_certificate.clone()),
        (Parameter::Account, account),
        (Parameter::AuthMethod, Some(method)),
        (Parameter::User, user.filter(|_| is_password)),
        (Parameter::Vo, options.vo.clone()),
    ];
    let values = wanted.into_iter().filter_map(|(parameter, value)| Some((parameter.option()?, value?)));
    values.filter(|(option, value)| in_file(option).as_ref() != Some(value)).collect()
}
