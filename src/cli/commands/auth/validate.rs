//! `rucio auth validate`

use std::io::Read;

use crate::api;
use crate::auth::{ask_blocking, session};
use crate::cli::commands::session::show;
use crate::cli::context::Context;
use crate::cli::leaf::Extension;
use crate::cli::ui::Shape;
use crate::cli::ui::values::to_str;
use crate::error::{Error, Result};
use crate::exceptions::Exception;
use crate::secret::Secret;
use crate::types::Attributes;

const SHAPE: Shape = Shape::named(&["account"], &["account", "identity", "lifetime", "audience", "authz_scope", "vo"]);
/// Maximum length of a token, in bytes.
const LONGEST: u64 = 1 << 16;

/// Check with the server whether a token is valid, and show its account and identity
///
/// Exits with 4 if it is not valid.
///
/// Example: rucio auth validate - <token.txt
#[derive(Debug, clap::Args)]
#[command(add = Extension)]
pub(crate) struct Args {
    /// Read the token from standard input [default: your own token]
    #[arg(value_name = "-")]
    token: Option<String>,
}

pub(crate) async fn run(context: &Context, args: Args) -> Result<()> {
    let login = context.login()?;
    let token = match args.token.as_deref() {
        Some("-") => ask_blocking(read).await??,
        // Not repeated in the message: it may be a token.
        Some(_) => return Err(on_command_line()),
        None => match session::current(login).and_then(|session| session.secret()) {
            Some(token) => token,
            None => return Err(show::none(context)?),
        },
    };
    let said = api::auth::validate(context.client()?.transport(), &token).await?;
    let said: Attributes = serde_json::to_value(&said).and_then(serde_json::from_value).map_err(Error::unwritable)?;
    context.ui.one(SHAPE, &said, || text(&said))
}

/// Returns the error for a token on the command line, which every user of the machine can see.
fn on_command_line() -> Error {
    Error::new(Exception::InputValidationError, "A token on the command line is visible to all users of this machine.")
        .with_hint("Pass it on standard input: `rucio auth validate - <FILE`.")
}

/// Reads the token from standard input, up to `LONGEST` bytes.
fn read() -> Result<Secret> {
    let failed = |error| Error::io("standard input", error);
    let mut text = String::new();
    std::io::stdin().take(LONGEST).read_to_string(&mut text).map_err(failed)?;
    match text.trim() {
        "" => Err(Error::new(Exception::InputValidationError, "No token on standard input.")),
        token => Ok(Secret::from(token)),
    }
}

fn text(said: &Attributes) -> String {
    let lines = said.iter().map(|(name, value)| format!("{name:<11} : {}", to_str(value)));
    lines.collect::<Vec<_>>().join("\n")
}
