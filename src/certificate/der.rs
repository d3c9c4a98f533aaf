//! What OpenSSL's bindings do not tell of a certificate, read from its DER form (X.690) itself.

/// `SEQUENCE`, `SET`, `OBJECT IDENTIFIER`, and the field `[3]` of a certificate, which holds its extensions.
const SEQUENCE: u8 = 0x30;
const SET: u8 = 0x31;
const OBJECT_IDENTIFIER: u8 = 0x06;
const EXTENSIONS: u8 = 0xa3;

/// proxyCertInfo, of RFC 3820 (1.3.6.1.5.5.7.1.14) and of its draft (1.3.6.1.4.1.3536.1.222).
const PROXY_CERT_INFO: [&[u8]; 2] = [&[0x2b, 6, 1, 5, 5, 7, 1, 14], &[0x2b, 6, 1, 4, 1, 0x9b, 0x50, 1, 0x81, 0x5e]];

/// Whether a certificate has the extension proxyCertInfo.
pub(super) fn has_proxy_cert_info(certificate: &[u8]) -> bool {
    let identifiers = || {
        let whole = only(certificate, SEQUENCE)?;
        let signed = only(whole, SEQUENCE)?;
        let extensions = Elements(only(signed, EXTENSIONS)?).next()?.1;
        Some(Elements(extensions).filter_map(|(_, extension)| only(extension, OBJECT_IDENTIFIER)))
    };
    identifiers().is_some_and(|mut all| all.any(|identifier| PROXY_CERT_INFO.contains(&identifier)))
}

/// How many parts each step of a name has: mostly one, several where the name writes `+`.
pub(super) fn parts_of_steps(name: &[u8]) -> Vec<usize> {
    let steps = Elements(only(name, SEQUENCE).unwrap_or_default()).filter(|(tag, _)| *tag == SET);
    steps.map(|(_, step)| Elements(step).count()).collect()
}

/// The content of the first element with this tag.
fn only(bytes: &[u8], wanted: u8) -> Option<&[u8]> {
    Elements(bytes).find(|(tag, _)| *tag == wanted).map(|(_, content)| content)
}

/// The elements that stand behind one another here: tag and content. Ends at whatever is not well formed.
struct Elements<'a>(&'a [u8]);

impl<'a> Iterator for Elements<'a> {
    type Item = (u8, &'a [u8]);

    fn next(&mut self) -> Option<Self::Item> {
        let (&[tag, length], rest) = self.0.split_first_chunk::<2>()?;
        let (length, rest) = match length {
            short @ 0..0x80 => (usize::from(short), rest),
            // A long length says first how many bytes it has itself; nobody's certificate needs more than four.
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
    fn elements_are_read_and_what_is_cut_ends_them() {
        let long = [&[0x04, 0x81, 0x80][..], &[7; 128]].concat();
        let bytes = [&[0x02, 1, 5][..], &long, &[0x04, 9, 1]].concat();
        let all: Vec<_> = Elements(&bytes).collect();
        assert_eq!(all, [(2, &[5][..]), (4, &[7; 128][..])]);
        assert_eq!(Elements(&[0x30, 0x88, 1]).next(), None);
    }
}
