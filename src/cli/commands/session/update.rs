//! `rucio session update`

use crate::auth::session::LoginMode;
use crate::cli::commands::login;
use crate::cli::context::Context;
use crate::cli::leaf::Extension;
use crate::cli::value_kind::ValueKind;
use crate::error::Result;

/// Log in again, replacing the current session
///
/// With oidc the token is refreshed if possible; otherwise, and with --scope, the browser is needed.
///
/// Example: rucio session update --scope "openid profile offline_access"
#[derive(Debug, clap::Args)]
#[command(add = Extension)]
pub(crate) struct Args {
    /// Account to use
    #[arg(short, long, value_name = "ACCOUNT", add = ValueKind::Account)]
    account: Option<String>,
    /// OIDC scopes to request
    #[arg(long = "scope", value_name = "SCOPES")]
    oidc_scope: Option<String>,
    /// Print the login URL instead of opening a browser
    #[arg(long)]
    no_browser: bool,
}

pub(crate) async fn run(context: &Context, args: Args) -> Result<()> {
    let when = if args.oidc_scope.is_some() { LoginMode::Force } else { LoginMode::Renew };
    context.modify_overrides(|options| {
        options.account = args.account.or(options.account.take());
        options.oidc_scope = args.oidc_scope.or(options.oidc_scope.take());
        options.no_browser |= args.no_browser;
    });
    login::log_in(context, when).await
}
