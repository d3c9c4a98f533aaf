//! `--watch`: shows a result again and again until Ctrl-C.

use std::time::Duration;

use crate::cli::context::Context;
use crate::cli::duration;
use crate::cli::interrupt;
use crate::cli::ui::Frames;
use crate::error::{Error, Result};
use crate::retry::Retryable;

/// Minimum time between two requests, to limit the load on the server.
const MIN_INTERVAL: Duration = Duration::from_millis(500);

/// The option of commands whose result changes.
#[derive(Debug, Clone, Copy, Default, clap::Args)]
pub(crate) struct Watch {
    /// Show the result again every 5 seconds, or after this time, until Ctrl-C
    #[arg(long = "watch", value_name = "DURATION", num_args = 0..=1, require_equals = true)]
    #[arg(default_missing_value = "5s", value_parser = duration::parse)]
    watch: Option<Duration>,
}

impl Watch {
    /// Runs `show`, with `--watch` repeatedly. A temporary failure of the server ends it only at the first time.
    pub(crate) async fn run(self, context: &Context, words: &str, show: impl AsyncFn() -> Result<()>) -> Result<()> {
        match self.watch {
            None => show().await,
            // The screen is given back on Ctrl-C, too.
            Some(interval) => interrupt::unless_interrupted(repeat(context, words, interval, show)).await,
        }
    }
}

async fn repeat(context: &Context, words: &str, interval: Duration, show: impl AsyncFn() -> Result<()>) -> Result<()> {
    let interval = interval.max(MIN_INTERVAL);
    let mut frames = Frames::new(&context.ui, format!("Every {interval:?}: {}", context.command(words)));
    let mut is_first = true;
    loop {
        let (outcome, text) = context.ui.captured(show()).await;
        match outcome {
            Ok(()) => frames.show(&text)?,
            Err(error) if !is_first && is_temporary(&error) => frames.show_failure(&error.to_string())?,
            Err(error) => return Err(error),
        }
        is_first = false;
        tokio::time::sleep(interval).await;
    }
}

fn is_temporary(error: &Error) -> bool {
    error.is_retryable() || error.status().is_some_and(|status| status >= 500)
}
