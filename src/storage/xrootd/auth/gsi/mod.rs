//! `gsi`: certificates and proxies, by the dialects of version 10000 to 10600.
//!
//! The server proves that it has the key of its certificate, both agree on a secret (Diffie-Hellman), and the client
//! sends its certificates encrypted with that, with the server's challenge signed. The connection itself is neither
//! encrypted nor signed afterwards. Versions below 10400 (XRootD 4.8) do not sign the Diffie-Hellman values; from
//! 10600 on (5.4) a certificate without proxy is accepted. Nothing is delegated to the server.
//!
//! Facts: `XrdSecProtocolgsi.cc` of XRootD 5.5.3 and 6.1.0.

mod credentials;
mod crypto;
mod message;
#[cfg(test)]
mod tests;

use openssl::error::ErrorStack;
use openssl::pkey::Public;
use openssl::rsa::Rsa;
use openssl::x509::X509;

use super::{Attempt, AuthError, Outcome};
use crate::storage::xrootd::dialog::{Dialog, Reply};
use crate::storage::xrootd::wire::Request;
use credentials::Credentials;
pub(in crate::storage::xrootd) use crypto::SessionKey;
use crypto::{Share, recover, sign};
use message::{Message, MessageWriter, kind};

/// Our version.
const VERSION: u32 = 10600;
/// First version with signed Diffie-Hellman values, and first that accepts certificates that are no proxies.
const SIGNED_SHARES: u32 = 10400;
const PLAIN_CERTIFICATES: u32 = 10600;
/// Steps of client and server.
const REQUEST: i32 = 1000;
const CERTIFICATE: i32 = 1001;
const SERVER_CERTIFICATE: i32 = 2001;
/// Option: our certificate is a proxy.
const IS_PROXY: u32 = 0x80;
/// Length of a challenge, also that of XRootD and dCache.
const CHALLENGE: usize = 8;
/// Maximum length of a challenge that is signed. As it is signed without a digest, the server of a longer one could send
/// the digest of a proxy certificate or of a TLS handshake, and would get its signature by the user. The shortest of these
/// has 34 bytes: MD5 as a `DigestInfo` (RFC 8017, section 9.2).
const MAX_CHALLENGE: usize = 32;
const CIPHER: &str = "aes-128-cbc";
/// What follows the name of the cipher if the initialisation vector is sent.
const WITH_VECTOR: &str = "#16";

/// What the server says of the method: `v:10600,c:ssl,ca:5168735f.0|4339b4bc.0`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Terms {
    /// The lower one of both versions.
    version: u32,
    /// Whether secrets have their leading zeros.
    is_padded: bool,
}

impl Terms {
    fn parse(arguments: &str) -> Self {
        let argument = |name: &str| arguments.split(',').find_map(|one| one.strip_prefix(name)?.strip_prefix(':'));
        let version = argument("v").and_then(|version| version.parse().ok()).unwrap_or(VERSION).min(VERSION);
        let is_padded = version >= SIGNED_SHARES && !argument("c").is_some_and(|module| module.contains("nopad"));
        Self { version, is_padded }
    }

    fn has_signed_shares(self) -> bool {
        self.version >= SIGNED_SHARES
    }

    /// Returns the name of the crypto module.
    fn module(self) -> &'static str {
        if self.has_signed_shares() && !self.is_padded { "sslnopad" } else { "ssl" }
    }
}

/// Authenticates with the user's certificate or proxy.
pub(super) async fn authenticate(
    dialog: &mut Dialog<'_>,
    arguments: &str,
    attempt: &Attempt<'_>,
) -> Result<Outcome, AuthError> {
    let terms = Terms::parse(arguments);
    let skipped = |reason: String| Ok(Outcome::Skipped(reason));
    let Some(identity) = &attempt.settings.identity else {
        return skipped("there is no proxy or certificate".to_owned());
    };
    let credentials = match Credentials::new(identity) {
        Ok(credentials) if credentials.is_proxy || terms.version >= PLAIN_CERTIFICATES => credentials,
        Ok(_) => return skipped("the server wants a proxy, and there is only a certificate".to_owned()),
        Err(reason) => return skipped(reason),
    };
    let challenge = match random_text() {
        Ok(challenge) => challenge,
        Err(error) => return skipped(error.to_string()),
    };
    let first = request(terms, &credentials, &challenge);
    let body = match send(dialog, &first).await? {
        Reply::More(body) => body,
        Reply::Error(error) => return Ok(Outcome::Refused(error)),
        Reply::Ok(_) => return skipped("the server does not prove who it is".to_owned()),
    };
    let dns_name = dns_name(attempt).await;
    let verify = |own: &X509| verify(own, attempt, dns_name.as_deref());
    let (second, key) = match respond(&body, terms, &credentials, &challenge, verify) {
        Ok(response) => response,
        Err(reason) => return skipped(reason),
    };
    match send(dialog, &second).await? {
        Reply::Ok(_) => Ok(Outcome::Accepted(Some(key))),
        Reply::Error(error) => Ok(Outcome::Refused(error)),
        Reply::More(_) => skipped("the server wants a proxy of its own".to_owned()),
    }
}

/// Returns the name that the DNS has for the server's address, if the user trusts it.
async fn dns_name(attempt: &Attempt<'_>) -> Option<String> {
    let address = attempt.peer.ip();
    let look_up = move || dns_lookup::lookup_addr(&address).ok();
    if attempt.settings.trusts_dns { tokio::task::spawn_blocking(look_up).await.ok()? } else { None }
}

/// Verifies the server's certificate. Errors: the reason in words.
fn verify(own: &X509, attempt: &Attempt<'_>, dns_name: Option<&str>) -> Result<(), String> {
    let has_name = |name: &str| attempt.settings.tls.verify_host_certificate(own, name);
    let verified = has_name(&attempt.server.host);
    match dns_name {
        Some(name) if verified.is_err() => has_name(name).or(verified),
        _ => verified,
    }
}

async fn send(dialog: &mut Dialog<'_>, message: &[u8]) -> Result<Reply, AuthError> {
    Ok(dialog.ask(&Request::Authenticate { method: "gsi", credentials: message }).await?)
}

/// Returns characters at random, of those that XRootD uses.
fn random_text() -> Result<String, ErrorStack> {
    let letters = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789./";
    let mut random = [0; CHALLENGE];
    openssl::rand::rand_bytes(&mut random)?;
    Ok(random.iter().map(|byte| char::from(letters[usize::from(byte % 64)])).collect())
}

/// Returns the first message.
fn request(terms: Terms, credentials: &Credentials, challenge: &str) -> Vec<u8> {
    let main = MessageWriter::new(REQUEST).with(kind::CHALLENGE, challenge.as_bytes()).finish();
    let options = if credentials.is_proxy { IS_PROXY } else { 0 };
    MessageWriter::new(REQUEST)
        .with(kind::MODULE, terms.module().as_bytes())
        .with(kind::VERSION, &VERSION.to_be_bytes())
        .with(kind::ISSUERS, credentials.issuers.as_bytes())
        .with(kind::OPTIONS, &options.to_be_bytes())
        .with(kind::MAIN, &main)
        .finish()
}

/// Checks the server's message. Returns ours and the key of the session. Errors: the reason in words.
fn respond(
    body: &[u8],
    terms: Terms,
    credentials: &Credentials,
    challenge: &str,
    verify: impl FnOnce(&X509) -> Result<(), String>,
) -> Result<(Vec<u8>, SessionKey), String> {
    let malformed = || "the message of the server is malformed".to_owned();
    let message = Message::parse(body).filter(|one| one.step == SERVER_CERTIFICATE).ok_or_else(malformed)?;
    let main = message.bucket(kind::MAIN).and_then(Message::parse).ok_or_else(malformed)?;
    let own = message.bucket(kind::CERTIFICATES).and_then(|pem| X509::from_pem(pem).ok()).ok_or_else(malformed)?;
    verify(&own)?;
    let key = own.public_key().and_then(|key| key.rsa()).map_err(|_| "the server's key is not an RSA key")?;
    let signed = main.bucket(kind::SIGNED_CHALLENGE).and_then(|signed| recover(&key, signed));
    if signed.as_deref() != Some(challenge.as_bytes()) {
        return Err("the server does not have the key of its certificate".to_owned());
    }
    if !message.text(kind::CIPHERS).ok_or_else(malformed)?.split(':').any(|one| one == CIPHER) {
        return Err(format!("the server does not know the cipher {CIPHER}"));
    }
    let share = share(&message, terms, &key).ok_or("the Diffie-Hellman value of the server is not valid")?;
    let share = Share::parse(&share).ok_or("the Diffie-Hellman value of the server is not valid")?;
    let digest = digest(message.text(kind::DIGESTS).unwrap_or_default());
    let theirs = main.bucket(kind::CHALLENGE).ok_or_else(malformed)?;
    if theirs.len() > MAX_CHALLENGE {
        return Err(format!("the server's challenge has {} bytes; at most {MAX_CHALLENGE} are signed", theirs.len()));
    }
    let in_words = |error: ErrorStack| error.to_string();
    let (ours, secret) = share.agree(terms.is_padded).map_err(in_words)?;
    let key = SessionKey::new(&secret, terms.has_signed_shares()).ok_or("the common secret is too short")?;
    let message = certificate(terms, credentials, &ours, &key, digest, theirs).map_err(in_words)?;
    Ok((message, key))
}

/// Returns the server's Diffie-Hellman value.
fn share(message: &Message<'_>, terms: Terms, key: &Rsa<Public>) -> Option<Vec<u8>> {
    if terms.has_signed_shares() {
        recover(key, message.bucket(kind::SIGNED_SHARE)?)
    } else {
        message.bucket(kind::PUBLIC_KEY).map(<[u8]>::to_vec)
    }
}

/// Chooses one of the server's digests.
fn digest(offered: &str) -> &str {
    offered.split(':').find(|one| *one == "sha256").or_else(|| offered.split(':').next()).unwrap_or_default()
}

/// Returns the second message, which contains our share and, encrypted with the key, the signed challenge.
fn certificate(
    terms: Terms,
    credentials: &Credentials,
    share: &str,
    key: &SessionKey,
    digest: &str,
    challenge: &[u8],
) -> Result<Vec<u8>, ErrorStack> {
    let main = MessageWriter::new(CERTIFICATE)
        .with(kind::SIGNED_CHALLENGE, &sign(&credentials.key, challenge)?)
        .with(kind::CERTIFICATES, &credentials.chain)
        .with(kind::CHALLENGE, random_text()?.as_bytes())
        .finish();
    let vector = if terms.has_signed_shares() { WITH_VECTOR } else { "" };
    let message = MessageWriter::new(CERTIFICATE)
        .with(kind::MODULE, terms.module().as_bytes())
        .with(kind::MAIN, &key.encrypt(&main)?)
        .with(kind::CIPHERS, format!("{CIPHER}{vector}").as_bytes())
        .with(kind::DIGESTS, digest.as_bytes());
    let message = if terms.has_signed_shares() {
        message
            .with(kind::SIGNED_SHARE, &sign(&credentials.key, share.as_bytes())?)
            .with(kind::PUBLIC_KEY, &credentials.key.public_key_to_pem()?)
    } else {
        message.with(kind::PUBLIC_KEY, share.as_bytes())
    };
    Ok(message.finish())
}
