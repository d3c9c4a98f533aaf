//! The context of a command: the ui, and configuration and client, which are created on first use.

use std::cell::{OnceCell, RefCell};
use std::ffi::OsString;
use std::io::{self, IsTerminal};
use std::sync::Arc;

use super::global::Global;
use super::hint_text;
use super::leaf::LeafProperties;
use super::next_command;
use super::terminal::Terminal;
use super::tree::Tree;
use super::ui::values::{Num, sizefmt};
use super::ui::{self, Format, LESS, Rich, Selection, Ui, can_draw, log};
use crate::auth::Login;
use crate::config::{Config, Overrides, Settings};
use crate::env_vars::{self, Env};
use crate::error::{Error, Result};
use crate::hint::Hint;
use crate::http::Client;
use crate::interact::NonInteractive;
use crate::types::{Did, ScopeConvention};

/// Options of a command line from which its context is created.
pub(crate) struct ContextOptions<'a> {
    pub global: &'a Global,
    pub tree: Tree,
    pub leaf: LeafProperties,
    /// Rows and fields of lists to print.
    pub selection: &'a Selection,
    /// Command name for the server's log.
    pub script: &'a str,
    /// The command line.
    pub words: &'a [OsString],
}

/// Returns whether the locale has characters outside ASCII.
fn is_utf8(env: &Env) -> bool {
    let locale = env.first(&[env_vars::LC_ALL, env_vars::LC_CTYPE, env_vars::LANG]).unwrap_or_default().to_lowercase();
    locale.contains("utf-8") || locale.contains("utf8")
}

/// Returns the settings of the log that the environment has.
pub(super) fn log_settings(env: &Env) -> log::Settings {
    log::Settings {
        format: env.get(env_vars::RUCIO_LOGGING_FORMAT),
        colour: env.get(env_vars::NO_COLOR).is_none() && env.get(env_vars::TERM).is_none_or(|term| term != "dumb"),
        is_automation: env.get(env_vars::CI).is_some(),
        ..log::Settings::default()
    }
}

/// Everything that a command needs. No file is read before the command asks for it.
pub(crate) struct Context {
    /// Standard output and progress bars.
    pub ui: Ui,
    /// Environment variables.
    pub env: Env,
    /// Command tree of the command; exit codes depend on it.
    pub tree: Tree,
    /// Whether the official client lacks the command; exit codes depend on this, too.
    pub is_extension: bool,
    /// Whether sizes are printed with units.
    pub human: bool,
    /// Whether the elapsed time is reported.
    pub verbose: bool,
    /// Whether only problems are reported.
    pub quiet: bool,
    message_style: log::MessageStyle,
    pager: bool,
    overrides: RefCell<Overrides>,
    script: String,
    words: Vec<OsString>,
    config: OnceCell<Config>,
    login: OnceCell<Login>,
    client: OnceCell<Client>,
    warned_of_convention: OnceCell<()>,
    dids_without_scope: RefCell<Vec<Did>>,
}

impl Context {
    /// Creates the context of a command line and sets up logging.
    pub(crate) fn new(options: &ContextOptions) -> Self {
        let global = options.global;
        let env = Env::process();
        let ui = Ui::stdout(global.output, !global.quiet && can_draw(&env));
        let level = match (global.verbose, global.quiet) {
            (true, _) => tracing::Level::DEBUG,
            (false, true) => tracing::Level::WARN,
            (false, false) => tracing::Level::INFO,
        };
        let logs_progress = options.leaf.is_transfer && !global.quiet && ui.bars().is_hidden();
        let log = log::Settings { level, logs_progress, ..log_settings(&env) };
        let colour = log.colour;
        let message_style = log::init(log, ui.bars());
        let may_page = !global.no_pager && io::stdin().is_terminal() && can_draw(&env);
        let pager = may_page.then(|| env.get(env_vars::PAGER).unwrap_or_else(|| LESS.to_owned()));
        let log_lines = global.verbose || env.get(env_vars::RUCIO_LOGGING_FORMAT).is_some();
        Self {
            ui: ui
                .with_colours(colour)
                .with_utf8(is_utf8(&env))
                .with_log_lines(log_lines)
                .with_pager(pager)
                .with_selection(options.selection.clone()),
            env,
            tree: options.tree,
            is_extension: options.leaf.is_extension,
            human: !global.robot,
            verbose: global.verbose,
            quiet: global.quiet,
            message_style,
            pager: !global.no_pager,
            overrides: RefCell::new(global.overrides()),
            script: options.script.to_owned(),
            words: options.words.to_vec(),
            config: OnceCell::new(),
            login: OnceCell::new(),
            client: OnceCell::new(),
            warned_of_convention: OnceCell::new(),
            dids_without_scope: RefCell::default(),
        }
    }

    /// Whether messages and output are those that scripts know from the official client.
    pub(crate) fn is_for_scripts(&self) -> bool {
        self.message_style == log::MessageStyle::LogLine && self.ui.format() == Format::Table
    }

    /// Replaces the path of the configuration file.
    pub(crate) fn with_config(mut self, path: String) -> Self {
        self.overrides.get_mut().config = Some(path);
        self
    }

    /// Whether the command line names the configuration file.
    pub(crate) fn names_config(&self) -> bool {
        self.overrides.borrow().config.is_some()
    }

    /// Changes the global options, for commands whose own options override them. Call it before the client is created.
    pub(crate) fn modify_overrides(&self, change: impl FnOnce(&mut Overrides)) {
        change(&mut self.overrides.borrow_mut());
    }

    /// Returns the global options of the command line.
    pub(crate) fn overrides(&self) -> Overrides {
        self.overrides.borrow().clone()
    }

    /// Returns a command line to run next: `words` with the global options of this one.
    pub(crate) fn command(&self, words: &str) -> String {
        next_command::command(&self.overrides.borrow(), words)
    }

    /// Returns the command line of this run, to run it again.
    pub(crate) fn same_command(&self) -> String {
        next_command::repeat(&self.words)
    }

    /// Returns the hint of a finding of `doctor`, if there is one.
    pub(crate) fn finding_hint(&self, hints: &[Hint]) -> Option<String> {
        hint_text::of_finding(hints, &self.overrides.borrow())
    }

    /// Shows advice to a person at the terminal, for a command that succeeded.
    pub(crate) fn advise(&self, advice: &str) {
        if ui::is_error_terminal() && !self.quiet {
            ui::print_message(&format!("hint: {advice}"));
        }
    }

    /// Returns the hint for a failure, if there is one.
    pub(crate) fn hint(&self, error: &Error) -> Option<String> {
        hint_text::of_error(error, &self.overrides.borrow())
    }

    /// Uses this configuration, unless one has been read already.
    pub(crate) fn use_config(&self, config: Config) {
        // One that has been read stays: the client may have been derived from it.
        let _ = self.config.set(config);
    }

    /// Resolves the settings from command line, environment and configuration.
    pub(crate) fn settings(&self) -> Result<Settings> {
        Settings::resolve(&self.overrides.borrow(), &self.env, self.config()?).map_err(Error::before_start)
    }

    /// Returns the login that the client gets its tokens from, created by the first call.
    pub(crate) fn login(&self) -> Result<&Login> {
        if let Some(login) = self.login.get() {
            return Ok(login);
        }
        let settings = self.settings()?;
        settings.log_lookups(&self.overrides.borrow(), &self.env, self.config()?);
        let login = Login::new(settings, self.script.clone(), Arc::new(Terminal));
        Ok(self.login.get_or_init(|| login))
    }

    /// Returns a login that never prompts.
    pub(crate) fn non_interactive_login(&self) -> Result<Login> {
        Ok(Login::new(self.settings()?, self.script.clone(), Arc::new(NonInteractive)))
    }

    /// Returns the configuration; the first call reads it.
    pub(crate) fn config(&self) -> Result<&Config> {
        if let Some(config) = self.config.get() {
            return Ok(config);
        }
        let config = Config::for_client(&self.overrides.borrow(), &self.env).map_err(Error::before_start)?;
        if config.get("experimental", "cli").is_some_and(|look| look.eq_ignore_ascii_case("rich")) {
            self.ui.enrich(Rich { colours: self.env.get(env_vars::NO_COLOR).is_none(), pager: self.pager });
        }
        if config.get("cli", "output").is_some_and(|output| output.eq_ignore_ascii_case("classic")) {
            self.ui.set_classic();
        }
        Ok(self.config.get_or_init(|| config))
    }

    /// Returns the client, created by the first call. It connects with its first request.
    pub(crate) fn client(&self) -> Result<&Client> {
        let login = self.login()?;
        Ok(self.client.get_or_init(|| login.client()))
    }

    /// Returns how the scope of a DID that is written without one is found at this site.
    pub(crate) fn scope_convention(&self) -> Result<ScopeConvention> {
        Ok(self.config()?.scope_convention().0)
    }

    /// Parses a DID by the site's scope convention.
    pub(crate) fn did(&self, text: &str) -> Result<Did> {
        self.did_among(text, &[])
    }

    /// Like [`Context::did`], for conventions that also depend on which scopes exist.
    pub(crate) fn did_among(&self, text: &str, scopes: &[String]) -> Result<Did> {
        let (convention, unknown) = self.config()?.scope_convention();
        if let Some(unknown) = unknown.filter(|_| !text.contains(':'))
            && self.warned_of_convention.set(()).is_ok()
        {
            tracing::warn!("{unknown} Write DIDs as scope:name.");
        }
        let did = Did::parse_among(text, convention, scopes)?;
        if !text.contains(':') {
            self.dids_without_scope.borrow_mut().push(did.clone());
        }
        Ok(did)
    }

    /// Returns the DIDs that were written without a scope.
    pub(crate) fn dids_without_scope(&self) -> Vec<Did> {
        self.dids_without_scope.borrow().clone()
    }

    /// Parses several DIDs.
    pub(crate) fn dids(&self, texts: &[String]) -> Result<Vec<Did>> {
        texts.iter().map(|text| self.did(text)).collect()
    }

    /// Formats a size: with units, or in bytes with `--robot`.
    pub(crate) fn size(&self, bytes: Option<Num>) -> String {
        sizefmt(bytes, self.human)
    }
}
