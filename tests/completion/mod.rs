//! Tab pressed in real shells: values of the testbed's server. (tests/standalone has the rest of it.)

use anyhow::{Result, ensure};

use crate::fixtures::Home;
use crate::fixtures::shell::{SHELLS, complete, offers, ready};
use crate::support::Testbed;

#[test]
fn completion_offers_values_of_the_server() -> Result<()> {
    let config = Testbed::get()?.config("userpass")?.to_string_lossy().into_owned();
    for shell in SHELLS {
        let home = Home::new()?;
        let login = home.ours().env("RUCIO_CONFIG", &config).args(["whoami"]).run()?;
        ensure!(login.code == 0, "{login:?}");
        let tmux = ready(&home, &[("RUCIO_CONFIG", &config)], &shell)?;
        complete(&tmux, "rucio rse attribute list POSIX_", "list POSIX_SCRATCHDISK ")?;
        complete(&tmux, "rucio list-account-usage ali", "list-account-usage alice ")?;
        complete(&tmux, "rucio did show mock", "rucio did show mock:")?;
        complete(&tmux, "rucio did show test:one-mul", "rucio did show test:one-multi.dat ")?;
        complete(&tmux, "rucio did show test:davsf", "rucio did show test:davsfile")?;
        complete(&tmux, "rucio did list --parent test:threew", "rucio did list --parent test:threeways ")?;
        offers(&tmux, "rucio list-rses --rses 'tier=1&country=c", &["'tier=1&country=ch"])?;
        offers(&tmux, "rucio list-rses --rses coun", &["country", "country_name"])?;
    }
    Ok(())
}
