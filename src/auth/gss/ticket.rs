//! Kerberos tickets for servers that do not speak HTTP.

use super::library::{Context, Exchange, Library};

/// Tags of a GSS-API token (RFC 2743, section 3.1) and of an object identifier; what precedes an AP-REQ (RFC 4121,
/// section 4.1).
const TOKEN: u8 = 0x60;
const OBJECT_IDENTIFIER: u8 = 0x06;
const AP_REQUEST: &[u8] = &[1, 0];

/// Returns the AP-REQ (RFC 4120) for a server's principal, `service/host@REALM`. May contact a KDC over the network.
/// Errors: the reason in words.
pub(crate) fn ap_request(principal: &str) -> Result<Vec<u8>, String> {
    let library = Library::get().map_err(|error| format!("there is no Kerberos library ({error})"))?;
    let step = Context::new(library, Exchange::Ticket, principal).and_then(|mut context| context.step(b""));
    let token = step.map_err(|failure| failure.text)?.token;
    without_frame(&token).map(<[u8]>::to_vec).ok_or_else(|| "the Kerberos library returned no ticket".to_owned())
}

/// Removes the frame of a token: length and mechanism.
fn without_frame(token: &[u8]) -> Option<&[u8]> {
    let content = element(token, TOKEN)?.0;
    element(content, OBJECT_IDENTIFIER)?.1.strip_prefix(AP_REQUEST)
}

/// Splits the first element of DER off, if it has this tag. Returns its content and what follows.
fn element(bytes: &[u8], tag: u8) -> Option<(&[u8], &[u8])> {
    let (&[found, length], rest) = bytes.split_first_chunk::<2>()?;
    let (length, rest) = match length {
        0..0x80 => (usize::from(length), rest),
        _ => {
            let (digits, rest) = rest.split_at_checked(usize::from(length & 0x7f)).filter(|(it, _)| it.len() <= 4)?;
            (digits.iter().fold(0, |sum, digit| sum << 8 | usize::from(*digit)), rest)
        }
    };
    rest.split_at_checked(length).filter(|_| found == tag)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kerberos_ticket_is_taken_out_of_its_frame() {
        let oid = b"\x06\x09\x2a\x86\x48\x86\xf7\x12\x01\x02\x02";
        let content = [&oid[..], b"\x01\x00", &[7; 200]].concat();
        let token = [&[0x60, 0x81, content.len() as u8][..], &content].concat();
        assert_eq!(without_frame(&token), Some(&[7; 200][..]));
        for length in 0..token.len() {
            assert_eq!(without_frame(&token[..length]), None, "{length} bytes");
        }
        assert_eq!(without_frame(b"\x60\x04\x06\x00\x02\x00"), None, "another kind of token");
    }
}
