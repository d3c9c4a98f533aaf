//! Makes control characters visible, so that untrusted text is safe on a terminal.

use std::borrow::Cow;

/// Replaces control characters by visible symbols, one column each, so that text cannot move the cursor, change colours
/// or send the terminal a command. Keeps newlines and tabs.
pub fn clean(text: &str) -> Cow<'_, str> {
    if text.chars().any(is_dangerous) { text.chars().map(picture).collect::<String>().into() } else { text.into() }
}

/// Like [`clean`], but also replaces newlines and tabs, so that a name cannot imitate several log lines.
pub fn one_line(text: &str) -> Cow<'_, str> {
    if text.contains(['\n', '\t']) || text.chars().any(is_dangerous) {
        text.chars().map(visible).collect::<String>().into()
    } else {
        text.into()
    }
}

/// Whether the character moves the cursor or changes the text direction (Unicode's bidirectional controls).
fn is_dangerous(c: char) -> bool {
    (c.is_control() && !matches!(c, '\n' | '\t')) || turns(c)
}

fn turns(c: char) -> bool {
    matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

fn picture(c: char) -> char {
    match c {
        '\n' | '\t' => c,
        c => visible(c),
    }
}

fn visible(c: char) -> char {
    match c {
        '\0'..='\x1f' => char::from_u32(0x2400 + u32::from(c)).unwrap_or(char::REPLACEMENT_CHARACTER),
        '\x7f' => '\u{2421}',
        c if c.is_control() || turns(c) => char::REPLACEMENT_CHARACTER,
        c => c,
    }
}

#[cfg(test)]
mod tests {
    use super::{clean, one_line};

    #[test]
    fn controls_become_pictures_and_the_rest_stays() {
        assert_eq!(clean("a\x1b[31m\r\x07\x7f\u{9b}é\n\tb"), "a␛[31m␍␇␡\u{fffd}é\n\tb");
        assert!(matches!(clean("plain é\n"), std::borrow::Cow::Borrowed(_)));
        assert_eq!(clean("exe.\u{202e}fdp\u{2069}"), "exe.\u{fffd}fdp\u{fffd}");
        assert_eq!(one_line("a\n2026\tERROR\x1b"), "a␊2026␉ERROR␛");
        assert!(matches!(one_line("plain é"), std::borrow::Cow::Borrowed(_)));
    }
}
