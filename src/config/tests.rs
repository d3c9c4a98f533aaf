//! Tests of whole files: comparison with Python's parser, and the example.

use super::*;
use std::{io::Write, process::Stdio};

/// Reads a JSON list of texts; writes for each `null` (refused) or its sections with all their options. An option that
/// Python cannot interpolate is left out.
const PYTHON: &str = r"
import configparser, json, sys
answers = []
for text in json.load(sys.stdin):
    parser = configparser.ConfigParser()
    try:
        # A file is opened with universal newlines.
        parser.read_string(text.replace('\r\n', '\n').replace('\r', '\n'))
    except configparser.Error:
        answers.append(None)
        continue
    sections = {}
    for section in parser.sections():
        sections[section] = {}
        for option in parser.options(section):
            try:
                sections[section][option] = parser.get(section, option)
            except configparser.InterpolationError:
                pass
    answers.append(sections)
json.dump(answers, sys.stdout)
";

/// Texts that both must read the same, or both refuse.
const TEXTS: &[&str] = &[
    "",
    "[a]\n",
    "[a]\nx = 1\n",
    "[a]\nX=1\nY:2\nz = b=c:d\nt : u = v\n",
    "[a]\nUPPER Case Key = V\n",
    "[a]\nx = 1 ; not a comment # neither\n; a comment\n  # another\n",
    "[a] ; after the header\nx=1\n[b]]\ny=2\n[ c ]\nz=3\n",
    "[a]\nx = 1\n  2\n\t3\ny = 4\n",
    "[a]\nx = 1\n\n  2\n\n\n  3\n\n\ny = 4\n\n",
    "[a]\nx =\n  1,\n  2\n",
    "[a]\nx = 1\n# between\n  2\n  ; between\n  3\n",
    "[a]\n  x = 1\n  y = 2\n    3\n z = 4\n",
    "  [a]\n  x = 1\n",
    "[a]\nx = 1\n  [b]\n  y = 2\n",
    "[a]\n  x = 1\n[b]\n   y = 2\n",
    "[a]\nx = 1\r\ny = 2\r\n  3\r\n",
    "[a]\rx = 1\r",
    "[a]\nx =\ny = \nz =    \n",
    "[DEFAULT]\nd = 1\nx = 0\n[a]\nx = %(d)s\n[b]\n",
    "[a]\nx = 1\n[DEFAULT]\nd = 1\n[DEFAULT]\ne = 2\n",
    "[DEFAULT]\nd = 1\n[DEFAULT]\nd = 2\n",
    "[default]\nd = 1\n[a]\nx = 1\n",
    "[A]\nx = 1\n[a]\nx = 2\n",
    "[a]\nx = %%(y)s %(Y)s/%(z)s\ny = 1\nz = %(y)s%(y)s 100%%\n",
    "[a]\na0 = end\na1 = %(a0)s\na2 = %(a1)s\na3 = %(a2)s\na4 = %(a3)s\na5 = %(a4)s\na6 = %(a5)s\na7 = %(a6)s\n\
     a8 = %(a7)s\na9 = %(a8)s\na10 = %(a9)s\na11 = %(a10)s\n",
    "[a]\npassword = per%cent %\nx = %(nope)s\ny = %(y)s\nz = %(\n",
    "[a]\nx = \"quoted\" 'too' \\n \\\n",
    "[a]\nclé = été\n",
    "[a]\n\u{a0}x = 1\n",
    "x = 1\n[a]\n",
    "[a]\nx = 1\n[a]\ny = 2\n",
    "[a]\nx = 1\nX = 2\n",
    "[a]\nnovalue\n",
    "[a]\n= 1\n",
    "[a]\n : 1\n",
    "[]\nx = 1\n",
    "[a]\nx = 1\n[]\n",
    "[a\nx = 1\n",
    "[a]\n[b\n",
    "[a]\n[b = 1\n",
    "# only a comment\n\n; and another\n",
];

fn by_python() -> Vec<Option<HashMap<String, HashMap<String, String>>>> {
    let mut python = std::process::Command::new("python3")
        .args(["-c", PYTHON])
        .env("PYTHONIOENCODING", "utf-8")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("python3 is needed for this test");
    let texts = serde_json::to_vec(TEXTS).unwrap();
    python.stdin.take().unwrap().write_all(&texts).unwrap();
    let output = python.wait_with_output().unwrap();
    assert!(output.status.success());
    serde_json::from_slice(&output.stdout).unwrap()
}

#[test]
fn config_files_mean_the_same_as_in_python() {
    for (text, python) in TEXTS.iter().zip(by_python()) {
        let ours = Config::parse(text, "test.cfg");
        let (Some(python), Ok(ours)) = (&python, &ours) else {
            assert_eq!(python.is_some(), ours.is_ok(), "{text:?}: {ours:?}");
            continue;
        };
        let sections = ours.sections.keys().filter(|name| *name != DEFAULT).count();
        assert_eq!(sections, python.len(), "{text:?}");
        for (section, options) in python {
            assert!(ours.has_section(section), "{text:?}");
            for (option, value) in options {
                assert_eq!(ours.get(section, option).as_ref(), Some(value), "{text:?}: {option}");
            }
        }
    }
}

#[test]
fn config_percent_sign_that_stops_python_is_literal() {
    let config = Config::parse("[a]\npassword = per%cent\nx = %(nope)s\ny = %(y)s/%%\n", "test.cfg").unwrap();
    assert_eq!(config.get("a", "Password").as_deref(), Some("per%cent"));
    assert_eq!(config.get("a", "x").as_deref(), Some("%(nope)s"));
    assert_eq!(config.get("a", "y").as_deref(), Some("%(y)s/%%"));
}

#[test]
fn config_file_may_have_a_byte_order_mark() {
    let config = Config::parse("\u{feff}[a]\nx = 1\n", "test.cfg").unwrap();
    assert_eq!(config.get("a", "x").as_deref(), Some("1"));
}

#[test]
fn config_errors_have_file_and_line_but_no_values() {
    for (text, place) in [
        ("[a]\n\nsecret\n", "/etc/rucio.cfg, line 3: this is neither"),
        ("[a]\nx = 1\nx = secret\n", "/etc/rucio.cfg, line 3: option 'x' is there already, in line 2"),
        ("[a]\n[a]\n", "/etc/rucio.cfg, line 2: section [a]"),
        ("secret = 1\n", "/etc/rucio.cfg, line 1: no section"),
    ] {
        let error = Config::parse(text, "/etc/rucio.cfg").unwrap_err();
        assert_eq!(error.class(), Some(Exception::ConfigLoadingError));
        assert!(error.to_string().contains(place) && !error.hints().is_empty(), "{error}");
        assert!(!error.to_string().contains("secret"), "{error}");
    }
}

#[test]
fn config_values_have_types() {
    let text = "[DEFAULT]\nlow = 7\n[a]\nyes = On\nno = 0\nint = -3\nfloat = 1e3\nlist = a, b ,,\n  c\nempty =\n";
    let config = Config::parse(text, "test.cfg").unwrap();
    assert_eq!((config.bool("a", "yes").unwrap(), config.bool("a", "no").unwrap()), (Some(true), Some(false)));
    assert_eq!((config.int("a", "int").unwrap(), config.float("a", "float").unwrap()), (Some(-3), Some(1000.0)));
    assert_eq!((config.int("a", "low").unwrap(), config.int("b", "low").unwrap()), (Some(7), None));
    assert_eq!(config.list("a", "list"), ["a", "b", "c"]);
    assert!(config.list("a", "none").is_empty());
    assert_eq!((config.get("a", "empty").as_deref(), config.non_empty("a", "empty")), (Some(""), None));
    let error = config.int("a", "yes").unwrap_err().to_string();
    assert!(error.contains("test.cfg, line 4: option 'yes' in [a] must be a whole number, it is 'On'"), "{error}");
    let error = config.require("a", "empty").unwrap_err();
    assert_eq!(error.class(), Some(Exception::MissingClientParameter));
    assert!(error.to_string().contains("test.cfg has no option 'empty' in [a]"), "{error}");
}

#[test]
fn config_debug_output_has_no_values() {
    let config = Config::parse("[client]\npassword = secret\n", "test.cfg").unwrap();
    assert_eq!(format!("{config:?}"), "Config { path: \"test.cfg\", .. }");
}

/// Checks the example as it is, and with all commented-out options enabled.
#[test]
fn config_example_works() {
    let example = include_str!("../../rucio.cfg.example");
    let config = Config::parse(example, "rucio.cfg").unwrap();
    Settings::resolve(&Overrides::default(), &Env::fixed([]), &config).unwrap();
    let is_option = |line: &str| line.starts_with('#') && !line.starts_with("# ") && line.contains(" = ");
    let all: Vec<_> = example.lines().map(|line| if is_option(line) { &line[1..] } else { line }).collect();
    let config = Config::parse(&all.join("\n"), "rucio.cfg").unwrap();
    for (section, option) in [
        ("client", "auth_token_file_path"),
        ("client", "oidc_login"),
        ("download", "preferred_impl"),
        ("cli", "endpoints"),
    ] {
        assert!(config.non_empty(section, option).is_some(), "{option}");
    }
    for section in ["trace", "upload", "policy", "experimental"] {
        assert!(config.has_section(section), "{section}");
    }
}
