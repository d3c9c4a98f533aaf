//! `sss`: a key that client and server share, for services.
//!
//! The credentials are the name of the user, encrypted with the key; the server compares the address that they contain
//! with that of the connection (`XrdSecsssRR.hh`, `XrdSecProtocolsss.cc`).

use std::net::{IpAddr, SocketAddr};
use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

use blowfish::Blowfish;
use blowfish::cipher::{BlockEncrypt, KeyInit};
use flate2::Crc;
use openssl::error::ErrorStack;
use openssl::rand::rand_bytes;

use super::{Attempt, AuthError, Outcome, present};
use crate::storage::xrootd::dialog::Dialog;

/// Beginning of the credentials, before the length of the key's name; and the cipher: Blowfish.
const NAME: &[u8] = b"sss\0\0\0";
const CIPHER: u8 = b'0';
/// Seconds from 1970 to the first second of the method.
const EPOCH: u64 = 1_222_183_880;
/// Number of random bytes at the beginning of what is encrypted.
const RANDOM: usize = 32;
/// What is encrypted has at least this length.
const MIN_LENGTH: usize = 128;
/// Types of items.
const USER: u8 = 1;
const FILLING: u8 = 7;
const HOST: u8 = 0x20;
/// Names of keys have a multiple of this length.
const NAME_UNIT: usize = 8;
/// Block size of Blowfish.
const BLOCK: usize = 8;
/// Modes of a file that others may read.
const OTHERS: u32 = 0o077;

/// A shared key. Without `Debug`, which would show it.
#[derive(PartialEq, Eq)]
struct SharedKey {
    id: i64,
    name: String,
    secret: Vec<u8>,
}

impl SharedKey {
    /// Parses a line of a keytab: `0 u:.. g:.. n:name N:number c:.. e:expiry f:0 k:hexadecimal`.
    fn parse(line: &str, now: u64) -> Option<Self> {
        let field = |name: &str| line.split_ascii_whitespace().find_map(|word| word.strip_prefix(name));
        let expiry: u64 = field("e:").and_then(|text| text.parse().ok()).unwrap_or_default();
        if expiry != 0 && expiry <= now {
            return None;
        }
        let digits = field("k:")?.as_bytes().chunks_exact(2);
        let byte = |pair: &[u8]| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok();
        let secret = digits.map(byte).collect::<Option<Vec<u8>>>()?;
        Some(Self { id: field("N:")?.parse().ok()?, name: field("n:").unwrap_or_default().to_owned(), secret })
    }

    /// Reads the first key of a file that has not expired. Errors: the reason in words.
    fn read(path: &Path, now: u64) -> Result<Self, String> {
        let failed = |error: std::io::Error| format!("the keytab {} cannot be read: {error}", path.display());
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            if std::fs::metadata(path).map_err(failed)?.permissions().mode() & OTHERS != 0 {
                return Err(format!("the keytab {} is readable by others", path.display()));
            }
        }
        let text = std::fs::read_to_string(path).map_err(failed)?;
        let mut keys = text.lines().filter_map(|line| Self::parse(line, now));
        keys.next().ok_or_else(|| format!("the keytab {} has no valid key", path.display()))
    }

    /// Returns the credentials for this content.
    fn seal(&self, content: &[u8], has_name: bool) -> Option<Vec<u8>> {
        let mut name = if has_name { [self.name.as_bytes(), b"\0"].concat() } else { Vec::new() };
        name.resize(name.len().next_multiple_of(NAME_UNIT), 0);
        let head = [NAME, &[u8::try_from(name.len()).ok()?, CIPHER], &self.id.to_be_bytes(), &name].concat();
        let mut sum = Crc::new();
        sum.update(content);
        Some([head, encrypt(&self.secret, &[content, &sum.sum().to_be_bytes()].concat())?].concat())
    }
}

/// Encrypts with Blowfish in the mode CFB-64, with an initialisation vector of zeros. `None`: not a key.
fn encrypt(key: &[u8], bytes: &[u8]) -> Option<Vec<u8>> {
    let cipher = <Blowfish as KeyInit>::new_from_slice(key).ok()?;
    let (mut encrypted, mut register) = (Vec::with_capacity(bytes.len()), [0_u8; BLOCK]);
    for block in bytes.chunks(BLOCK) {
        let mut mask = register.into();
        cipher.encrypt_block(&mut mask);
        for (place, byte) in block.iter().enumerate() {
            register[place] = byte ^ mask[place];
        }
        encrypted.extend_from_slice(&register[..block.len()]);
    }
    Some(encrypted)
}

/// Sends the credentials. `arguments` are the cipher, the version and the server's keytab: `0.+13:/etc/xrootd/sss.keytab`.
pub(super) async fn authenticate(
    dialog: &mut Dialog<'_>,
    arguments: &str,
    attempt: &Attempt<'_>,
) -> Result<Outcome, AuthError> {
    let skipped = |reason: String| Ok(Outcome::Skipped(reason));
    let Some(keytab) = attempt.settings.keytab.as_deref() else { return skipped("there is no keytab".to_owned()) };
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
    let key = match SharedKey::read(keytab, now) {
        Ok(key) => key,
        Err(reason) => return skipped(reason),
    };
    let has_name = arguments.split('.').nth(1).is_some_and(|version| version.starts_with('+'));
    let content = match content(attempt.user, attempt.local, now) {
        Ok(content) => content,
        Err(error) => return skipped(error.to_string()),
    };
    match key.seal(&content, has_name) {
        Some(credentials) => Ok(present(dialog, "sss", &credentials).await?),
        None => skipped(format!("the key in {} cannot be used", keytab.display())),
    }
}

/// Returns what is encrypted: random bytes, the time, and the items.
fn content(user: &str, local: SocketAddr, now: u64) -> Result<Vec<u8>, ErrorStack> {
    let address = match local.ip() {
        IpAddr::V4(address) => format!("[::{address}]:{}", local.port()),
        IpAddr::V6(address) => format!("[{address}]:{}", local.port()),
    };
    let host = rustix::system::uname().nodename().to_string_lossy().into_owned();
    let mut random = [0; RANDOM];
    let mut filling = [0; MIN_LENGTH];
    rand_bytes(&mut random)?;
    rand_bytes(&mut filling)?;
    let mut content = random.to_vec();
    content.extend((now.saturating_sub(EPOCH) as u32).to_be_bytes());
    content.extend([0; 4]);
    for (kind, text) in [(HOST, address.as_str()), (HOST, &host), (USER, user)] {
        item(&mut content, kind, &[text.as_bytes(), b"\0"].concat());
    }
    let missing = MIN_LENGTH.saturating_sub(content.len() + 3);
    if missing > 0 {
        item(&mut content, FILLING, &filling[..missing]);
    }
    Ok(content)
}

fn item(content: &mut Vec<u8>, kind: u8, bytes: &[u8]) {
    content.push(kind);
    content.extend((bytes.len() as u16).to_be_bytes());
    content.extend(bytes);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sss_keys_are_read_from_lines_of_a_keytab() {
        let line = "0 u:anybody g:anygroup n:test N:4711 c:1700000000 e:1800000000 f:0 k:00ff";
        let key = SharedKey { id: 4711, name: "test".to_owned(), secret: vec![0, 255] };
        assert!(SharedKey::parse(line, 1_700_000_000) == Some(key), "another key");
        assert!(SharedKey::parse(line, 1_800_000_000).is_none(), "it has expired");
        for bad in ["", "0 n:test N:1", "0 n:test N:x k:00", "0 n:test N:1 k:0g"] {
            assert!(SharedKey::parse(bad, 0).is_none(), "{bad}");
        }
    }

    /// The same bytes as `openssl enc -bf-cfb -provider legacy` with this key and an initialisation vector of zeros.
    #[test]
    fn sss_encryption_is_blowfish_in_cfb_mode() {
        let encrypted = encrypt(b"0123456789abcdef", b"Wikipedia is here").unwrap();
        assert_eq!(
            encrypted.iter().map(|byte| format!("{byte:02x}")).collect::<String>(),
            "a07a3bd0a309d91c3afbef9d810ba6c1cd"
        );
    }
}
