//! Checksums that servers report.

use std::sync::Arc;

use super::Failure;
use super::address::Address;
use super::pending::{Answer, Limit};
use super::pool::SessionPool;
use super::route::{self, Operation};
use super::wire::{Request, text};

/// Parameter with the algorithm. Without it a server uses its first one.
const ALGORITHM: &str = "cks.type";

/// Checksums of a file, in hexadecimal digits.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(super) struct Checksums {
    pub(super) adler32: Option<String>,
    pub(super) md5: Option<String>,
}

impl Checksums {
    /// Parses `adler32 062c0215`. dCache lists several, in any order (dCache/dcache#5147).
    fn parse(text: &str) -> Self {
        let mut sums = Self::default();
        let mut words = text.split(|one: char| one.is_whitespace() || one == ',').filter(|word| !word.is_empty());
        while let Some(word) = words.next() {
            let sum = match word.to_ascii_lowercase().as_str() {
                "adler32" => &mut sums.adler32,
                "md5" => &mut sums.md5,
                _ => continue,
            };
            let is_digits = |digits: &&str| digits.bytes().all(|digit| digit.is_ascii_hexdigit());
            *sum = words.next().filter(is_digits).map(str::to_ascii_lowercase);
        }
        // Some servers omit leading zeros (xrootd/xrootd#1483).
        sums.adler32 = sums.adler32.filter(|sum| sum.len() <= 8).map(|sum| format!("{sum:0>8}"));
        sums.md5 = sums.md5.filter(|sum| sum.len() == 32);
        sums
    }

    fn is_empty(&self) -> bool {
        self.adler32.is_none() && self.md5.is_none()
    }
}

/// Asks for Adler-32, else for what the server has; a manager that cannot tell is passed over for the server with the
/// file. Empty if no server has a checksum. Errors: a connection failed.
pub(super) async fn checksums(pool: &Arc<SessionPool>, address: &Address) -> Result<Checksums, Failure> {
    for algorithm in [Some("adler32"), None] {
        let mut address = address.clone();
        if let Some(algorithm) = algorithm {
            address.cgi.set(ALGORITHM, Some(algorithm.to_owned()));
        }
        let sums = match route::request(pool, Operation::Checksum, &address).await {
            Ok(served) => Checksums::parse(&text(&served.body)),
            Err(Failure::Server(_)) => ask_server_of_file(pool, &address).await?,
            Err(error) => return Err(error),
        };
        if !sums.is_empty() {
            return Ok(sums);
        }
    }
    Ok(Checksums::default())
}

/// Asks the server that opens the file.
async fn ask_server_of_file(pool: &Arc<SessionPool>, address: &Address) -> Result<Checksums, Failure> {
    let opened = match route::request(pool, Operation::Open, address).await {
        Ok(opened) => opened,
        Err(Failure::Server(_)) => return Ok(Checksums::default()),
        Err(error) => return Err(error),
    };
    let file = super::reader::OpenFile::new(opened.lease, &opened.body)?;
    if !opened.was_redirected {
        return Ok(Checksums::default());
    }
    let path = opened.address.request_path();
    match file.connection().send(&Request::Checksum { path: &path }, Limit::Text).answer().await? {
        Answer::Ok(body) => Ok(Checksums::parse(&text(&body))),
        _ => Ok(Checksums::default()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn xrootd_checksums_are_parsed_in_any_order() {
        let sums = |adler32: Option<&str>, md5: Option<&str>| Checksums {
            adler32: adler32.map(str::to_owned),
            md5: md5.map(str::to_owned),
        };
        let md5 = "d41d8cd98f00b204e9800998ecf8427e";
        for (text, expected) in [
            ("adler32 062C0215", sums(Some("062c0215"), None)),
            ("adler32 62c0215\n", sums(Some("062c0215"), None)),
            (&format!("md5 {md5},adler32 00000001"), sums(Some("00000001"), Some(md5))),
            (&format!("crc32c 01234567 md5 {md5}"), sums(None, Some(md5))),
            ("adler32", sums(None, None)),
            ("adler32 unavailable", sums(None, None)),
            ("adler32 0123456789", sums(None, None)),
            ("md5 00", sums(None, None)),
            ("", sums(None, None)),
        ] {
            assert_eq!(Checksums::parse(text), expected, "{text}");
        }
    }
}
