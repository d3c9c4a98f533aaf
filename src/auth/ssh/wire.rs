//! SSH encoding (RFC 4251, section 5): strings and numbers, prefixed with their length.

/// Appends `text` with its length.
pub(super) fn put(out: &mut Vec<u8>, text: &[u8]) {
    out.extend((text.len() as u32).to_be_bytes());
    out.extend(text);
}

/// Appends a positive number, most significant byte first. A zero byte keeps its first bit from being read as a sign.
pub(super) fn put_number(out: &mut Vec<u8>, digits: &[u8]) {
    match digits.first() {
        Some(0x80..) => put(out, &[&[0], digits].concat()),
        _ => put(out, digits),
    }
}

/// Reads a string from the front.
pub(super) fn take<'a>(input: &mut &'a [u8]) -> Option<&'a [u8]> {
    let length = take_u32(input)? as usize;
    let (text, rest) = input.split_at_checked(length)?;
    *input = rest;
    Some(text)
}

/// Reads a four-byte number from the front.
pub(super) fn take_u32(input: &mut &[u8]) -> Option<u32> {
    let (number, rest) = input.split_first_chunk()?;
    *input = rest;
    Some(u32::from_be_bytes(*number))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ssh_wire_text_round_trips_and_truncation_is_detected() {
        let mut out = Vec::new();
        put(&mut out, b"ssh-rsa");
        put_number(&mut out, &[0x80]);
        put_number(&mut out, &[0x7f]);
        let mut input = out.as_slice();
        assert_eq!(take(&mut input), Some(&b"ssh-rsa"[..]));
        assert_eq!(take(&mut input), Some(&[0, 0x80][..]));
        assert_eq!(take(&mut input), Some(&[0x7f][..]));
        assert_eq!((take(&mut input), take(&mut &out[..6])), (None, None));
    }
}
