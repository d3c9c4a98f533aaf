//! TLS with a certificate of the test's choice, in front of a server that speaks none.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

use anyhow::Result;
use openssl::ssl::{SslAcceptor, SslMethod, SslStream, SslVerifyMode};

use super::{Home, Party, Server};
use crate::support::Rucio;

/// A TLS server that passes requests on. It asks for a client certificate and takes any, or none.
#[derive(Debug)]
pub(crate) struct TlsFront {
    port: u16,
    shown: Arc<Mutex<Vec<Vec<String>>>>,
}

impl TlsFront {
    /// Starts it with this certificate.
    pub(crate) fn start(behind: &Server, host: &Party) -> Result<Self> {
        Self::with(behind, host, &[], None)
    }

    /// The same, sending these certificates, too.
    pub(crate) fn with_chain(behind: &Server, host: &Party, others: &[&Party]) -> Result<Self> {
        Self::with(behind, host, others, None)
    }

    /// The same, but client certificates must be of that authority, and good at this time (in seconds since 1970).
    pub(crate) fn strict(behind: &Server, host: &Party, ca: &Party, time: i64) -> Result<Self> {
        Self::with(behind, host, &[], Some((ca, time)))
    }

    fn with(behind: &Server, host: &Party, others: &[&Party], strict: Option<(&Party, i64)>) -> Result<Self> {
        let mut acceptor = SslAcceptor::mozilla_intermediate_v5(SslMethod::tls())?;
        acceptor.set_private_key(&host.key)?;
        acceptor.set_certificate(&host.certificate)?;
        for other in others {
            acceptor.add_extra_chain_cert(other.certificate.clone())?;
        }
        acceptor.set_session_id_context(b"front")?;
        match strict {
            Some((ca, time)) => {
                acceptor.cert_store_mut().add_cert(ca.certificate.clone())?;
                acceptor.verify_param_mut().set_time(time);
                acceptor.set_verify(SslVerifyMode::PEER);
            }
            None => acceptor.set_verify_callback(SslVerifyMode::PEER, |_, _| true),
        }
        let (acceptor, listener) = (acceptor.build(), TcpListener::bind("127.0.0.1:0")?);
        let front = Self { port: listener.local_addr()?.port(), shown: Arc::default() };
        let (address, shown) = (behind.url().trim_start_matches("http://").to_owned(), front.shown.clone());
        // It ends with the test process.
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (acceptor, address, shown) = (acceptor.clone(), address.clone(), shown.clone());
                thread::spawn(move || {
                    // Clients that do not like the certificate leave.
                    let Ok(stream) = acceptor.accept(stream) else { return };
                    shown.lock().unwrap_or_else(PoisonError::into_inner).push(names(&stream));
                    let _ = pass_on(stream, &address);
                });
            }
        });
        Ok(front)
    }

    /// `https://localhost:port`.
    pub(crate) fn url(&self) -> String {
        format!("https://localhost:{}", self.port)
    }

    /// The last parts of the names on the certificates that clients showed, a list for each connection.
    pub(crate) fn shown(&self) -> Vec<Vec<String>> {
        self.shown.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Our client in this home, configured for this server as jdoe, trusting the authorities at `ca`.
    pub(crate) fn client(&self, home: &Home, ca: &str, lines: &str) -> Result<Rucio> {
        let url = self.url();
        let config =
            home.config(&format!("rucio_host = {url}\nauth_host = {url}\naccount = jdoe\nca_cert = {ca}\n{lines}"))?;
        Ok(home.ours().env("RUCIO_CONFIG", &config))
    }
}

fn names(stream: &SslStream<TcpStream>) -> Vec<String> {
    let chain = stream.ssl().peer_cert_chain().into_iter().flatten();
    let last = chain.filter_map(|one| one.subject_name().entries().last()?.data().to_string().ok());
    // The server's side of OpenSSL keeps the client's own certificate apart.
    let own = stream.ssl().peer_certificate();
    let own = own.and_then(|own| own.subject_name().entries().last()?.data().to_string().ok());
    own.into_iter().chain(last).collect()
}

/// One request (without a body) and its answer.
fn pass_on(mut stream: SslStream<TcpStream>, address: &str) -> Result<()> {
    let mut behind = TcpStream::connect(address)?;
    let (mut head, mut buffer) = (Vec::new(), [0; 4096]);
    while !head.ends_with(b"\r\n\r\n") {
        let length = stream.read(&mut buffer)?;
        if length == 0 {
            return Ok(());
        }
        head.extend_from_slice(&buffer[..length]);
    }
    behind.write_all(&head)?;
    std::io::copy(&mut behind, &mut stream)?;
    stream.shutdown()?;
    Ok(())
}
