//! Parser for `application/x-json-stream`: one JSON value per line, read while it arrives, for lists of any length.

use std::collections::VecDeque;
use std::marker::PhantomData;

use serde::de::DeserializeOwned;

use super::{Raw, body, json, transport_error};
use crate::error::Result;

/// A list of values that the server is still sending.
#[derive(Debug)]
pub struct JsonStream<T> {
    response: Option<reqwest::Response>,
    has_length: bool,
    buffer: LineBuffer,
    item: PhantomData<fn() -> T>,
}

impl<T: DeserializeOwned> JsonStream<T> {
    /// Reads the list from the body of this response.
    pub fn new(response: reqwest::Response) -> Self {
        let has_length = response.content_length().is_some();
        Self { response: Some(response), has_length, buffer: LineBuffer::default(), item: PhantomData }
    }

    /// Returns the next value, `None` at the end. An interrupted transfer is an error, never a shorter list.
    pub async fn next(&mut self) -> Result<Option<T>> {
        loop {
            if let Some(line) = self.buffer.next_line() {
                return json::parse(&line).map(Some);
            }
            let Some(response) = &mut self.response else {
                return self.buffer.last_line().map(|line| json::parse(&line)).transpose();
            };
            match response.chunk().await.map_err(transport_error)? {
                Some(chunk) => {
                    self.buffer.push(&chunk);
                    body::require_short(self.buffer.partial.len(), response)?;
                }
                None => self.response = None,
            }
        }
    }

    /// Returns whether the server said beforehand how long the list is, so that an incomplete one is an error.
    pub(crate) fn has_length(&self) -> bool {
        self.has_length
    }

    /// Returns the same values together with their original text.
    pub fn raw(self) -> JsonStream<Raw<T>> {
        JsonStream { response: self.response, has_length: self.has_length, buffer: self.buffer, item: PhantomData }
    }

    /// Collects the remaining values.
    pub async fn collect(mut self) -> Result<Vec<T>> {
        let mut items = Vec::new();
        while let Some(item) = self.next().await? {
            items.push(item);
        }
        Ok(items)
    }
}

/// Splits bytes into lines. Ignores empty lines, as the official client does.
#[derive(Debug, Default)]
struct LineBuffer {
    lines: VecDeque<Vec<u8>>,
    partial: Vec<u8>,
}

impl LineBuffer {
    fn push(&mut self, chunk: &[u8]) {
        let mut pieces = chunk.split(|byte| *byte == b'\n');
        self.partial.extend_from_slice(pieces.next().unwrap_or_default());
        for piece in pieces {
            let line = std::mem::replace(&mut self.partial, piece.to_vec());
            self.lines.extend(has_content(&line).then_some(line));
        }
    }

    fn next_line(&mut self) -> Option<Vec<u8>> {
        self.lines.pop_front()
    }

    fn last_line(&mut self) -> Option<Vec<u8>> {
        let line = std::mem::take(&mut self.partial);
        has_content(&line).then_some(line)
    }
}

fn has_content(line: &[u8]) -> bool {
    !line.trim_ascii().is_empty()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines_of(chunks: &[&str]) -> Vec<String> {
        let mut buffer = LineBuffer::default();
        let mut lines = Vec::new();
        for chunk in chunks {
            buffer.push(chunk.as_bytes());
            lines.extend(std::iter::from_fn(|| buffer.next_line()));
        }
        lines.extend(buffer.last_line());
        lines.into_iter().map(|line| String::from_utf8(line).unwrap()).collect()
    }

    #[test]
    fn stream_lines_are_found_across_chunks() {
        let text = "{\"a\":1}\n\n{\"b\":2}\r\n[3]";
        let whole = lines_of(&[text]);
        assert_eq!(whole, ["{\"a\":1}", "{\"b\":2}\r", "[3]"]);
        for cut in 0..=text.len() {
            let (left, right) = text.split_at(cut);
            assert_eq!(lines_of(&[left, right]), whole, "cut at {cut}");
        }
        assert_eq!(lines_of(&["\n", "  \n"]), Vec::<String>::new());
    }
}
