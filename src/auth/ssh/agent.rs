//! Client of an SSH agent, limited to what a signature needs (draft-miller-ssh-agent).

use std::io::{Error, ErrorKind, Read, Result, Write};
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::time::Duration;

use super::key::{PublicKey, SIGNATURE};
use super::wire;

const REQUEST_IDENTITIES: u8 = 11;
const IDENTITIES_ANSWER: u8 = 12;
const SIGN_REQUEST: u8 = 13;
const SIGN_RESPONSE: u8 = 14;
const FAILURE: u8 = 5;
/// Flag that requests `rsa-sha2-256` instead of SHA-1.
const RSA_SHA2_256: u32 = 2;
/// Timeout of the agent. It may ask its user first, but the server's challenge is valid no longer than this.
const CONNECTION_TIMEOUT: Duration = Duration::from_secs(10);
/// Maximum length of an answer, in bytes; OpenSSH has the same limit.
const LONGEST: u32 = 256 * 1024;

/// An agent, by its socket. Each request has a connection of its own.
#[derive(Debug, Clone)]
pub(super) struct Agent(pub(super) PathBuf);

impl Agent {
    /// Whether it holds this key.
    pub(super) fn has_key(&self, key: &PublicKey) -> Result<bool> {
        let answer = self.ask(&[REQUEST_IDENTITIES])?;
        keys(&answer).map(|keys| keys.iter().any(|known| *known == key.bytes())).ok_or_else(garbled)
    }

    /// Returns its signature of `data`, with the name of the algorithm before it.
    pub(super) fn sign(&self, key: &PublicKey, data: &[u8]) -> Result<Vec<u8>> {
        let mut request = vec![SIGN_REQUEST];
        wire::put(&mut request, key.bytes());
        wire::put(&mut request, data);
        request.extend(RSA_SHA2_256.to_be_bytes());
        signature(&self.ask(&request)?)
    }

    fn ask(&self, request: &[u8]) -> Result<Vec<u8>> {
        let mut stream = UnixStream::connect(&self.0)?;
        stream.set_read_timeout(Some(CONNECTION_TIMEOUT))?;
        stream.set_write_timeout(Some(CONNECTION_TIMEOUT))?;
        let mut message = Vec::new();
        wire::put(&mut message, request);
        stream.write_all(&message)?;
        let mut length = [0; 4];
        stream.read_exact(&mut length).map_err(in_words)?;
        let length = u32::from_be_bytes(length);
        if length > LONGEST {
            return Err(garbled());
        }
        let mut answer = vec![0; length as usize];
        stream.read_exact(&mut answer).map_err(in_words)?;
        Ok(answer)
    }
}

/// Returns the keys in an answer; `None` if it is truncated.
fn keys(answer: &[u8]) -> Option<Vec<&[u8]>> {
    let mut rest = answer.strip_prefix(&[IDENTITIES_ANSWER])?;
    let count = wire::take_u32(&mut rest)?;
    (0..count)
        .map(|_| {
            let key = wire::take(&mut rest)?;
            let _comment = wire::take(&mut rest)?;
            Some(key)
        })
        .collect()
}

/// Returns the signature in an answer. An agent without the newer algorithms makes one that servers refuse: an error.
fn signature(answer: &[u8]) -> Result<Vec<u8>> {
    let mut rest = match answer {
        [SIGN_RESPONSE, rest @ ..] => rest,
        [FAILURE, ..] => return Err(Error::other("it refuses")),
        _ => return Err(garbled()),
    };
    let signature = wire::take(&mut rest).ok_or_else(garbled)?;
    match wire::take(&mut &*signature) {
        Some(way) if way == SIGNATURE.as_bytes() => Ok(signature.to_vec()),
        Some(way) => Err(Error::other(format!("it signs by {}, not {SIGNATURE}", String::from_utf8_lossy(way)))),
        None => Err(garbled()),
    }
}

fn garbled() -> Error {
    Error::new(ErrorKind::InvalidData, "its answer makes no sense")
}

fn in_words(error: Error) -> Error {
    match error.kind() {
        ErrorKind::WouldBlock | ErrorKind::TimedOut => Error::new(ErrorKind::TimedOut, "it does not answer in time"),
        ErrorKind::UnexpectedEof => Error::new(ErrorKind::UnexpectedEof, "it hangs up"),
        _ => error,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn response(way: &str) -> Vec<u8> {
        let (mut signature, mut answer) = (Vec::new(), vec![SIGN_RESPONSE]);
        wire::put(&mut signature, way.as_bytes());
        wire::put(&mut signature, b"signed");
        wire::put(&mut answer, &signature);
        answer
    }

    #[test]
    fn agent_signature_is_used_only_if_servers_accept_it() {
        assert!(signature(&response(SIGNATURE)).unwrap().ends_with(b"signed"));
        let message = |answer: &[u8]| signature(answer).unwrap_err().to_string();
        assert_eq!(message(&response("ssh-rsa")), "it signs by ssh-rsa, not rsa-sha2-256");
        assert_eq!(message(&[FAILURE]), "it refuses");
        assert_eq!(message(&[SIGN_RESPONSE, 0, 0]), "its answer makes no sense");
        assert_eq!(message(&[]), "its answer makes no sense");
    }

    #[test]
    fn agent_list_that_is_truncated_is_refused() {
        let mut answer = vec![IDENTITIES_ANSWER, 0, 0, 0, 1];
        wire::put(&mut answer, b"key");
        assert_eq!(keys(&answer), None);
        wire::put(&mut answer, b"comment");
        assert_eq!(keys(&answer), Some(vec![&b"key"[..]]));
    }
}
