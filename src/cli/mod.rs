//! The command-line interface: options, commands, output, prompts and exit codes.
//!
//! Only this module parses arguments, prints and uses the terminal. Requests, authentication and transfers belong in
//! the library modules, which do not depend on it.

mod argv;
mod browser;
mod commands;
mod compat;
mod complete;
mod context;
mod deprecation;
mod dispatch;
mod duration;
mod exit;
mod exit_code;
mod explain;
mod global;
mod hint_text;
#[cfg(test)]
mod hints;
mod interrupt;
mod leaf;
mod legacy;
mod list_options;
mod multi_host;
mod next_command;
mod parse;
mod policy;
mod runtime;
mod secret_prompt;
mod shell;
mod terminal;
mod tree;
mod trees;
mod tty;
pub mod ui;
mod usage_error;
mod value_kind;
mod watch;

use std::ffi::OsString;
use std::process;
use std::time::Instant;

use context::Context;
use exit_code::ExitCode;
use multi_host::ConfiguredServer;
use parse::Invocation;
pub use trees::trees;

/// Parses the command line, runs the command and returns the exit code.
pub fn main(words: Vec<OsString>) -> process::ExitCode {
    if let Some(code) = complete::answer(&words) {
        return code;
    }
    let code = match parse::parse(words.clone()) {
        Ok(invocation) => answer_to(&words, invocation),
        Err(usage_error) => exit::report_usage_error(&usage_error),
    };
    code.into()
}

/// Runs the command on one server or on several.
fn answer_to(words: &[OsString], invocation: Invocation) -> ExitCode {
    let start = Instant::now();
    let context = Context::new(&invocation.context_options());
    match dispatch::hosts(&context, &invocation) {
        Err(error) => exit::finish(&context, start, Err(error)),
        Ok(hosts) if hosts.is_empty() => run(&context, start, invocation),
        Ok(hosts) => run_on_all(words, hosts),
    }
}

/// Runs the command on each server in turn; the first failure decides the exit code. Ctrl-C and SIGTERM skip the other servers.
fn run_on_all(words: &[OsString], hosts: Vec<ConfiguredServer>) -> ExitCode {
    let mut first_failure = ExitCode::Success;
    for host in hosts {
        match run_on(words, host) {
            code @ (ExitCode::Interrupted | ExitCode::Terminated) => return code,
            code if first_failure == ExitCode::Success => first_failure = code,
            _ => {}
        }
    }
    first_failure
}

/// Runs the command with the configuration of one server.
fn run_on(words: &[OsString], host: ConfiguredServer) -> ExitCode {
    let start = Instant::now();
    match parse::parse(words.to_vec()) {
        Err(usage_error) => exit::report_usage_error(&usage_error),
        Ok(invocation) => {
            let context = Context::new(&invocation.context_options());
            let context = context.with_config(host.config);
            match context.ui.line(&format!("Result from {}.", host.name)) {
                Ok(()) => run(&context, start, invocation),
                Err(error) => exit::finish(&context, start, Err(error)),
            }
        }
    }
}

fn run(context: &Context, start: Instant, invocation: Invocation) -> ExitCode {
    let outcome = dispatch::run(context, invocation);
    secret_prompt::restore();
    exit::finish(context, start, outcome)
}
