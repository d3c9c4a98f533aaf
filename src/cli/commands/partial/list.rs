//! `rucio partial list`

use clap::ValueHint;

use super::{SHAPE, age, find, record, state};
use crate::cli::commands::session::view::format_duration;
use crate::cli::context::Context;
use crate::cli::leaf::{Extension, NoServer, PrintsList};
use crate::cli::ui::Table;
use crate::cli::ui::values::Num;
use crate::error::Result;

/// List the partial files of unfinished downloads
///
/// Shows the file that each belongs to, its size on disk, the time since its last change, and whether a running download
/// is writing it. The same download command resumes them.
///
/// Example: rucio partial list data
#[derive(Debug, clap::Args)]
#[command(add = Extension, add = NoServer::Always, add = PrintsList)]
pub(crate) struct Args {
    /// Directory to search, with all directories below it
    #[arg(default_value = ".", value_hint = ValueHint::DirPath)]
    dir: String,
}

pub(crate) async fn run(context: &Context, args: Args) -> Result<()> {
    let files = find(&args.dir)?;
    let mut list = context.ui.list(SHAPE).with_table(Table::simple(["FILE", "SIZE", "AGE", "STATE"]));
    for file in &files {
        list.row(&record(file, state(file)), || {
            let size = context.size(Some(Num::from(file.bytes)));
            let file_name = file.destination.display().to_string();
            [file_name, size, format_duration(age(file)), state(file).to_owned()]
        })?;
    }
    list.end()
}
