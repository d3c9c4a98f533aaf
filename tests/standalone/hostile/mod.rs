//! Names, listings, documents and folders made to do harm: whatever comes, nothing is written outside of the target folder,
//! the good files among the others arrive, and what was refused is told without doing harm itself.

mod archive;
mod corpus;
mod download;
mod listing;
mod local;
mod metalink;
mod names;
mod screen;
mod site;

use crate::fixtures::sandbox::ended;
