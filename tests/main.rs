//! The integration tests: one binary, a module per area.

mod api;
mod completion;
mod differential;
mod doctor;
mod download;
mod examples;
mod guide;
mod parsers;
mod props;
mod reference;
mod sessions;
mod startup;
mod support;
mod terminal;
mod upload;
