//! `rucio version`

use serde::Serialize;

use crate::api;
use crate::cli::context::Context;
use crate::cli::leaf::{Extension, NoServer};
use crate::cli::ui::Shape;
use crate::error::Result;
use crate::http::RUCIO_VERSION;

const SHAPE: Shape =
    Shape::named(&["version"], &["version", "commit", "target", "official_version", "host", "server_version"]);

/// Show the versions of this program and of the server
///
/// Also shows the release of the official client that it reproduces, which is all that `rucio --version` prints, as that
/// client does. Exits with an error if the configured server does not answer.
///
/// Example: rucio version -o json
#[derive(Debug, clap::Args)]
#[command(add = Extension, add = NoServer::Always)]
pub(crate) struct Args {
    /// Do not contact the server
    #[arg(long)]
    offline: bool,
}

/// Versions of client and server.
#[derive(Debug, Serialize)]
struct Versions {
    version: &'static str,
    /// Commit of a release build, if it was built from a repository or a published crate.
    commit: Option<&'static str>,
    target: &'static str,
    /// Whether it is a debug build.
    debug: bool,
    /// Whether OpenSSL is linked in.
    is_static: bool,
    /// Release of the official client whose output this program reproduces.
    official_version: &'static str,
    host: Option<String>,
    server_version: Option<String>,
}

pub(crate) async fn run(context: &Context, args: Args) -> Result<()> {
    let mut versions = Versions::of_client();
    let mut failure = Ok(());
    let mut why = "not contacted".to_owned();
    match context.settings() {
        _ if args.offline => {}
        // Without a configuration there is no server to ask.
        Err(error) => why = format!("unknown: {}", error.details()),
        Ok(settings) => {
            match api::server::ping_at(context.client()?, &settings.rucio_host).await {
                Ok(ping) => versions.server_version = Some(ping.version),
                Err(error) => failure = Err(error),
            }
            versions.host = Some(settings.rucio_host);
        }
    }
    context.ui.one(SHAPE, &versions, || versions.text(&why))?;
    failure
}

impl Versions {
    fn of_client() -> Self {
        Self {
            version: env!("CARGO_PKG_VERSION"),
            commit: Some(env!("RUCIO_COMMIT")).filter(|commit| !commit.is_empty()),
            target: env!("RUCIO_TARGET"),
            debug: cfg!(debug_assertions),
            is_static: !env!("RUCIO_HAS_OPENSSL").is_empty(),
            official_version: RUCIO_VERSION,
            host: None,
            server_version: None,
        }
    }

    /// Returns the lines for people; `why` there is no server.
    fn text(&self, why: &str) -> String {
        let build = if self.debug { ", debug build" } else { "" };
        let openssl = if self.is_static { "OpenSSL linked in" } else { "OpenSSL of the system" };
        let server = match (&self.host, &self.server_version) {
            (Some(host), Some(version)) => format!("{version} at {host}"),
            (Some(host), None) => format!("no answer from {host}"),
            (None, _) => why.to_owned(),
        };
        let lines = [
            ("client", format!("{}{build} for {}, {openssl}", self.version, self.target)),
            ("commit", self.commit.unwrap_or("unknown").to_owned()),
            ("reproduces", format!("official client {}", self.official_version)),
            ("server", server),
        ];
        lines.map(|(name, value)| format!("{name:<10} : {value}")).join("\n")
    }
}
