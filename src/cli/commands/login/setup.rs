//! `rucio login --setup`: a first configuration, asked for or taken from the options.

use std::path::{Path, PathBuf};

use crate::api;
use crate::auth::{Interact, asking};
use crate::cli::context::Context;
use crate::cli::terminal::Terminal;
use crate::config::{Config, NewConfig, Overrides, Settings, already_there};
use crate::error::{Error, Result};
use crate::exceptions::Exception;
use crate::http::Client;

/// The ways to log in.
const WAYS: [&str; 6] = ["userpass", "x509", "x509_proxy", "oidc", "ssh", "gss"];

/// Asks, checks the server, writes the file, and has the context use it.
pub(super) async fn run(context: &Context, replace: bool) -> Result<()> {
    let place = place(context, replace)?;
    let options = context.overrides();
    let new = asking(move || ask(&options)).await??;
    let config = Config::parse(&new.text()?, &place)?;
    let release = check(context, &config).await?;
    new.write(&place, replace)?;
    context.ui.line(&format!("{release} answers. The configuration is in {}.", place.display()))?;
    context.use_config(config);
    // What is written need not be said any more.
    context.adjust(|options| {
        let given = std::mem::take(options);
        *options = Overrides {
            config: given.config,
            password: given.password,
            timeout: given.timeout,
            user_agent: given.user_agent,
            insecure: given.insecure,
            no_browser: given.no_browser,
            ..Overrides::default()
        };
    });
    warn_of_unused(context, &place);
    Ok(())
}

/// Where the file is to be. One that is there, here or at another usual place, stays unless it is to be replaced.
fn place(context: &Context, replace: bool) -> Result<PathBuf> {
    let named = context.overrides().config;
    let place = NewConfig::place(named.as_deref(), &context.env)?;
    if replace {
        return Ok(place);
    }
    let found = match place.exists() {
        true => Some(place.clone()),
        false if named.is_none() => Config::load(None, &context.env).ok().map(|config| config.path().to_owned()),
        false => None,
    };
    found.map_or(Ok(place), |found| Err(already_there(&found)))
}

/// Asks the servers of this configuration whether they are Rucio's; gives the release.
async fn check(context: &Context, config: &Config) -> Result<String> {
    let settings = Settings::resolve(&context.overrides(), &context.env, config)?;
    let hosts = [settings.rucio_host.clone(), settings.auth_host.clone()];
    let client = Client::without_login(settings, "rucio::login");
    let ping = api::server::ping_at(&client, &hosts[0]).await?;
    if hosts[1] != hosts[0] {
        api::server::ping_at(&client, &hosts[1]).await?;
    }
    Ok(format!("Rucio {} at {}", ping.version, hosts[0]))
}

/// A file that no command finds by itself has to be named.
fn warn_of_unused(context: &Context, place: &Path) {
    let found = Config::load(None, &context.env).ok();
    if context.overrides().config.is_none() && found.is_some_and(|found| found.path() != place) {
        tracing::warn!(
            "Commands find another configuration first: set RUCIO_CONFIG={} to use this one.",
            place.display()
        );
    }
}

/// Asks for what has to be known and was not given.
fn ask(given: &Overrides) -> Result<NewConfig> {
    let host = needed(&given.host, "-H", "Address of the Rucio server (https://...): ", None)?;
    let mut new = NewConfig::default();
    new.set("auth_host", with_default(&given.auth_host, "Address of the server that gives tokens", Some(&host)));
    new.set("rucio_host", Some(host));
    new.set("ca_cert", optional(&given.ca_certificate, "CA certificates, a file or a folder (empty: those built in)"));
    let account = optional(&given.account, "Account (empty: the one of your identity)");
    let way = way(given)?;
    new.set("auth_type", Some(way.clone()));
    match way.as_str() {
        "userpass" => new.set("username", with_default(&given.user, "User name", account.as_deref())),
        "x509" => {
            new.set("client_cert", with_default(&given.certificate, "Certificate", Some("~/.globus/usercert.pem")));
            new.set("client_key", with_default(&given.client_key, "Its key", Some("~/.globus/userkey.pem")));
        }
        "x509_proxy" => new.set("client_x509_proxy", given.certificate.clone()),
        "ssh" => new.set("ssh_private_key", with_default(&None, "Private key", Some("~/.ssh/id_rsa"))),
        "oidc" => oidc(given, &mut new),
        _ => {}
    }
    new.set("account", account);
    new.set("vo", given.vo.clone());
    Ok(new)
}

/// A person at a terminal need not paste a code: the client waits for the login in the browser.
fn oidc(given: &Overrides, new: &mut NewConfig) {
    let question = "Identity provider, by the server's name for it (empty: the server's first)";
    new.set("oidc_issuer", optional(&given.oidc_issuer, question));
    new.set("oidc_scope", given.oidc_scope.clone());
    new.set("oidc_audience", given.oidc_audience.clone());
    new.set("oidc_refresh_lifetime", given.oidc_refresh_lifetime.clone());
    new.set("oidc_polling", Some("true".to_owned()));
}

/// The way to log in; asked for again until it is one.
fn way(given: &Overrides) -> Result<String> {
    let question = format!("How to log in, one of {} [userpass]: ", WAYS.join(", "));
    loop {
        let way = needed(&given.auth_strategy, "-S", &question, Some("userpass"))?.to_lowercase();
        if WAYS.contains(&way.as_str()) {
            return Ok(way);
        }
        Terminal.show(&format!("There is no way '{way}'."));
    }
}

/// What was given, else what is typed; nothing typed is the default.
fn needed(given: &Option<String>, flag: &str, question: &str, default: Option<&str>) -> Result<String> {
    if let Some(value) = given {
        return Ok(value.clone());
    }
    let refused = |why: &str| {
        Error::new(Exception::InputValidationError, why.to_owned())
            .with_hint(format!("Run `rucio login --setup` in a terminal, or give the option {flag} before `login`."))
    };
    match Terminal.line(question) {
        Ok(answer) if !answer.is_empty() => Ok(answer),
        Ok(_) => default.map(str::to_owned).ok_or_else(|| refused("Nothing was typed.")),
        Err(_) => Err(refused(&format!("{flag} is not given, and there is no terminal to ask at."))),
    }
}

/// The same for what has a default: without a terminal that is taken.
fn with_default(given: &Option<String>, question: &str, default: Option<&str>) -> Option<String> {
    let shown = default.map(|default| format!(" [{default}]")).unwrap_or_default();
    optional(given, &format!("{question}{shown}")).or_else(|| default.map(str::to_owned))
}

/// The same for what may be missing: without a terminal nobody is asked.
fn optional(given: &Option<String>, question: &str) -> Option<String> {
    let typed = || Terminal.line(&format!("{question}: ")).ok().filter(|answer| !answer.is_empty());
    given.clone().or_else(typed)
}
