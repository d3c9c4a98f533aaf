//! Certificates of any content: extensions are written as in OpenSSL's configuration files.

use std::fs;
use std::process::Command;
use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result, ensure};
use openssl::asn1::Asn1Time;
use openssl::bn::BigNum;
use openssl::conf::{Conf, ConfMethod};
use openssl::hash::MessageDigest;
use openssl::pkey::{Id, PKey, Private};
use openssl::x509::{X509, X509Builder, X509Extension, X509Name};

use super::keys::Keys;

/// How a certificate is made.
#[derive(Debug, Clone)]
pub(super) struct Blueprint {
    subject: Vec<(String, String)>,
    key: &'static str,
    /// Valid from and to so many days from now.
    days: (i64, i64),
    digest: &'static str,
    version: i32,
    serial: String,
    extensions: Vec<(String, String)>,
}

/// A certificate and its key.
#[derive(Debug, Clone)]
pub(super) struct Issued {
    pub(super) certificate: X509,
    pub(super) key: PKey<Private>,
}

impl Blueprint {
    /// A server at `localhost`, as CAs certify them today.
    pub(super) fn server() -> Self {
        Self::new("localhost")
            .with("basicConstraints", "critical,CA:FALSE")
            .with("keyUsage", "critical,digitalSignature,keyEncipherment")
            .with("extendedKeyUsage", "serverAuth")
            .with("subjectAltName", "DNS:localhost")
    }

    /// A CA.
    pub(super) fn authority(name: &str) -> Self {
        Self::new(name)
            .with("basicConstraints", "critical,CA:TRUE")
            .with("keyUsage", "critical,keyCertSign,cRLSign")
            .with("subjectKeyIdentifier", "hash")
    }

    /// A person.
    pub(super) fn user(name: &str) -> Self {
        Self::new(name)
            .with("basicConstraints", "critical,CA:FALSE")
            .with("keyUsage", "critical,digitalSignature,keyEncipherment")
            .with("extendedKeyUsage", "clientAuth")
    }

    /// A certificate without extensions.
    pub(super) fn new(name: &str) -> Self {
        Self {
            subject: vec![("O".to_owned(), "Laboratory".to_owned()), ("CN".to_owned(), name.to_owned())],
            key: "p-256",
            days: (-1, 1),
            digest: "sha256",
            version: 3,
            serial: "4096".to_owned(),
            extensions: Vec::new(),
        }
    }

    /// Sets an extension; an empty value removes it.
    pub(super) fn with(mut self, name: &str, value: &str) -> Self {
        self.extensions.retain(|(known, _)| known != name);
        if !value.is_empty() {
            self.extensions.push((name.to_owned(), value.to_owned()));
        }
        self
    }

    /// Adds an extension that it may have already.
    pub(super) fn twice(mut self, name: &str, value: &str) -> Self {
        self.extensions.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Removes all extensions.
    pub(super) fn bare(mut self) -> Self {
        self.extensions.clear();
        self
    }

    pub(super) fn key(self, key: &'static str) -> Self {
        Self { key, ..self }
    }

    pub(super) fn digest(self, digest: &'static str) -> Self {
        Self { digest, ..self }
    }

    pub(super) fn days(self, from: i64, to: i64) -> Self {
        Self { days: (from, to), ..self }
    }

    pub(super) fn version(self, version: i32) -> Self {
        Self { version, ..self }
    }

    /// Sets the serial number, in decimal digits.
    pub(super) fn serial(self, serial: &str) -> Self {
        Self { serial: serial.to_owned(), ..self }
    }

    /// Sets the subject's parts; none at all is possible.
    pub(super) fn subject(self, parts: &[(&str, &str)]) -> Self {
        let own = |(kind, value): &(&str, &str)| ((*kind).to_owned(), (*value).to_owned());
        Self { subject: parts.iter().map(own).collect(), ..self }
    }

    /// Issues it by itself.
    pub(super) fn self_signed(&self, keys: &Keys) -> Result<Issued> {
        let key = keys.key(self.key)?;
        let mut builder = self.begun(&key)?;
        builder.set_issuer_name(&*self.name()?)?;
        self.finished(builder, &key, &key, None)
    }

    /// Issues it by this CA.
    pub(super) fn signed_by(&self, keys: &Keys, issuer: &Issued) -> Result<Issued> {
        let key = keys.key(self.key)?;
        let mut builder = self.begun(&key)?;
        builder.set_issuer_name(issuer.certificate.subject_name())?;
        self.finished(builder, &key, &issuer.key, Some(&issuer.certificate))
    }

    fn name(&self) -> Result<X509Name> {
        let mut name = X509Name::builder()?;
        for (kind, value) in &self.subject {
            name.append_entry_by_text(kind, value)?;
        }
        Ok(name.build())
    }

    fn begun(&self, key: &PKey<Private>) -> Result<X509Builder> {
        let mut builder = X509::builder()?;
        builder.set_version(self.version - 1)?;
        builder.set_serial_number(&*BigNum::from_dec_str(&self.serial)?.to_asn1_integer()?)?;
        builder.set_subject_name(&*self.name()?)?;
        builder.set_not_before(&*at(self.days.0)?)?;
        builder.set_not_after(&*at(self.days.1)?)?;
        builder.set_pubkey(key)?;
        Ok(builder)
    }

    fn finished(
        &self,
        mut builder: X509Builder,
        key: &PKey<Private>,
        signer: &PKey<Private>,
        issuer: Option<&X509>,
    ) -> Result<Issued> {
        let conf = Conf::new(ConfMethod::default())?;
        for (name, value) in &self.extensions {
            #[expect(deprecated, reason = "the only function that takes any extension as text")]
            let made = X509Extension::new(
                Some(&conf),
                Some(&builder.x509v3_context(issuer.map(|one| &**one), Some(&conf))),
                name,
                value,
            );
            builder.append_extension(made.with_context(|| format!("{name} = {value}"))?)?;
        }
        builder.sign(signer, digest(signer, self.digest)?)?;
        Ok(Issued { certificate: builder.build(), key: key.clone() })
    }
}

impl Issued {
    /// Issues a certificate of `localhost` for this key, signed with RSA-PSS and this salt (a number of bytes, or `max`).
    pub(super) fn sign_with_salt(&self, key: &PKey<Private>, salt: &str) -> Result<Self> {
        const CONFIG: &str = "[req]\ndistinguished_name = name\nx509_extensions = all\n[name]\n[all]\n\
                              basicConstraints = critical,CA:FALSE\nsubjectAltName = DNS:localhost\n";
        let folder = tempfile::tempdir()?;
        let files = [
            ("config", CONFIG.as_bytes().to_vec()),
            ("own.key", key.private_key_to_pem_pkcs8()?),
            ("ca.pem", self.certificate.to_pem()?),
            ("ca.key", self.key.private_key_to_pem_pkcs8()?),
        ];
        files.iter().try_for_each(|(name, content)| fs::write(folder.path().join(name), content))?;
        let arguments = "req -config config -x509 -new -key own.key -CA ca.pem -CAkey ca.key -subj /CN=localhost -days 1 -sha256 \
                         -sigopt rsa_padding_mode:pss";
        let mut command = Command::new("openssl");
        command.args(arguments.split(' ')).args(["-sigopt", &format!("rsa_pss_saltlen:{salt}")]);
        let made = command.current_dir(folder.path()).output()?;
        ensure!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
        Ok(Self { certificate: X509::from_pem(&made.stdout)?, key: key.clone() })
    }

    /// The certificate in PEM form.
    pub(super) fn pem(&self) -> Result<String> {
        Ok(String::from_utf8(self.certificate.to_pem()?)?)
    }

    /// The key in PEM form (PKCS #8), not encrypted.
    pub(super) fn key_pem(&self) -> Result<String> {
        Ok(String::from_utf8(self.key.private_key_to_pem_pkcs8()?)?)
    }
}

/// All in one PEM file.
pub(super) fn pem<'a>(certificates: impl IntoIterator<Item = &'a X509>) -> Result<String> {
    certificates.into_iter().map(|one| Ok(String::from_utf8(one.to_pem()?)?)).collect()
}

fn digest(signer: &PKey<Private>, name: &str) -> Result<MessageDigest> {
    if matches!(signer.id(), Id::ED25519 | Id::ED448) {
        return Ok(MessageDigest::null());
    }
    MessageDigest::from_name(name).with_context(|| name.to_owned())
}

fn at(days: i64) -> Result<Asn1Time> {
    let now = i64::try_from(SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs())?;
    Ok(Asn1Time::from_unix(now + days * 86_400)?)
}
