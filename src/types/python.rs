//! Parser for Python literals, as `str()` prints a dict: the format of the response to `GET /auth/validate`.

use serde_json::{Map, Number, Value};

/// Maximum nesting depth, so that a malicious response cannot exhaust the stack.
const DEEPEST: usize = 16;

/// Parses a dict, list, tuple, string, number, `True`, `False` or `None`. A `datetime.datetime(...)`, which is UTC in
/// Rucio, becomes a string in RFC 3339 format. Returns `None` for anything else, including trailing text.
pub(crate) fn literal(text: &str) -> Option<Value> {
    let mut reader = LiteralParser { rest: text.trim(), depth: 0 };
    let value = reader.value()?;
    reader.rest.is_empty().then_some(value)
}

struct LiteralParser<'a> {
    rest: &'a str,
    depth: usize,
}

impl<'a> LiteralParser<'a> {
    fn value(&mut self) -> Option<Value> {
        self.depth += 1;
        if self.depth > DEEPEST {
            return None;
        }
        let value = match self.rest.chars().next()? {
            '{' => self.dict(),
            '[' => self.list('[', ']').map(Value::Array),
            '(' => self.list('(', ')').map(Value::Array),
            '\'' | '"' => self.text().map(Value::String),
            _ => self.word(),
        };
        self.depth -= 1;
        value
    }

    fn dict(&mut self) -> Option<Value> {
        let mut fields = Map::new();
        self.items('{', '}', |reader| {
            let key = reader.text()?;
            reader.take(":")?;
            fields.insert(key, reader.value()?);
            Some(())
        })?;
        Some(Value::Object(fields))
    }

    fn list(&mut self, open: char, close: char) -> Option<Vec<Value>> {
        let mut items = Vec::new();
        self.items(open, close, |reader| {
            items.push(reader.value()?);
            Some(())
        })?;
        Some(items)
    }

    /// Parses items in brackets, separated by commas.
    fn items(&mut self, open: char, close: char, mut item: impl FnMut(&mut Self) -> Option<()>) -> Option<()> {
        self.take(open.encode_utf8(&mut [0; 4]))?;
        while !self.rest.starts_with(close) {
            item(self)?;
            if self.take(",").is_none() {
                break;
            }
        }
        self.take(close.encode_utf8(&mut [0; 4]))
    }

    /// Parses an unquoted value.
    fn word(&mut self) -> Option<Value> {
        if self.take("datetime.datetime").is_some() {
            return date(&self.list('(', ')')?);
        }
        let end =
            self.rest.find(|c: char| !c.is_ascii_alphanumeric() && !"+-._".contains(c)).unwrap_or(self.rest.len());
        let word = &self.rest[..end];
        self.take(word)?;
        match word {
            "None" => Some(Value::Null),
            "True" => Some(Value::Bool(true)),
            "False" => Some(Value::Bool(false)),
            number if number.starts_with(|c: char| c.is_ascii_digit() || c == '-') => {
                number.parse::<Number>().ok().map(Value::Number)
            }
            _ => None,
        }
    }

    /// Parses a quoted string with the escapes of Python's `repr`.
    fn text(&mut self) -> Option<String> {
        let quote = self.rest.chars().next().filter(|c| "'\"".contains(*c))?;
        let mut text = String::new();
        let mut characters = self.rest[1..].chars();
        loop {
            match characters.next()? {
                c if c == quote => break,
                '\\' => text.push(escaped(&mut characters)?),
                c => text.push(c),
            }
        }
        self.rest = characters.as_str().trim_start();
        Some(text)
    }

    /// Skips this text and the blanks after it, if it comes next.
    fn take(&mut self, start: &str) -> Option<()> {
        self.rest = self.rest.strip_prefix(start)?.trim_start();
        Some(())
    }
}

fn escaped(characters: &mut std::str::Chars<'_>) -> Option<char> {
    let digits = match characters.next()? {
        'n' => return Some('\n'),
        't' => return Some('\t'),
        'r' => return Some('\r'),
        c @ ('\\' | '\'' | '"') => return Some(c),
        'x' => 2,
        'u' => 4,
        'U' => 8,
        _ => return None,
    };
    let code = (0..digits).try_fold(0, |code, _| Some(code * 16 + characters.next()?.to_digit(16)?))?;
    char::from_u32(code)
}

/// Converts year, month, day, hour, minute; second and microsecond are optional.
fn date(parts: &[Value]) -> Option<Value> {
    let parts: Vec<u32> = parts.iter().map(|part| part.as_u64()?.try_into().ok()).collect::<Option<_>>()?;
    let [year, month, day, hour, minute, ref small @ ..] = parts[..] else { return None };
    let (second, micro) = match *small {
        [] => (0, 0),
        [second] => (second, 0),
        [second, micro] => (second, micro),
        _ => return None,
    };
    let day = chrono::NaiveDate::from_ymd_opt(year.try_into().ok()?, month, day)?;
    let date = day.and_hms_micro_opt(hour, minute, second, micro)?.and_utc();
    Some(Value::String(date.to_rfc3339_opts(chrono::SecondsFormat::AutoSi, true)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn python_literals_of_the_server_are_read() {
        // A response of Rucio 41.5.1.
        let text = "{'account': 'jdoe', 'identity': 'CN=John Doe,O=Testbed', 'lifetime': datetime.datetime(2026, 11, \
                    24, 7, 52, 8, 355807), 'audience': None, 'authz_scope': None, 'vo': 'def'}";
        let expected = json!({"account": "jdoe", "identity": "CN=John Doe,O=Testbed",
            "lifetime": "2026-11-24T07:52:08.355807Z", "audience": null, "authz_scope": null, "vo": "def"});
        assert_eq!(literal(text), Some(expected));
    }

    #[test]
    fn python_literals_of_all_kinds_are_read() {
        let cases = [
            ("{}", json!({})),
            (" ['a', \"it's\", ] ", json!(["a", "it's"])),
            ("(1, -2.5, True, False)", json!([1, -2.5, true, false])),
            (r"'a\'b\\c\n\x1b\u00e9\U0001f600é'", json!("a'b\\c\n\u{1b}é😀é")),
            ("datetime.datetime(2026, 1, 2, 3, 4)", json!("2026-01-02T03:04:00Z")),
            ("datetime.datetime(2026, 1, 2, 3, 4, 5)", json!("2026-01-02T03:04:05Z")),
            ("{'a': {'b': [None]}}", json!({"a": {"b": [null]}})),
        ];
        for (text, expected) in cases {
            assert_eq!(literal(text), Some(expected), "{text}");
        }
    }

    #[test]
    fn python_other_text_is_refused() {
        let deep = "[".repeat(100_000);
        let cases = [
            "",
            "{'a': 1} x",
            "{'a' 1}",
            "{'a': 1",
            "'open",
            r"'\q'",
            r"'\ud800'",
            "{1: 2}",
            "nan",
            "__import__('os')",
            "datetime.datetime(2026, 13, 1, 0, 0)",
            "datetime.datetime(2026, 1, 1)",
            "datetime.datetime(2026, 1, 1, 0, 0, 0, 0, 0)",
            "datetime.datetime(-1, 1, 1, 0, 0)",
            "<html>",
            &deep,
        ];
        for text in cases {
            assert_eq!(literal(text), None, "{}", &text[..text.len().min(40)]);
        }
    }
}
