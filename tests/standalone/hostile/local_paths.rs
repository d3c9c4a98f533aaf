//! A server that names local paths as replicas: only those below the prefix of a file protocol of the RSE are read, or it
//! could have any file of the user copied into a folder that others read.

use std::fs;

use anyhow::{Result, ensure};
use serde_json::json;

use crate::fixtures::{Answer, Home, Server};

const KEY: &str = "my private key\n";

/// A server with one file, `s:f`, at this path, whose RSE has a file protocol with this prefix.
fn server(path: String, prefix: String) -> Result<Server> {
    Server::start(move |heard, _| match heard.request.as_str() {
        request if request.contains("/dids/search") => {
            Answer::json(&json!({"scope": "s", "name": "f", "did_type": "FILE", "bytes": 15, "length": 1}).to_string())
        }
        request if request.starts_with("GET /dids/s/f/meta") => {
            Answer::json(&json!({"scope": "s", "name": "f", "did_type": "FILE"}).to_string())
        }
        "POST /replicas/list" => {
            let pfn = format!("file://localhost{path}");
            let row = json!({"scope": "s", "name": "f", "bytes": 15, "pfns": {&pfn: {"rse": "R", "domain": "wan"}},
                             "rses": {"R": [&pfn]}, "states": {"R": "AVAILABLE"}});
            Answer::json(&row.to_string())
        }
        "GET /rses/R" => {
            Answer::json(&json!({"protocols": [{"scheme": "file", "impl": "x", "prefix": prefix}]}).to_string())
        }
        "POST /traces/" => Answer::new(201, "", ""),
        _ => Answer::new(200, "", ""),
    })
}

#[test]
fn hostile_local_path_is_read_only_below_the_prefix_of_its_rse() -> Result<()> {
    let home = Home::new()?;
    let (store, key) = (home.path().join("store"), home.path().join("key"));
    fs::create_dir(&store)?;
    fs::write(&key, KEY)?;
    let path = |path: &std::path::Path| path.to_string_lossy().into_owned();
    let around = path(&store.join("../key"));
    for (replica, prefix, allowed) in
        [(path(&key), path(&store), false), (around, path(&store), false), (path(&key), path(home.path()), true)]
    {
        let server = server(replica.clone(), prefix.clone())?;
        let run = |words: &[&str]| server.client(&home)?.folder(home.path()).args(words).run();
        let outcome = run(&["download", "--dir", "here", "--no-subdir", "s:f"])?;
        let copied = fs::read_to_string(home.path().join("here/f")).unwrap_or_default();
        ensure!((outcome.code == 0) == allowed && (copied == KEY) == allowed, "{replica} {prefix}: {outcome:?}");
        let outcome = run(&["cat", "s:f"])?;
        ensure!((outcome.code == 0) == allowed && (outcome.stdout == KEY) == allowed, "{replica}: {outcome:?}");
        let _ = fs::remove_dir_all(home.path().join("here"));
    }
    // An address that the user names is read.
    let server = server("/nowhere".to_owned(), "/nowhere".to_owned())?;
    let pfn = format!("file://localhost{}", path(&key));
    let words = ["download", "--dir", "here", "--no-subdir", "--rses", "R", "--pfn", &pfn, "s:f"];
    let outcome = server.client(&home)?.folder(home.path()).args(words).run()?;
    ensure!(outcome.code == 0, "{outcome:?}");
    Ok(())
}
