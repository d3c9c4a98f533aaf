//! What an XRootD server may send: whatever it is, the client ends soon, takes no more bytes than were announced, and
//! tells nobody a secret.
//!
//! The bytes go over real connections on loopback to the client, as a hostile server would send them, whatever it is
//! asked: handshake, login, authentication, redirects, metadata, bytes of the file.

use std::time::Duration;

use rucio::http::tls::client_config_of_all;
use rucio::secret::Secret;
use rucio::storage::http::StorageToken;
use rucio::storage::write::{Sent, StorageWriter};
use rucio::storage::xrootd::{SessionSettings, XrootdFiles};
use rucio::storage::{ByteRange, ObjectReader, Pfn, RangeRequest, Result, Storage};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::runtime::{Builder, Runtime};

/// Separates what is sent over one connection from what is sent over the next.
const SEPARATOR: &[u8] = b"\xff\xfe\xfd\xfc";
/// More connections than these are not accepted: each costs time.
const CONNECTIONS: usize = 6;
/// How long the client waits for bytes that do not come.
const SILENCE: Duration = Duration::from_millis(50);
/// What never takes longer: a server may ask for waits of up to a minute for each request, and there are up to four.
const LIMIT: Duration = Duration::from_secs(300);
/// Handshake, protocol and login of a server without faults. Sent first if the first byte is even.
const GREETING: &[u8] = b"\0\0\0\0\0\0\0\x08\0\0\x05\x11\0\0\0\x01\0\0\0\0\0\0\0\x08\0\0\x05\x11\0\0\0\x01\
                          \0\x01\0\0\0\0\0\x10sessionsessionse";
/// The token that is at hand.
const TOKEN: &str = "very.secret.token";

thread_local! {
    static RUNTIME: Runtime = Builder::new_current_thread().enable_all().build().expect("a runtime");
}

/// Asks a server that sends these bytes. The first byte says what for.
pub fn xrootd(data: &[u8]) {
    let Some((kind, sent)) = data.split_first() else { return };
    RUNTIME.with(|runtime| {
        runtime.block_on(async {
            let all = tokio::time::timeout(LIMIT, ask(*kind, sent));
            assert!(all.await.is_ok(), "it does not end");
        });
    });
}

fn client() -> XrootdFiles {
    XrootdFiles::new(SessionSettings {
        connect_timeout: SILENCE,
        idle_timeout: SILENCE,
        user: "tester".to_owned(),
        tls: client_config_of_all(&[], None).expect("a configuration"),
        identity: None,
        tokens: StorageToken::new(&Secret::from(TOKEN), Vec::new()).into_iter().collect(),
        methods: None,
        keytab: None,
        trusts_dns: false,
        kerberos: |_| Err("there is no ticket".to_owned()),
    })
}

async fn ask(kind: u8, sent: &[u8]) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let port = listener.local_addr().expect("an address").port();
    let pfn = Pfn::new(format!("root://127.0.0.1:{port}//file"));
    let answers = parts(sent);
    let greeting = if kind.is_multiple_of(2) { GREETING } else { b"" };
    let serving = async {
        for answer in answers.iter().cycle().take(CONNECTIONS) {
            let (mut stream, _) = listener.accept().await.expect("a connection");
            let (mut incoming, mut outgoing) = stream.split();
            // The client may have had enough at any time.
            let _ = outgoing.write_all(&[greeting, *answer].concat()).await;
            let _ = outgoing.shutdown().await;
            let mut heard = Vec::new();
            let _ = tokio::time::timeout(SILENCE, incoming.read_to_end(&mut heard)).await;
            assert!(!heard.windows(TOKEN.len()).any(|part| part == TOKEN.as_bytes()), "a token goes over plain TCP");
        }
        drop(listener);
        std::future::pending::<()>().await;
    };
    let asking = async {
        let files = client();
        match kind / 2 % 4 {
            0 => _ = told(read(files.get(&pfn, None).await, 0).await),
            1 => {
                let request = RangeRequest { range: ByteRange::new(2, 6), whole: 9, version: None };
                let part = files.get_range(&pfn, &request).await;
                if let Some(part) = told(part).flatten() {
                    told(read(Ok(part), 4).await);
                }
            }
            2 => _ = told(files.inspect(&pfn).await),
            _ => {
                let local = tempfile::NamedTempFile::new().expect("a file");
                told(files.put(local.path(), &pfn, &Sent::default()).await);
                told(files.rename(&pfn, &Pfn::new(format!("{pfn}2"))).await);
            }
        }
    };
    tokio::select! { () = serving => {} () = asking => {} }
}

fn parts(mut bytes: &[u8]) -> Vec<&[u8]> {
    let mut parts = Vec::new();
    while let Some(place) = bytes.windows(SEPARATOR.len()).position(|part| part == SEPARATOR) {
        parts.push(&bytes[..place]);
        bytes = &bytes[place + SEPARATOR.len()..];
    }
    parts.push(bytes);
    parts
}

/// Reads to the end. What is complete has the announced length: that of the file, or of the range.
async fn read(reader: Result<ObjectReader>, range: u64) -> Result<()> {
    let mut reader = reader?;
    let expected = if range > 0 { Some(range) } else { reader.length };
    let mut bytes = 0;
    while let Some(chunk) = reader.next().await? {
        bytes += chunk.len() as u64;
        assert!(expected.is_none_or(|expected| bytes <= expected), "{bytes} bytes of {expected:?}");
    }
    assert!(expected.is_none_or(|expected| bytes == expected), "{bytes} bytes of {expected:?}");
    Ok(())
}

/// No message has the token.
fn told<T>(result: Result<T>) -> Option<T> {
    result.inspect_err(|error| assert!(!error.message.contains("secret"), "{error}")).ok()
}
