//! The controlling terminal.

use std::fs::File;
use std::io::{BufRead, Error, ErrorKind, Result};

/// Opens the controlling terminal, also if standard input and output are redirected.
pub(super) fn open() -> Result<File> {
    let open = File::options().read(true).write(true).open("/dev/tty");
    open.map_err(|_| Error::new(ErrorKind::NotFound, "there is no terminal"))
}

/// Reads a line, without its end.
pub(super) fn read_line(mut input: impl BufRead) -> Result<String> {
    let mut line = String::new();
    match input.read_line(&mut line)? {
        0 => Err(Error::new(ErrorKind::UnexpectedEof, "nothing was typed")),
        _ => Ok(line.trim_end_matches(['\r', '\n']).to_owned()),
    }
}
