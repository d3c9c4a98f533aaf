//! A server with several VOs: every request names one, and each has its own token folder.

use anyhow::{Result, ensure};

use crate::fixtures::{Answer, Home, Server, USER};
use crate::support::Rucio;

fn server() -> Result<Server> {
    Server::start(|_, _| Answer::json(r#"{"account": "jdoe"}"#))
}

/// Runs whoami. Returns the VO of every request, and whether the token is in the folder of that VO.
fn vos(server: &Server, home: &Home, client: Rucio) -> Result<Vec<String>> {
    let outcome = client.args(["whoami"]).run()?;
    ensure!(outcome.code == 0, "{outcome:?}");
    let vos: Vec<String> =
        server.heard_in_all().iter().map(|heard| heard.header("x-rucio-vo").unwrap_or("").into()).collect();
    ensure!(vos.len() == 2, "a login and whoami: {vos:?}");
    let vo = vos[0].as_str();
    let folder = if vo == "def" { format!(".rucio_{USER}") } else { format!(".rucio_{USER}@{vo}") };
    let file = home.path().join(USER).join(folder).join("auth_token_for_account_jdoe");
    ensure!(file.is_file(), "no {}", file.display());
    Ok(vos)
}

#[test]
fn vo_comes_from_option_variable_and_file_in_this_order() -> Result<()> {
    for (option, variable, file, wanted) in [
        (None, None, None, "def"),
        (None, None, Some("fil"), "fil"),
        (None, Some("var"), Some("fil"), "var"),
        (Some("opt"), Some("var"), Some("fil"), "opt"),
    ] {
        let (home, server) = (Home::new()?, server()?);
        let client = server.client(&home)?.env("RUCIO_VO", variable.unwrap_or_default());
        let client = client.args(option.map(|vo| ["--vo", vo]).into_iter().flatten());
        if let Some(vo) = file {
            let path = home.path().join("rucio.cfg");
            let text = std::fs::read_to_string(&path)?;
            std::fs::write(path, format!("{text}vo = {vo}\n"))?;
        }
        let vos = vos(&server, &home, client)?;
        ensure!(vos == [wanted, wanted], "{vos:?}, not {wanted}");
    }
    Ok(())
}

#[test]
fn vo_tokens_do_not_mix() -> Result<()> {
    let (home, server) = (Home::new()?, server()?);
    for vo in ["one", "two", "one"] {
        let outcome = server.client(&home)?.args(["--vo", vo, "whoami"]).run()?;
        ensure!(outcome.code == 0, "{outcome:?}");
    }
    let asked: Vec<_> = server.heard_in_all().into_iter().map(|heard| heard.request).collect();
    let (login, whoami) = ("GET /auth/userpass", "GET /accounts/whoami");
    ensure!(asked == [login, whoami, login, whoami, whoami], "{asked:?}");
    Ok(())
}
