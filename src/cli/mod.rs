//! The command line: the only part of the crate that knows options and terminals.

mod commands;
mod complete;
mod context;
mod dispatch;
mod exit;
mod global;
mod legacy;
mod terminal;
mod tree;
pub mod ui;

use std::ffi::OsString;
use std::process::ExitCode;
use std::time::Instant;

use context::Context;
pub use dispatch::trees;

/// Parses the command line, runs the command and gives the exit code.
pub fn main(words: Vec<OsString>) -> ExitCode {
    if let Some(code) = complete::answer(&words) {
        return code;
    }
    let start = Instant::now();
    let invocation = match dispatch::parse(words) {
        Ok(invocation) => invocation,
        Err(refused) => return exit::refused(&refused),
    };
    let context = Context::new(invocation.global(), invocation.tree(), invocation.script.clone());
    let outcome = dispatch::run(&context, invocation);
    terminal::restore();
    exit::finish(&context, start, outcome)
}
