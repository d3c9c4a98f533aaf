//! `rucio login`: logs in and prints the session. `setup` creates the first configuration. The authentication methods
//! and the saved tokens belong in `crate::auth`.

mod setup;

use clap::ValueHint;

use crate::auth::TokenSource;
use crate::auth::session::{self, LoggedIn, LoginMode, LoginOutcome, Session};
use crate::cli::commands::session::view::{Checked, SHAPE, View};
use crate::cli::context::Context;
use crate::cli::leaf::{Extension, NoServer};
use crate::cli::next_command;
use crate::cli::value_kind::ValueKind;
use crate::config::Overrides;
use crate::error::{Error, Result};
use crate::exceptions::Exception;
use crate::hint::Hint;

/// Log in, unless you are logged in already
///
/// Commands log in automatically when no interaction is needed. This one shows account, method and expiry, and prompts
/// for what is missing: a password, a passphrase, a login in the browser. Passwords are not saved.
///
/// Example: rucio login --account production
///
/// Example: rucio login --setup https://site.example.org/rucio.cfg
#[derive(Debug, clap::Args)]
#[command(add = Extension, add = NoServer::With("setup"))]
pub(crate) struct Args {
    /// Account to log in as
    #[arg(short, long, value_name = "ACCOUNT", add = ValueKind::Account)]
    account: Option<String>,
    /// Log in again even if the session is valid; with --setup, overwrite the configuration
    #[arg(long)]
    force: bool,
    /// Print the login URL instead of opening a browser
    #[arg(long)]
    no_browser: bool,
    /// Create a configuration file first, prompting for anything not given as a global option
    #[arg(long)]
    pub setup: bool,
    /// With --setup, prompt for settings that rarely differ from the default, too
    #[arg(long, requires = "setup")]
    pub advanced: bool,
    /// With --setup, the configuration of your site: its URL or a file
    #[arg(value_name = "URL|FILE", requires = "setup", value_hint = ValueHint::AnyPath)]
    pub source: Option<String>,
}

pub(crate) async fn run(context: &Context, args: Args) -> Result<()> {
    context.modify_overrides(|options| {
        options.account = args.account.or(options.account.take());
        options.no_browser |= args.no_browser;
    });
    if args.setup {
        let Args { source, advanced, force: replace, .. } = args;
        setup::run(context, setup::Request { source, advanced, replace }).await?;
    }
    log_in(context, if args.force { LoginMode::Force } else { LoginMode::IfNeeded }).await
}

/// Logs in and prints the session.
pub(crate) async fn log_in(context: &Context, when: LoginMode) -> Result<()> {
    let login = context.login()?;
    if login.settings().insecure {
        return Err(not_kept(context));
    }
    let before = session::current(login).and_then(|session| session.secret());
    let LoggedIn { session, said } = match session::log_in(login, when).await? {
        LoginOutcome::Done(done) => *done,
        LoginOutcome::OtherAccount(account) => return Err(another(context, &account)),
    };
    let view = View::new(&session, Checked::Accepted(&said));
    context.ui.one(SHAPE, &view, || {
        let first = if before.is_some() && before == session.secret() {
            format!("You are already logged in. To log in again: `{}`", context.command("login --force"))
        } else {
            "You are logged in.".to_owned()
        };
        let options = same_options(context, session::requires_same_credentials(login, &session));
        format!("{first}\n{}{options}", view.text(context.ui.width()))
    })?;
    warn_of_another(context, &session);
    Ok(())
}

/// Returns the error for `--insecure`: a session is a saved token, and tokens of unverified servers are not saved.
fn not_kept(context: &Context) -> Error {
    let options = Overrides { insecure: false, ..context.overrides() };
    let login = next_command::command(&options, "login");
    let check = next_command::command(&options, "doctor");
    let details = "With --insecure the server is not verified, so no token is saved.";
    Error::new(Exception::CannotAuthenticate, details)
        .with_hint(Hint::run("", login))
        .with_hint(Hint::run("If the server is not trusted, find out why", check))
}

/// Returns a line with the options that other commands need to use this session, if any; `with_user` if the user name
/// is one of them.
fn same_options(context: &Context, with_user: bool) -> String {
    let given = context.overrides();
    // The authentication options are no longer needed.
    let options = Overrides {
        user: given.user.clone().filter(|_| with_user),
        oidc_scope: None,
        oidc_audience: None,
        oidc_polling: false,
        oidc_refresh_lifetime: None,
        oidc_issuer: None,
        no_browser: false,
        ..given
    };
    let next = next_command::command(&options, "whoami");
    if next == "rucio whoami" {
        String::new()
    } else {
        format!("\nTo use this session, give other commands the same options: `{next}`")
    }
}

/// Returns the error for a login as another account than requested.
fn another(context: &Context, account: &str) -> Error {
    let asked = context.overrides().account.or_else(|| context.client().ok()?.account().map(str::to_owned));
    let details = format!("Logged in as {account}, but {} was requested.", asked.unwrap_or_default());
    let mut options = context.overrides();
    options.account = Some(account.to_owned());
    let as_it = next_command::command(&options, "login");
    let advice = format!("Log in with an identity of the requested account, or use {account}");
    Error::new(Exception::CannotAuthenticate, details).with_hint(Hint::run(advice, as_it))
}

/// Warns if a token from a variable or another file takes precedence over this session.
fn warn_of_another(context: &Context, session: &Session) {
    let used = context.login().ok().and_then(session::current);
    if let Some(Session { source: source @ (TokenSource::Variable(_) | TokenSource::File(_)), .. }) = used
        && source != session.source
    {
        tracing::warn!("{source} takes precedence over this session: remove it to use this session.");
    }
}
