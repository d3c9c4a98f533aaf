//! Distinguished names in the server's notation.

use openssl::x509::{X509NameEntryRef, X509NameRef};

use super::der;

/// Formats a name as in RFC 2253, as Apache passes it to Rucio: `CN=John Doe,O=Testbed`.
pub(crate) fn text(name: &X509NameRef) -> String {
    let mut entries = name.entries();
    let steps = der::parts_of_steps(&name.to_der().unwrap_or_default());
    let steps: Vec<String> =
        steps.into_iter().map(|parts| entries.by_ref().take(parts).map(part).collect::<Vec<_>>().join("+")).collect();
    steps.into_iter().rev().collect::<Vec<_>>().join(",")
}

fn part(entry: &X509NameEntryRef) -> String {
    let object = entry.object();
    let kind = object.nid().short_name().map_or_else(|_| object.to_string(), str::to_owned);
    let value = entry.data().to_string().unwrap_or_default();
    format!("{kind}={}", escaped(&value))
}

/// Escapes special characters with a backslash, and control characters by number.
fn escaped(value: &str) -> String {
    let mut out = String::with_capacity(value.len());
    for (index, character) in value.char_indices() {
        let at_end = index + character.len_utf8() == value.len();
        match character {
            ',' | '+' | '"' | '\\' | '<' | '>' | ';' => out.extend(['\\', character]),
            '#' if index == 0 => out.push_str("\\#"),
            ' ' if index == 0 || at_end => out.push_str("\\ "),
            control if control.is_ascii_control() => out.push_str(&format!("\\{:02X}", u32::from(control))),
            other => out.push(other),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use openssl::x509::X509Name;

    #[test]
    fn name_has_its_last_step_first_and_is_escaped() {
        let mut name = X509Name::builder().unwrap();
        for (kind, value) in
            [("DC", "org"), ("O", "Müller, Söhne"), ("UID", "x+y"), ("emailAddress", "a@b"), ("CN", "#1 ")]
        {
            name.append_entry_by_text(kind, value).unwrap();
        }
        assert_eq!(text(&name.build()), r"CN=\#1\ ,emailAddress=a@b,UID=x\+y,O=Müller\, Söhne,DC=org");
    }

    #[test]
    fn name_parts_of_one_step_are_joined() {
        let part = |id: &[u8], value: &[u8]| {
            let id = [&[0x06, id.len() as u8], id].concat();
            let value = [&[0x0c, value.len() as u8], value].concat();
            [&[0x30, (id.len() + value.len()) as u8], &id[..], &value].concat()
        };
        let wrap = |tag: u8, parts: &[&[u8]]| [&[tag, parts.concat().len() as u8], &parts.concat()[..]].concat();
        let (cn, uid) = (part(&[0x55, 4, 3], b"Kim"), part(&[9, 0x92, 0x26, 0x89, 0x93, 0xf2, 0x2c, 0x64, 1, 1], b"7"));
        let steps = [wrap(0x31, &[&part(&[0x55, 4, 10], b"T")]), wrap(0x31, &[&cn, &uid])];
        let name = X509Name::from_der(&wrap(0x30, &[&steps[0], &steps[1]])).unwrap();
        assert_eq!(text(&name), "CN=Kim+UID=7,O=T");
    }
}
