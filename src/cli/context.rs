//! What a command is handed: configuration, client and ui, each made on first use.

use std::cell::{OnceCell, RefCell};
use std::sync::Arc;

use super::again;
use super::dispatch::Invocation;
use super::terminal::Terminal;
use super::tree::Tree;
use super::ui::values::{Num, sizefmt};
use super::ui::{Rich, Ui, log};
use crate::auth;
use crate::config::{Config, Overrides, Settings};
use crate::env_vars::{self, Env};
use crate::error::{Error, Result};
use crate::http::Client;
use crate::interact::Nobody;
use crate::types::{Did, ScopeConvention};

/// The world of one command. Nothing is read before a command asks for it.
pub(crate) struct Context {
    /// Where everything is shown.
    pub ui: Ui,
    /// The environment.
    pub env: Env,
    /// Which tree the command was found in; it decides exit codes.
    pub tree: Tree,
    /// Whether the official client lacks the command; it decides exit codes, too.
    pub own: bool,
    /// Whether sizes are shown with units.
    pub human: bool,
    /// Whether the time a command took is shown.
    pub verbose: bool,
    pager: bool,
    overrides: RefCell<Overrides>,
    script: String,
    config: OnceCell<Config>,
    client: OnceCell<Client>,
}

impl Context {
    /// A context for what was called; sets up the log.
    pub(crate) fn new(invocation: &Invocation) -> Self {
        let global = invocation.global();
        let (env, ui) = (Env::process(), Ui::stdout(global.output, !global.quiet));
        let level = match (global.verbose, global.quiet) {
            (true, _) => tracing::Level::DEBUG,
            (false, true) => tracing::Level::WARN,
            (false, false) => tracing::Level::INFO,
        };
        let colour = env.get(env_vars::NO_COLOR).is_none();
        log::init(log::Settings { level, format: env.get(env_vars::RUCIO_LOGGING_FORMAT), colour }, ui.bars());
        Self {
            ui: ui.with_colours(colour),
            env,
            tree: invocation.tree(),
            own: invocation.is_own(),
            human: !global.robot,
            verbose: global.verbose,
            pager: !global.no_pager,
            overrides: RefCell::new(global.overrides()),
            script: invocation.script.clone(),
            config: OnceCell::new(),
            client: OnceCell::new(),
        }
    }

    /// The same with another configuration file.
    pub(crate) fn with_config(mut self, path: String) -> Self {
        self.overrides.get_mut().config = Some(path);
        self
    }

    /// Whether the command line names the configuration file.
    pub(crate) fn names_config(&self) -> bool {
        self.overrides.borrow().config.is_some()
    }

    /// Changes the global options, for a command that has options of its own for the same. Only before the client is made.
    pub(crate) fn adjust(&self, change: impl FnOnce(&mut Overrides)) {
        change(&mut self.overrides.borrow_mut());
    }

    /// The global options that were given.
    pub(crate) fn overrides(&self) -> Overrides {
        self.overrides.borrow().clone()
    }

    /// A command line to run next: these words, with the global options of this one.
    pub(crate) fn command(&self, words: &str) -> String {
        again::command(&self.overrides.borrow(), words)
    }

    /// What to do about a failure, if anything is known.
    pub(crate) fn hint(&self, error: &Error) -> Option<String> {
        again::hint(error, &self.overrides.borrow())
    }

    /// Takes this configuration, where none has been read yet.
    pub(crate) fn use_config(&self, config: Config) {
        // One that has been read stays: what was made of it would not fit.
        let _ = self.config.set(config);
    }

    /// What follows from command line, environment and configuration.
    pub(crate) fn settings(&self) -> Result<Settings> {
        Settings::resolve(&self.overrides.borrow(), &self.env, self.config()?).map_err(before_login)
    }

    /// A client whose logins ask nobody anything.
    pub(crate) fn client_alone(&self) -> Result<Client> {
        Ok(auth::client(self.settings()?, self.script.clone(), Arc::new(Nobody)))
    }

    /// The configuration, read on the first call.
    pub(crate) fn config(&self) -> Result<&Config> {
        if let Some(config) = self.config.get() {
            return Ok(config);
        }
        let config = Config::of_client(&self.overrides.borrow(), &self.env).map_err(before_login)?;
        if config.get("experimental", "cli").is_some_and(|look| look.eq_ignore_ascii_case("rich")) {
            self.ui.enrich(Rich { colours: self.env.get(env_vars::NO_COLOR).is_none(), pager: self.pager });
        }
        Ok(self.config.get_or_init(|| config))
    }

    /// The client, made on the first call; it talks to the server on its first call.
    pub(crate) fn client(&self) -> Result<&Client> {
        if let Some(client) = self.client.get() {
            return Ok(client);
        }
        let client = auth::client(self.settings()?, self.script.clone(), Arc::new(Terminal));
        Ok(self.client.get_or_init(|| client))
    }

    /// Reads a DID as it was typed, by the site's convention.
    pub(crate) fn did(&self, text: &str) -> Result<Did> {
        let convention = match self.config()?.extract_scope().as_deref() {
            Some("dirac") => ScopeConvention::Dirac,
            _ => ScopeConvention::Default,
        };
        Did::parse(text, convention)
    }

    /// Reads many DIDs.
    pub(crate) fn dids(&self, texts: &[String]) -> Result<Vec<Did>> {
        texts.iter().map(|text| self.did(text)).collect()
    }

    /// A size in bytes as the user wants to see sizes.
    pub(crate) fn size(&self, bytes: Option<Num>) -> String {
        sizefmt(bytes, self.human)
    }
}

/// A failure on the way to a client counts as a failed login, whose exit code is the same in every tree.
fn before_login(error: Error) -> Error {
    Error::Login(Box::new(error))
}
