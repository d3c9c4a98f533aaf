//! The integration tests: one binary, a module per area.

mod api;
mod archives;
mod completion;
mod data;
mod differential;
mod doctor;
mod download;
mod examples;
mod faults;
mod fixtures;
mod guide;
mod hostile;
mod parsers;
mod recordings;
mod reference;
mod sessions;
mod startup;
mod storage;
mod support;
mod terminal;
mod upload;
