//! What is sent as it is.

use std::fs::File;
use std::io::{self, Read, Seek};
use std::os::fd::AsFd;

use crate::error::{Error, Result};
use crate::http::FileBody;

/// Standard input, by the name that programs have for it.
const STDIN: &str = "-";

/// The body in this file. What has no length beforehand, such as a pipe, is put into a file of its own first.
pub(super) fn open(path: &str) -> Result<FileBody> {
    let body = source(path).and_then(|mut file| match file.metadata()?.is_file() {
        true => FileBody::new(file),
        false => {
            let mut whole = tempfile::tempfile()?;
            io::copy(&mut file, &mut whole)?;
            whole.rewind()?;
            FileBody::new(whole)
        }
    });
    body.map_err(|error| Error::io(format!("Cannot read {}", name(path)), error))
}

/// The text in this file.
pub(super) fn text(path: &str) -> Result<String> {
    let mut text = String::new();
    let read = source(path).and_then(|mut file| file.read_to_string(&mut text));
    read.map_err(|error| Error::io(format!("Cannot read {}", name(path)), error))?;
    Ok(text)
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
