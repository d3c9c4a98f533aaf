//! Truncated listings: the files listed before are downloaded, and the command reports that they are not all.

use std::fs;

use anyhow::{Result, ensure};

use super::ended;
use super::names::good;
use super::site::{Catalogue, Site, content, dataset, lines, record};
use crate::fixtures::sandbox::Sandbox;

/// A good file, then this line, then another good file.
fn with(line: &[u8]) -> Catalogue {
    let file = |number: usize| lines(vec![record(number, "s", &good(number))]);
    Catalogue { found: dataset(3), listed: [&file(0)[..], line, b"\n", &file(1)].concat() }
}

#[test]
fn hostile_lines_end_the_listing_with_an_error() -> Result<()> {
    let lines: [(&str, &[u8]); 10] = [
        ("invalid UTF-8", b"{\"scope\": \"s\", \"name\": \"../\xff\xfe\", \"pfns\": {}}"),
        ("an overlong slash", b"{\"scope\": \"s\", \"name\": \"..\xc0\xaf..\xc0\xafx\", \"pfns\": {}}"),
        ("a lone surrogate", br#"{"scope": "s", "name": "\ud800", "pfns": {}}"#),
        ("surrogates the wrong way round", br#"{"scope": "s", "name": "\udc00\ud800", "pfns": {}}"#),
        ("a bare NUL", b"{\"scope\": \"s\", \"name\": \"a\0b\", \"pfns\": {}}"),
        ("a bare escape", b"{\"scope\": \"s\", \"name\": \"\x1b[2J\", \"pfns\": {}}"),
        ("a name that is a number", br#"{"scope": "s", "name": 1, "pfns": {}}"#),
        ("no name", br#"{"scope": "s", "pfns": {}}"#),
        ("two names", br#"{"scope": "s", "name": "a", "name": "../x", "pfns": {}}"#),
        ("half a record", br#"{"scope": "s", "name": "a"#),
    ];
    for (what, line) in lines {
        let sandbox = Sandbox::new()?;
        let site = Site::start(with(line), |_| {})?;
        let outcome = site.client()?.folder(&sandbox.around()).args(["download", "--dir", "target", "s:set"]).run()?;
        ensure!(outcome.code == 1, "{what}: {outcome:?}");
        ended(&outcome, 1)?;
        sandbox.is_untouched()?;
        let first = sandbox.target().join("set").join(good(0));
        ensure!(sandbox.files()? == [first.clone()], "{what}: {:?}", sandbox.files()?);
        ensure!(fs::read_to_string(first)? == content(0), "{what}");
        ensure!(outcome.stderr.contains("list was interrupted"), "{what}: {}", outcome.stderr);
    }
    Ok(())
}

/// Sizes, checksums and URLs may be nonsense: then that file fails, or is verified with what is known.
#[test]
fn hostile_fields_of_a_file_affect_that_file_only() -> Result<()> {
    let rows = [
        r#"{"scope": "s", "name": "a", "bytes": 3, "adler32": "nonsense", "pfns": {"{site}/f/1": {"rse": "R"}}}"#,
        r#"{"scope": "s", "name": "b", "bytes": 18446744073709551615, "adler32": "00000001", "pfns": {"{site}/f/1": {"rse": "R"}}}"#,
        r#"{"scope": "s", "name": "c", "adler32": "00000001", "pfns": {"{site}/f/1": {"rse": "\u001b[2J"}}}"#,
        r#"{"scope": "s", "name": "d", "bytes": 16, "pfns": {"file:///dev/zero": {"rse": "R"}}}"#,
        r#"{"scope": "s", "name": "e", "pfns": {"file:///dev/zero": {"rse": "R"}}}"#,
        r#"{"scope": "s", "name": "f", "bytes": 16, "pfns": {"file://../etc/passwd": {"rse": "R"}}}"#,
        r#"{"scope": "s", "name": "g", "bytes": 16, "pfns": {"-oProxyCommand=touch x": {"rse": "R"}}}"#,
        r#"{"scope": "s", "name": "h", "bytes": 16, "pfns": {"scp://-oProxyCommand=touch${IFS}x/x": {"rse": "R"}}}"#,
        r#"{"scope": "s", "name": "i", "bytes": 16, "pfns": {"root://-x//a b;touch x": {"rse": "R"}}}"#,
        r#"{"scope": "s", "name": "j", "bytes": 16, "pfns": {"": {"rse": "R"}, "\u001b]0;t\u0007": {"rse": "\n"}}}"#,
        r#"{"scope": "s", "name": "k", "bytes": 16, "pfns": {"http://[::1/x": {"rse": "R"}, "http://": {"rse": "R"}}}"#,
    ];
    let sandbox = Sandbox::new()?;
    let site = Site::start(with(rows.join("\n").as_bytes()), |_| {})?;
    let outcome = site.client()?.folder(&sandbox.around()).args(["download", "--dir", "target", "s:set"]).run()?;
    ended(&outcome, 1)?;
    sandbox.is_untouched()?;
    let folder = sandbox.target().join("set");
    let mut files = sandbox.files()?;
    files.sort();
    ensure!(files == [folder.join(good(0)), folder.join(good(1))], "{files:?}\n{}", outcome.stderr);
    ensure!(outcome.stdout.is_empty(), "{}", outcome.stdout);
    ensure!(outcome.stderr.matches("Failed to download file").count() == rows.len(), "{}", outcome.stderr);
    Ok(())
}
