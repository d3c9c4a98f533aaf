//! `rucio replica list file --pfns --best`.

use anyhow::{Result, ensure};
use serde_json::json;

use crate::expect;
use crate::fixtures::{Answer, Home, Server};

#[test]
fn replica_best_is_the_first_by_priority() -> Result<()> {
    let entry = json!({"scope": "s", "name": "f", "bytes": 1, "adler32": "00000001", "states": {"A": "AVAILABLE", "B": "AVAILABLE"},
        "pfns": {"https://a/f": {"rse": "A", "priority": 2}, "root://b//f": {"rse": "B", "priority": 1}},
        "rses": {"A": ["https://a/f"], "B": ["root://b//f"]}})
    .to_string();
    let server = Server::start(move |heard, _| match heard.request.as_str() {
        request if request.starts_with("GET /dids/s/f/meta") => {
            Answer::json(r#"{"scope": "s", "name": "f", "did_type": "FILE"}"#)
        }
        "POST /replicas/list" => Answer::chunked(&entry),
        "GET /rses/" => Answer::chunked(r#"{"rse": "A"}"#),
        _ => Answer::new(404, "", ""),
    })?;
    let home = Home::new()?;
    for (words, expected) in [(&["--pfns"][..], "https://a/f\nroot://b//f\n"), (&["--pfns", "--best"], "root://b//f\n")]
    {
        let outcome = server.client(&home)?.args(["replica", "list", "file", "s:f"]).args(words).run()?;
        expect(&outcome, 0)?;
        ensure!(outcome.stdout == expected, "{words:?}: {}", outcome.stdout);
    }
    let alone = server.client(&home)?.args(["replica", "list", "file", "--best", "s:f"]).run()?;
    ensure!(alone.code != 0 && alone.stdout.is_empty(), "{alone:?}");
    Ok(())
}
