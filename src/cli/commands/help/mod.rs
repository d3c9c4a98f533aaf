//! `rucio help TOPIC`. `rucio help COMMAND` is `rucio COMMAND --help`, which the parser sees to.

mod topic;

use serde_json::json;

use crate::cli::context::Context;
use crate::cli::leaf::{Extension, NoServer};
use crate::cli::ui::Shape;
use crate::error::Result;
pub(crate) use topic::Topic;

const SHAPE: Shape = Shape::named(&["topic"], &["topic", "text"]);

/// Show help on a command, or on a topic
///
/// Example: rucio help rse-expressions
#[derive(Debug, clap::Args)]
#[command(add = Extension, add = NoServer::Always)]
pub(crate) struct Args {
    /// Topic, or the name of a command
    #[arg(value_enum)]
    topic: Topic,
}

pub(crate) async fn run(context: &Context, args: Args) -> Result<()> {
    let text = args.topic.text();
    context.ui.one(SHAPE, &json!({"topic": args.topic.name(), "text": text}), || text.clone())
}
