//! `rucio session show`

use super::view::{Checked, SHAPE, State, View};
use crate::auth::session;
use crate::cli::context::Context;
use crate::cli::leaf::Extension;
use crate::error::{Error, Result};
use crate::exceptions::Exception;
use crate::hint::Hint;

/// Show the current session: account, identity, state and expiry
///
/// Never logs in; exits with 4 if there is no valid session.
///
/// Example: rucio session show -o json
#[derive(Debug, clap::Args)]
#[command(add = Extension)]
pub(crate) struct Args {
    /// Do not contact the server; show only local information
    #[arg(long)]
    offline: bool,
}

pub(crate) async fn run(context: &Context, args: Args) -> Result<()> {
    let login = context.login()?;
    let Some(session) = session::current(login) else { return Err(none(context)?) };
    let said = if args.offline || session.has_ended() { None } else { Some(session::check(login, &session).await?) };
    let checked = match &said {
        None => Checked::No,
        Some(None) => Checked::Refused,
        Some(Some(said)) => Checked::Accepted(said),
    };
    let view = View::new(&session, checked);
    context.ui.one(SHAPE, &view, || view.text(context.ui.width()))?;
    let failed =
        |why: &str| Err(Error::new(Exception::CannotAuthenticate, why).with_hint(Hint::LogIn { force: false }));
    match view.state {
        State::Valid | State::Unknown => Ok(()),
        State::Expired => failed("The session has expired."),
        State::Refused => failed(&format!("The server rejected the token of {}.", session.source)),
    }
}

/// Returns the error for a missing session.
pub(crate) fn none(context: &Context) -> Result<Error> {
    let settings = context.login()?.settings();
    let who = settings.account.as_ref().map(|account| format!(" of account {account}")).unwrap_or_default();
    let details = format!("No session{who} with {} at {}.", settings.auth.name(), settings.rucio_host);
    Ok(Error::new(Exception::CannotAuthenticate, details).with_hint(Hint::LogIn { force: false }))
}
