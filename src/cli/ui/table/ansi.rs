//! Escape sequences of zero width: colours and hyperlinks.

use std::borrow::Cow;

/// Whether the text has a sequence that [`strip`] removes.
pub(super) fn is_in(text: &str) -> bool {
    text.contains('\x1b') && matches!(strip(text), Cow::Owned(_))
}

/// Returns the visible text: without colours, and only the text of hyperlinks.
pub(super) fn strip(text: &str) -> Cow<'_, str> {
    let mut seen = String::new();
    let mut taken = 0;
    let mut from = 0;
    while let Some(start) = text[from..].find('\x1b').map(|offset| from + offset) {
        match sequence(&text[start..]) {
            Some((length, words)) => {
                seen.push_str(&text[taken..start]);
                seen.push_str(words);
                taken = start + length;
                from = taken;
            }
            None => from = start + 1,
        }
    }
    match taken {
        0 => Cow::Borrowed(text),
        _ => Cow::Owned(seen + &text[taken..]),
    }
}

/// Returns the width as tabulate measures it: one column per character.
pub(super) fn width(text: &str) -> usize {
    if text.is_ascii() { text.len() } else { text.chars().count() }
}

/// Returns the length of the sequence at the start of the text, and its visible part.
fn sequence(text: &str) -> Option<(usize, &str)> {
    control(text).map(|length| (length, "")).or_else(|| hyperlink(text))
}

fn control(text: &str) -> Option<usize> {
    let bytes = text.strip_prefix("\x1b[")?.as_bytes();
    let parameters = bytes.iter().take_while(|byte| matches!(byte, 0x30..=0x3f)).count();
    let between = bytes[parameters..].iter().take_while(|byte| matches!(byte, 0x20..=0x2f)).count();
    matches!(bytes.get(parameters + between)?, 0x40..=0x7e).then_some(2 + parameters + between + 1)
}

fn hyperlink(text: &str) -> Option<(usize, &str)> {
    let (_parameters, rest) = text.strip_prefix("\x1b]8;")?.split_once(';')?;
    let (address, rest) = rest.split_once('\x1b')?;
    let (words, rest) = rest.strip_prefix('\\')?.split_once('\x1b')?;
    let rest = rest.strip_prefix("]8;;\x1b\\")?;
    let complete = !address.is_empty() && !words.is_empty();
    complete.then(|| (text.len() - rest.len(), words))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ansi_colours_and_links_have_no_width() {
        assert_eq!(strip("a\x1b[31;1mred\x1b[0mb"), "aredb");
        assert_eq!(strip("\x1b]8;id=1;https://x.ch\x1b\\here\x1b]8;;\x1b\\!"), "here!");
        assert_eq!(strip("\x1b]8;;\x1b\\"), "\x1b]8;;\x1b\\");
        assert_eq!(strip("\x1bM and \x1b["), "\x1bM and \x1b[");
        assert!(!is_in("\x1bM"));
    }
}
