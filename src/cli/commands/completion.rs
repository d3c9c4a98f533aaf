//! `rucio completion`

use crate::cli::context::Context;
use crate::cli::leaf::NoServer;
use crate::cli::shell::Shell;
use crate::error::Result;

/// Print the completion script for a shell
///
/// Example: rucio completion bash >~/.local/share/bash-completion/completions/rucio
#[derive(Debug, clap::Args)]
#[command(add = NoServer::Always)]
pub(crate) struct Args {
    /// Shell that runs the script
    shell: Shell,
}

pub(crate) async fn run(context: &Context, args: Args) -> Result<()> {
    context.ui.line(args.shell.script().trim_end())
}
