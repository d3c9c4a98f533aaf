//! Storages that answer correct requests in their own way.

use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::{Result, ensure};

use super::faults::{asked, head, storage, times, upload};
use super::{Fixture, expect};
use crate::differential::the_only_run;
use crate::fixtures::{Answer, ReceivedRequest, Server};
use crate::support::unique;

type Refusal = fn() -> Answer;

const SIZE_ONLY: &str = "The storage reports no checksum";

fn is_for_digest(heard: &ReceivedRequest) -> bool {
    heard.request.starts_with("HEAD") && heard.header("want-digest").is_some()
}

/// A storage without checksums that answers those who ask for one like this. The file has this size there.
fn without_checksums(refusal: Refusal, size: usize) -> Result<Server> {
    let renamed = AtomicBool::new(false);
    Server::start(move |heard, _| match heard.request.split(' ').next().unwrap_or_default() {
        "HEAD" if is_for_digest(heard) => refusal(),
        "HEAD" if heard.request.ends_with(".rucio.upload") || renamed.load(Ordering::SeqCst) => head("", size),
        "HEAD" => Answer::new(404, "", ""),
        method => {
            renamed.fetch_or(method == "MOVE", Ordering::SeqCst);
            Answer::new(201, "", "")
        }
    })
}

#[test]
fn upload_is_verified_by_size_where_digests_are_refused() -> Result<()> {
    let refusals: [(u16, Refusal); 5] = [
        (400, || Answer::new(400, "", "")),
        (403, || Answer::new(403, "", "")),
        (405, || Answer::new(405, "", "")),
        (500, || Answer::new(500, "", "")),
        (501, || Answer::new(501, "", "")),
    ];
    for (status, refusal) in refusals {
        let server = without_checksums(refusal, 9)?;
        let outcome = upload(&Fixture::new("userpass")?, &server, &[])?;
        ensure!(outcome.code == 0, "{status}: {}\n{}", outcome.code, outcome.stderr);
        ensure!(outcome.stderr.contains(SIZE_ONLY), "{status}: {}", outcome.stderr);
        let shorter = without_checksums(refusal, 8)?;
        let outcome = upload(&Fixture::new("userpass")?, &shorter, &[])?;
        ensure!(outcome.code == 79, "{status}: {}\n{}", outcome.code, outcome.stderr);
        ensure!(outcome.stderr.contains("Filesize mismatch. Source: 9 Destination: 8"), "{status}: {}", outcome.stderr);
    }
    Ok(())
}

/// An RSE of its own at this server. Returns its name.
fn add_rse(fixture: &Fixture, server: &Server, class: &str, attributes: &[(&str, &str)]) -> Result<String> {
    let rse = unique("GRID").to_uppercase();
    let all = r#"{"wan": {"read": 1, "write": 1, "delete": 1}}"#;
    let port = server.url().rsplit(':').next().unwrap_or_default();
    let address = ["--scheme", "http", "--hostname", "127.0.0.1", "--port", port, "--prefix", "/p"];
    let run = |words: &[&str]| expect(&fixture.rucio()?.args(["rse"]).args(words).run()?, 0);
    run(&["add", &rse])?;
    for (key, value) in attributes {
        run(&["attribute", "set", &rse, "--key", key, "--value", value])?;
    }
    run(&[&["protocol", "add", &rse], &address[..], &["--domain-json", all, "--impl", class]].concat())?;
    Ok(rse)
}

#[test]
fn upload_verified_by_size_is_no_warning_where_the_rse_has_no_checksums() -> Result<()> {
    let _only = the_only_run();
    let fixture = Fixture::new("root")?;
    let server = without_checksums(|| Answer::new(405, "", ""), 9)?;
    let class = "rucio.rse.protocols.gfal.Default";
    let rse = add_rse(&fixture, &server, class, &[("verify_checksum", "False")])?;
    let name = fixture.file(b"Wikipedia")?;
    let outcome = fixture.upload(&rse, &["--no-register", &name]);
    expect(&fixture.rucio()?.args(["rse", "remove", &rse]).run()?, 0)?;
    let outcome = outcome?;
    expect(&outcome, 0)?;
    ensure!(!outcome.stderr.contains(SIZE_ONLY), "{}", outcome.stderr);
    Ok(())
}

/// A checksum that the storage computes for longer than its gateway, or the client, waits.
#[test]
fn upload_whose_checksum_is_not_reported_in_time_is_verified_by_size() -> Result<()> {
    let refusals: [(&str, Refusal); 2] = [("504", || Answer::new(504, "", "")), ("closed", || Answer::raw(b"", b""))];
    for (case, refusal) in refusals {
        for (size, code) in [(9, 0), (8, 79)] {
            let renamed = AtomicBool::new(false);
            let server = Server::start(move |heard, _| match heard.request.split(' ').next().unwrap_or_default() {
                "HEAD" if heard.request == "HEAD /x" && !renamed.load(Ordering::SeqCst) => Answer::new(404, "", ""),
                "HEAD" if is_for_digest(heard) => refusal(),
                "HEAD" => head("", size),
                method => {
                    renamed.fetch_or(method == "MOVE", Ordering::SeqCst);
                    Answer::new(201, "", "")
                }
            })?;
            let outcome = upload(&Fixture::new("userpass")?, &server, &[])?;
            ensure!(outcome.code == code, "{case}, {size}: {}\n{}", outcome.code, outcome.stderr);
            let deleted = asked(&server).iter().any(|(request, _)| request == "DELETE /x.rucio.upload");
            ensure!(deleted == (code != 0), "{case}, {size}: {:?}", asked(&server));
        }
    }
    Ok(())
}

/// A storage that replaces no file, where one of the temporary name lies.
fn with_leftover(refusal: Refusal) -> Result<Server> {
    let (has_leftover, renamed) = (AtomicBool::new(true), AtomicBool::new(false));
    Server::start(move |heard, _| {
        let is_temporary = heard.request.ends_with(".rucio.upload");
        match heard.request.split(' ').next().unwrap_or_default() {
            "PUT" if has_leftover.load(Ordering::SeqCst) => refusal(),
            "DELETE" if is_temporary => {
                has_leftover.store(false, Ordering::SeqCst);
                Answer::new(204, "", "")
            }
            "MKCOL" if !heard.request.contains(".lock.") => Answer::new(405, "", ""),
            "HEAD" if is_temporary && has_leftover.load(Ordering::SeqCst) => head("", 4),
            "HEAD" if is_temporary || renamed.load(Ordering::SeqCst) => head("Digest: adler32=11e60398\r\n", 9),
            "HEAD" => Answer::new(404, "", ""),
            method => {
                renamed.fetch_or(method == "MOVE", Ordering::SeqCst);
                Answer::new(201, "", "")
            }
        }
    })
}

#[test]
fn upload_deletes_leftovers_that_the_storage_does_not_replace() -> Result<()> {
    let refusals: [(u16, Refusal); 4] = [
        (403, || Answer::new(403, "", "")),
        (405, || Answer::new(405, "", "")),
        (409, || Answer::new(409, "", "")),
        (412, || Answer::new(412, "", "")),
    ];
    for (status, refusal) in refusals {
        let server = with_leftover(refusal)?;
        let outcome = upload(&Fixture::new("userpass")?, &server, &[])?;
        ensure!(outcome.code == 0, "{status}: {}\n{}", outcome.code, outcome.stderr);
        let deleted = times(&server, "DELETE /x.rucio.upload");
        ensure!(deleted == 1 && times(&server, "PUT /x.rucio.upload") == 2, "{status}: {:?}", asked(&server));
    }
    Ok(())
}

/// XRootD's `MKCOL` succeeds for an existing folder, and its `MOVE` replaces any file.
#[test]
fn upload_locks_by_renaming_a_folder_where_any_number_of_clients_can_create_one() -> Result<()> {
    const LOCK: &str = "/x.lock.rucio.upload";
    for is_free in [true, false] {
        let is_held = AtomicBool::new(!is_free);
        let storage = storage(move |request, _| {
            let is_folder = ["MKCOL", "PROPFIND"].iter().any(|method| request.starts_with(method));
            let is_lock = request.starts_with(&format!("MOVE {LOCK}."));
            if is_lock && is_held.swap(false, Ordering::SeqCst) {
                return Some(Answer::new(500, "", ""));
            }
            match request.split(' ').next().unwrap_or_default() {
                "PROPFIND" => Some(Answer::new(207, "", "")),
                _ if is_folder || is_lock => Some(Answer::new(201, "Server: XrootD/v5.5.3\r\n", "")),
                _ => None,
            }
        })?;
        let outcome = upload(&Fixture::new("userpass")?, &storage, &[])?;
        ensure!(outcome.code == 0, "{is_free}: {}\n{}", outcome.code, outcome.stderr);
        let heard = storage.heard();
        let moves: Vec<_> = heard.iter().filter(|heard| heard.request.starts_with("MOVE")).collect();
        ensure!(moves.len() == if is_free { 2 } else { 3 }, "{is_free}: {moves:?}");
        let target = moves[0].header("destination").unwrap_or_default();
        ensure!(target.ends_with(&format!("{LOCK}/")), "{is_free}: {moves:?}");
        let own = moves[0].request.trim_start_matches("MOVE ").to_owned();
        ensure!(times(&storage, &format!("MKCOL {own}held/")) == 1, "{is_free}: {:?}", asked(&storage));
        ensure!(times(&storage, &format!("DELETE {LOCK}/")) == 1, "{is_free}: {:?}", asked(&storage));
        let is_deleted = times(&storage, &format!("DELETE {own}")) == 1;
        ensure!(is_deleted != is_free, "{is_free}: {:?}", asked(&storage));
    }
    Ok(())
}

/// XRootD's `MOVE` replaces a file in spite of `Overwrite: F`. One that came before the lock was free stays.
#[test]
fn upload_under_a_renamed_lock_does_not_replace_a_file_that_came_in_between() -> Result<()> {
    let storage = storage(|request, before| match request.split(' ').next().unwrap_or_default() {
        "HEAD" if request == "HEAD /x" && before > 0 => Some(head("Digest: adler32=00000007\r\n", 9)),
        "MKCOL" => Some(Answer::new(201, "Server: XrootD/v5.5.3\r\n", "")),
        _ => None,
    })?;
    let outcome = upload(&Fixture::new("userpass")?, &storage, &[])?;
    expect(&outcome, 79)?;
    ensure!(outcome.stderr.contains("there is a file already"), "{}", outcome.stderr);
    ensure!(times(&storage, "MOVE /x.rucio.upload") == 0, "{:?}", asked(&storage));
    ensure!(times(&storage, "DELETE /x.rucio.upload") == 1, "{:?}", asked(&storage));
    ensure!(times(&storage, "DELETE /x.lock.rucio.upload/") == 1, "{:?}", asked(&storage));
    Ok(())
}

/// DPM responds 202 while it computes a checksum.
#[test]
fn upload_waits_for_a_checksum_that_is_being_computed() -> Result<()> {
    let storage = storage(|request, before| {
        let is_computing = request == "HEAD /x.rucio.upload" && before < 2;
        is_computing.then(|| Answer::new(202, "Retry-After: 1\r\n", ""))
    })?;
    let outcome = upload(&Fixture::new("userpass")?, &storage, &[])?;
    expect(&outcome, 0)?;
    ensure!(times(&storage, "HEAD /x.rucio.upload") == 3, "{:?}", asked(&storage));
    ensure!(!outcome.stderr.contains(SIZE_ONLY), "{}", outcome.stderr);
    Ok(())
}
