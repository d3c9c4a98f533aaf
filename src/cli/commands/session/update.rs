//! `rucio session update`

use crate::auth::session::When;
use crate::cli::commands::login;
use crate::cli::context::Context;
use crate::error::Result;

/// Log in anew, whatever session there is
///
/// For oidc the token is renewed if that can be, else the browser is needed; also where you ask for other scopes.
///
/// Example: rucio session update --scope "openid profile offline_access"
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The account to act as
    #[arg(short, long, value_name = "ACCOUNT")]
    account: Option<String>,
    /// What the identity provider may tell Rucio about you, for oidc
    #[arg(long = "scope", value_name = "SCOPES")]
    oidc_scope: Option<String>,
    /// Only show the link of a login, open no browser
    #[arg(long)]
    no_browser: bool,
}

pub(crate) async fn run(context: &Context, args: Args) -> Result<()> {
    let when = if args.oidc_scope.is_some() { When::Anew } else { When::Renew };
    context.adjust(|options| {
        options.account = args.account.or(options.account.take());
        options.oidc_scope = args.oidc_scope.or(options.oidc_scope.take());
        options.no_browser |= args.no_browser;
    });
    login::log_in(context, when).await
}
