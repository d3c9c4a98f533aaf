//! Filters of `rucio did list`: `key=value`, joined by `,` (and) and `;` (or), also `1<key<=2`.

use serde_json::{Map, Value};

use crate::error::{Error, Result};
use crate::exceptions::Exception;

/// Operators as typed, and their names in the server's filter engine. The longer ones come first.
const OPERATORS: [(&str, &str); 7] =
    [("<=", "lte"), (">=", "gte"), ("==", ""), ("!=", "ne"), (">", "gt"), ("<", "lt"), ("=", "")];

/// Parses a filter into its alternatives, each an object of keys and values. `name` is the default for the name.
///
/// Errors: `DIDFilterSyntaxError`, `DuplicateCriteriaInDIDFilter`.
pub(crate) fn parse(filter: &str, name: &str) -> Result<Value> {
    let mut alternatives = Vec::new();
    for group in filter.split(';').filter(|group| !group.is_empty()) {
        let mut conditions = Map::new();
        for condition in group.trim().split(',').filter(|condition| !condition.is_empty()) {
            add_condition(&mut conditions, condition.trim())?;
        }
        conditions.entry("name").or_insert_with(|| name.into());
        alternatives.push(Value::Object(conditions));
    }
    if filter.is_empty() {
        alternatives.push(Value::Object(Map::from_iter([("name".to_owned(), name.into())])));
    }
    Ok(alternatives.into())
}

fn add_condition(conditions: &mut Map<String, Value>, condition: &str) -> Result<()> {
    match tokens(condition)[..] {
        [Token::Word(key), Token::Operator(operator), Token::Word(value)] => insert(conditions, key, operator, value),
        [Token::Word(low), Token::Operator(first), Token::Word(key), Token::Operator(second), Token::Word(high)] => {
            let first = reversed(first).ok_or_else(|| syntax_error(condition))?;
            insert(conditions, key, first, low)?;
            insert(conditions, key, second, high)
        }
        _ => Err(syntax_error(condition)),
    }
}

fn insert(conditions: &mut Map<String, Value>, key: &str, operator: &str, value: &str) -> Result<()> {
    let key = if operator.is_empty() { key.to_owned() } else { format!("{key}.{operator}") };
    if conditions.contains_key(&key) {
        Err(Error::new(Exception::DuplicateCriteriaInDIDFilter, format!("{key}\n{key}")))
    } else {
        conditions.insert(key, value.into());
        Ok(())
    }
}

/// Swaps the sides of an operator: `1 < x` is `x > 1`.
fn reversed(operator: &str) -> Option<&'static str> {
    match operator {
        "lt" => Some("gt"),
        "lte" => Some("gte"),
        "gt" => Some("lt"),
        "gte" => Some("lte"),
        _ => None,
    }
}

fn syntax_error(condition: &str) -> Error {
    Error::new(Exception::DIDFilterSyntaxError, condition)
        .with_hint("Use key=value, key>value or 1<key<2, joined by , (and) or ; (or).")
}

/// Token of a condition; operators have the server's names.
#[derive(Debug, PartialEq)]
enum Token<'a> {
    Word(&'a str),
    Operator(&'static str),
}

fn tokens(condition: &str) -> Vec<Token<'_>> {
    let mut tokens = Vec::new();
    let mut start = 0;
    let mut at = 0;
    while at < condition.len() {
        let operator = OPERATORS.iter().find(|(sign, _)| condition[at..].starts_with(sign));
        let Some((sign, name)) = operator else {
            at += condition[at..].chars().next().map_or(1, char::len_utf8);
            continue;
        };
        push_word(&mut tokens, &condition[start..at]);
        tokens.push(Token::Operator(name));
        at += sign.len();
        start = at;
    }
    push_word(&mut tokens, &condition[start..]);
    tokens
}

fn push_word<'a>(tokens: &mut Vec<Token<'a>>, word: &'a str) {
    if !word.is_empty() {
        tokens.push(Token::Word(word.trim()));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn did_filters_parse_as_in_the_official_client() {
        let cases = [
            ("", json!([{"name": "*"}])),
            ("type=CONTAINER", json!([{"type": "CONTAINER", "name": "*"}])),
            ("length>=3, length<9", json!([{"length.gte": "3", "length.lt": "9", "name": "*"}])),
            ("3<length<=9", json!([{"length.gt": "3", "length.lte": "9", "name": "*"}])),
            ("a==1;b!=2", json!([{"a": "1", "name": "*"}, {"b.ne": "2", "name": "*"}])),
            ("name=x*", json!([{"name": "x*"}])),
            ("ключ=é", json!([{"ключ": "é", "name": "*"}])),
        ];
        for (filter, expected) in cases {
            assert_eq!(parse(filter, "*").unwrap(), expected, "{filter}");
        }
    }

    #[test]
    fn did_filters_that_are_invalid_have_a_class() {
        let class = |filter| parse(filter, "*").unwrap_err().class();
        assert_eq!(class("type"), Some(Exception::DIDFilterSyntaxError));
        assert_eq!(class("1=x=2"), Some(Exception::DIDFilterSyntaxError));
        assert_eq!(class("a=1,a=2"), Some(Exception::DuplicateCriteriaInDIDFilter));
    }
}
