//! The `rucio` command.

use std::process::ExitCode;

fn main() -> ExitCode {
    rucio::cli::main(std::env::args_os().collect())
}
