//! Where an `scp://`, `sftp://` or `rsync://` PFN leads.

use crate::storage::{Kind, Result, StorageError};

/// The port of sshd, where the PFN names none.
const PORT: u16 = 22;

/// A host to log in at, and who as.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Host {
    /// None is whoever the user's ssh configuration says.
    pub(super) user: Option<String>,
    pub(super) name: String,
    pub(super) port: u16,
}

/// A file at a host. The path is taken as it is written, as the official client does; it never meets a shell.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Address {
    pub(super) host: Host,
    pub(super) path: String,
}

impl Address {
    /// Reads a PFN. Errors: it is none, or its host could be taken for an option of a program.
    pub(super) fn of(pfn: &str) -> Result<Self> {
        let bad = || StorageError::new(Kind::Refused, format!("{pfn:?} is no address of a file behind ssh"));
        let (_, rest) = pfn.split_once("://").ok_or_else(bad)?;
        let (authority, path) = rest.split_at(rest.find('/').ok_or_else(bad)?);
        let (user, place) = match authority.rsplit_once('@') {
            Some((user, place)) => (Some(user.to_owned()), place),
            None => (None, authority),
        };
        let (name, port) = split_port(place).ok_or_else(bad)?;
        let fine = is_name(name) && user.as_deref().is_none_or(is_name) && path.len() > 1 && !path.contains('\0');
        match fine {
            true => Ok(Self { host: Host { user, name: name.to_owned(), port }, path: path.to_owned() }),
            false => Err(bad()),
        }
    }
}

/// Host and port of `host`, `host:22` and `[::1]:22`.
fn split_port(place: &str) -> Option<(&str, u16)> {
    let (name, port) = match place.strip_prefix('[') {
        Some(rest) => rest.split_once(']')?,
        None => place.split_at(place.find(':').unwrap_or(place.len())),
    };
    match port.strip_prefix(':') {
        // Port 0 is how a site writes that it has none.
        Some(number) => number.parse().ok().map(|number| if number == 0 { PORT } else { number }),
        None => port.is_empty().then_some(PORT),
    }
    .map(|port| (name, port))
}

/// Letters and digits, and what else stands in names and addresses; never an option.
fn is_name(text: &str) -> bool {
    let may_be = |letter: char| letter.is_ascii_alphanumeric() || "._-:%+".contains(letter);
    !text.is_empty() && !text.starts_with('-') && text.chars().all(may_be)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pfns_are_taken_apart() {
        for (pfn, user, name, port, path) in [
            ("scp://h:2222/a/b", None, "h", 2222, "/a/b"),
            ("sftp://h/a b?c#d%20e", None, "h", 22, "/a b?c#d%20e"),
            ("rsync://me@h.example:0//a", Some("me"), "h.example", 22, "//a"),
            ("scp://me@[::1]:19/a", Some("me"), "::1", 19, "/a"),
            ("scp://h:22/$(touch x);'\"", None, "h", 22, "/$(touch x);'\""),
        ] {
            let host = Host { user: user.map(str::to_owned), name: name.to_owned(), port };
            assert_eq!(Address::of(pfn).unwrap(), Address { host, path: path.to_owned() });
        }
    }

    #[test]
    fn what_could_be_an_option_or_a_command_is_refused() {
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
            "scp:h/a",
            "scp://h/a\0b",
            "scp://[::1/a",
        ] {
            assert_eq!(Address::of(pfn).unwrap_err().kind, Kind::Refused, "{pfn}");
        }
    }
}
