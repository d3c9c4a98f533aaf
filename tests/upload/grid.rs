//! What grid sites have: tokens in the place of certificates, doors that send one on to the machine with the disk, and
//! what an earlier run left.

use std::fs;

use anyhow::{Result, ensure};

use super::{Desk, expect, storage, stored};
use crate::differential::the_only_run;
use crate::props::{Answer, Pty, Server, browse};
use crate::support::{Testbed, unique};

/// The link of a login by way of the Rucio server.
const LINK: &str = r"(https://\S+/auth/oidc_redirect\?\S+)\s";

/// Both clients, each with the token of a login in the browser and no certificate.
#[test]
fn a_token_opens_the_storage_where_there_is_no_certificate() -> Result<()> {
    let desk = Desk::new("oidc")?;
    let config = Testbed::get()?.config("oidc")?.to_string_lossy().into_owned();
    let terminal = Pty::ours(&desk.home, &[("RUCIO_CONFIG", &config)], &["whoami"])?;
    browse(&terminal.wait_for(LINK)?, "jdoe")?;
    ensure!(terminal.end()?.0 == 0);
    for (client, name) in [(desk.home.ours(), "ours"), (desk.home.official()?, "theirs")] {
        let name = format!("{}.{name}", desk.new);
        fs::write(desk.folder.join(&name), &name)?;
        let words = ["--legacy", "upload", "--rse", "DAVS_SCRATCHDISK", "--register-after-upload", &name];
        expect(&client.env("RUCIO_CONFIG", &config).folder(&desk.folder).args(words).run()?, 0)?;
        ensure!(fs::read(stored("davs/scratch", &name)?)? == name.as_bytes());
        ensure!(desk.state(&name, "DAVS_SCRATCHDISK")? == "AVAILABLE");
    }
    // What has been read has been proven: without the token nobody is let in.
    fs::remove_file(desk.home.token_file())?;
    let name = desk.file(b"hello")?;
    let words = ["--legacy", "upload", "--rse", "DAVS_SCRATCHDISK", "--register-after-upload", &name];
    let refused = desk.home.ours().config("userpass")?.folder(&desk.folder).args(words).run()?;
    expect(&refused, 49)
}

/// As dCache has it: the door knows names, the bytes go to the disk node that it names, which is the testbed's own WebDAV.
#[test]
fn a_door_sends_the_bytes_on_to_the_node_with_the_disk() -> Result<()> {
    let desk = Desk::new("root")?;
    let bytes: Vec<u8> = (0..3_000_000_u32).map(|number| (number % 251) as u8).collect();
    let name = desk.file(&bytes)?;
    let node = format!("{}/scratch/{name}.node", Testbed::get()?.value("DAVS")?);
    let door = Server::start(move |heard, _| match heard.request.split(' ').next().unwrap_or_default() {
        "HEAD" if !heard.request.ends_with(".rucio.upload") => Answer::new(404, "", ""),
        "MOVE" => Answer::new(201, "", ""),
        _ => Answer::new(307, &format!("Location: {node}\r\n"), ""),
    })?;
    let outcome = desk.upload("DAV", &["--pfn", &format!("{}/x", door.url()), &name])?;
    expect(&outcome, 0)?;
    let place = storage("davs/scratch")?.join(format!("{name}.node"));
    ensure!(fs::read(&place)? == bytes, "other bytes at the node");
    let asked: Vec<_> = door.heard().into_iter().map(|heard| heard.request).collect();
    ensure!(asked == ["HEAD /x", "PUT /x.rucio.upload", "HEAD /x.rucio.upload", "MOVE /x.rucio.upload"], "{asked:?}");
    Ok(fs::remove_file(place)?)
}

/// A run that was killed leaves bytes under the temporary name, and the replica as one that is being copied.
#[test]
fn what_a_killed_run_left_at_the_storage_is_replaced() -> Result<()> {
    let places =
        [("POSIX_SCRATCHDISK", "scratch"), ("DAVS_SCRATCHDISK", "davs/scratch"), ("XRD_SCRATCHDISK", "xrootd/scratch")];
    for (rse, place) in places {
        let desk = Desk::new("root")?;
        let name = desk.file(b"the right bytes")?;
        expect(&desk.upload(rse, &["--no-register", &name])?, 0)?;
        let path = stored(place, &name)?;
        let temporary = path.with_file_name(format!("{name}.rucio.upload"));
        fs::write(&path, b"half of so")?;
        fs::rename(&path, &temporary)?;
        let again = desk.upload(rse, &[&name])?;
        expect(&again, 0)?;
        ensure!(fs::read(stored(place, &name)?)? == b"the right bytes" && !temporary.exists(), "{rse}");
        ensure!(desk.state(&name, rse)? == "AVAILABLE", "{rse}");
    }
    Ok(())
}

/// An RSE whose paths follow a rule of the site's own: only its server could tell them, and this one cannot.
#[test]
fn a_rule_for_paths_that_nobody_knows_is_named_with_what_to_do() -> Result<()> {
    let _only = the_only_run();
    let desk = Desk::new("root")?;
    let (rse, name) = (unique("GRID").to_uppercase(), desk.file(b"hello")?);
    let prefix = storage("scratch")?.join("own").display().to_string();
    let both = r#"{"wan": {"read": 1, "write": 1, "delete": 1}}"#;
    let place =
        ["--scheme", "file", "--hostname", "localhost", "--port", "0", "--prefix", &prefix, "--domain-json", both];
    let class = ["--impl", "rucio.rse.protocols.posix.Default"];
    let run = |words: &[&str]| expect(&desk.rucio()?.args(["rse"]).args(words).run()?, 0);
    run(&["add", &rse])?;
    run(&["attribute", "set", &rse, "--key", "lfn2pfn_algorithm", "--value", "nosuch"])?;
    run(&[&["protocol", "add", &rse], &place[..], &class[..]].concat())?;
    let refused = desk.upload(&rse, &[&name])?;
    run(&["remove", &rse])?;
    expect(&refused, 1)?;
    let told = format!("Where files go at {rse} follows the rule 'nosuch' (lfn2pfn_algorithm)");
    ensure!(refused.stderr.contains(&told) && refused.stderr.contains("--pfn names the place."), "{}", refused.stderr);
    Ok(())
}
