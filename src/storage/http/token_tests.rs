//! Tests with real TLS servers: to which servers a token is sent.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::sync::mpsc;
use std::time::Duration;

use openssl::asn1::Asn1Time;
use openssl::bn::BigNum;
use openssl::hash::MessageDigest;
use openssl::pkey::{PKey, Private};
use openssl::rsa::Rsa;
use openssl::ssl::{SslAcceptor, SslMethod};
use openssl::x509::extension::SubjectAlternativeName;
use openssl::x509::{X509, X509NameBuilder};
use reqwest::header::HeaderValue;

use super::{Access, StorageToken, WebStorage};
use crate::config::CaSource;
use crate::http::tls::client_config_of_all;
use crate::storage::{Storage, StorageError, StorageErrorKind};
use crate::testing::sized;

/// A server with a self-signed certificate for localhost. It is no `HttpServer`, which does not speak TLS.
struct Site(X509, PKey<Private>);

impl Site {
    fn new() -> Self {
        let key = PKey::from_rsa(Rsa::generate(2048).unwrap()).unwrap();
        let mut name = X509NameBuilder::new().unwrap();
        name.append_entry_by_text("CN", "localhost").unwrap();
        let name = name.build();
        let mut cert = X509::builder().unwrap();
        cert.set_version(2).unwrap();
        cert.set_serial_number(&BigNum::from_u32(1).unwrap().to_asn1_integer().unwrap()).unwrap();
        cert.set_subject_name(&name).unwrap();
        cert.set_issuer_name(&name).unwrap();
        cert.set_pubkey(&key).unwrap();
        cert.set_not_before(&Asn1Time::days_from_now(0).unwrap()).unwrap();
        cert.set_not_after(&Asn1Time::days_from_now(1).unwrap()).unwrap();
        let names = SubjectAlternativeName::new().dns("localhost").build(&cert.x509v3_context(None, None)).unwrap();
        cert.append_extension(names).unwrap();
        cert.sign(&key, MessageDigest::sha256()).unwrap();
        Self(cert.build(), key)
    }

    /// Starts a server that sends the next response on each connection. The requests are returned through the channel.
    fn serve(&self, answers: Vec<String>) -> (String, mpsc::Receiver<String>) {
        let mut acceptor = SslAcceptor::mozilla_intermediate(SslMethod::tls_server()).unwrap();
        acceptor.set_certificate(&self.0).unwrap();
        acceptor.set_private_key(&self.1).unwrap();
        let acceptor = acceptor.build();
        let listener = TcpListener::bind("localhost:0").unwrap();
        let base = format!("https://localhost:{}", listener.local_addr().unwrap().port());
        let (asked, requests) = mpsc::channel();
        std::thread::spawn(move || {
            for answer in answers {
                // A client that rejects the certificate closes the connection here; the thread then ends.
                let Ok(mut stream) = acceptor.accept(listener.accept().unwrap().0) else { return };
                let mut request = vec![0; 4096];
                let read = stream.read(&mut request).unwrap();
                asked.send(String::from_utf8_lossy(&request[..read]).to_ascii_lowercase()).unwrap();
                stream.write_all(answer.as_bytes()).unwrap();
                stream.shutdown().ok();
            }
        });
        (base, requests)
    }

    /// Returns a storage that trusts this server.
    fn storage(&self, has_certificate: bool) -> WebStorage {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(&self.0.to_pem().unwrap()).unwrap();
        with_trusted(&[CaSource::File(file.path().to_owned())], has_certificate)
    }
}

fn with_trusted(cas: &[CaSource], has_certificate: bool) -> WebStorage {
    let tls = client_config_of_all(cas, None).unwrap();
    WebStorage::new(Access {
        anonymous_tls: tls.clone(),
        tls,
        has_certificate,
        tokens: StorageToken::new(&"a.b.c".into(), Vec::new()).into_iter().collect(),
        user_agent: HeaderValue::from_static("test"),
        connect_timeout: Duration::from_secs(5),
        idle_timeout: Duration::from_secs(5),
    })
    .unwrap()
}

async fn fetch(storage: &WebStorage, pfn: &str) -> Result<Vec<u8>, StorageError> {
    let mut reading = storage.get(&pfn.into(), None).await?;
    let mut bytes = Vec::new();
    while let Some(chunk) = reading.next().await? {
        bytes.extend_from_slice(&chunk);
    }
    Ok(bytes)
}

fn has_token(request: &str) -> bool {
    request.contains("authorization: bearer a.b.c")
}

#[tokio::test]
async fn token_without_a_certificate_is_sent_at_once_but_not_after_a_redirect() {
    let site = Site::new();
    let (target, target_asked) = site.serve(vec![sized("200 OK", "", "there")]);
    let redirect = sized("302 Found", &format!("Location: {target}/x\r\n"), "");
    let (home, home_asked) = site.serve(vec![redirect]);
    assert_eq!(fetch(&site.storage(false), &home).await.unwrap(), b"there");
    assert!(has_token(&home_asked.recv().unwrap()));
    assert!(!has_token(&target_asked.recv().unwrap()));
}

#[tokio::test]
async fn token_with_a_certificate_is_sent_only_to_a_host_that_refused() {
    let site = Site::new();
    let fine = sized("200 OK", "", "fine");
    let (home, asked) = site.serve(vec![sized("401 Unauthorized", "", ""), fine.clone(), fine]);
    let storage = site.storage(true);
    assert_eq!(fetch(&storage, &home).await.unwrap(), b"fine");
    assert_eq!(fetch(&storage, &home).await.unwrap(), b"fine");
    assert_eq!([0; 3].map(|_| has_token(&asked.recv().unwrap())), [false, true, true]);
}

#[tokio::test]
async fn token_is_not_needed_by_a_signed_address() {
    let site = Site::new();
    let (home, asked) = site.serve(vec![sized("403 Forbidden", "", "")]);
    let error = fetch(&site.storage(false), &format!("{home}/f?X-Amz-Signature=0")).await.unwrap_err();
    assert_eq!(error.kind, StorageErrorKind::Denied);
    assert!(!has_token(&asked.recv().unwrap()));
}

#[tokio::test]
async fn token_is_not_sent_to_an_untrusted_host() {
    let site = Site::new();
    let (home, asked) = site.serve(vec![sized("200 OK", "", "evil")]);
    let error = fetch(&with_trusted(&[], false), &home).await.unwrap_err();
    assert_eq!((error.kind, error.is_retryable()), (StorageErrorKind::Refused, false), "{error}");
    assert!(asked.recv().is_err());
}
