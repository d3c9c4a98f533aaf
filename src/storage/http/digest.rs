//! Checksums of a file in the headers of a response, in the spellings of different storages.

use base64::Engine;
use base64::alphabet::{STANDARD, URL_SAFE};
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use reqwest::header::{CONTENT_RANGE, ETAG, HeaderMap};

/// Number of bytes of an Adler-32 and of an MD5.
const ADLER32: usize = 4;
const MD5: usize = 16;
/// Beginnings of headers that only object stores send (S3 and its relatives, Google, Swift): their `ETag` is the MD5 of
/// an object that was written at once. Other servers may have any 32 digits there.
const OBJECT_STORES: [&str; 5] = ["x-amz-", "x-rgw-", "x-goog-", "x-trans-id", "x-openstack-"];
/// Headers of objects that are encrypted with a key of their own: their `ETag` is not the MD5.
const ENCRYPTED: [&str; 2] =
    ["x-amz-server-side-encryption-aws-kms-key-id", "x-amz-server-side-encryption-customer-algorithm"];

/// Checksums of the whole file in lower-case hexadecimal digits, as far as a storage reports them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct ReportedDigests {
    pub(super) adler32: Option<String>,
    pub(super) md5: Option<String>,
}

/// Returns the checksums that these headers report, of a response to `HEAD` or `GET`, whole or partial: from `Digest` (RFC
/// 3230), `Repr-Digest` (RFC 9530), `OC-Checksum` (ownCloud, EOS), `X-Goog-Hash`, `Content-MD5`, and the `ETag` of object
/// stores. Values may be hexadecimal or base64, names in any case, and headers repeated.
///
/// They fill [`Stored`](crate::storage::write::Stored), which is compared with the file that was uploaded. What is read is
/// summed instead: bytes that are right count, whatever the storage says of them.
pub(super) fn reported_digests(headers: &HeaderMap) -> ReportedDigests {
    let mut found = ReportedDigests::default();
    for name in ["repr-digest", "digest", "x-goog-hash"] {
        for member in texts(headers, name).flat_map(|value| value.split(',')) {
            found.add(member.split(';').next().and_then(|member| member.split_once('=')));
        }
    }
    texts(headers, "oc-checksum").for_each(|value| found.add(value.split_once(':')));
    // A part has the MD5 of its own bytes.
    if !headers.contains_key(CONTENT_RANGE) {
        texts(headers, "content-md5").for_each(|value| found.add(Some(("md5", value))));
    }
    if found.md5.is_none() && is_plain_object(headers) {
        found.md5 = texts(headers, ETAG.as_str()).find_map(md5_of_tag);
    }
    found
}

impl ReportedDigests {
    /// Adds an algorithm and its value; the first valid one counts.
    fn add(&mut self, member: Option<(&str, &str)>) {
        let Some((name, value)) = member else { return };
        let (digest, length) = match name.trim().to_ascii_lowercase().as_str() {
            "adler32" | "adler" | "adler-32" => (&mut self.adler32, ADLER32),
            "md5" => (&mut self.md5, MD5),
            _ => return,
        };
        if digest.is_none() {
            *digest = hexadecimal(value.trim(), length);
        }
    }
}

fn texts<'a>(headers: &'a HeaderMap, name: &'a str) -> impl Iterator<Item = &'a str> {
    headers.get_all(name).iter().filter_map(|value| value.to_str().ok())
}

/// Whether the response is that of an object store, for an object whose `ETag` is its MD5.
fn is_plain_object(headers: &HeaderMap) -> bool {
    let has_kms = texts(headers, "x-amz-server-side-encryption").any(|value| value.starts_with("aws:kms"));
    let is_store = headers.keys().any(|name| OBJECT_STORES.iter().any(|start| name.as_str().starts_with(start)));
    is_store && !has_kms && !ENCRYPTED.iter().any(|name| headers.contains_key(*name))
}

/// Returns the MD5 in an `ETag`: 32 digits. Objects that were written in several parts have `-` and their number after it.
fn md5_of_tag(tag: &str) -> Option<String> {
    let digits = tag.trim().trim_matches('"');
    (digits.len() == 2 * MD5 && is_hexadecimal(digits)).then(|| digits.to_ascii_lowercase())
}

/// Returns a checksum of `length` bytes in hexadecimal digits, all of them. The value is hexadecimal (leading zeros may be
/// missing), or base64; between colons always base64 (RFC 9651, section 3.3.5).
fn hexadecimal(value: &str, length: usize) -> Option<String> {
    if let Some(value) = value.strip_prefix(':').and_then(|value| value.strip_suffix(':')) {
        return from_base64(value, length);
    }
    let value = value.trim_matches('"');
    let digits = value.strip_prefix("0x").unwrap_or(value);
    if is_hexadecimal(digits) && digits.len() <= 2 * length {
        return Some(format!("{:0>width$}", digits.to_ascii_lowercase(), width = 2 * length));
    }
    from_base64(value, length)
}

fn is_hexadecimal(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

fn from_base64(value: &str, length: usize) -> Option<String> {
    let config = GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent);
    let decode = |alphabet| GeneralPurpose::new(alphabet, config).decode(value).ok();
    let bytes = decode(&STANDARD).or_else(|| decode(&URL_SAFE)).filter(|bytes| bytes.len() == length)?;
    Some(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Adler-32 and MD5 of the text `Wikipedia`.
    const SUM: &str = "11e60398";
    const HASH: &str = "9c677286866aad38f8e9b660f5411814";

    /// What is found in these header lines.
    fn found(lines: &str) -> (Option<String>, Option<String>) {
        let mut headers = HeaderMap::new();
        for (name, value) in lines.lines().filter_map(|line| line.split_once(": ")) {
            headers.append(reqwest::header::HeaderName::from_bytes(name.as_bytes()).unwrap(), value.parse().unwrap());
        }
        let ReportedDigests { adler32, md5 } = reported_digests(&headers);
        (adler32, md5)
    }

    #[test]
    fn http_digests_are_read_in_every_spelling() {
        let (sum, hash) = (Some(SUM.to_owned()), Some(HASH.to_owned()));
        for (lines, expected) in [
            ("Digest: adler32=11e60398", (&sum, &None)),
            ("digest: ADLER32=11E60398", (&sum, &None)),
            ("Digest: md5=nGdyhoZqrTj46bZg9UEYFA==,ADLER32=11e60398", (&sum, &hash)),
            ("Digest: md5=nGdyhoZqrTj46bZg9UEYFA, adler32=0x11e60398", (&sum, &hash)),
            ("Digest: MD5=9C677286866AAD38F8E9B660F5411814", (&None, &hash)),
            ("Digest: sha-256=x\nDigest: adler32=\"11e60398\"", (&sum, &None)),
            ("Digest: adler32=EeYDmA==", (&sum, &None)),
            ("Repr-Digest: adler=:EeYDmA==:", (&sum, &None)),
            ("Repr-Digest: sha-256=:AAAA:, md5=:nGdyhoZqrTj46bZg9UEYFA==:;x=1, adler=:EeYDmA==:", (&sum, &hash)),
            ("Repr-Digest: adler32=:EeYDmA:", (&sum, &None)),
            ("Repr-Digest: adler=11e60398", (&sum, &None)),
            ("OC-Checksum: ADLER32:11e60398", (&sum, &None)),
            ("Content-MD5: nGdyhoZqrTj46bZg9UEYFA==", (&None, &hash)),
            ("X-Goog-Hash: crc32c=AAAAAA==\nX-Goog-Hash: md5=nGdyhoZqrTj46bZg9UEYFA==", (&None, &hash)),
            ("ETag: \"9c677286866aad38f8e9b660f5411814\"\nX-Amz-Request-Id: 1", (&None, &hash)),
            ("Etag: 9c677286866aad38f8e9b660f5411814\nX-Trans-Id: tx1", (&None, &hash)),
        ] {
            assert_eq!(found(lines), (expected.0.clone(), expected.1.clone()), "{lines}");
        }
        assert_eq!(found("Digest: adler32=356986e").0.as_deref(), Some("0356986e"), "a missing zero");
    }

    #[test]
    fn http_digests_that_are_none_are_ignored() {
        for lines in [
            "",
            "Digest: adler32=",
            "Digest: adler32",
            "Digest: adler32=unknown",
            "Digest: adler32=1234567890",
            "Digest: md5=EeYDmA==",
            "Repr-Digest: adler=:11e60398:",
            "Content-MD5: nGdyhoZqrTj46bZg9UEYFA==\nContent-Range: bytes 0-0/9",
            "ETag: \"9c677286866aad38f8e9b660f5411814\"",
            "ETag: W/\"9c677286866aad38f8e9b660f5411814\"\nX-Amz-Request-Id: 1",
            "ETag: \"9c677286866aad38f8e9b660f5411814-2\"\nX-Amz-Request-Id: 1",
            "ETag: \"9c677286866aad38f8e9b660f5411814\"\nX-Amz-Server-Side-Encryption: aws:kms",
            "ETag: \"9c677286866aad38f8e9b660f5411814\"\nX-Amz-Server-Side-Encryption-Customer-Algorithm: AES256",
        ] {
            assert_eq!(found(lines), (None, None), "{lines}");
        }
    }
}
