//! Writing by `root://` without a program, with `xrdcp` as the peer: put by one, got by the other.

use std::fs;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use rucio::config::CaSource;
use rucio::http::tls::{Identity, client_config_of_all};
use rucio::storage::write::{Lock, Sent, SentDigests, StorageWriter, Stored};
use rucio::storage::xrootd::{SessionSettings, XrootdFiles};
use rucio::storage::{Pfn, Result as StorageResult, StorageErrorKind};
use tokio::runtime::Runtime;

use crate::fixtures::TODAY;
use crate::fixtures::download::bytes;
use crate::fixtures::xrootd::{GridSite, XrootdServer};

/// A client with these credentials, which waits for each of its calls.
struct Client {
    files: XrootdFiles,
    runtime: Runtime,
}

impl Client {
    fn new(site: Option<&GridSite>) -> Result<Self> {
        let cas: Vec<_> = site.map(|site| CaSource::Dir(site.ca().into())).into_iter().collect();
        let identity = site.map(|site| {
            let (_, _, proxy) = site.user(TODAY)?;
            let ask: std::sync::Arc<dyn Fn(&std::path::Path) -> std::io::Result<_> + Send + Sync> =
                std::sync::Arc::new(|_| Err(std::io::Error::other("there is no terminal")));
            Ok::<_, anyhow::Error>(Identity::load(proxy.as_ref(), None, &ask)?)
        });
        let files = XrootdFiles::new(SessionSettings {
            connect_timeout: Duration::from_secs(30),
            idle_timeout: Duration::from_secs(60),
            user: "tester".to_owned(),
            tls: client_config_of_all(&cas, None)?,
            identity: identity.transpose()?,
            tokens: Vec::new(),
            methods: None,
            keytab: None,
            trusts_dns: false,
            kerberos: |_| Err("there is no ticket".to_owned()),
        });
        Ok(Self { files, runtime: Runtime::new()? })
    }

    fn put(&self, content: &[u8], pfn: &str) -> StorageResult<Option<SentDigests>> {
        let local = tempfile::NamedTempFile::new()?;
        fs::write(local.path(), content)?;
        let sent = Sent::default();
        self.runtime.block_on(self.files.put(local.path(), &pfn.into(), &sent))?;
        Ok(sent.whole())
    }

    fn inspect(&self, pfn: &str) -> StorageResult<Option<Stored>> {
        self.runtime.block_on(self.files.inspect(&pfn.into()))
    }

    fn rename(&self, from: &str, to: &str) -> StorageResult<bool> {
        self.runtime.block_on(self.files.rename(&from.into(), &to.into()))
    }

    fn delete(&self, pfn: &str) -> StorageResult<()> {
        self.runtime.block_on(self.files.delete(&pfn.into()))
    }

    fn lock(&self, pfn: &str) -> StorageResult<Lock> {
        self.runtime.block_on(self.files.lock(&pfn.into()))
    }
}

/// Writes, inspects, renames and deletes at a server.
fn exercise(client: &Client, server: &XrootdServer, pfn: impl Fn(&str) -> String, case: &str) -> Result<()> {
    for (seed, size) in [0, 1, 1_048_576, 20_000_001].into_iter().enumerate() {
        let content = bytes(seed, size);
        let sum = simd_adler32::adler32(&&content[..]);
        let sent = client.put(&content, &pfn("deep/er/f.part")).with_context(|| format!("{case}: {size} bytes"))?;
        let digests = SentDigests { bytes: size as u64, adler32: sum, md5: None };
        ensure!(sent == Some(digests), "{case}: {sent:?}");
        ensure!(fs::read(server.place("deep/er/f.part"))? == content, "{case}: other bytes of {size}");
        let stored = client.inspect(&pfn("deep/er/f.part"))?.context("it is not there")?;
        let expected = Stored { bytes: Some(size as u64), adler32: Some(format!("{sum:08x}")), md5: None };
        ensure!(stored == expected, "{case}: {stored:?} instead of {expected:?}");
        client.rename(&pfn("deep/er/f.part"), &pfn(&format!("other/folder/a b{size}")))?;
        ensure!(fs::read(server.place(&format!("other/folder/a b{size}")))? == content, "{case}");
    }
    client.put(b"x", &pfn("g"))?;
    let taken = client.rename(&pfn("g"), &pfn("other/folder/a b0")).err().context("it was renamed")?;
    ensure!(taken.kind == StorageErrorKind::AlreadyExists, "{case}: {taken}");
    ensure!(fs::metadata(server.place("other/folder/a b0"))?.len() == 0, "{case}: it was replaced");
    let lock = Pfn::from(pfn("lock").as_str());
    ensure!(client.lock(&pfn("lock"))? == Lock::Held(lock.clone()), "{case}: not held");
    ensure!(client.lock(&pfn("lock"))? == Lock::Taken(lock), "{case}: held twice");
    client.delete(&pfn("g"))?;
    ensure!(client.inspect(&pfn("g"))?.is_none(), "{case}: not deleted");
    let gone = client.delete(&pfn("g")).err().context("it was still there")?;
    ensure!(gone.kind == StorageErrorKind::NotFound, "{case}: {gone}");
    Ok(())
}

#[test]
fn xrootd_upload_needs_no_program() -> Result<()> {
    let server = XrootdServer::start("")?;
    exercise(&Client::new(None)?, &server, |name| server.pfn(name), "anonymous")
}

#[test]
fn xrootd_upload_over_tls_and_with_signed_requests() -> Result<()> {
    let site = GridSite::new()?;
    let client = Client::new(Some(&site))?;
    let server = site.tls("capable off", "")?;
    exercise(&client, &server, |name| server.encrypted_pfn(name), "over TLS")?;
    for level in ["compatible", "standard", "intense", "pedantic"] {
        let server = site.gsi("gsi", &format!("sec.level all {level}"))?;
        exercise(&client, &server, |name| server.pfn(name), level)?;
    }
    Ok(())
}

/// A manager cannot tell the checksum, or has none configured; the server with the file can.
#[test]
fn xrootd_upload_through_a_manager_has_the_checksum_of_the_server() -> Result<()> {
    let (manager, servers) = XrootdServer::cluster(1)?;
    exercise(&Client::new(None)?, &servers[0], |name| manager.pfn(name), "through a manager")
}

#[test]
fn xrootd_checksums_are_those_that_the_server_has() -> Result<()> {
    let client = Client::new(None)?;
    let md5 = "9c677286866aad38f8e9b660f5411814";
    for (lines, adler32, md5) in [
        ("xrootd.chksum md5", None, Some(md5)),
        ("xrootd.chksum md5 adler32", Some("11e60398"), None),
        ("xrootd.chksum crc32c", None, None),
    ] {
        let server = XrootdServer::start_with(lines)?;
        client.put(b"Wikipedia", &server.pfn("f"))?;
        let stored = client.inspect(&server.pfn("f"))?.context("it is not there")?;
        let expected = Stored { bytes: Some(9), adler32: adler32.map(Into::into), md5: md5.map(Into::into) };
        ensure!(stored == expected, "{lines}: {stored:?}");
    }
    Ok(())
}

#[test]
fn xrootd_files_written_by_one_client_are_read_by_the_other() -> Result<()> {
    let server = XrootdServer::start("")?;
    let content = bytes(7, 5_000_000);
    Client::new(None)?.put(&content, &server.pfn("ours"))?;
    let folder = tempfile::tempdir()?;
    let local = folder.path().join("theirs");
    let output = Command::new("xrdcp").args(["--silent", &server.pfn("ours")]).arg(&local).output()?;
    ensure!(output.status.success() && fs::read(&local)? == content, "{}", String::from_utf8_lossy(&output.stderr));
    Ok(())
}

/// A full or protected disk, and a folder in the way: the number of the protocol is in the message.
#[test]
fn xrootd_upload_errors_have_the_number_of_the_protocol() -> Result<()> {
    let server = XrootdServer::start("all.export /readonly r/o\n")?;
    let client = Client::new(None)?;
    fs::create_dir(server.place("folder"))?;
    for (name, number) in [("folder", "[3016]"), ("none/../../x", "[3010]")] {
        let error = client.put(b"x", &server.pfn(name)).err().context("it was written")?;
        ensure!(error.message.contains(number), "{name}: {error}");
    }
    Ok(())
}
