//! A token of one server is never sent to another: the other server's own log is the witness.

use anyhow::{Result, ensure};

use crate::fixtures::{AccessLog, Home, Line, WHOAMI};
use crate::support::{Rucio, Testbed, unique};

/// Runs whoami on the first server. Returns the token it used.
fn on_first(client: Rucio, home: &Home) -> Result<String> {
    let outcome = client.config("userpass")?.args(["whoami"]).run()?;
    ensure!(outcome.code == 0, "{outcome:?}");
    let token = home.token()?;
    ensure!(token.starts_with("jdoe-jdoe-"));
    Ok(token)
}

/// Runs whoami on the second server, by options or by configuration. Returns the requests to that server.
fn on_second(home: &Home, by_options: bool) -> Result<Vec<Line>> {
    let (agent, second) = (unique("second"), Testbed::get()?.value("SECOND_URL")?);
    let client = home.ours().config(if by_options { "userpass" } else { "second" })?.args(["--user-agent", &agent]);
    let client = if by_options { client.args(["-H", second, "--auth-host", second]) } else { client };
    let outcome = client.args(["whoami"]).run()?;
    ensure!(outcome.code == 0 && outcome.stdout.contains("account    : jdoe"), "{outcome:?}");
    AccessLog::of("second")?.of_agent(&agent, WHOAMI[1].0)
}

/// The second server was asked to issue a token, and received no other one.
fn check(lines: &[Line], token_of_first: &str) -> Result<()> {
    let seen: Vec<_> = lines.iter().map(Line::seen).collect();
    ensure!(seen == [("GET /auth/userpass", 200), WHOAMI[0], WHOAMI[1]], "{seen:?}");
    ensure!(
        !AccessLog::of("second")?.mentions(token_of_first)?,
        "the token of the first server was sent to the second"
    );
    Ok(())
}

#[test]
fn token_of_ours_stays_with_its_server_when_options_name_another() -> Result<()> {
    let home = Home::new()?;
    let token = on_first(home.ours(), &home)?;
    check(&on_second(&home, true)?, &token)
}

#[test]
fn token_of_ours_stays_with_its_server_when_a_configuration_names_another() -> Result<()> {
    let home = Home::new()?;
    let token = on_first(home.ours(), &home)?;
    check(&on_second(&home, false)?, &token)?;
    let of_second = home.token()?;
    // and back: the token of the first has stepped aside, and is good as ever
    let agent = unique("back");
    let outcome = home.ours().config("userpass")?.args(["--user-agent", &agent, "whoami"]).run()?;
    ensure!(outcome.code == 0, "{outcome:?}");
    let lines = AccessLog::of("apache")?.of_agent(&agent, WHOAMI[1].0)?;
    ensure!(lines.iter().all(|line| line.token == token && !line.is_login()), "{lines:?}");
    ensure!(!AccessLog::of("apache")?.mentions(&of_second)?);
    Ok(())
}

#[test]
fn token_of_the_official_client_is_not_sent_where_options_lead() -> Result<()> {
    let home = Home::new()?;
    let token = on_first(home.official()?, &home)?;
    check(&on_second(&home, true)?, &token)
}

#[test]
fn token_of_the_official_client_stays_with_its_first_server() -> Result<()> {
    let home = Home::new()?;
    let token = on_first(home.official()?, &home)?;
    ensure!(on_first(home.ours(), &home)? == token, "shared");
    check(&on_second(&home, false)?, &token)
}

#[test]
fn token_is_not_shared_by_a_host_that_differs_alone() -> Result<()> {
    let (home, agent) = (Home::new()?, unique("half"));
    let token = on_first(home.ours(), &home)?;
    let client = home.ours().config("userpass")?.args(["--user-agent", &agent, "-H"]);
    let outcome = client.args([Testbed::get()?.value("SECOND_URL")?, "whoami"]).run()?;
    // Tokens of the first server are invalid at the second, so this cannot succeed.
    ensure!(outcome.code == 1 && outcome.stdout.is_empty(), "{outcome:?}");
    AccessLog::of("second")?.of_agent(&agent, WHOAMI[0].0)?;
    ensure!(!AccessLog::of("second")?.mentions(&token)?, "the kept token was sent to the second server");
    Ok(())
}
