//! Makes text of strangers harmless on a terminal.

use std::borrow::Cow;

/// Replaces control characters by their pictures, one column each, so that no text moves the cursor, changes colours
/// or sends the terminal a command. Newlines and tabs stay.
pub fn clean(text: &str) -> Cow<'_, str> {
    if text.chars().any(is_dangerous) { text.chars().map(picture).collect::<String>().into() } else { text.into() }
}

fn is_dangerous(c: char) -> bool {
    c.is_control() && !matches!(c, '\n' | '\t')
}

fn picture(c: char) -> char {
    match c {
        '\n' | '\t' => c,
        '\0'..='\x1f' => char::from_u32(0x2400 + u32::from(c)).unwrap_or(char::REPLACEMENT_CHARACTER),
        '\x7f' => '\u{2421}',
        c if c.is_control() => char::REPLACEMENT_CHARACTER,
        c => c,
    }
}

#[cfg(test)]
mod tests {
    use super::clean;

    #[test]
    fn controls_become_pictures_and_the_rest_stays() {
        assert_eq!(clean("a\x1b[31m\r\x07\x7f\u{9b}é\n\tb"), "a␛[31m␍␇␡\u{fffd}é\n\tb");
        assert!(matches!(clean("plain é\n"), std::borrow::Cow::Borrowed(_)));
    }
}
