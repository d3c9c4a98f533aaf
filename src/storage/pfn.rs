//! PFNs, the addresses of replicas.

use std::borrow::Cow;
use std::fmt;
use std::ops::Range;

use url::form_urlencoded;

/// Query parameters of presigned URLs: S3, Google, Swift, macaroons.
const SIGNATURES: [&str; 6] =
    ["x-amz-signature", "x-goog-signature", "signature", "temp_url_sig", "authz", "x-amz-security-token"];

/// A physical file name: the address of a replica, in the text that the catalogue has, and where its parts are.
///
/// Any text is a PFN: what a storage cannot use, it refuses with its own error.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Pfn {
    text: String,
    scheme_end: usize,
    /// Bytes between `://` and the path.
    authority: Option<Range<usize>>,
    path_start: usize,
    /// Position of the first `?`.
    query: Option<usize>,
}

impl Pfn {
    /// Parses a PFN.
    pub fn new(text: impl Into<String>) -> Self {
        let text = text.into();
        let scheme_end = text.find(':').unwrap_or(0);
        let authority = text[scheme_end..].starts_with("://").then(|| {
            let start = scheme_end + 3;
            start..text[start..].find(['/', '?', '#']).map_or(text.len(), |length| start + length)
        });
        let after_scheme = if scheme_end > 0 { scheme_end + 1 } else { 0 };
        let path_start = authority.as_ref().map_or(after_scheme, |authority| authority.end);
        let query = text.find('?');
        Self { text, scheme_end, authority, path_start, query }
    }

    /// Returns the text as written.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Returns the scheme as written; empty if there is none.
    pub fn scheme(&self) -> &str {
        &self.text[..self.scheme_end]
    }

    /// Returns `user@host:port` as written; `None` without `://`.
    pub fn authority(&self) -> Option<&str> {
        self.authority.clone().map(|authority| &self.text[authority])
    }

    /// Returns the user, if there is one.
    pub fn user(&self) -> Option<&str> {
        Some(self.authority()?.rsplit_once('@')?.0)
    }

    /// Returns `host:port` as written; `None` without `://`.
    pub fn host_and_port(&self) -> Option<&str> {
        self.authority()?.rsplit('@').next()
    }

    /// Returns everything after the host: the path as written, with a query, if there is one.
    pub fn path(&self) -> &str {
        &self.text[self.path_start..]
    }

    /// Returns the query, without the question mark.
    pub fn query(&self) -> Option<&str> {
        self.query.map(|start| &self.text[start + 1..])
    }

    /// Returns the text before the query: a signature changes with each listing, the rest does not.
    pub fn without_query(&self) -> &str {
        &self.text[..self.query.unwrap_or(self.text.len())]
    }

    /// Returns the last component of the path.
    pub fn file_name(&self) -> &str {
        self.without_query().rsplit('/').next().unwrap_or_default()
    }

    /// Normalises the scheme, so that equal locations compare equal: `davs` and `dav` become `https` and `http`.
    pub fn canonical(&self) -> Cow<'_, str> {
        let scheme = match self.scheme() {
            "davs" => "https",
            "dav" => "http",
            _ => return self.as_str().into(),
        };
        if self.authority.is_none() {
            return self.as_str().into();
        }
        format!("{scheme}{}", &self.text[self.scheme_end..]).into()
    }

    /// Returns whether this is a presigned URL, which expires.
    pub fn is_signed(&self) -> bool {
        let is_http = matches!(self.scheme(), "https" | "http" | "davs" | "dav");
        let query = self.query().and_then(|query| query.split('#').next());
        is_http && query.is_some_and(has_signature)
    }
}

/// Returns whether the query of a URL has a signature.
pub(crate) fn has_signature(query: &str) -> bool {
    form_urlencoded::parse(query.as_bytes()).any(|(key, _)| SIGNATURES.contains(&key.to_ascii_lowercase().as_str()))
}

impl From<String> for Pfn {
    fn from(text: String) -> Self {
        Self::new(text)
    }
}

impl From<&str> for Pfn {
    fn from(text: &str) -> Self {
        Self::new(text)
    }
}

impl fmt::Display for Pfn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// As the text: error messages quote PFNs.
impl fmt::Debug for Pfn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pfn_has_its_parts_as_written() {
        for (text, scheme, user, host, path) in [
            ("https://h:443/a/b?x=1#y", "https", None, Some("h:443"), "/a/b?x=1#y"),
            ("root://h//a", "root", None, Some("h"), "//a"),
            ("scp://me@[::1]:19/a b", "scp", Some("me"), Some("[::1]:19"), "/a b"),
            ("scp://me@x@h/a", "scp", Some("me@x"), Some("h"), "/a"),
            ("file:///a/é", "file", None, Some(""), "/a/é"),
            ("file:/a", "file", None, None, "/a"),
            ("https://h?x=/a", "https", None, Some("h"), "?x=/a"),
            ("https://h", "https", None, Some("h"), ""),
            ("srm://h:8446/srm/v2?SFN=/a:b", "srm", None, Some("h:8446"), "/srm/v2?SFN=/a:b"),
            ("nonsense", "", None, None, "nonsense"),
            (":", "", None, None, ":"),
            ("é", "", None, None, "é"),
            ("", "", None, None, ""),
        ] {
            let pfn = Pfn::new(text);
            assert_eq!(pfn.as_str(), text);
            assert_eq!((pfn.scheme(), pfn.user()), (scheme, user), "{text}");
            assert_eq!((pfn.host_and_port(), pfn.path()), (host, path), "{text}");
        }
    }

    #[test]
    fn pfn_query_and_file_name_are_found() {
        for (text, query, rest, name) in [
            ("https://h/a/b", None, "https://h/a/b", "b"),
            ("https://h/a/b?x=/1?2", Some("x=/1?2"), "https://h/a/b", "b"),
            ("https://h/a/?", Some(""), "https://h/a/", ""),
            ("b", None, "b", "b"),
            ("", None, "", ""),
        ] {
            let pfn = Pfn::new(text);
            assert_eq!((pfn.query(), pfn.without_query(), pfn.file_name()), (query, rest, name), "{text}");
        }
    }

    #[test]
    fn pfn_schemes_of_webdav_are_canonical_as_http() {
        for (text, expected) in [
            ("davs://h:443/a", "https://h:443/a"),
            ("dav://h/a", "http://h/a"),
            ("https://h/a", "https://h/a"),
            ("davs:/a", "davs:/a"),
            ("DAVS://h/a", "DAVS://h/a"),
            ("root://davs://a", "root://davs://a"),
        ] {
            assert_eq!(Pfn::new(text).canonical(), expected);
        }
    }

    #[test]
    fn pfn_is_signed_by_its_query() {
        for (text, expected) in [
            ("https://s3/b/k?X-Amz-Algorithm=A&X-Amz-Signature=00", true),
            ("davs://dcache/f?authz=MDAx", true),
            ("https://h/f?sig%6eature=0", true),
            ("root://h//f?authz=0", false),
            ("https://h/f?x=1#?signature=0", false),
            ("https://h/signature", false),
            ("signature", false),
        ] {
            assert_eq!(Pfn::new(text).is_signed(), expected, "{text}");
        }
    }
}
