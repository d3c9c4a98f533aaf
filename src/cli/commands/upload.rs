//! `rucio upload`: its command line. The transfer itself is not part of this release.

use std::path::Path;

use crate::cli::context::Context;
use crate::error::{Error, Result};
use crate::exceptions::Exception;

/// Upload files to an RSE and register them
///
/// This release takes the command line apart but cannot move files to a storage: it says so and changes nothing.
///
/// Example: rucio upload --rse XRD_SCRATCHDISK --scope user.jdoe results.root
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Files, folders, and a dataset (scope:name) to attach the files to
    pub file_paths: Vec<String>,
    /// Where to: the name of an RSE
    #[arg(long, alias = "rse-name")]
    pub rse: String,
    /// Seconds the rule on the files shall live
    #[arg(long, value_name = "SECONDS", allow_negative_numbers = true)]
    pub lifetime: Option<i64>,
    /// When the rule on the files ends, in UTC: 2026-12-31-23:59:00
    #[arg(long, value_name = "DATE")]
    pub expiration_date: Option<String>,
    /// The scope of the files
    #[arg(long)]
    pub scope: Option<String>,
    /// The implementation of the protocol
    #[arg(long, value_name = "NAME")]
    pub r#impl: Option<String>,
    /// Leave the catalogue alone: the files will be unknown to it
    #[arg(long, hide = true)]
    pub no_register: bool,
    /// Tell the catalogue of the files only when they are at the RSE
    #[arg(long)]
    pub register_after_upload: bool,
    /// Write rucio_upload.json, a list of what was uploaded
    #[arg(long)]
    pub summary: bool,
    /// The GUID of the file
    #[arg(long)]
    pub guid: Option<String>,
    /// Only by this protocol (https, davs, root, ...)
    #[arg(long)]
    pub protocol: Option<String>,
    /// To exactly this place
    #[arg(long)]
    pub pfn: Option<String>,
    /// The name of the file in the catalogue
    #[arg(long)]
    pub lfn: Option<String>,
    /// How many seconds a file may take
    #[arg(long, value_name = "SECONDS", default_value_t = 360.0, allow_negative_numbers = true)]
    pub transfer_timeout: f64,
    /// Make a collection of each folder
    #[arg(short, long)]
    pub recursive: bool,
}

pub(crate) async fn run(_context: &Context, args: Args) -> Result<()> {
    let refuse = |why: String| Err(Error::new(Exception::InputValidationError, why));
    if args.lifetime.is_some() && args.expiration_date.is_some() {
        return refuse("--lifetime and --expiration-date contradict each other.".to_owned());
    }
    let is_missing = |path: &&String| !path.contains(':') && !Path::new(path).exists();
    let missing: Vec<_> = args.file_paths.iter().filter(is_missing).map(String::as_str).collect();
    match (args.file_paths.is_empty(), missing.is_empty()) {
        (true, _) => refuse("There is no file to upload.".to_owned()),
        (_, false) => refuse(format!("There is no file {}.", missing.join(", "))),
        _ => Err(Error::Value(format!(
            "This release cannot upload: nothing was changed at {}. The official client can; what it registers, this \
             client lists and downloads.",
            args.rse
        ))),
    }
}
