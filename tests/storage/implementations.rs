//! Selecting the implementation of a protocol, by option and by configuration.

use anyhow::{Result, ensure};

use crate::fixtures::Home;
use crate::support::Outcome;

/// Downloads with implementations that the configuration prefers.
fn download(home: &Home, preferred: &str, words: &[&str]) -> Result<Outcome> {
    let login = "auth_type = userpass\nusername = jdoe\npassword = secret";
    let config = home.testbed_config(&format!("{login}\n[download]\npreferred_impl = {preferred}"))?;
    let proxy = Home::certificate("jdoe.proxy.pem")?;
    let rucio = home.ours().env("RUCIO_CONFIG", &config).env("X509_USER_PROXY", &proxy.to_string_lossy());
    rucio.folder(home.path()).args(["download"]).args(words).run()
}

fn expect(outcome: &Outcome, code: i32, part: &str) -> Result<()> {
    let (stdout, stderr) = (&outcome.stdout, &outcome.stderr);
    ensure!(outcome.code == code, "{} instead of {code}\n{stdout}\n{stderr}", outcome.code);
    ensure!(stderr.contains(part), "{part} is not in\n{stdout}\n{stderr}");
    Ok(())
}

/// The replicas are in any order; the preferred one is used.
#[test]
fn implementation_that_is_configured_is_used_where_it_is_offered() -> Result<()> {
    for (preferred, rse) in [("posix", "from POSIX"), ("nosuch, xrootd", "from XRD1")] {
        let home = Home::new()?;
        let outcome = download(&home, preferred, &["test:replicated.dat"])?;
        expect(&outcome, 0, &format!("{rse}: test:replicated.dat \n"))?;
        ensure!(outcome.stderr.matches("Using PFN").count() == 1, "{}", outcome.stderr);
    }
    let home = Home::new()?;
    expect(&download(&home, "posix", &["test:one-davs.dat"])?, 0, "from DAVS")?;
    // Who names a protocol means it.
    let home = Home::new()?;
    expect(&download(&home, "posix", &["--protocol", "https", "test:replicated.dat"])?, 0, "from DAVS")
}

#[test]
fn implementation_that_is_not_offered_is_reported() -> Result<()> {
    let home = Home::new()?;
    let proxy = Home::certificate("jdoe.proxy.pem")?;
    let rucio = home.ours().config("userpass")?.env("X509_USER_PROXY", &proxy.to_string_lossy());
    let outcome = rucio.folder(home.path()).args(["download", "--impl", "ssh.Rsync", "test:one-davs.dat"]).run()?;
    expect(&outcome, 1, "(DAVS offers no https by rucio.rse.protocols.ssh.Rsync)")
}
