//! Certificates of the tests' own making: good ones, old ones, proxies, authorities, and lists of what was revoked.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result};
use openssl::asn1::{Asn1Object, Asn1OctetString, Asn1Time};
use openssl::bn::{BigNum, MsbOption};
use openssl::hash::MessageDigest;
use openssl::pkcs12::Pkcs12;
use openssl::pkey::{PKey, Private};
use openssl::rsa::Rsa;
use openssl::stack::Stack;
use openssl::x509::extension::{BasicConstraints, ExtendedKeyUsage, KeyUsage, SubjectAlternativeName};
use openssl::x509::{X509, X509CrlBuilder, X509Extension, X509Name, X509RevokedBuilder};

use super::Home;

/// What a certificate is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Use {
    /// To sign others.
    Authority,
    /// The same, with at most so many authorities below it.
    Limited(u32),
    /// To be an authority that may sign lists of what was revoked, and no certificates.
    NoCertSign,
    /// To sign the certificates of clients alone.
    ClientAuthority,
    /// To log in.
    User,
    /// To be the server `localhost` or the host of another name.
    Server(&'static str),
    /// Both at once.
    SelfSigned(&'static str),
    /// To log in for somebody else (RFC 3820).
    Proxy,
    /// The same, in the form of old: its name says so, and nothing else.
    OldProxy,
}

/// Somebody with a certificate and its key.
#[derive(Debug)]
pub(crate) struct Party {
    pub(crate) certificate: X509,
    pub(crate) key: PKey<Private>,
}

/// From now on for a day, and before for a day.
pub(crate) const TODAY: (i64, i64) = (-1, 1);

impl Party {
    /// Somebody of the testbed: `ca`, `jdoe`, `host` ...
    pub(crate) fn testbed(name: &str) -> Result<Self> {
        let read = |ending: &str| -> Result<Vec<u8>> {
            let path = Home::certificate(&format!("{name}{ending}"))?;
            fs::read(&path).with_context(|| format!("reading {}", path.display()))
        };
        let (certificate, key) = (X509::from_pem(&read(".pem")?)?, PKey::private_key_from_pem(&read(".key.pem")?)?);
        Ok(Self { certificate, key })
    }

    /// An authority that nobody knows.
    pub(crate) fn unknown_authority() -> Result<Self> {
        Self::signed_by_itself(&["O=Elsewhere", "CN=Unknown CA"], TODAY, Use::Authority)
    }

    /// A server whose certificate is its own authority's, as `openssl req -x509` makes it.
    pub(crate) fn self_signed(host: &'static str) -> Result<Self> {
        Self::signed_by_itself(&[&format!("CN={host}")], TODAY, Use::SelfSigned(host))
    }

    /// Somebody of this name whose certificate is signed by its own key, good from and to so many days from now.
    pub(crate) fn signed_by_itself(parts: &[&str], days: (i64, i64), what_for: Use) -> Result<Self> {
        let (key, name) = (PKey::from_rsa(Rsa::generate(2048)?)?, name(parts)?);
        make(&name, &name, &key, &key, days, what_for).map(|certificate| Self { certificate, key })
    }

    /// Signs a certificate for somebody of this name (`O=Testbed`, `CN=…`), good from and to so many days from now.
    pub(crate) fn sign(&self, parts: &[&str], days: (i64, i64), what_for: Use) -> Result<Self> {
        self.sign_for(PKey::from_rsa(Rsa::generate(2048)?)?, parts, days, what_for)
    }

    /// The same for somebody who has this key.
    pub(crate) fn sign_for(&self, key: PKey<Private>, parts: &[&str], days: (i64, i64), what_for: Use) -> Result<Self> {
        let (name, issuer) = (name(parts)?, self.certificate.subject_name());
        make(&name, issuer, &key, &self.key, days, what_for).map(|certificate| Self { certificate, key })
    }

    /// Signs a proxy of itself, whose name is its own and this part more.
    pub(crate) fn proxy(&self, part: &str, days: (i64, i64), what_for: Use) -> Result<Self> {
        let mut parts = Vec::new();
        for entry in self.certificate.subject_name().entries() {
            parts.push(format!("{}={}", entry.object().nid().short_name()?, entry.data().to_string()?));
        }
        let parts: Vec<&str> = parts.iter().map(String::as_str).chain([part]).collect();
        self.sign(&parts, days, what_for)
    }

    /// The certificate in PEM form.
    pub(crate) fn pem(&self) -> Result<String> {
        Ok(String::from_utf8(self.certificate.to_pem()?)?)
    }

    /// The key in PEM form, open.
    pub(crate) fn key_pem(&self) -> Result<String> {
        Ok(String::from_utf8(self.key.private_key_to_pem_pkcs8()?)?)
    }

    /// Certificate, key and these certificates as PKCS#12.
    pub(crate) fn pkcs12(&self, phrase: &str, others: &[&Self]) -> Result<Vec<u8>> {
        let mut stack = Stack::new()?;
        for other in others {
            stack.push(other.certificate.clone())?;
        }
        let mut builder = Pkcs12::builder();
        builder.cert(&self.certificate).pkey(&self.key);
        if !others.is_empty() {
            builder.ca(stack);
        }
        Ok(builder.build2(phrase)?.to_der()?)
    }

    /// A list of what this authority revoked, the next of which is due so many days from now. The key may be another's.
    pub(crate) fn revokes(&self, revoked: &[&X509], due: i64, key: &PKey<Private>) -> Result<String> {
        let mut builder = X509CrlBuilder::new()?;
        builder.set_issuer_name(self.certificate.subject_name())?;
        builder.set_last_update(&*at(due - 9)?)?;
        builder.set_next_update(&*at(due)?)?;
        for certificate in revoked {
            let mut entry = X509RevokedBuilder::new()?;
            entry.set_serial_number(certificate.serial_number())?;
            entry.set_revocation_date(&*at(due - 9)?)?;
            builder.add_revoked(entry.build())?;
        }
        // OpenSSL's bindings insist on the authority's key and on a number.
        let id = self.certificate.subject_key_id().context("no key identifier")?.as_slice();
        let id = [&[0x30, id.len() as u8 + 2, 0x80, id.len() as u8], id].concat();
        for (object, value) in [("2.5.29.35", &id[..]), ("2.5.29.20", &[2, 1, 1])] {
            let (object, value) = (Asn1Object::from_str(object)?, Asn1OctetString::new_from_bytes(value)?);
            builder.append_extension(X509Extension::new_from_der(&object, false, &value)?)?;
        }
        builder.sort()?;
        builder.sign(key, MessageDigest::sha256())?;
        Ok(String::from_utf8(builder.build()?.to_pem()?)?)
    }

    /// A folder as grid sites have it, with this authority alone. Gives the folder and the file's name without `0`.
    pub(crate) fn hashed_folder(&self, home: &Home) -> Result<(PathBuf, String)> {
        let folder = home.path().join("certificates");
        fs::create_dir_all(&folder)?;
        let hash = format!("{:08x}.", self.certificate.subject_name_hash());
        fs::write(folder.join(format!("{hash}0")), self.pem()?)?;
        Ok((folder, hash))
    }
}

/// Writes a file of this home for its owner alone.
pub(crate) fn keep(home: &Home, name: &str, content: impl AsRef<[u8]>) -> Result<PathBuf> {
    let path = home.path().join(name);
    fs::write(&path, content)?;
    open_to(&path, 0o600)?;
    Ok(path)
}

/// Sets a file's mode.
pub(crate) fn open_to(path: &Path, mode: u32) -> Result<()> {
    Ok(fs::set_permissions(path, Permissions::from_mode(mode))?)
}

fn name(parts: &[&str]) -> Result<X509Name> {
    let mut name = X509Name::builder()?;
    for part in parts {
        let (kind, value) = part.split_once('=').with_context(|| (*part).to_owned())?;
        name.append_entry_by_text(kind, value)?;
    }
    Ok(name.build())
}

fn at(days: i64) -> Result<Asn1Time> {
    let now = i64::try_from(SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs())?;
    Ok(Asn1Time::from_unix(now + days * 86_400)?)
}

fn make(
    subject: &X509Name,
    issuer: &openssl::x509::X509NameRef,
    key: &PKey<Private>,
    signer: &PKey<Private>,
    days: (i64, i64),
    what_for: Use,
) -> Result<X509> {
    let mut serial = BigNum::new()?;
    serial.rand(120, MsbOption::MAYBE_ZERO, false)?;
    let mut builder = X509::builder()?;
    builder.set_version(2)?;
    builder.set_serial_number(&*serial.to_asn1_integer()?)?;
    builder.set_subject_name(subject)?;
    builder.set_issuer_name(issuer)?;
    builder.set_not_before(&*at(days.0)?)?;
    builder.set_not_after(&*at(days.1)?)?;
    builder.set_pubkey(key)?;
    for extension in extensions(what_for, &builder.x509v3_context(None, None))? {
        builder.append_extension(extension)?;
    }
    builder.sign(signer, MessageDigest::sha256())?;
    Ok(builder.build())
}

fn extensions(what_for: Use, context: &openssl::x509::X509v3Context) -> Result<Vec<X509Extension>> {
    let signs = KeyUsage::new().critical().digital_signature().key_encipherment().build()?;
    Ok(match what_for {
        Use::Authority => {
            let usage = KeyUsage::new().critical().key_cert_sign().crl_sign().build()?;
            vec![BasicConstraints::new().critical().ca().build()?, usage]
        }
        Use::Limited(most) => vec![BasicConstraints::new().critical().ca().pathlen(most).build()?],
        Use::NoCertSign => {
            let usage = KeyUsage::new().critical().crl_sign().digital_signature().build()?;
            vec![BasicConstraints::new().critical().ca().build()?, usage]
        }
        Use::ClientAuthority => {
            let clients = ExtendedKeyUsage::new().client_auth().build()?;
            extensions(Use::Authority, context)?.into_iter().chain([clients]).collect()
        }
        Use::User => vec![BasicConstraints::new().critical().build()?, signs],
        Use::Server(host) => vec![signs, SubjectAlternativeName::new().dns(host).build(context)?],
        Use::SelfSigned(host) => {
            let names = SubjectAlternativeName::new().dns(host).build(context)?;
            vec![BasicConstraints::new().critical().ca().build()?, names]
        }
        Use::OldProxy => vec![signs],
        Use::Proxy => {
            // proxyCertInfo that inherits all rights
            let inherit_all = [0x30, 12, 0x30, 10, 0x06, 8, 0x2b, 6, 1, 5, 5, 7, 21, 1];
            let (object, value) =
                (Asn1Object::from_str("1.3.6.1.5.5.7.1.14")?, Asn1OctetString::new_from_bytes(&inherit_all)?);
            vec![signs, X509Extension::new_from_der(&object, true, &value)?]
        }
    })
}
