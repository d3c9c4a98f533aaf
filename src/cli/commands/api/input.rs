//! Request bodies and field values that are read from files.

use std::fs::File;
use std::io::{self, Seek};
use std::os::fd::AsFd;

use crate::error::{Error, Result};
use crate::http::FileBody;
use crate::input_file;

/// File name that means standard input.
const STDIN: &str = "-";

/// Opens a file as a request body. Input of unknown length, such as a pipe, is copied to a temporary file first.
pub(super) fn open(path: &str) -> Result<FileBody> {
    let body = source(path).and_then(|file| {
        if file.metadata()?.is_file() {
            FileBody::new(file)
        } else {
            let mut whole = tempfile::tempfile()?;
            io::copy(&mut input_file::limited(file), &mut whole)?;
            whole.rewind()?;
            FileBody::new(whole)
        }
    });
    body.map_err(|error| Error::io(format!("Cannot read {}", name(path)), error))
}

/// Reads a file as text.
pub(super) fn text(path: &str) -> Result<String> {
    let text = source(path).and_then(input_file::text_from);
    text.map_err(|error| Error::io(format!("Cannot read {}", name(path)), error))
}

fn source(path: &str) -> io::Result<File> {
    match path {
        STDIN => Ok(io::stdin().as_fd().try_clone_to_owned()?.into()),
        _ => File::open(path),
    }
}

fn name(path: &str) -> &str {
    if path == STDIN { "standard input" } else { path }
}
