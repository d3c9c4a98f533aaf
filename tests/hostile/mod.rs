//! A hostile folder meets the real server. (tests/standalone has the other hostile names, listings and documents.)

use std::fs;

use anyhow::{Result, ensure};

use crate::fixtures::Home;
use crate::fixtures::grid::GRID;
use crate::fixtures::sandbox::{Sandbox, ended, fill};
use crate::support::{Rucio, unique};

const CONTENT: &str = "this is a file like any other\n";

/// Fifos, sockets and devices are never opened: reading them would never end, or take something away from others. What
/// the server refuses for its name fails alone.
#[test]
fn upload_of_a_folder_leaves_out_links_and_special_files() -> Result<()> {
    let everywhere = GRID.into_iter().flat_map(|(rse, _)| [&["--recursive"][..], &[]].map(|words| (rse, words)));
    for (rse, recursive) in everywhere {
        let sandbox = Sandbox::new()?;
        let name = unique("odd-folder-");
        let folder = sandbox.target().join(&name);
        let _socket = fill(&folder, "good-0.dat", "this is file 0\n")?;
        let fine = unique("odd-fine-");
        fs::write(folder.join(&fine), CONTENT)?;
        let home = Home::new()?;
        let rucio = || -> Result<Rucio> {
            let proxy = Home::certificate("jdoe.proxy.pem")?;
            let rucio = home.ours().config("userpass")?.folder(&sandbox.target());
            Ok(rucio.env("X509_USER_PROXY", &proxy.to_string_lossy()))
        };
        let words = ["upload", "--rse", rse, "--scope", "user.jdoe", "--register-after-upload"];
        let outcome = rucio()?.args(words).args(recursive).args([&name]).run()?;
        ended(&outcome, 1)?;
        ensure!(outcome.stderr.contains(&format!("Successfully uploaded file {fine}")), "{}", outcome.stderr);
        for odd in ["fifo", "socket", "zero", "loop", "gone", "up"] {
            ensure!(!outcome.stderr.contains(&format!("for file {odd}\n")), "{odd}: {}", outcome.stderr);
        }
        sandbox.is_untouched()?;
        let poured = rucio()?.args(["cat", &format!("user.jdoe:{fine}")]).run()?;
        ensure!(poured.code == 0 && poured.stdout == CONTENT, "{poured:?}");
    }
    Ok(())
}
