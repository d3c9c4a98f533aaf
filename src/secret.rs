//! Text that must not be shown: passwords and tokens.

use std::borrow::Cow;
use std::fmt;

use crate::storage::has_signature;

/// What is shown in place of a secret.
const HIDDEN: &str = "[hidden]";

/// A secret. Formatting it by `Debug` or `Display` gives `[hidden]`.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// Returns the secret itself, for the code that sends it.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl From<String> for Secret {
    fn from(text: String) -> Self {
        Self(text)
    }
}

impl From<&str> for Secret {
    fn from(text: &str) -> Self {
        Self(text.to_owned())
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(HIDDEN)
    }
}

impl fmt::Display for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(HIDDEN)
    }
}

/// Hides user name and password of all URLs in a text, and the query of signed ones, which gives access to the file.
pub(crate) fn hide_in_urls(text: &str) -> Cow<'_, str> {
    const SEPARATOR: &str = "://";
    let Some((first, rest)) = text.split_once(SEPARATOR) else { return text.into() };
    let mut shown = first.to_owned();
    for part in rest.split(SEPARATOR) {
        let is_http = ["http", "https", "dav", "davs"].iter().any(|scheme| is_last_word(&shown, scheme));
        shown.push_str(SEPARATOR);
        let end = part.find(|c: char| c.is_whitespace() || "\"'`<>()[]{}".contains(c)).unwrap_or(part.len());
        let (url, after) = part.split_at(end);
        shown.push_str(&hide_in_url(url, is_http));
        shown.push_str(after);
    }
    shown.into()
}

fn is_last_word(text: &str, word: &str) -> bool {
    text.strip_suffix(word).is_some_and(|before| !before.ends_with(char::is_alphanumeric))
}

/// Hides the secrets in the rest of a URL after its scheme. The name of a user alone is secret with HTTP only, where it
/// may be a token.
fn hide_in_url(url: &str, is_http: bool) -> String {
    let (place, query) = url.split_once('?').map_or((url, None), |(place, query)| (place, Some(query)));
    let (authority, path) = place.split_at(place.find('/').unwrap_or(place.len()));
    let authority = match authority.rsplit_once('@') {
        Some((user, host)) if is_http || user.contains(':') => format!("{HIDDEN}@{host}"),
        _ => authority.to_owned(),
    };
    match query {
        Some(query) if has_signature(query) => format!("{authority}{path}?{HIDDEN}"),
        Some(query) => format!("{authority}{path}?{query}"),
        None => format!("{authority}{path}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_in_urls_are_hidden() {
        for (text, shown) in [
            ("no address", "no address"),
            ("GET https://user:pw@host:443/a?x=1", "GET https://[hidden]@host:443/a?x=1"),
            ("https://token@host", "https://[hidden]@host"),
            ("sftp://jdoe@host/a, scp://jdoe:pw@host/b", "sftp://jdoe@host/a, scp://[hidden]@host/b"),
            ("(https://s3/b/k?X-Amz-Signature=0&x=1): no", "(https://s3/b/k?[hidden]): no"),
            ("\"davs://d/f?authz=a\" and https://h/f?x=1", "\"davs://d/f?[hidden]\" and https://h/f?x=1"),
            ("https://h/a@b?c=d@e", "https://h/a@b?c=d@e"),
            ("gs://h/k?Signature=0 https://h/k?temp_url_sig=1", "gs://h/k?[hidden] https://h/k?[hidden]"),
        ] {
            assert_eq!(hide_in_urls(text), shown);
        }
    }

    #[test]
    fn secret_is_hidden_in_formatting() {
        let secret = Secret::from("hunter2");
        assert_eq!(format!("{secret} {secret:?} {:?}", Some(&secret)), "[hidden] [hidden] Some([hidden])");
        assert_eq!(secret.expose(), "hunter2");
    }
}
