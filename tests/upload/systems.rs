//! Storage systems as their public issues describe them: whole imitations, for what the testbed does not have.

use std::collections::{HashMap, HashSet};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use anyhow::{Result, ensure};

use super::faults::head;
use super::{Fixture, expect};
use crate::fixtures::download::{DownloadFixture, bytes, ended};
use crate::fixtures::http_server::Ending;
use crate::fixtures::{Answer, ReceivedRequest, Server};

/// What distinguishes the systems.
#[derive(Debug, Clone, Copy)]
struct System {
    name: &'static str,
    /// The parameter of the address at the disk node that a door redirects reads and writes to; `None`: no redirects.
    ticket: Option<&'static str>,
    /// Whether a ticket is valid for one request.
    once: bool,
    /// Whether `PUT` replaces files.
    replaces: bool,
}

const SYSTEMS: [System; 3] = [
    // dCache/dcache#8078: a ticket is used up by the first request; #6455: a file is not replaced.
    System { name: "dCache", ticket: Some("dcache-http-uuid"), once: true, replaces: false },
    // xrootd/xrootd#1638 and pull request 1650: PUT is redirected with 307, as GET is; cern-eos/eos#38.
    System { name: "EOS", ticket: Some("cap.msg"), once: false, replaces: true },
    // rclone/rclone#6092: StoRM WebDAV knows the Adler-32 of its files.
    System { name: "StoRM", ticket: None, once: false, replaces: true },
];

/// The files, and what the node has answered.
#[derive(Debug, Default)]
struct Disk {
    files: Mutex<HashMap<String, Vec<u8>>>,
    folders: Mutex<HashSet<String>>,
    tickets: AtomicUsize,
    used: Mutex<HashSet<String>>,
    reads: AtomicUsize,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Disk {
    /// Reads and writes. The first read breaks off in the middle.
    fn serve(&self, heard: &ReceivedRequest, path: &str) -> Answer {
        if heard.request.starts_with("PUT") {
            lock(&self.files).insert(path.to_owned(), heard.body.clone());
            return Answer::new(201, "", "");
        }
        let files = lock(&self.files);
        let Some(content) = files.get(path) else { return Answer::new(404, "", "") };
        let range = heard.header("range").and_then(|range| range.strip_prefix("bytes=")?.split_once('-'));
        let answer = match range.and_then(|(first, _)| first.parse::<usize>().ok()) {
            Some(first) => {
                let range = format!("Content-Range: bytes {first}-{}/{}\r\n", content.len() - 1, content.len());
                Answer::sized("206 Partial Content", &format!("ETag: \"1\"\r\n{range}"), &content[first..])
            }
            None => Answer::sized("200 OK", "ETag: \"1\"\r\n", content),
        };
        match self.reads.fetch_add(1, Ordering::SeqCst) {
            0 => answer.ending(content.len() / 2, Ending::Close),
            _ => answer,
        }
    }

    /// Answers all that concerns names.
    fn manage(&self, heard: &ReceivedRequest, path: &str) -> Answer {
        let (mut files, mut folders) = (lock(&self.files), lock(&self.folders));
        let status = match heard.request.split(' ').next().unwrap_or_default() {
            "HEAD" => {
                let Some(content) = files.get(path) else { return Answer::new(404, "", "") };
                let digest = format!("Digest: adler32={:08x}\r\n", simd_adler32::adler32(&content.as_slice()));
                let wants_it = heard.header("want-digest").is_some_and(|wanted| wanted.contains("adler32"));
                return head(if wants_it { &digest } else { "" }, content.len());
            }
            "MKCOL" if folders.insert(path.to_owned()) => 201,
            "MKCOL" => 405,
            "PROPFIND" if folders.contains(path) => 207,
            "DELETE" if folders.remove(path) || files.remove(path).is_some() => 204,
            "MOVE" => {
                let to = heard.header("destination").and_then(|to| to.splitn(4, '/').nth(3)).unwrap_or_default();
                let to = format!("/{to}");
                if files.contains_key(&to) && heard.header("overwrite") == Some("F") {
                    412
                } else {
                    let moved = files.remove(path).map(|content| files.insert(to, content));
                    if moved.is_some() { 201 } else { 404 }
                }
            }
            _ => 404,
        };
        Answer::new(status, "", "")
    }
}

/// Starts the door of the system, and the node if it has one, which lives as long.
fn start(system: System, disk: &Arc<Disk>) -> Result<(Server, Server)> {
    let (at_node, at_door) = (disk.clone(), disk.clone());
    let node = Server::start(move |heard, _| {
        let target = heard.request.split(' ').nth(1).unwrap_or_default();
        let (path, ticket) = target.split_once('?').unwrap_or((target, ""));
        let is_new = lock(&at_node.used).insert(ticket.to_owned());
        if system.once && !is_new { Answer::new(400, "", "") } else { at_node.serve(heard, path) }
    })?;
    let url = node.url().to_owned();
    let door = Server::start(move |heard, _| {
        let (method, path) = heard.request.split_once(' ').unwrap_or_default();
        let exists = lock(&at_door.files).contains_key(path);
        match (method, system.ticket) {
            ("GET", _) if !exists => Answer::new(404, "", ""),
            ("PUT", _) if exists && !system.replaces => Answer::new(409, "", ""),
            ("GET" | "PUT", Some(ticket)) => {
                let number = at_door.tickets.fetch_add(1, Ordering::SeqCst);
                Answer::new(307, &format!("Location: {url}{path}?{ticket}={number}\r\n"), "")
            }
            ("GET" | "PUT", None) => at_door.serve(heard, path),
            _ => at_door.manage(heard, path),
        }
    })?;
    Ok((door, node))
}

#[test]
fn system_takes_a_file_that_comes_back_in_two_parts() -> Result<()> {
    for system in SYSTEMS {
        let name = system.name;
        let (disk, content) = (Arc::<Disk>::default(), bytes(1, 300_000));
        let (door, _node) = start(system, &disk)?;
        let pfn = format!("{}/x", door.url());
        let upload = |content: &[u8]| {
            let fixture = Fixture::new("userpass")?;
            let file = fixture.file(content)?;
            fixture.upload("DAV", &["--pfn", &pfn, &file])
        };
        expect(&upload(&content)?, 0)?;
        ensure!(*lock(&disk.files) == HashMap::from([("/x".to_owned(), content.clone())]), "{name}: other files");
        ensure!(lock(&disk.folders).is_empty(), "{name}: {:?}", lock(&disk.folders));
        let other = upload(b"another file")?;
        ensure!(other.code == 79, "{name}: {}\n{}", other.code, other.stderr);
        ensure!(lock(&disk.files).get("/x") == Some(&content), "{name}: the file was replaced");
        let mut world = DownloadFixture::new()?;
        world.file("f", &content, &[&pfn]);
        ended(&world.download(&[])?, 0)?;
        world.arrived("f")?;
        ensure!(disk.reads.load(Ordering::SeqCst) == 2, "{name}: {} reads", disk.reads.load(Ordering::SeqCst));
        let resumed = door.heard().iter().filter(|heard| heard.header("range").is_some()).count();
        ensure!(resumed == 1, "{name}: {resumed} ranges");
    }
    Ok(())
}
