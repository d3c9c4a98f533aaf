//! A case: a TLS server, and what the clients trust.

use anyhow::Result;
use openssl::ssl::{SslContext, SslContextBuilder, SslMethod, SslOptions, SslVersion};
use openssl::x509::X509;

use super::certificate::{Blueprint, Issued};
use super::keys::Keys;

/// How a server ends its response.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Ending {
    /// With a length, and close_notify.
    #[default]
    Orderly,
    /// With a length; then the connection ends without close_notify.
    Unsaid,
    /// With a length; the connection stays open, as if for another request.
    KeptOpen,
    /// With a length; then the connection is reset.
    Reset,
    /// In chunks, and close_notify.
    Chunked,
    /// In chunks; then the connection ends without close_notify.
    ChunkedUnsaid,
    /// Until the end of the connection, with close_notify.
    UntilEnd,
    /// Until the end of the connection, without close_notify.
    UntilEndUnsaid,
    /// With a length that is larger than the body, with close_notify.
    Short,
    /// The same without close_notify.
    ShortUnsaid,
    /// In chunks without the last one, with close_notify.
    ChunkedShort,
    /// The same without close_notify.
    ChunkedShortUnsaid,
    /// Nothing but close_notify.
    Nothing,
}

/// A TLS server and what the clients trust.
pub(super) struct Case {
    pub(super) name: String,
    pub(super) context: SslContext,
    /// The content of the CA file.
    pub(super) trusted: Vec<X509>,
    /// The host in the URL.
    pub(super) host: String,
    pub(super) ending: Ending,
}

/// Makes cases.
#[derive(Debug)]
pub(super) struct Lab {
    pub(super) keys: Keys,
    pub(super) root: Issued,
}

/// A change of the server's TLS settings.
type Setting = Box<dyn Fn(&mut SslContextBuilder) -> Result<()>>;

/// A case in the making.
pub(super) struct Draft {
    name: String,
    own: Issued,
    others: Vec<X509>,
    trusted: Vec<X509>,
    host: String,
    ending: Ending,
    settings: Vec<Setting>,
}

impl Lab {
    pub(super) fn new() -> Result<Self> {
        let keys = Keys::get()?;
        let root = Blueprint::authority("Root").key("p-256-other").self_signed(&keys)?;
        Ok(Self { keys, root })
    }

    /// Issues a certificate by the laboratory's root.
    pub(super) fn issue(&self, blueprint: &Blueprint) -> Result<Issued> {
        blueprint.signed_by(&self.keys, &self.root)
    }

    /// Issues a certificate by this CA.
    pub(super) fn issue_by(&self, issuer: &Issued, blueprint: &Blueprint) -> Result<Issued> {
        blueprint.signed_by(&self.keys, issuer)
    }

    /// Makes a certificate that is signed by itself.
    pub(super) fn self_signed(&self, blueprint: &Blueprint) -> Result<Issued> {
        blueprint.self_signed(&self.keys)
    }

    /// Drafts a server with a certificate of the root, which is trusted.
    pub(super) fn server(&self, name: &str, blueprint: &Blueprint) -> Result<Draft> {
        Ok(Draft::new(name, self.issue(blueprint)?).trusts(&[&self.root]))
    }
}

impl Draft {
    pub(super) fn new(name: &str, own: Issued) -> Self {
        Self {
            name: name.to_owned(),
            own,
            others: Vec::new(),
            trusted: Vec::new(),
            host: "localhost".to_owned(),
            ending: Ending::default(),
            settings: Vec::new(),
        }
    }

    pub(super) fn named(self, name: &str) -> Self {
        Self { name: name.to_owned(), ..self }
    }

    /// The server sends these certificates, too.
    pub(super) fn sends(mut self, others: &[&Issued]) -> Self {
        self.others = others.iter().map(|one| one.certificate.clone()).collect();
        self
    }

    /// The CA file has these certificates.
    pub(super) fn trusts(mut self, trusted: &[&Issued]) -> Self {
        self.trusted = trusted.iter().map(|one| one.certificate.clone()).collect();
        self
    }

    /// The clients reach it by this name.
    pub(super) fn at(self, host: &str) -> Self {
        Self { host: host.to_owned(), ..self }
    }

    pub(super) fn ends(self, ending: Ending) -> Self {
        Self { ending, ..self }
    }

    /// Changes the server's TLS.
    pub(super) fn speaks(mut self, set: impl Fn(&mut SslContextBuilder) -> Result<()> + 'static) -> Self {
        self.settings.push(Box::new(set));
        self
    }

    /// Limits the server to this version, and to these ciphers of it.
    pub(super) fn version(self, version: SslVersion, ciphers: &'static str) -> Self {
        self.speaks(move |context| {
            context.set_min_proto_version(Some(version))?;
            context.set_max_proto_version(Some(version))?;
            if version == SslVersion::TLS1_3 && !ciphers.is_empty() {
                context.set_ciphersuites(ciphers)?;
            } else if !ciphers.is_empty() {
                context.set_cipher_list(&format!("{ciphers}:@SECLEVEL=0"))?;
            }
            Ok(())
        })
    }

    pub(super) fn build(self) -> Result<Case> {
        let mut context = SslContext::builder(SslMethod::tls_server())?;
        // The server itself refuses nothing.
        context.set_security_level(0);
        context.set_min_proto_version(None)?;
        context.set_cipher_list("ALL:COMPLEMENTOFDEFAULT:@SECLEVEL=0")?;
        context.set_options(SslOptions::NO_TICKET);
        context.set_private_key(&self.own.key)?;
        context.set_certificate(&self.own.certificate)?;
        for other in self.others {
            context.add_extra_chain_cert(other)?;
        }
        self.settings.iter().try_for_each(|set| set(&mut context))?;
        Ok(Case {
            name: self.name,
            context: context.build(),
            trusted: self.trusted,
            host: self.host,
            ending: self.ending,
        })
    }
}
