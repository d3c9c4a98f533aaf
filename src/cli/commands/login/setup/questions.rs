//! The questions of the setup, and the configuration that results from options and answers.

use std::path::Path;

use super::server::{self, Reached};
use crate::auth::ask_blocking;
use crate::cli::context::Context;
use crate::cli::global::STRATEGIES;
use crate::cli::terminal::Terminal;
use crate::config::{Config, NewConfig, Overrides, expand_path};
use crate::error::{Error, Result};
use crate::exceptions::Exception;
use crate::hint::{Command, Hint};
use crate::interact::Interact;
use crate::nearest::nearest;

/// Prompts for what was not given as an option.
pub(super) struct Questions<'a> {
    context: &'a Context,
    options: Overrides,
    is_advanced: bool,
    /// The only setting that has no option.
    ssh_private_key: Option<String>,
}

impl<'a> Questions<'a> {
    pub(super) fn new(context: &'a Context, is_advanced: bool) -> Self {
        Self { context, options: context.overrides(), is_advanced, ssh_private_key: None }
    }

    /// Returns the text of the configuration, and the server.
    pub(super) async fn ask(mut self) -> Result<(String, Reached)> {
        let reached = self.server().await?;
        self.options.ca_certificate = reached.ca.clone();
        self.auth_host(&reached.host).await?;
        let method = self.method().await?;
        self.account(&method).await?;
        self.credentials(&method).await?;
        Ok((self.config(&method).text()?, reached))
    }

    /// Determines the server, which must answer. One that was given as an option is not asked for again.
    async fn server(&mut self) -> Result<Reached> {
        let given = self.options.host.take().map(|host| with_scheme(&host));
        loop {
            let host = match &given {
                Some(host) => host.clone(),
                None => with_scheme(&required("-H", "Rucio server (https://host:port): ").await?),
            };
            let auth_host = self.options.auth_host.clone().or_else(|| Some(host.clone()));
            let trial = Overrides { host: Some(host.clone()), auth_host, ..self.options.clone() };
            match server::reach(self.context, &trial, &empty()?).await {
                Ok(reached) => {
                    if given.is_none() {
                        Terminal.show(&format!("Rucio {} at {}.", reached.release, reached.host));
                    }
                    self.options.host = Some(host);
                    return Ok(reached);
                }
                Err(error) if given.is_some() => return Err(self.once_more(error, &host)),
                Err(error) => self.show(&error),
            }
        }
    }

    /// Determines the server that logs in: usually the same one.
    async fn auth_host(&mut self, host: &str) -> Result<()> {
        if self.options.auth_host.is_some() {
            return Ok(());
        }
        let trial = Overrides { auth_host: Some(host.to_owned()), ..self.options.clone() };
        let is_same = !self.is_advanced && server::is_auth_host(self.context, &trial, &empty()?).await?;
        let answer = if is_same {
            None
        } else {
            optional(&format!("Authentication server [{host}]: ")).await?.map(|host| with_scheme(&host))
        };
        self.options.auth_host = answer.or_else(|| Some(host.to_owned()));
        Ok(())
    }

    /// Determines the authentication method; repeats the prompt until it is a known one.
    async fn method(&mut self) -> Result<String> {
        let question = format!("Authentication method ({}) [userpass]: ", STRATEGIES.join(", "));
        loop {
            let method = match self.options.auth_strategy.take() {
                Some(method) => method,
                None => prompt("-S", &question).await?,
            };
            let method = if method.is_empty() { "userpass".to_owned() } else { method.to_lowercase() };
            if STRATEGIES.contains(&method.as_str()) {
                self.options.auth_strategy = Some(method.clone());
                return Ok(method);
            }
            let meant = match nearest(&method, STRATEGIES.into_iter(), 1).first() {
                Some(near) => format!(" Did you mean {near}?"),
                None => format!(" Choose one of {}.", STRATEGIES.join(", ")),
            };
            Terminal.show(&format!("Unknown method '{method}'.{meant}"));
        }
    }

    /// Determines the account. For a password, it is the user name, too, unless another one is given.
    async fn account(&mut self, method: &str) -> Result<()> {
        let is_needed = matches!(method, "userpass" | "ssh" | "gss");
        if self.options.account.is_none() {
            let question = if is_needed { "Account: " } else { "Account (empty: the default of your identity): " };
            self.options.account = optional(question).await?;
        }
        if method == "userpass" && self.options.user.is_none() {
            self.options.user = match &self.options.account {
                Some(account) if !self.is_advanced => Some(account.clone()),
                Some(account) => optional(&format!("User name [{account}]: ")).await?.or_else(|| Some(account.clone())),
                None => optional("User name: ").await?,
            };
        }
        Ok(())
    }

    async fn credentials(&mut self, method: &str) -> Result<()> {
        match method {
            "x509" => {
                let certificate = self.options.certificate.take();
                let given_key = self.options.client_key.take();
                let has_default = certificate.is_none() && self.exists("~/.globus/usercert.pem");
                let key_question = "Private key (empty: in the same file): ";
                self.options.certificate = match certificate {
                    None if has_default => Some("~/.globus/usercert.pem".to_owned()),
                    None => self.file("Certificate, a file in PEM or PKCS#12 format: ").await?,
                    given => given,
                };
                self.options.client_key = match given_key {
                    None if has_default && self.exists("~/.globus/userkey.pem") => {
                        Some("~/.globus/userkey.pem".to_owned())
                    }
                    None => self.file(key_question).await?,
                    given => given,
                };
            }
            "ssh" => {
                let default = "~/.ssh/id_rsa";
                self.ssh_private_key =
                    self.file(&format!("Private key [{default}]: ")).await?.or_else(|| Some(default.to_owned()));
            }
            "oidc" if self.is_advanced && self.options.oidc_issuer.is_none() => {
                let question = "Identity provider, as named by the server (empty: default): ";
                self.options.oidc_issuer = optional(question).await?;
            }
            _ => {}
        }
        Ok(())
    }

    /// Prompts for a file until it exists.
    async fn file(&self, question: &str) -> Result<Option<String>> {
        loop {
            match optional(question).await? {
                Some(path) if !self.exists(&path) => Terminal.show(&format!("There is no file {path}.")),
                answer => return Ok(answer),
            }
        }
    }

    fn exists(&self, path: &str) -> bool {
        expand_path(path, &self.context.env).is_file()
    }

    fn config(&self, method: &str) -> NewConfig {
        let options = &self.options;
        let of = |one: &str, value: &Option<String>| if method == one { value.clone() } else { None };
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
            ("ssh_private_key", file(self.ssh_private_key.clone())),
            ("oidc_issuer", of("oidc", &options.oidc_issuer)),
            ("oidc_scope", of("oidc", &options.oidc_scope)),
            ("oidc_audience", of("oidc", &options.oidc_audience)),
            ("oidc_refresh_lifetime", of("oidc", &options.oidc_refresh_lifetime)),
            // At a terminal no code has to be pasted: the client polls until the login in the browser is complete.
            ("oidc_polling", (method == "oidc").then(|| "true".to_owned())),
        ] {
            new.set(option, value);
        }
        new
    }

    /// Shows why an answer cannot be used.
    fn show(&self, error: &Error) {
        let hint = self.context.hint(error).map(|hint| format!("\n{hint}")).unwrap_or_default();
        Terminal.show(&format!("{}{hint}", error.details()));
    }

    /// Adds the command that repeats the setup without the server that cannot be used.
    fn once_more(&self, error: Error, host: &str) -> Error {
        self.context.modify_overrides(|options| options.host = Some(host.to_owned()));
        error.with_hint(Hint::command("", Command::SetUp))
    }
}

/// Returns a configuration without options.
pub(super) fn empty() -> Result<Config> {
    Config::parse("[client]\n", "rucio.cfg")
}

/// Adds `https://` to an address without a scheme.
fn with_scheme(host: &str) -> String {
    if host.contains("://") { host.to_owned() } else { format!("https://{host}") }
}

/// Makes a path absolute, unless it starts with `~` or `$`.
pub(super) fn from_root(path: &str) -> String {
    if path.starts_with(['~', '$']) {
        path.to_owned()
    } else {
        std::path::absolute(Path::new(path)).map_or_else(|_| path.to_owned(), |whole| whole.display().to_string())
    }
}

/// Prompts until there is an answer. Errors: there is no terminal.
async fn required(flag: &str, question: &str) -> Result<String> {
    loop {
        let answer = prompt(flag, question).await?;
        if !answer.is_empty() {
            return Ok(answer);
        }
    }
}

/// Prompts once; the answer may be empty. Errors: there is no terminal.
async fn prompt(flag: &str, question: &str) -> Result<String> {
    let question = question.to_owned();
    ask_blocking(move || Terminal.line(&question)).await?.map_err(|_| {
        let why = format!("{flag} is not given, and there is no terminal to prompt on.");
        let advice = format!("Run `rucio login --setup` in a terminal, or give the option {flag}.");
        Error::new(Exception::InputValidationError, why).with_hint(advice)
    })
}

/// Prompts for an optional setting; without a terminal there is no prompt.
async fn optional(question: &str) -> Result<Option<String>> {
    let question = question.to_owned();
    let answer = ask_blocking(move || Terminal.line(&question)).await?;
    Ok(answer.ok().filter(|answer| !answer.is_empty()))
}
