//! Parsing of `scp://`, `sftp://` and `rsync://` PFNs.

use crate::storage::{Pfn, Result, StorageError, StorageErrorKind};

/// Default port.
const PORT: u16 = 22;

/// Host, port and user for an SSH login.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct SshHost {
    /// `None`: the user from the ssh configuration.
    pub(super) user: Option<String>,
    pub(super) name: String,
    pub(super) port: u16,
}

/// A file on a host. The path is not decoded, as in the official client, and never passed to a shell.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Address {
    pub(super) host: SshHost,
    pub(super) path: String,
}

impl Address {
    /// Parses a PFN. Errors: invalid syntax, or a host or user that a program could take for an option.
    pub(super) fn parse(pfn: &Pfn) -> Result<Self> {
        let bad =
            || StorageError::new(StorageErrorKind::Refused, format!("{pfn:?} is not the address of a file behind ssh"));
        let (user, path) = (pfn.user().map(str::to_owned), pfn.path());
        let host_and_port = pfn.host_and_port().ok_or_else(bad)?;
        let (name, port) = split_port(host_and_port).ok_or_else(bad)?;
        let fine = is_name(name) && user.as_deref().is_none_or(is_name) && is_path(path);
        if !fine {
            return Err(bad());
        }
        Ok(Self { host: SshHost { user, name: name.to_owned(), port }, path: path.to_owned() })
    }
}

/// Parses `host`, `host:22` and `[::1]:22`.
fn split_port(host_and_port: &str) -> Option<(&str, u16)> {
    let (name, port) = match host_and_port.strip_prefix('[') {
        Some(rest) => rest.split_once(']')?,
        None => host_and_port.split_at(host_and_port.find(':').unwrap_or(host_and_port.len())),
    };
    match port.strip_prefix(':') {
        // Sites use port 0 for "no port".
        Some(number) => number.parse().ok().map(|number| if number == 0 { PORT } else { number }),
        None => port.is_empty().then_some(PORT),
    }
    .map(|port| (name, port))
}

/// Returns whether the text has only characters of user names, host names and addresses, and is not an option.
fn is_name(text: &str) -> bool {
    let may_be = |letter: char| letter.is_ascii_alphanumeric() || "._-:%+".contains(letter);
    !text.is_empty() && !text.starts_with('-') && text.chars().all(may_be)
}

fn is_path(text: &str) -> bool {
    text.len() > 1 && text.starts_with('/') && !text.contains('\0')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ssh_address_parses_user_host_port_and_path() {
        for (pfn, user, name, port, path) in [
            ("scp://h:2222/a/b", None, "h", 2222, "/a/b"),
            ("sftp://h/a b?c#d%20e", None, "h", 22, "/a b?c#d%20e"),
            ("rsync://me@h.example:0//a", Some("me"), "h.example", 22, "//a"),
            ("scp://me@[::1]:19/a", Some("me"), "::1", 19, "/a"),
            ("scp://h:22/$(touch x);'\"", None, "h", 22, "/$(touch x);'\""),
        ] {
            let host = SshHost { user: user.map(str::to_owned), name: name.to_owned(), port };
            assert_eq!(Address::parse(&pfn.into()).unwrap(), Address { host, path: path.to_owned() });
        }
    }

    #[test]
    fn ssh_address_that_could_be_an_option_or_a_command_is_refused() {
        for pfn in [
            "scp://-oProxyCommand=touch x/a",
            "scp://-oProxyCommand=x/a",
            "scp://-l@h/a",
            "scp://h;x/a",
            "scp://h x/a",
            "scp://$(x)@h/a",
            "scp://h:x/a",
            "scp://h:99999/a",
            "scp:///a",
            "scp://@h/a",
            "scp://h/",
            "scp://h",
            "scp://h?x/a",
            "scp:h/a",
            "scp://h/a\0b",
            "scp://[::1/a",
        ] {
            assert_eq!(Address::parse(&pfn.into()).unwrap_err().kind, StorageErrorKind::Refused, "{pfn}");
        }
    }
}
