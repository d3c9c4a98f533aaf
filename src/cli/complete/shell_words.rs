//! Splits a partial command line into words, and quotes values.

/// Splits a line into words as a shell does, without expansions. The last word is the one being typed; it is empty
/// after a space. Also returns whether that word's quote is still open.
pub(super) fn words(line: &str) -> (Vec<String>, bool) {
    let mut words = Vec::new();
    let mut word = String::new();
    let mut quote = None;
    let mut begun = false;
    let mut characters = line.chars();
    while let Some(c) = characters.next() {
        match (quote, c) {
            (Some('\''), '\'') | (Some('"'), '"') => quote = None,
            (Some('"'), '\\') | (None, '\\') => word.extend(characters.next()),
            (None, '\'' | '"') => quote = Some(c),
            (None, c) if c.is_whitespace() => {
                if begun {
                    words.push(std::mem::take(&mut word));
                }
                begun = false;
                continue;
            }
            (_, c) => word.push(c),
        }
        begun = true;
    }
    words.push(word);
    (words, quote.is_some())
}

/// Escapes a value for use outside quotes.
pub(super) fn quoted(value: &str) -> String {
    let special = |c: char| c.is_whitespace() || "\\'\"`$&|;<>()*?[]{}#!~".contains(c);
    let mut out = String::with_capacity(value.len());
    for c in value.chars() {
        if special(c) {
            out.push('\\');
        }
        out.push(c);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shell_words_split_as_a_shell_does() {
        let cases: [(&str, &[&str], bool); 6] = [
            ("rucio did list ", &["rucio", "did", "list", ""], false),
            ("rucio  did\tli", &["rucio", "did", "li"], false),
            ("rucio rse list --rses \"tier=1&di", &["rucio", "rse", "list", "--rses", "tier=1&di"], true),
            ("rucio ls 'a b':c\\ d", &["rucio", "ls", "a b:c d"], false),
            ("rucio ls \"a\\\"b\" 'x", &["rucio", "ls", "a\"b", "x"], true),
            ("", &[""], false),
        ];
        for (line, expected, open) in cases {
            assert_eq!(words(line), (expected.iter().map(ToString::to_string).collect(), open), "{line}");
        }
    }

    #[test]
    fn shell_words_that_are_quoted_join_again() {
        for value in ["a b", "tier=1&disk=1", "x*", "it's", "\\", "plain.name-1_2:é"] {
            assert_eq!(words(&quoted(value)).0, [value]);
        }
    }
}
