//! Global options: before the command, and the same in every tree.

use std::sync::OnceLock;

use clap::{Args, Command, ValueHint};

use crate::cli::duration;
use crate::cli::ui::Format;
use crate::cli::value_kind::ValueKind;
use crate::config::Overrides;

/// Authentication strategies, named as in the configuration.
pub(crate) const STRATEGIES: [&str; 6] = ["userpass", "x509", "x509_proxy", "gss", "ssh", "oidc"];

/// Global options. Every tree accepts the spellings of both trees of the official client.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Global options")]
pub(crate) struct Global {
    /// Rucio account to act as
    #[arg(short, long, alias = "issuer", value_name = "ACCOUNT", add = ValueKind::Account)]
    pub account: Option<String>,
    /// Authentication server URL (https://host:port)
    #[arg(long, value_name = "URL")]
    pub auth_host: Option<String>,
    /// Authentication strategy
    #[arg(short = 'S', long, value_name = "STRATEGY", ignore_case = true, value_parser = STRATEGIES)]
    pub auth_strategy: Option<String>,
    /// CA certificates to verify the server with: a PEM file or a hashed directory
    #[arg(long, value_name = "PATH", value_hint = ValueHint::AnyPath)]
    pub ca_certificate: Option<String>,
    /// Client certificate (x509)
    #[arg(long, value_name = "FILE", value_hint = ValueHint::AnyPath)]
    pub certificate: Option<String>,
    /// Private key of the client certificate (x509)
    #[arg(long, value_name = "FILE", value_hint = ValueHint::AnyPath)]
    pub client_key: Option<String>,
    /// Configuration file
    #[arg(long, value_name = "FILE", value_hint = ValueHint::AnyPath)]
    pub config: Option<String>,
    /// Rucio server URL (https://host:port)
    #[arg(short = 'H', long, alias = "host", value_name = "URL")]
    pub hostname: Option<String>,
    /// Audience of the token (oidc)
    #[arg(long, value_name = "AUDIENCE")]
    pub oidc_audience: Option<String>,
    /// Identity provider, as named in the server's configuration (oidc)
    #[arg(long, value_name = "NAME")]
    pub oidc_issuer: Option<String>,
    /// Wait for the browser login instead of asking for a code (oidc)
    #[arg(long)]
    pub oidc_polling: bool,
    /// Hours for which the server may refresh the token (oidc with the scope offline_access)
    #[arg(long, value_name = "HOURS")]
    pub oidc_refresh_lifetime: Option<String>,
    /// Scopes to request from the identity provider (oidc) [default: openid profile]
    #[arg(long, value_name = "SCOPES")]
    pub oidc_scope: Option<String>,
    /// Print sizes in bytes, for scripts
    #[arg(short = 'R', long)]
    pub robot: bool,
    /// Profile to use: the section [profile NAME] of the configuration
    #[arg(long, value_name = "NAME", add = ValueKind::Profile)]
    pub profile: Option<String>,
    /// Skip TLS certificate verification (unsafe: for debugging only)
    #[arg(long)]
    pub insecure: bool,
    /// Print the login URL instead of opening a browser
    #[arg(long)]
    pub no_browser: bool,
    /// Abort if the server sends nothing for this time: seconds, or 10m [default: 600]
    #[arg(short = 'T', long, value_name = "DURATION", value_parser = duration::seconds)]
    pub timeout: Option<f64>,
    /// Client name to send in the User-Agent header
    #[arg(short = 'U', long, value_name = "NAME")]
    pub user_agent: Option<String>,
    /// User name (userpass)
    #[arg(short, long, value_name = "NAME")]
    pub user: Option<String>,
    /// Password (userpass); visible to other users: prefer the prompt or the configuration file
    // Scripts abbreviate it to --p, which would be ambiguous with --profile.
    #[arg(long, alias = "p", value_name = "PASSWORD")]
    pub password: Option<String>,
    /// VO to use, on a server with several
    #[arg(long, value_name = "VO")]
    pub vo: Option<String>,
    /// Print debug messages and the elapsed time
    #[arg(short, long)]
    pub verbose: bool,
    /// Suppress informational messages and progress bars
    #[arg(short, long, global = true)]
    pub quiet: bool,
    /// Interpret COMMAND as a legacy command
    #[arg(long)]
    pub legacy: bool,
    /// Output format
    #[arg(short, long, value_name = "FORMAT", value_enum, default_value_t, hide_default_value = true, global = true)]
    pub output: Format,
    /// Do not use a pager
    #[arg(long, hide = true)]
    pub no_pager: bool,
}

/// Returns a definition with only the global options; it is built once.
pub(crate) fn global_options() -> &'static Command {
    static OPTIONS: OnceLock<Command> = OnceLock::new();
    OPTIONS.get_or_init(|| Global::augment_args(Command::new("rucio")))
}

impl Global {
    /// Returns the options that override environment and configuration.
    pub(crate) fn overrides(&self) -> Overrides {
        let global = self.clone();
        Overrides {
            config: global.config,
            host: global.hostname,
            auth_host: global.auth_host,
            account: global.account,
            auth_strategy: global.auth_strategy,
            ca_certificate: global.ca_certificate,
            certificate: global.certificate,
            client_key: global.client_key,
            user: global.user,
            password: global.password.map(Into::into),
            vo: global.vo,
            timeout: global.timeout,
            user_agent: global.user_agent,
            oidc_scope: global.oidc_scope,
            oidc_audience: global.oidc_audience,
            oidc_polling: global.oidc_polling,
            oidc_refresh_lifetime: global.oidc_refresh_lifetime,
            oidc_issuer: global.oidc_issuer,
            profile: global.profile,
            insecure: global.insecure,
            no_browser: global.no_browser,
        }
    }
}
