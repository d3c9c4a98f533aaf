//! `rucio opendata ...`

use clap::Subcommand;

use crate::cli::context::Context;
use crate::error::Result;

#[derive(Debug, Subcommand)]
pub(crate) enum Command {}

impl Command {
    pub(crate) async fn run(self, _context: &Context) -> Result<()> {
        match self {}
    }
}
