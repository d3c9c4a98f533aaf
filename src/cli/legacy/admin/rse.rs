//! `rucio-admin rse ...`

use clap::Subcommand;

use crate::cli::context::Context;
use crate::error::Result;

#[derive(Debug, Subcommand)]
pub(crate) enum Command {}

impl Command {
    pub(super) async fn run(self, _context: &Context) -> Result<()> {
        match self {}
    }
}
