//! Legacy commands on distances. `ranking` is an older name of the distance.

use clap::Args;

use crate::cli::commands::rse::distance::{set, unset};
use crate::cli::context::Context;
use crate::cli::value_kind::ValueKind;
use crate::error::{Error, Result};
use crate::exceptions::Exception;

/// Source and destination of a distance.
#[derive(Debug, Args)]
struct Link {
    /// Source RSE
    #[arg(add = ValueKind::Rse)]
    source: String,
    /// Destination RSE
    #[arg(add = ValueKind::Rse)]
    destination: String,
}

impl Link {
    fn set(self, distance: i64) -> set::Args {
        let Self { source, destination } = self;
        set::Args { source_rse: source, destination_rse: destination, distance, bidirectional: false }
    }
}

/// Arguments of `add-distance`.
#[derive(Debug, Args)]
pub(crate) struct Add {
    #[command(flatten)]
    link: Link,
    /// Distance
    #[arg(long, default_value_t = 1, allow_negative_numbers = true)]
    distance: i64,
    /// Accepted, without effect
    #[arg(long, hide = true, allow_negative_numbers = true)]
    ranking: Option<i64>,
}

impl Add {
    pub(super) fn translate(self) -> set::Args {
        if self.ranking.is_some() {
            tracing::warn!("--ranking has no effect here; --distance sets the distance.");
        }
        self.link.set(self.distance)
    }
}

/// Arguments of `update-distance`.
#[derive(Debug, Args)]
pub(crate) struct Update {
    #[command(flatten)]
    link: Link,
    /// Distance
    #[arg(long, allow_negative_numbers = true)]
    distance: Option<i64>,
    /// Older name of --distance, used if that is not given
    #[arg(long, hide = true, allow_negative_numbers = true)]
    ranking: Option<i64>,
}

impl Update {
    /// Errors: no distance is given, which the server would treat as clearing it.
    pub(super) fn translate(self) -> Result<set::Args> {
        let message = "No distance given: the current distance would be deleted.";
        let missing = || Error::new(Exception::InputValidationError, message).with_hint("Use --distance.");
        Ok(self.link.set(self.distance.or(self.ranking).ok_or_else(missing)?))
    }
}

/// Arguments of `delete-distance`.
#[derive(Debug, Args)]
pub(crate) struct Delete {
    #[command(flatten)]
    link: Link,
}

impl Delete {
    pub(super) async fn run(self, context: &Context) -> Result<()> {
        let Link { source, destination } = self.link;
        let text = format!("Deleted distance information from {source} to {destination}.");
        let args = unset::Args { source_rse: source, destination_rse: destination, bidirectional: false };
        unset::unset(context, &args, || text).await
    }
}
