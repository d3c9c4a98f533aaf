//! The options that stand before the command, the same in every tree.

use clap::Args;

use crate::cli::ui::Format;
use crate::config::Overrides;

/// The authentication strategies, as the configuration names them.
const STRATEGIES: [&str; 6] = ["userpass", "x509", "x509_proxy", "gss", "ssh", "oidc"];

/// Global options. Both spellings of the official client's two trees are taken by both.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Global options")]
pub(crate) struct Global {
    /// The Rucio account to act as
    #[arg(short, long, alias = "issuer", value_name = "ACCOUNT")]
    pub account: Option<String>,
    /// The server that gives tokens, as https://host:port
    #[arg(long, value_name = "URL")]
    pub auth_host: Option<String>,
    /// How to log in
    #[arg(short = 'S', long, value_name = "STRATEGY", ignore_case = true, value_parser = STRATEGIES)]
    pub auth_strategy: Option<String>,
    /// The CA that the server must be vouched for by: a PEM file or a hashed folder
    #[arg(long, value_name = "PATH")]
    pub ca_certificate: Option<String>,
    /// The client certificate, for x509
    #[arg(long, value_name = "FILE")]
    pub certificate: Option<String>,
    /// The key of the client certificate, for x509
    #[arg(long, value_name = "FILE")]
    pub client_key: Option<String>,
    /// The configuration file
    #[arg(long, value_name = "FILE")]
    pub config: Option<String>,
    /// The Rucio server, as https://host:port
    #[arg(short = 'H', long, alias = "host", value_name = "URL")]
    pub hostname: Option<String>,
    /// The audience of the token, for oidc
    #[arg(long, value_name = "AUDIENCE")]
    pub oidc_audience: Option<String>,
    /// The identity provider, by the name the server knows it under, for oidc
    #[arg(long, value_name = "NAME")]
    pub oidc_issuer: Option<String>,
    /// Wait for the login in the browser instead of asking for a code, for oidc
    #[arg(long)]
    pub oidc_polling: bool,
    /// How many hours the server may refresh the token, for oidc with the scope offline_access
    #[arg(long, value_name = "HOURS")]
    pub oidc_refresh_lifetime: Option<String>,
    /// What the identity provider may tell Rucio about you, for oidc [default: openid profile]
    #[arg(long, value_name = "SCOPES")]
    pub oidc_scope: Option<String>,
    /// Sizes in bytes, for scripts
    #[arg(short = 'R', long)]
    pub robot: bool,
    /// The profile: a section [profile NAME] of the configuration
    #[arg(long, value_name = "NAME")]
    pub profile: Option<String>,
    /// Do not verify who the server is: for one call, to find out what is wrong
    #[arg(long)]
    pub insecure: bool,
    /// Only show the link of a login, open no browser
    #[arg(long)]
    pub no_browser: bool,
    /// How many seconds the server may stay silent
    #[arg(short = 'T', long, value_name = "SECONDS")]
    pub timeout: Option<f64>,
    /// How the client names itself to the server
    #[arg(short = 'U', long, value_name = "NAME")]
    pub user_agent: Option<String>,
    /// The user name, for userpass
    #[arg(short, long, value_name = "NAME")]
    pub user: Option<String>,
    /// The password, for userpass; better kept in the configuration file
    // --p is short for it in scripts, and would be for --profile, too
    #[arg(long, alias = "p", value_name = "PASSWORD")]
    pub password: Option<String>,
    /// The VO, on a server that has several
    #[arg(long, value_name = "VO")]
    pub vo: Option<String>,
    /// Show what is done, and how long it took
    #[arg(short, long)]
    pub verbose: bool,
    /// Log warnings and errors only, and draw no bars
    #[arg(short, long, global = true)]
    pub quiet: bool,
    /// Take the command by its old name, also where a new one is alike
    #[arg(long)]
    pub legacy: bool,
    /// How to show the result
    #[arg(short, long, value_name = "FORMAT", value_enum, default_value_t, hide_default_value = true, global = true)]
    pub output: Format,
    /// Never page what is shown
    #[arg(long, hide = true)]
    pub no_pager: bool,
}

impl Global {
    /// What of it overrides environment and configuration.
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
