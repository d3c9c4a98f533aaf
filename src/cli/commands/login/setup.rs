//! `rucio login --setup`: creates a first configuration from options and prompts.

use std::path::{Path, PathBuf};

use crate::api;
use crate::auth::{Login, ask_blocking};
use crate::cli::context::Context;
use crate::cli::terminal::Terminal;
use crate::config::{Config, NewConfig, Overrides, Settings, already_there};
use crate::error::{Error, Result};
use crate::exceptions::Exception;
use crate::hint::Hint;
use crate::interact::Interact;

/// Authentication methods.
const WAYS: [&str; 6] = ["userpass", "x509", "x509_proxy", "oidc", "ssh", "gss"];

/// Prompts, checks the server, writes the file, and makes the context use it.
pub(super) async fn run(context: &Context, replace: bool) -> Result<()> {
    let place = place(context, replace)?;
    let given = context.overrides();
    let answers = ask_blocking(move || Answers::ask(given)).await??;
    // From here on, the command in an error's hint includes the answers.
    context.modify_overrides(|options| *options = answers.options.clone());
    let new = answers.config();
    let config = Config::parse(&new.text()?, &place)?;
    let release = check(context, &config).await.map_err(|error| once_more(context, error))?;
    new.write(&place, replace)?;
    context.ui.line(&format!("Connected to {release}. Configuration written to {}.", place.display()))?;
    context.use_config(config);
    context.modify_overrides(unwritten);
    warn_of_unused(context, &place);
    Ok(())
}

/// Returns the path of the new file. Errors: without `replace`, it or one at another default path exists.
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

/// Checks that the servers of this configuration are Rucio servers. Returns release and address.
async fn check(context: &Context, config: &Config) -> Result<String> {
    let settings = Settings::resolve(&context.overrides(), &context.env, config)?;
    let hosts = [settings.rucio_host.clone(), settings.auth_host.clone()];
    let client = Login::cached_only(settings, "rucio::login").client();
    let ping = api::server::ping_at(&client, &hosts[0]).await?;
    if hosts[1] != hosts[0] {
        api::server::ping_at(&client, &hosts[1]).await?;
    }
    Ok(format!("Rucio {} at {}", ping.version, hosts[0]))
}

/// Appends the command that retries with these answers to the hint.
fn once_more(context: &Context, error: Error) -> Error {
    error.with_hint(Hint::run("", context.command("login --setup")))
}

/// Clears the options that are now in the configuration file.
fn unwritten(options: &mut Overrides) {
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
}

/// Warns if commands find another configuration file before this one.
fn warn_of_unused(context: &Context, place: &Path) {
    let found = Config::load(None, &context.env).ok();
    if context.overrides().config.is_none() && found.is_some_and(|found| found.path() != place) {
        let place = place.display();
        tracing::warn!("Another configuration takes precedence: set RUCIO_CONFIG={place} to use this one.");
    }
}

/// Answers: the options, and the setting that has no option.
struct Answers {
    options: Overrides,
    private_key: Option<String>,
}

impl Answers {
    /// Prompts for what was not given.
    fn ask(mut options: Overrides) -> Result<Self> {
        let host = needed(&options.host, "-H", "Rucio server URL (https://...): ", None)?;
        let question = "Authentication server URL";
        options.auth_host = with_default(&options.auth_host, question, Some(&host));
        options.host = Some(host);
        let question = "CA certificates, file or directory (empty: built-in)";
        options.ca_certificate = optional(&options.ca_certificate, question);
        options.account = optional(&options.account, "Account (empty: default account)");
        let way = way(&options)?;
        options.auth_strategy = Some(way.clone());
        let private_key = match way.as_str() {
            "ssh" => with_default(&None, "Private key", Some("~/.ssh/id_rsa")),
            _ => None,
        };
        match way.as_str() {
            "userpass" => options.user = with_default(&options.user, "User name", options.account.as_deref()),
            "x509" => {
                let cert = "~/.globus/usercert.pem";
                let key = "~/.globus/userkey.pem";
                options.certificate = with_default(&options.certificate, "Certificate", Some(cert));
                options.client_key = with_default(&options.client_key, "Private key", Some(key));
            }
            "oidc" => {
                let question = "Identity provider, as named by the server (empty: default)";
                options.oidc_issuer = optional(&options.oidc_issuer, question);
            }
            _ => {}
        }
        Ok(Self { options, private_key })
    }

    fn config(&self) -> NewConfig {
        let options = &self.options;
        let is = |way: &str| options.auth_strategy.as_deref() == Some(way);
        let of = |way: &str, value: &Option<String>| if is(way) { value.clone() } else { None };
        let file = |value: Option<String>| value.map(|path| from_root(&path));
        let mut new = NewConfig::default();
        for (option, value) in [
            ("rucio_host", options.host.clone()),
            ("auth_host", options.auth_host.clone()),
            ("ca_cert", file(options.ca_certificate.clone())),
            ("account", options.account.clone()),
            ("vo", options.vo.clone()),
            ("auth_type", options.auth_strategy.clone()),
            ("username", of("userpass", &options.user)),
            ("client_cert", file(of("x509", &options.certificate))),
            ("client_key", file(of("x509", &options.client_key))),
            ("client_x509_proxy", file(of("x509_proxy", &options.certificate))),
            ("ssh_private_key", file(self.private_key.clone())),
            ("oidc_issuer", of("oidc", &options.oidc_issuer)),
            ("oidc_scope", of("oidc", &options.oidc_scope)),
            ("oidc_audience", of("oidc", &options.oidc_audience)),
            ("oidc_refresh_lifetime", of("oidc", &options.oidc_refresh_lifetime)),
            // At a terminal no code has to be pasted: the client polls until the login in the browser is complete.
            ("oidc_polling", is("oidc").then(|| "true".to_owned())),
        ] {
            new.set(option, value);
        }
        new
    }
}

/// Makes a path absolute, unless it starts with `~` or `$`.
fn from_root(path: &str) -> String {
    if path.starts_with(['~', '$']) {
        path.to_owned()
    } else {
        std::path::absolute(path).map_or_else(|_| path.to_owned(), |whole| whole.display().to_string())
    }
}

/// Returns the authentication method; repeats the prompt until it is a known one.
fn way(given: &Overrides) -> Result<String> {
    let question = format!("Authentication method, one of {} [userpass]: ", WAYS.join(", "));
    loop {
        let way = needed(&given.auth_strategy, "-S", &question, Some("userpass"))?.to_lowercase();
        if WAYS.contains(&way.as_str()) {
            return Ok(way);
        }
        Terminal.show(&format!("Unknown authentication method '{way}'."));
    }
}

/// Returns the given value, else prompts; an empty answer is the default. Errors: no value, or no terminal.
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
        Ok(_) => default.map(str::to_owned).ok_or_else(|| refused("No value given.")),
        Err(_) => Err(refused(&format!("{flag} is not given, and there is no terminal to prompt on."))),
    }
}

/// Like `needed`, for settings with a default, which is also used without a terminal.
fn with_default(given: &Option<String>, question: &str, default: Option<&str>) -> Option<String> {
    let shown = default.map(|default| format!(" [{default}]")).unwrap_or_default();
    optional(given, &format!("{question}{shown}")).or_else(|| default.map(str::to_owned))
}

/// Like `needed`, for optional settings: without a terminal there is no prompt.
fn optional(given: &Option<String>, question: &str) -> Option<String> {
    let typed = || Terminal.line(&format!("{question}: ")).ok().filter(|answer| !answer.is_empty());
    given.clone().or_else(typed)
}
