//! User certificates and keys: at a server that accepts those of the laboratory's CA for users, and proxies of them.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use anyhow::Result;
use openssl::pkcs12::Pkcs12;
use openssl::pkey::{PKey, Private};
use openssl::ssl::{SslContextBuilder, SslVerifyMode};
use openssl::symm::Cipher;
use openssl::x509::X509;
use openssl::x509::store::X509StoreBuilder;
use openssl::x509::verify::X509VerifyFlags;

use super::case::Lab;
use super::certificate::{Blueprint, Issued};

/// Keys of a user.
const KEYS: &[&str] = &[
    "rsa-1024",
    "rsa-2048",
    "rsa-3072",
    "rsa-4096",
    "rsa-8192",
    "rsa-pss",
    "p-224",
    "p-256",
    "p-384",
    "p-521",
    "secp256k1",
    "ed25519",
    "ed448",
];

/// What a proxy certificate states: its language, and how far it may be delegated.
const PROXY: &str = "critical,language:id-ppl-inheritAll";

/// The files of a form: that of the certificate, and that of the key if it is another.
type Form = (String, Vec<Vec<u8>>);

/// Writes all forms below this folder. Returns the name and the paths of each.
pub(super) fn forms(lab: &Lab, ca: &Issued, folder: &Path) -> Result<Vec<(String, Vec<PathBuf>)>> {
    let mut all = Vec::new();
    for forms in [keys(lab, ca)?, files(lab, ca)?, invalid(lab, ca)?, chains(lab, ca)?, proxies(lab, ca)?] {
        for (name, contents) in forms {
            let mut paths = Vec::new();
            for (index, content) in contents.into_iter().enumerate() {
                let path = folder.join(format!("{name}-{index}"));
                fs::write(&path, content)?;
                fs::set_permissions(&path, Permissions::from_mode(0o600))?;
                paths.push(path);
            }
            all.push((format!("user-{name}"), paths));
        }
    }
    all.push(("user-missing".to_owned(), vec![folder.join("missing")]));
    Ok(all)
}

/// Makes the server require a certificate of this CA.
pub(super) fn required(context: &mut SslContextBuilder, ca: &Issued) -> Result<()> {
    let mut store = X509StoreBuilder::new()?;
    store.add_cert(ca.certificate.clone())?;
    store.set_flags(X509VerifyFlags::ALLOW_PROXY_CERTS)?;
    context.set_cert_store(store.build());
    context.set_session_id_context(b"lab")?;
    context.set_verify(SslVerifyMode::PEER | SslVerifyMode::FAIL_IF_NO_PEER_CERT);
    Ok(())
}

fn user() -> Blueprint {
    Blueprint::user("Jane Doe")
}

fn pair(name: &str, issued: &Issued) -> Result<Form> {
    Ok((name.to_owned(), vec![issued.pem()?.into_bytes(), issued.key_pem()?.into_bytes()]))
}

fn one(name: &str, content: impl Into<Vec<u8>>) -> Form {
    (name.to_owned(), vec![content.into()])
}

fn keys(lab: &Lab, ca: &Issued) -> Result<Vec<Form>> {
    KEYS.iter().map(|key| pair(&format!("key-{key}"), &lab.issue_by(ca, &user().key(key))?)).collect()
}

fn traditional(key: &PKey<Private>) -> Result<String> {
    Ok(match key.rsa() {
        Ok(rsa) => String::from_utf8(rsa.private_key_to_pem()?)?,
        Err(_) => String::from_utf8(key.ec_key()?.private_key_to_pem()?)?,
    })
}

/// Forms of the files of one certificate and key.
fn files(lab: &Lab, ca: &Issued) -> Result<Vec<Form>> {
    let rsa = lab.issue_by(ca, &user().key("rsa-2048"))?;
    let ec = lab.issue_by(ca, &user().key("p-384"))?;
    let (cert, key) = (rsa.pem()?, rsa.key_pem()?);
    let text = String::from_utf8(rsa.certificate.to_text()?)?;
    // What `openssl ecparam -genkey` writes before the key: secp384r1.
    let parameters = "-----BEGIN EC PARAMETERS-----\nBgUrgQQAIg==\n-----END EC PARAMETERS-----\n";
    let encrypted = String::from_utf8(rsa.key.private_key_to_pem_pkcs8_passphrase(Cipher::aes_256_cbc(), b"secret")?)?;
    let rsa_key = rsa.key.rsa()?;
    let old = String::from_utf8(rsa_key.private_key_to_pem_passphrase(Cipher::aes_128_cbc(), b"secret")?)?;
    let pkcs12 = Pkcs12::builder().cert(&rsa.certificate).pkey(&rsa.key).build2("")?.to_der()?;
    let two =
        |name: &str, cert: &str, key: &str| (name.to_owned(), vec![cert.as_bytes().to_vec(), key.as_bytes().to_vec()]);
    Ok(vec![
        pair("two-files", &rsa)?,
        one("one-file", cert.clone() + &key),
        one("key-first", key.clone() + &cert),
        one("key-between", cert.clone() + &key + &ca.pem()?),
        two("key-pkcs-1", &cert, &traditional(&rsa.key)?),
        two("key-sec-1", &ec.pem()?, &traditional(&ec.key)?),
        two("key-sec-1-with-parameters", &ec.pem()?, &(parameters.to_owned() + &traditional(&ec.key)?)),
        two("key-encrypted", &cert, &encrypted),
        two("key-encrypted-old-form", &cert, &old),
        one("encrypted-in-one-file", cert.clone() + &encrypted),
        two("key-der", &cert, &String::from_utf8_lossy(&rsa.key.private_key_to_der()?)),
        two("key-cut", &cert, &key[..key.len() / 2]),
        two("key-empty", &cert, ""),
        one("without-key", cert.clone()),
        one("without-certificate", key.clone()),
        two("certificate-empty", "", &key),
        two("text-around", &format!("{text}{cert}{text}"), &format!("Bag Attributes\n    localKeyID: 01\n{key}")),
        two("crlf", &cert.replace('\n', "\r\n"), &key.replace('\n', "\r\n")),
        two("byte-order-mark", &format!("\u{feff}{cert}"), &key),
        two("byte-order-mark-of-key", &cert, &format!("\u{feff}{key}")),
        two("label-x509", &cert.replace("CERTIFICATE", "X509 CERTIFICATE"), &key),
        two("label-trusted", &cert.replace("CERTIFICATE", "TRUSTED CERTIFICATE"), &key),
        two("certificate-twice", &(cert.clone() + &cert), &key),
        two("no-final-newline", cert.trim_end(), key.trim_end()),
        ("certificate-der".to_owned(), vec![rsa.certificate.to_der()?, key.clone().into_bytes()]),
        one("pkcs-12", pkcs12),
        two("other-key", &cert, &ec.key_pem()?),
        two("other-key-of-the-same-kind", &cert, &lab.issue_by(ca, &user().key("rsa-2048-other"))?.key_pem()?),
    ])
}

/// Certificates that the server, or OpenSSL in a client, does not like.
fn invalid(lab: &Lab, ca: &Issued) -> Result<Vec<Form>> {
    let cases = [
        ("expired", user().days(-9, -1)),
        ("not-yet-valid", user().days(1, 9)),
        ("for-servers", user().with("extendedKeyUsage", "serverAuth")),
        ("for-both", user().with("extendedKeyUsage", "serverAuth,clientAuth")),
        ("without-purpose", user().with("extendedKeyUsage", "")),
        ("without-extensions", user().bare()),
        ("may-only-encrypt", user().with("keyUsage", "critical,keyEncipherment")),
        ("is-an-authority", user().with("basicConstraints", "critical,CA:TRUE")),
        ("unknown-extension-critical", user().with("1.3.6.1.4.1.9999.2", "critical,ASN1:UTF8String:unknown")),
    ];
    let mut forms: Vec<_> =
        cases.iter().map(|(name, blueprint)| pair(name, &lab.issue_by(ca, blueprint)?)).collect::<Result<_>>()?;
    forms.push(pair("of-another-authority", &lab.issue(&user())?)?);
    forms.push(pair("self-signed", &lab.self_signed(&user())?)?);
    let rsa = lab.self_signed(&Blueprint::authority("User CA").key("rsa-2048-other"))?;
    forms.push(pair("signed-with-sha1", &lab.issue_by(&rsa, &user().digest("sha1"))?)?);
    Ok(forms)
}

fn chains(lab: &Lab, ca: &Issued) -> Result<Vec<Form>> {
    let between = lab.issue_by(ca, &Blueprint::authority("Users"))?;
    let below = lab.issue_by(&between, &Blueprint::authority("Users of a site"))?;
    let own = lab.issue_by(&below, &user().key("rsa-2048"))?;
    let key = own.key_pem()?.into_bytes();
    let with = |name: &str, order: &[&Issued]| -> Result<Form> {
        let certificates: String = order.iter().map(|one| one.pem()).collect::<Result<_>>()?;
        Ok((name.to_owned(), vec![certificates.into_bytes(), key.clone()]))
    };
    Ok(vec![
        with("chain", &[&own, &below, &between])?,
        with("chain-with-root", &[&own, &below, &between, ca])?,
        with("chain-reversed", &[&own, &between, &below])?,
        with("chain-first", &[&below, &between, &own])?,
        with("chain-missing", &[&own])?,
        with("chain-partly-missing", &[&own, &below])?,
        with("chain-with-stranger", &[&own, &lab.root, &below, &between])?,
    ])
}

/// Proxies: each with its key and its chain, in one file.
fn proxies(lab: &Lab, ca: &Issued) -> Result<Vec<Form>> {
    let name = [("O", "Laboratory"), ("CN", "Jane Doe")];
    let own = lab.issue_by(ca, &user().key("rsa-2048"))?;
    let expired = lab.issue_by(ca, &user().key("rsa-2048").days(-9, -1))?;
    let proxy_of = |issuer: &Issued, parts: &[(&str, &str)], change: &dyn Fn(Blueprint) -> Blueprint| {
        let blueprint = Blueprint::new("").subject(&[&name[..], parts].concat()).key("rsa-2048-other");
        let blueprint = blueprint.with("keyUsage", "critical,digitalSignature,keyEncipherment");
        lab.issue_by(issuer, &change(blueprint))
    };
    let rfc = |blueprint: Blueprint| blueprint.with("proxyCertInfo", PROXY);
    let first = proxy_of(&own, &[("CN", "123456")], &rfc)?;
    let second = proxy_of(&first, &[("CN", "123456"), ("CN", "789")], &|it| rfc(it).key("p-256"))?;
    let limited = "critical,language:1.3.6.1.4.1.3536.1.1.1.9";
    let limited = proxy_of(&own, &[("CN", "limited proxy")], &|it| it.with("proxyCertInfo", limited))?;
    let old = proxy_of(&own, &[("CN", "proxy")], &|it| it)?;
    let ended = proxy_of(&own, &[("CN", "1")], &|it| rfc(it).days(-2, -1))?;
    let of_expired = proxy_of(&expired, &[("CN", "1")], &rfc)?;
    let small = proxy_of(&own, &[("CN", "1")], &|it| rfc(it).key("rsa-1024"))?;
    let misnamed = proxy_of(&own, &[("O", "1")], &rfc)?;
    let form = |name: &str, proxy: &Issued, chain: &[&X509]| -> Result<Form> {
        let chain = super::certificate::pem(chain.iter().copied())?;
        Ok(one(&format!("proxy-{name}"), proxy.pem()? + &traditional(&proxy.key)? + &chain))
    };
    let (own, first_one) = (&own.certificate, &first.certificate);
    Ok(vec![
        form("rfc-3820", &first, &[own])?,
        form("with-root", &first, &[own, &ca.certificate])?,
        form("of-a-proxy", &second, &[first_one, own])?,
        form("of-a-proxy-chain-reversed", &second, &[own, first_one])?,
        form("limited", &limited, &[own])?,
        form("old-form", &old, &[own])?,
        form("without-chain", &first, &[])?,
        form("expired", &ended, &[own])?,
        form("of-an-expired-certificate", &of_expired, &[&expired.certificate])?,
        form("of-1024-bits", &small, &[own])?,
        form("misnamed", &misnamed, &[own])?,
        one("proxy-chain-before-key", first.pem()? + &super::certificate::pem([own])? + &traditional(&first.key)?),
    ])
}
