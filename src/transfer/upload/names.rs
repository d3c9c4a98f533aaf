//! Temporary names and lock names of an upload: unique while it runs, and the same when it is repeated.
//!
//! Two processes never share a temporary name, so none can write into a file that another one has verified. Random
//! names would ensure that, but leftovers of a killed process could not be found again. So the digits are derived from
//! content, path and user, and are reserved with an abstract Unix socket of the same name: only one process can bind
//! it, the kernel releases it however the process ends, and it leaves nothing on disk. A process that cannot bind it
//! uses random digits.

use std::fs;
use std::os::unix::net::UnixDatagram;
use std::path::Path;

use md5::{Digest as _, Md5};
use uuid::Uuid;

use crate::storage::Pfn;

/// Suffix of temporary names, the same as in the official client.
const TEMPORARY: &str = ".rucio.upload";
/// Suffix of the lock that protects the final name.
const LOCK: &str = ".lock.rucio.upload";
/// Number of digits that make a name unique.
const DIGITS: usize = 12;
/// Maximum length of a file name in bytes.
const LONGEST: usize = 255;

/// A temporary name, reserved for this process until it is dropped.
#[derive(Debug)]
pub(super) struct TemporaryName {
    /// PFN with the temporary suffix.
    pub(super) pfn: Pfn,
    _owner: Option<UnixDatagram>,
}

impl TemporaryName {
    /// Returns the temporary name for an upload of this file to this PFN. `content` is a text that differs for each
    /// content of the file.
    pub(super) fn new(pfn: &Pfn, path: &Path, content: &str) -> Self {
        let identity = identity(pfn, path, content);
        let owner = own(&identity);
        let digits = if owner.is_some() { identity } else { Uuid::new_v4().simple().to_string() };
        Self { pfn: with_ending(pfn, &format!(".{}{TEMPORARY}", &digits[..DIGITS])), _owner: owner }
    }
}

/// Returns the name of the lock for this PFN: the same for all processes.
pub(super) fn lock(pfn: &Pfn) -> Pfn {
    with_ending(pfn, LOCK)
}

/// Hashes the identity of an upload: PFN, path, content, machine, network namespace and user. Containers on one machine
/// count as different machines, because abstract sockets are per network namespace.
fn identity(pfn: &Pfn, path: &Path, content: &str) -> String {
    let machine = fs::read_to_string("/etc/machine-id").unwrap_or_default();
    let network = fs::read_link("/proc/self/ns/net").unwrap_or_default();
    let path = path.canonicalize().unwrap_or_else(|_| path.to_owned());
    let mut sum = Md5::new();
    for part in [
        pfn.as_str().as_bytes(),
        path.as_os_str().as_encoded_bytes(),
        content.as_bytes(),
        rustix::system::uname().nodename().to_bytes(),
        machine.as_bytes(),
        network.as_os_str().as_encoded_bytes(),
        rustix::process::getuid().as_raw().to_string().as_bytes(),
    ] {
        sum.update(part);
        sum.update([0]);
    }
    let sum: [u8; 16] = sum.finalize().into();
    format!("{:032x}", u128::from_be_bytes(sum))
}

/// Binds the abstract socket; `None` if another process has bound it or the system has no such sockets.
#[cfg(target_os = "linux")]
fn own(identity: &str) -> Option<UnixDatagram> {
    use std::os::linux::net::SocketAddrExt;
    let address = std::os::unix::net::SocketAddr::from_abstract_name(format!("rucio-upload-{identity}")).ok()?;
    UnixDatagram::bind_addr(&address).ok()
}

#[cfg(not(target_os = "linux"))]
fn own(_identity: &str) -> Option<UnixDatagram> {
    None
}

/// Appends a suffix to a PFN; truncates the file name if it would become too long.
fn with_ending(pfn: &Pfn, ending: &str) -> Pfn {
    let pfn = pfn.as_str();
    let start = pfn.rfind('/').map_or(0, |slash| slash + 1);
    let mut end = pfn.len().min(start + LONGEST.saturating_sub(ending.len()));
    while !pfn.is_char_boundary(end) {
        end -= 1;
    }
    // Do not cut a percent escape like %2F in half.
    if end < pfn.len()
        && let Some(percent) = pfn[start..end].rfind('%')
        && end - (start + percent) < 3
    {
        end = start + percent;
    }
    Pfn::new(format!("{}{ending}", &pfn[..end]))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(pfn: &str, path: &str, content: u8) -> TemporaryName {
        TemporaryName::new(&pfn.into(), Path::new(path), &content.to_string())
    }

    #[test]
    fn temporary_name_is_the_same_for_the_same_upload_only() {
        let pfn = "davs://h/a/f";
        let first = name(pfn, "/nosuch/names", 1).pfn;
        let (start, end) = (format!("{pfn}."), ".rucio.upload");
        let digits = first.as_str().strip_prefix(&start).and_then(|rest| rest.strip_suffix(end)).unwrap();
        assert!(digits.len() == DIGITS && digits.bytes().all(|byte| byte.is_ascii_hexdigit()), "{first}");
        assert_eq!(name(pfn, "/nosuch/names", 1).pfn, first);
        for other in
            [name(pfn, "/nosuch/other", 1), name(pfn, "/nosuch/names", 2), name("davs://h/b/f", "/nosuch/names", 1)]
        {
            assert!(!other.pfn.as_str().contains(digits), "{other:?}");
        }
    }

    #[test]
    fn temporary_names_of_two_live_uploads_differ() {
        let held = name("davs://h/a/g", "/nosuch/twice", 1);
        let second = name("davs://h/a/g", "/nosuch/twice", 1);
        assert_ne!(held.pfn, second.pfn);
        assert_ne!(second.pfn, name("davs://h/a/g", "/nosuch/twice", 1).pfn);
        let pfn = held.pfn.clone();
        drop(held);
        assert_eq!(name("davs://h/a/g", "/nosuch/twice", 1).pfn, pfn);
    }

    #[test]
    fn temporary_names_leave_room_for_their_ending() {
        let lock = |pfn: &str| lock(&pfn.into());
        assert_eq!(lock("file:///a/f"), "file:///a/f.lock.rucio.upload".into());
        let long = lock(&format!("file:///a/{}", "é".repeat(127)));
        let name = long.file_name();
        assert!(name.len() <= LONGEST && name.ends_with("é.lock.rucio.upload"), "{name}");
        let escaped = lock(&format!("davs://h/a/{}%C3%A9{}", "x".repeat(235), "y".repeat(20)));
        assert!(escaped.as_str().ends_with("x.lock.rucio.upload"), "{escaped}");
    }
}
