//! Reports the result of a command: error message, hint and exit code.

use std::time::Instant;

use clap::error::ErrorKind;
use serde_json::json;

use super::context::{Context, log_settings};
use super::exit_code::ExitCode;
use super::tree::Tree;
use super::ui::{self, Format, Ui, log};
use super::usage_error::{Closing, UsageError};
use crate::config::{Config, DEFAULT_SUPPORT};
use crate::env_vars::Env;
use crate::error::{Error, ErrorKind as Kind, Result};
use crate::exceptions::Exception;
use crate::secret::hide_in_urls;

/// Reports a parse error, or prints help or the version. Returns the exit code.
pub(crate) fn report_usage_error(usage_error: &UsageError) -> ExitCode {
    if usage_error.format.is_json() && usage_error.error.use_stderr() {
        ui::print_message(&usage_error_json(&usage_error.error, usage_exit_code(usage_error)));
    } else if let Err(error) = print_usage_error(usage_error)
        && !usage_error.error.use_stderr()
        && error.kind() != std::io::ErrorKind::BrokenPipe
    {
        ui::print_message(&format!("standard output: {error}"));
        return ExitCode::Failure;
    }
    usage_exit_code(usage_error)
}

/// Prints help or the version on standard output, a parse error on standard error; for scripts with the official lines.
fn print_usage_error(usage_error: &UsageError) -> std::io::Result<()> {
    let style = log::init(log_settings(&Env::process()), Ui::stdout(usage_error.format, false).bars());
    if style == log::MessageStyle::Plain || usage_error.format != Format::Table {
        return ui::usage(&usage_error.error);
    }
    if let Some(notice) = &usage_error.notice {
        tracing::warn!("{notice}");
    }
    let Closing { plain, logged } = &usage_error.closing;
    if plain.is_empty() {
        ui::usage(&usage_error.error)?;
    } else {
        // The usage of our parser gives way to the official lines.
        let text = usage_error.error.to_string();
        let message = text.split("\n\nUsage: ").next().unwrap_or(&text);
        let message = message.split("\n\nFor more information").next().unwrap_or(message);
        ui::print_message(&format!("{message}\n\n{}", plain.join("\n")));
    }
    if let Some(logged) = logged {
        tracing::error!("{logged}");
    }
    Ok(())
}

fn usage_exit_code(usage_error: &UsageError) -> ExitCode {
    match usage_error.error.kind() {
        ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => ExitCode::Success,
        ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand | ErrorKind::MissingSubcommand
            if usage_error.tree == Tree::Admin && usage_error.in_leaf =>
        {
            ExitCode::Usage
        }
        ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand | ErrorKind::MissingSubcommand => ExitCode::Failure,
        ErrorKind::MissingRequiredArgument => ExitCode::Usage,
        // In the official client click parses a leaf inside the command, whose failures all exit with 1.
        _ if usage_error.tree == Tree::Commands && usage_error.in_leaf => ExitCode::Failure,
        _ => ExitCode::Usage,
    }
}

/// Flushes the output, reports an error, and returns the exit code.
pub(crate) fn finish(context: &Context, start: Instant, outcome: Result<()>) -> ExitCode {
    let outcome = outcome.and_then(|()| closing_line(context, start)).and_then(|()| context.ui.flush());
    match outcome {
        Ok(()) => ExitCode::Success,
        Err(error) if error.is_broken_pipe() => ExitCode::Success,
        Err(error) => {
            // Output from before the failure is printed; a second error is ignored.
            let _ = context.ui.flush();
            let code = if context.is_extension { extension_exit_code(&error) } else { exit_code(&error, context.tree) };
            let support = is_unexpected(&error, context).then(|| unexpected(context));
            report(&error, support.as_deref(), context.hint(&error).as_deref(), code, context.ui.format());
            if !error.is_before_start() && !error.is_interrupted() {
                let _ = closing_line(context, start).and_then(|()| context.ui.flush());
            }
            code
        }
    }
}

/// Reports the elapsed time with `-v`. Commands that the official client lacks print values for other programs (a
/// token, an API response): they report it in the log.
fn closing_line(context: &Context, start: Instant) -> Result<()> {
    let line = || format!("Completed in {:.4} sec.", start.elapsed().as_secs_f64());
    if context.verbose && !context.is_extension {
        return context.ui.line(&line());
    }
    if context.verbose {
        tracing::debug!("{}", line());
    }
    Ok(())
}

/// Whether the official client has no exception class for the error, which it then calls unexpected.
fn is_unexpected(error: &Error, context: &Context) -> bool {
    let has_no_class = match error.kind() {
        Kind::Value => true,
        Kind::Io => !error.is_before_start(),
        _ => false,
    };
    has_no_class && context.is_for_scripts() && !context.is_extension
}

/// Returns what the official client says after an error that it does not know: whom to ask.
fn unexpected(context: &Context) -> String {
    let config = context.config().ok();
    let site = config.and_then(Config::support).map(|contact| {
        format!(
            "If it's a problem concerning your experiment or if you're unsure what to do, please follow up at: {contact}\n"
        )
    });
    let rucio = config.map_or_else(|| DEFAULT_SUPPORT.to_owned(), Config::support_rucio);
    format!(
        "\nRucio exited with an unexpected/unknown error.\nPlease rerun the last command with the \"-v\" option to gather \
         more information.\n{}If you're sure there is a problem with Rucio itself, please follow up at: {rucio}",
        site.unwrap_or_default()
    )
}

/// Reports an error: as log lines, or as one JSON object if the output format is JSON.
fn report(error: &Error, support: Option<&str>, hint: Option<&str>, code: ExitCode, format: Format) {
    if format.is_json() {
        return ui::print_message(&as_json(&error.to_string(), error.class(), hint, code));
    }
    if error.is_interrupted() {
        return;
    }
    tracing::error!("{error}");
    if let Some(support) = support {
        tracing::error!("{support}");
    }
    if let Some(hint) = hint {
        ui::log::hint(hint);
    }
}

/// Formats a parse error as the same JSON object.
fn usage_error_json(error: &clap::Error, code: ExitCode) -> String {
    let text = error.to_string();
    let message = text.strip_prefix("error: ").unwrap_or(&text).lines().next().unwrap_or_default();
    let tip = text.lines().find_map(|line| line.trim().strip_prefix("tip: "));
    as_json(message, None, tip, code)
}

fn as_json(message: &str, class: Option<Exception>, hint: Option<&str>, code: ExitCode) -> String {
    let class = class.map(|class| format!("{class:?}"));
    let (message, hint) = (hide_in_urls(message), hint.map(hide_in_urls));
    json!({"error": {"class": class, "message": message, "hint": hint, "exit_code": code.number()}}).to_string()
}

/// Returns the exit code of an error: that of its class in the legacy and admin trees, 1 in the new one. `AccessDenied`
/// has the code of its class, 2, in all trees.
fn exit_code(error: &Error, tree: Tree) -> ExitCode {
    match error.kind() {
        Kind::Interrupted => ExitCode::Interrupted,
        Kind::Terminated => ExitCode::Terminated,
        Kind::Timeout => ExitCode::TimedOut,
        _ if error.is_before_start() => ExitCode::Failure,
        Kind::Value | Kind::Io | Kind::Class(Exception::InputValidationError) => ExitCode::Failure,
        Kind::Class(class) if tree != Tree::Commands || class == Exception::AccessDenied => ExitCode::Class(class),
        Kind::Class(_) => ExitCode::Failure,
    }
}

/// Returns the exit code of a failed command that the official client lacks: 4 if a login is required.
fn extension_exit_code(error: &Error) -> ExitCode {
    match error.kind() {
        Kind::Interrupted => ExitCode::Interrupted,
        Kind::Terminated => ExitCode::Terminated,
        Kind::Class(Exception::CannotAuthenticate | Exception::NoAuthInformation) => ExitCode::LogInFirst,
        _ => ExitCode::Failure,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exit_codes_follow_tree_and_class() {
        let missing = || Error::new(Exception::DataIdentifierNotFound, "");
        let cases = [
            (missing(), Tree::Legacy, 12),
            (missing(), Tree::Admin, 12),
            (missing(), Tree::Commands, 1),
            (Error::new(Exception::AccessDenied, ""), Tree::Commands, 2),
            (Error::new(Exception::InputValidationError, ""), Tree::Legacy, 1),
            (missing().before_start(), Tree::Legacy, 1),
            (Error::value("no"), Tree::Legacy, 1),
            (Error::timeout(""), Tree::Commands, 124),
            (Error::interrupted(), Tree::Commands, 130),
            (Error::terminated(), Tree::Commands, 143),
        ];
        for (error, tree, expected) in cases {
            assert_eq!(exit_code(&error, tree).number(), expected, "{error:?} {tree:?}");
        }
    }
}
