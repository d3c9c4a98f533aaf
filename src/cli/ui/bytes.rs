//! Writes raw responses of a server to standard output.

use std::str;

use super::Ui;
use crate::error::Result;

/// Writes bytes as they arrive. In a pipe they are unchanged and not buffered; on a terminal control characters are
/// made visible and a missing newline is added at the end.
#[derive(Debug)]
#[must_use = "bytes that are not ended may not all be shown"]
pub struct Bytes<'a> {
    ui: &'a Ui,
    /// Incomplete character at the end of the bytes so far.
    rest: Vec<u8>,
    in_line: bool,
}

impl<'a> Bytes<'a> {
    pub(super) fn new(ui: &'a Ui) -> Self {
        Self { ui, rest: Vec::new(), in_line: false }
    }

    /// Writes the next bytes.
    pub fn write(&mut self, bytes: &[u8]) -> Result<()> {
        if let Some(last) = bytes.last() {
            self.in_line = *last != b'\n';
        }
        if !self.ui.is_terminal() {
            return self.ui.write_bytes(bytes);
        }
        self.rest.extend_from_slice(bytes);
        let text = take_text(&mut self.rest);
        self.ui.write_record(&text)
    }

    /// Writes an incomplete last character and a missing last newline, on a terminal.
    pub fn end(self) -> Result<()> {
        if !self.ui.is_terminal() {
            return Ok(());
        }
        let rest = String::from_utf8_lossy(&self.rest);
        self.ui.write_record(&format!("{rest}{}", if self.in_line { "\n" } else { "" }))
    }
}

/// Takes all complete characters; invalid bytes become the replacement character.
fn take_text(bytes: &mut Vec<u8>) -> String {
    let mut text = String::new();
    let mut taken = 0;
    while let Err(error) = str::from_utf8(&bytes[taken..]) {
        let valid = taken + error.valid_up_to();
        text.push_str(&String::from_utf8_lossy(&bytes[taken..valid]));
        taken = valid;
        let Some(length) = error.error_len() else {
            bytes.drain(..taken);
            return text;
        };
        text.push(char::REPLACEMENT_CHARACTER);
        taken += length;
    }
    text.push_str(&String::from_utf8_lossy(&bytes[taken..]));
    bytes.clear();
    text
}

#[cfg(test)]
mod tests {
    use super::super::log::Shared;
    use super::*;

    fn shown(terminal: bool, pieces: &[&[u8]]) -> Vec<u8> {
        let shared = Shared::default();
        let ui = Ui::new(shared.clone(), terminal);
        let mut out = ui.bytes();
        pieces.iter().for_each(|piece| out.write(piece).unwrap());
        out.end().unwrap();
        shared.text().into_bytes()
    }

    #[test]
    fn pipe_gets_bytes_unchanged_and_at_once() {
        assert_eq!(shown(false, &[b"a\x1b[31m", b"\r", b""]), b"a\x1b[31m\r");
    }

    #[test]
    fn terminal_gets_whole_characters_and_no_controls() {
        assert_eq!(shown(true, &[b"\xc3", b"\xa9\x1b[", b"\xff\xe2\x82"]), "é␛[\u{fffd}\u{fffd}\n".as_bytes());
        assert_eq!(shown(true, &["日本\n".as_bytes()]), "日本\n".as_bytes());
        assert_eq!(shown(true, &[]), b"");
    }
}
