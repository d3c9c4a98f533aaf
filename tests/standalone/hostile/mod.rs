//! Malicious names, listings, documents and folders: nothing is written outside of the target folder,
//! the good files among the others arrive, and the messages about the others do no harm themselves.

mod archive;
mod corpus;
mod download;
mod listing;
mod local;
mod local_paths;
mod metalink;
mod names;
mod screen;
mod site;

use crate::fixtures::sandbox::ended;
