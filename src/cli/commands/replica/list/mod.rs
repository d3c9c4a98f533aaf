//! `rucio replica list ...`: replicas of files and of datasets.
//!
//! Holds arguments and output; paging and resuming the listings is the job of `crate::lists`.

pub(crate) mod dataset;
pub(crate) mod file;

use crate::cli::commands::group;

group! {
    Dataset(dataset::Args),
    File(file::Args),
}
