//! `[experimental] cli = rich`: boxes, colours and a pager for people, the same bytes as ever for pipes.

use std::fs;

use anyhow::{Result, ensure};

use crate::fixtures::{Answer, Home, ReceivedRequest, Server, Tmux};

/// A server with more scopes than a screen has lines; one of them has a nasty name.
fn scopes() -> Result<Server> {
    let rows: Vec<_> = (0..100).map(|n| format!("{{\"scope\": \"scope{n}\", \"account\": \"jdoe\"}}")).collect();
    let nasty = r#"{"scope": "evil\u001b[2J", "account": "ACTIVE"}"#;
    let body = format!("[{nasty}, {}]", rows.join(", "));
    Server::start(move |heard: &ReceivedRequest, _| match heard.request.as_str() {
        "GET /scopes/owner/" => Answer::json(&body),
        "GET /scopes/" => Answer::json(r#"["s"]"#),
        _ => Answer::json("{\"scope\": \"s\", \"name\": \"n\", \"did_type\": \"DATASET\"}\n"),
    })
}

/// A home with that server and the rich look.
fn rich_home(server: &Server) -> Result<(Home, String)> {
    let home = Home::new()?;
    server.client(&home)?;
    let path = home.path().join("rucio.cfg");
    let text = fs::read_to_string(&path)? + "[experimental]\ncli = Rich\n";
    fs::write(&path, text)?;
    Ok((home, path.to_string_lossy().into_owned()))
}

#[test]
fn rich_tables_have_boxes_and_a_pager() -> Result<()> {
    let server = scopes()?;
    let (home, config) = rich_home(&server)?;
    let tmux = Tmux::start(&home, &[("RUCIO_CONFIG", &config)], "bash --norc")?;
    let enter = |line: &str| tmux.type_text(line).and_then(|()| tmux.press("Enter"));
    enter("PS1='$ '; rucio scope list; echo 1st $?")?;
    let screen = tmux.wait_for("scope40")?;
    ensure!(screen.contains("│ evil␛[2J ┆ ACTIVE") && !screen.contains("scope99"), "{screen}");
    tmux.press("G")?;
    tmux.wait_for("scope99")?;
    tmux.type_text("q")?;
    tmux.wait_for("1st 0")?;
    // Ctrl-C is for the pager, which ends; that is no failure
    enter("clear; rucio scope list; echo 2nd $?")?;
    tmux.wait_for("lines 1-")?;
    tmux.press("C-c")?;
    tmux.wait_for("2nd 0")?;
    // what fits on the screen is not paged, and --no-pager pages nothing
    enter("clear; rucio did list 's:*'; echo 3rd $?")?;
    let screen = tmux.wait_for("3rd 0\n$")?;
    ensure!(screen.contains("│ s:n        ┆ DATASET    │"), "{screen}");
    enter("clear; rucio --no-pager scope list; echo 4th $?")?;
    tmux.wait_until("the end of the list", |screen| screen.contains("scope99") && screen.contains("4th 0")).map(drop)
}

#[test]
fn rich_setting_changes_neither_pipes_nor_other_formats() -> Result<()> {
    let server = scopes()?;
    let (home, config) = rich_home(&server)?;
    let run = |arguments: &[&str]| home.ours().env("RUCIO_CONFIG", &config).args(arguments).run();
    let plain = run(&["scope", "list"])?;
    ensure!(plain.code == 0 && plain.stdout.starts_with("+--") && plain.stdout.contains("| scope99"), "{plain:?}");
    let csv = run(&["did", "list", "s:*", "-o", "csv"])?;
    ensure!(csv.stdout.starts_with("scope,name,did_type,bytes,length\n"), "{csv:?}");
    Ok(())
}
