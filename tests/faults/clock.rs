//! Tokens of the real server, and a clock that is wrong.

use anyhow::{Result, ensure};

use crate::fixtures::Home;
use crate::fixtures::clock::{TIME_OF_DAY, library};
use crate::fixtures::download::ended;

/// A new token is requested when the old one has expired by the local clock; the server, whose clock is right, accepts both.
#[test]
fn clock_wrong_by_hours_renews_tokens() -> Result<()> {
    let home = Home::new()?;
    let proxy = Home::certificate("jdoe.proxy.pem")?;
    let mut tokens = Vec::new();
    for time in ["+0", "-3h", "+3h"] {
        let rucio = home.ours().config("userpass")?.env("X509_USER_PROXY", &proxy.to_string_lossy());
        let rucio = rucio.env("LD_PRELOAD", &library()?).env("FAKETIME", time);
        let rucio = TIME_OF_DAY.iter().fold(rucio, |rucio, (name, value)| rucio.env(name, value));
        ended(&rucio.args(["download", "test:davsfile-0.dat"]).run()?, 0)?;
        tokens.push(home.token()?);
    }
    ensure!(tokens[0] == tokens[1] && tokens[1] != tokens[2], "{tokens:?}");
    Ok(())
}
