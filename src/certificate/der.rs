//! Certificate fields that OpenSSL's bindings do not provide, read from the DER form (X.690) itself.

use chrono::NaiveDateTime;

/// Tags; `VERSION` and `EXTENSIONS` are the fields `[0]` and `[3]` of a certificate.
const INTEGER: u8 = 0x02;
const OCTET_STRING: u8 = 0x04;
const OBJECT_IDENTIFIER: u8 = 0x06;
const UTC_TIME: u8 = 0x17;
const GENERALIZED_TIME: u8 = 0x18;
const SEQUENCE: u8 = 0x30;
const SET: u8 = 0x31;
const VERSION: u8 = 0xa0;
const EXTENSIONS: u8 = 0xa3;

/// proxyCertInfo, of RFC 3820 (1.3.6.1.5.5.7.1.14) and of its draft (1.3.6.1.4.1.3536.1.222).
const PROXY_CERT_INFO: [&[u8]; 2] = [&[0x2b, 6, 1, 5, 5, 7, 1, 14], &[0x2b, 6, 1, 4, 1, 0x9b, 0x50, 1, 0x81, 0x5e]];

/// The fields of a certificate (RFC 5280, 4.1), each without its tag and length. Read without OpenSSL, whose start
/// takes a millisecond.
#[derive(Debug)]
pub(super) struct Fields<'a> {
    /// 0 for version 1, 2 for version 3.
    pub(super) version: u8,
    /// The issuer's name.
    pub(super) issuer: &'a [u8],
    /// The subject's name.
    pub(super) subject: &'a [u8],
    validity: &'a [u8],
    extensions: &'a [u8],
}

impl<'a> Fields<'a> {
    /// Reads a certificate in DER form; `None` if it is malformed.
    pub(super) fn of(certificate: &'a [u8]) -> Option<Self> {
        let signed = only(only(certificate, SEQUENCE)?, SEQUENCE)?;
        let version = only(signed, VERSION).and_then(|field| only(field, INTEGER)?.last().copied()).unwrap_or(0);
        // The first sequence is the algorithm of the signature.
        let mut sequences = Elements(signed).filter(|(tag, _)| *tag == SEQUENCE).map(|(_, content)| content).skip(1);
        let issuer = sequences.next()?;
        let validity = sequences.next()?;
        let subject = sequences.next()?;
        let extensions = only(signed, EXTENSIONS).and_then(|field| only(field, SEQUENCE)).unwrap_or_default();
        Some(Self { version, issuer, subject, validity, extensions })
    }

    /// Returns the value of the extension with this identifier; empty if the extension is malformed.
    pub(super) fn extension(&self, identifier: &[u8]) -> Option<&'a [u8]> {
        let mut extensions = Elements(self.extensions).map(|(_, extension)| extension);
        let found = extensions.find(|extension| only(extension, OBJECT_IDENTIFIER) == Some(identifier))?;
        Some(only(found, OCTET_STRING).unwrap_or_default())
    }

    /// Returns start and end of validity, in seconds since 1970, UTC. `None` if a time violates RFC 5280.
    pub(super) fn times(&self) -> Option<(i64, i64)> {
        let mut times = Elements(self.validity).map(|(tag, text)| time(tag, text));
        Some((times.next()??, times.next()??))
    }
}

/// Parses a time (RFC 5280, 4.1.2.5): in UTC and with seconds. A year of two digits is one from 1950 to 2049.
fn time(tag: u8, text: &[u8]) -> Option<i64> {
    let text = std::str::from_utf8(text).ok()?;
    let century = match tag {
        UTC_TIME if text.len() == 13 => {
            if text.as_bytes()[0] < b'5' {
                "20"
            } else {
                "19"
            }
        }
        GENERALIZED_TIME if text.len() == 15 => "",
        _ => return None,
    };
    let time = NaiveDateTime::parse_from_str(&format!("{century}{text}"), "%Y%m%d%H%M%SZ").ok()?;
    Some(time.and_utc().timestamp())
}

/// Adds tag and length of a sequence of less than 64 KiB.
pub(crate) fn sequence(content: &[u8]) -> Vec<u8> {
    let [.., high, low] = content.len().to_be_bytes();
    let head: &[u8] = match content.len() {
        0..=0x7f => &[SEQUENCE, low],
        0x80..=0xff => &[SEQUENCE, 0x81, low],
        _ => &[SEQUENCE, 0x82, high, low],
    };
    [head, content].concat()
}

/// Whether a certificate has the extension proxyCertInfo.
pub(super) fn has_proxy_cert_info(certificate: &[u8]) -> bool {
    let fields = Fields::of(certificate);
    fields.is_some_and(|fields| PROXY_CERT_INFO.iter().any(|identifier| fields.extension(identifier).is_some()))
}

/// Returns the number of attributes of each RDN of a name: usually one, several where the name is written with `+`.
pub(super) fn parts_of_steps(name: &[u8]) -> Vec<usize> {
    let steps = Elements(only(name, SEQUENCE).unwrap_or_default()).filter(|(tag, _)| *tag == SET);
    steps.map(|(_, step)| Elements(step).count()).collect()
}

/// Returns the content of the first element with this tag.
pub(super) fn only(bytes: &[u8], wanted: u8) -> Option<&[u8]> {
    Elements(bytes).find(|(tag, _)| *tag == wanted).map(|(_, content)| content)
}

/// Consecutive elements: tag and content. Ends at the first malformed one.
pub(super) struct Elements<'a>(pub(super) &'a [u8]);

impl<'a> Iterator for Elements<'a> {
    type Item = (u8, &'a [u8]);

    fn next(&mut self) -> Option<Self::Item> {
        let (&[tag, length], rest) = self.0.split_first_chunk::<2>()?;
        let (length, rest) = match length {
            short @ 0..0x80 => (usize::from(short), rest),
            // A long length begins with the number of its own bytes; no certificate needs more than four.
            long => {
                let (digits, rest) = rest.split_at_checked(usize::from(long & 0x7f)).filter(|(it, _)| it.len() <= 4)?;
                (digits.iter().fold(0, |length, digit| length << 8 | usize::from(*digit)), rest)
            }
        };
        let (content, rest) = rest.split_at_checked(length)?;
        self.0 = rest;
        Some((tag, content))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn der_elements_are_read_up_to_a_truncation() {
        let long = [&[0x04, 0x81, 0x80][..], &[7; 128]].concat();
        let bytes = [&[0x02, 1, 5][..], &long, &[0x04, 9, 1]].concat();
        let all: Vec<_> = Elements(&bytes).collect();
        assert_eq!(all, [(2, &[5][..]), (4, &[7; 128][..])]);
        assert_eq!(Elements(&[0x30, 0x88, 1]).next(), None);
    }

    #[test]
    fn der_sequence_of_any_length_is_read_back() {
        for length in [0, 1, 0x7f, 0x80, 0xff, 0x100, 0xffff] {
            let content = vec![5; length];
            assert_eq!(only(&sequence(&content), SEQUENCE), Some(&content[..]), "{length} bytes");
        }
    }

    #[test]
    fn der_times_follow_rfc_5280() {
        for (tag, text, expected) in [
            (UTC_TIME, "700101000001Z", Some(1)),
            (UTC_TIME, "500101000000Z", Some(-631_152_000)),
            (UTC_TIME, "491231235959Z", Some(2_524_607_999)),
            (GENERALIZED_TIME, "20500101000000Z", Some(2_524_608_000)),
            (GENERALIZED_TIME, "700101000001Z", None),
            (UTC_TIME, "7001010000Z", None),
            (UTC_TIME, "701301000000Z", None),
            (UTC_TIME, "7001010000+01", None),
            (GENERALIZED_TIME, "20500101000000+", None),
            (INTEGER, "700101000001Z", None),
        ] {
            assert_eq!(time(tag, text.as_bytes()), expected, "{tag} {text}");
        }
    }
}
