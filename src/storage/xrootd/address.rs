//! Addresses of files: `root://` PFNs, and the targets of redirects.

use std::fmt;

use percent_encoding::percent_decode_str;
use url::Url;

use crate::storage::http::is_local;
use crate::storage::{Pfn, Result, StorageError, StorageErrorKind};

/// Default port.
const PORT: u16 = 1094;
/// Beginning of parameters that are for XRootD's own client, and the one that names a file in a zip archive.
const FOR_CLIENT: &str = "xrdcl.";
const MEMBER: &str = "xrdcl.unzip";
/// Parameter with a bearer token, which is sent over TLS only.
pub(super) const AUTHORIZATION: &str = "authz";

/// A server, and the user to log in as.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Server {
    /// `None`: the local user.
    pub(super) user: Option<String>,
    pub(super) host: String,
    pub(super) port: u16,
    /// Whether only an encrypted connection may be used.
    pub(super) needs_tls: bool,
}

impl Server {
    /// Parses `user@host:port`; `None` if it cannot be one.
    fn parse(authority: &str) -> Option<Self> {
        let (user, host) = match authority.rsplit_once('@') {
            Some((user, host)) => (Some(user.split_once(':').map_or(user, |(user, _password)| user)), host),
            None => (None, authority),
        };
        let (host, port) = match host.strip_prefix('[') {
            Some(rest) => rest.split_once(']')?,
            None => host.split_at(host.find(':').unwrap_or(host.len())),
        };
        let port = match port {
            "" | ":" => PORT,
            port => port.strip_prefix(':')?.parse().ok()?,
        };
        // Sites use port 0 for "no port".
        let port = if port == 0 { PORT } else { port };
        let is_fine = is_name(host) && user.is_none_or(is_name);
        is_fine.then(|| Self { user: user.map(str::to_owned), host: host.to_owned(), port, needs_tls: false })
    }
}

impl Server {
    /// Returns whether this server may redirect to another one: not from elsewhere to services of this machine, nor of
    /// its link. Names other than `localhost` are not looked up.
    pub(super) fn may_redirect_to(&self, other: &Self) -> bool {
        self.is_local() || !other.is_local()
    }

    fn is_local(&self) -> bool {
        // URLs have no zone (`fe80::1%eth0`), which the resolver accepts.
        let host = self.host.split('%').next().unwrap_or_default().to_owned();
        Url::parse(&format!("http://{}", Self { host, ..self.clone() })).is_ok_and(|url| is_local(&url))
    }
}

impl fmt::Display for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { host, port, .. } = self;
        if host.contains(':') { write!(f, "[{host}]:{port}") } else { write!(f, "{host}:{port}") }
    }
}

/// Parameters after the question mark, in their order and as written: sites put signed capabilities there.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Cgi(Vec<(String, Option<String>)>);

impl Cgi {
    fn parse(text: &str) -> Self {
        let split = |part: &str| match part.split_once('=') {
            Some((key, value)) => (key.to_owned(), Some(value.to_owned())),
            None => (part.to_owned(), None),
        };
        Self(text.split('&').filter(|part| !part.is_empty()).map(split).collect())
    }

    /// Adds parameters; one that exists already is replaced.
    pub(super) fn merge(&mut self, other: &Self) {
        for (key, value) in &other.0 {
            self.set(key, value.clone());
        }
    }

    /// Sets a parameter.
    pub(super) fn set(&mut self, key: &str, value: Option<String>) {
        match self.0.iter_mut().find(|(one, _)| one == key) {
            Some((_, before)) => *before = value,
            None => self.0.push((key.to_owned(), value)),
        }
    }

    fn get(&self, key: &str) -> Option<&str> {
        self.0.iter().find(|(one, _)| one == key)?.1.as_deref()
    }

    /// Returns whether a parameter has a name for which this is true.
    pub(super) fn has(&self, is: impl Fn(&str) -> bool) -> bool {
        self.0.iter().any(|(key, _)| is(key))
    }
}

impl fmt::Display for Cgi {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, (key, value)) in self.0.iter().enumerate() {
            let separator = if index == 0 { "" } else { "&" };
            write!(f, "{separator}{key}")?;
            if let Some(value) = value {
                write!(f, "={value}")?;
            }
        }
        Ok(())
    }
}

/// A file at a server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Address {
    pub(super) server: Server,
    /// Absolute path, not decoded, as in the official client.
    pub(super) path: String,
    pub(super) cgi: Cgi,
    /// Name of a file in this file, which is a zip archive.
    pub(super) member: Option<String>,
}

impl Address {
    /// Parses a PFN. `root://host//a` and `root://host/a` are the same file. Errors: invalid syntax.
    pub(super) fn parse(pfn: &Pfn) -> Result<Self> {
        let bad = || StorageError::new(StorageErrorKind::Refused, format!("{pfn:?} is not a root:// address"));
        let mut server = pfn.authority().and_then(Server::parse).ok_or_else(bad)?;
        let (path, cgi) = split_cgi(pfn.path());
        let path = absolute(path).filter(|path| !path.contains('\0')).ok_or_else(bad)?;
        let mut cgi = Cgi::parse(cgi);
        let member = cgi.get(MEMBER).map(|name| percent_decode_str(name).decode_utf8_lossy().into_owned());
        cgi.0.retain(|(key, _)| !key.starts_with(FOR_CLIENT));
        server.needs_tls = is_encrypted(pfn.scheme()) || cgi.has(|key| key == AUTHORIZATION);
        Ok(Self { server, path: path.to_owned(), cgi, member })
    }

    /// Returns the folder that the file is in; `None` for the topmost.
    pub(super) fn parent(&self) -> Option<Self> {
        let (folder, _) = self.path.rsplit_once('/').filter(|(folder, _)| !folder.is_empty())?;
        Some(Self { path: folder.to_owned(), ..self.clone() })
    }

    /// Returns the path with the parameters, as servers are asked for it.
    pub(super) fn request_path(&self) -> String {
        let cgi = self.cgi.to_string();
        if cgi.is_empty() { self.path.clone() } else { format!("{}?{cgi}", self.path) }
    }
}

/// Target of a redirect.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Redirect {
    /// The scheme, if the target is a URL.
    pub(super) scheme: Option<String>,
    pub(super) server: Server,
    /// The new path, if there is one.
    pub(super) path: Option<String>,
    pub(super) cgi: Cgi,
    /// Parameters for the login at the target.
    pub(super) login_token: Option<String>,
}

impl Redirect {
    /// Parses `host?cgi?login-token` for a positive port; a negative one says that the text is a URL. `None` if it names
    /// no host.
    pub(super) fn parse(port: i32, text: &str) -> Option<Self> {
        if port < 0 {
            return Self::parse_url(text);
        }
        let mut parts = text.splitn(3, '?');
        let mut server = Server::parse(&in_brackets(parts.next()?))?;
        if port > 0 {
            server.port = u16::try_from(port).ok()?;
        }
        let cgi = Cgi::parse(parts.next().unwrap_or_default());
        Some(Self { scheme: None, server, path: None, cgi, login_token: login_token(parts.next()) })
    }

    fn parse_url(text: &str) -> Option<Self> {
        let (scheme, rest) = text.split_once("://")?;
        let (authority, path) = rest.split_at(rest.find(['/', '?']).unwrap_or(rest.len()));
        let (path, cgi) = split_cgi(path);
        let (cgi, token) = match cgi.split_once('?') {
            Some((cgi, token)) => (cgi, Some(token)),
            None => (cgi, None),
        };
        let scheme = scheme.to_ascii_lowercase();
        let server = Server { needs_tls: is_encrypted(&scheme), ..Server::parse(authority)? };
        Some(Self {
            scheme: Some(scheme),
            server,
            path: absolute(path).map(str::to_owned),
            cgi: Cgi::parse(cgi),
            login_token: login_token(token),
        })
    }
}

/// Returns whether addresses of this scheme mean encrypted connections.
fn is_encrypted(scheme: &str) -> bool {
    matches!(scheme, "roots" | "xroots")
}

fn login_token(text: Option<&str>) -> Option<String> {
    text.filter(|token| !token.is_empty()).map(str::to_owned)
}

/// Adds the brackets that a bare IPv6 address lacks.
fn in_brackets(host: &str) -> String {
    let is_bare = !host.starts_with('[') && host.matches(':').count() > 1;
    if is_bare { format!("[{host}]") } else { host.to_owned() }
}

fn split_cgi(path: &str) -> (&str, &str) {
    path.split_once('?').unwrap_or((path, ""))
}

/// Returns the path without the slash that separates it from the host; `None` if it is empty.
fn absolute(path: &str) -> Option<&str> {
    let path = if path.starts_with("//") { &path[1..] } else { path };
    (path.len() > 1 && path.starts_with('/')).then_some(path)
}

/// Returns whether the text has only characters of user names, host names and addresses.
fn is_name(text: &str) -> bool {
    let may_be = |letter: char| letter.is_ascii_alphanumeric() || "._-:%+".contains(letter);
    !text.is_empty() && text.chars().all(may_be)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn server(user: Option<&str>, host: &str, port: u16) -> Server {
        Server { user: user.map(str::to_owned), host: host.to_owned(), port, needs_tls: false }
    }

    #[test]
    fn xrootd_address_parses_user_host_port_path_and_parameters() {
        for (pfn, expected, path, cgi) in [
            ("root://h//a/b", server(None, "h", 1094), "/a/b", ""),
            ("root://h/a", server(None, "h", 1094), "/a", ""),
            ("xroot://me:secret@h:31//a b%20//c?x=1&y", server(Some("me"), "h", 31), "/a b%20//c", "x=1&y"),
            ("root://h//a?xrdcl.requuid=7&x=1", server(None, "h", 1094), "/a", "x=1"),
            ("root://[::1]:0//a?x=a=b/c==", server(None, "::1", 1094), "/a", "x=a=b/c=="),
            ("root://c://root://o:1//a", server(None, "c", 1094), "/root://o:1//a", ""),
        ] {
            let address = Address::parse(&pfn.into()).expect(pfn);
            assert_eq!((address.server, &*address.path, &*address.cgi.to_string()), (expected, path, cgi), "{pfn}");
        }
        let address = Address::parse(&"root://h//a?x=1".into()).unwrap();
        assert_eq!(address.request_path(), "/a?x=1");
        let address = Address::parse(&"root://h//a.zip?x=1&xrdcl.unzip=b%26c".into()).unwrap();
        assert_eq!((&*address.request_path(), address.member.as_deref()), ("/a.zip?x=1", Some("b&c")));
    }

    #[test]
    fn xrootd_address_with_a_token_needs_tls() {
        for (pfn, needs_tls) in [
            ("root://h//a?x=1", false),
            ("root://h//a?x=1&authz=Bearer%20t", true),
            ("roots://h//a", true),
            ("xroots://h//a", true),
        ] {
            assert_eq!(Address::parse(&pfn.into()).unwrap().server.needs_tls, needs_tls, "{pfn}");
        }
        assert!(Redirect::parse(-1, "roots://h//a").unwrap().server.needs_tls);
    }

    #[test]
    fn xrootd_address_without_host_or_path_is_refused() {
        for pfn in
            ["root:///a", "root://h", "root://h/", "root://h//", "root://h:x//a", "root://h:99999//a", "root:h", "h"]
        {
            assert_eq!(Address::parse(&pfn.into()).unwrap_err().kind, StorageErrorKind::Refused, "{pfn}");
        }
        for pfn in ["root://[::1//a", "root://h h//a", "root://h//a\0b", "root://@h//a", "root://[::1]x//a"] {
            assert_eq!(Address::parse(&pfn.into()).unwrap_err().kind, StorageErrorKind::Refused, "{pfn}");
        }
    }

    #[test]
    fn xrootd_redirect_parses_host_parameters_and_login_token() {
        for (port, text, expected, cgi, token) in [
            (1095, "h", server(None, "h", 1095), "", None),
            (1095, "[::1]?x=1", server(None, "::1", 1095), "x=1", None),
            (1095, "fe80::1", server(None, "fe80::1", 1095), "", None),
            (0, "h", server(None, "h", 1094), "", None),
            (
                1095,
                "h?&cap.sym=a=b/c==&y=2?org.dcache.door=d:1",
                server(None, "h", 1095),
                "cap.sym=a=b/c==&y=2",
                Some("org.dcache.door=d:1"),
            ),
            (1095, "h??t=1", server(None, "h", 1095), "", Some("t=1")),
        ] {
            let redirect = Redirect::parse(port, text).expect(text);
            let found = (redirect.server, redirect.cgi.to_string(), redirect.login_token.as_deref().map(str::to_owned));
            assert_eq!(found, (expected, cgi.to_owned(), token.map(str::to_owned)), "{text}");
            assert_eq!((redirect.scheme, redirect.path), (None, None), "{text}");
        }
    }

    #[test]
    fn xrootd_redirect_to_a_url_keeps_its_parts() {
        for (text, scheme, expected, path, cgi) in [
            ("root://h:31//b?x=1", "root", server(None, "h", 31), Some("/b"), "x=1"),
            ("ROOT://h", "root", server(None, "h", 1094), None, ""),
            ("https://h:443/b?x=1", "https", server(None, "h", 443), Some("/b"), "x=1"),
            ("root://[::1]:2/?x=1", "root", server(None, "::1", 2), None, "x=1"),
        ] {
            let redirect = Redirect::parse(-1, text).expect(text);
            let found = (redirect.scheme.as_deref(), redirect.path.as_deref(), redirect.cgi.to_string());
            assert_eq!(found, (Some(scheme), path, cgi.to_owned()), "{text}");
            assert_eq!(redirect.server, expected, "{text}");
        }
    }

    #[test]
    fn xrootd_redirects_from_elsewhere_do_not_lead_to_this_machine() {
        let may = |from: &str, to: &str| server(None, from, 1094).may_redirect_to(&server(None, to, 1095));
        for local in ["127.0.0.1", "localhost", "::1", "169.254.169.254", "fe80::1", "fe80::1%eth0", "0.0.0.0"] {
            assert!(!may("door.example", local), "{local}");
            assert!(may("localhost", local) && may("127.0.0.1", local), "{local}");
        }
        for elsewhere in ["pool.example", "10.0.0.1", "2001:db8::1"] {
            assert!(may("door.example", elsewhere), "{elsewhere}");
        }
    }

    #[test]
    fn xrootd_redirect_without_a_host_is_refused() {
        for (port, text) in
            [(1094, ""), (1094, "?x=1"), (70_000, "h"), (-1, "h"), (-1, "root://"), (-1, "root:///b"), (1, "h;x")]
        {
            assert_eq!(Redirect::parse(port, text), None, "{port} {text}");
        }
    }

    #[test]
    fn xrootd_parameters_of_a_redirect_replace_ours() {
        let mut cgi = Cgi::parse("a=1&b=2");
        cgi.merge(&Cgi::parse("b=3&cap=x=y&flag"));
        assert_eq!(cgi.to_string(), "a=1&b=3&cap=x=y&flag");
        assert!(cgi.has(|key| key == "flag") && !cgi.has(|key| key == "x"));
    }
}
