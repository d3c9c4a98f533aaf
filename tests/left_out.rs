//! Says at the end of a plain `cargo test` which tests it left out, and how to run them.

use std::fs;
use std::io::{self, Write};
use std::path::Path;

fn main() -> io::Result<()> {
    let tests = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests");
    let left_out = tests_below(&tests)? - tests_below(&tests.join("standalone"))?;
    writeln!(io::stdout(), "{left_out} tests need the testbed and were left out; all tests run with: tests/run")
}

fn tests_below(folder: &Path) -> io::Result<usize> {
    let mut count = 0;
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            count += tests_below(&path)?;
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            count += fs::read_to_string(&path)?.lines().filter(|line| line.trim() == "#[test]").count();
        }
    }
    Ok(count)
}
