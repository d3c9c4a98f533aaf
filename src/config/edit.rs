//! Changes one option of a configuration file. Everything else, comments and order too, stays as it is.

use std::collections::HashMap;
use std::fs;
use std::ops::Range;
use std::path::Path;

use super::create::complete_file;
use super::reader::{self, header};
use super::{DEFAULT, discover};
use crate::error::{Error, Result};
use crate::exceptions::Exception;

/// A section header or an option in a text, with its lines, counted from 0.
struct Item<'a> {
    section: &'a str,
    /// The name in lower case; `None` for the header.
    option: Option<String>,
    lines: Range<usize>,
}

/// Sets an option, or removes it if `value` is `None`. Returns the new text of the file.
///
/// # Errors
/// `ConfigLoadingError` if the text is malformed; `ConfigurationError` for a value that the file cannot hold.
pub(crate) fn with_option(text: &str, path: &Path, section: &str, option: &str, value: Option<&str>) -> Result<String> {
    let option = option.to_lowercase();
    check_words(section, &option, value.unwrap_or_default())?;
    let before = reader::read(text, path)?;
    let end = if text.contains("\r\n") { "\r\n" } else { "\n" };
    let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
    let items = items(text);
    let own = || items.iter().filter(|item| item.section == section);
    let found = own().find(|item| item.option.as_ref() == Some(&option));
    let line = |like: Option<&Item>, value: &str| {
        let indent = like.and_then(|item| lines.get(item.lines.start)).map_or("", |line| indent(line));
        format!("{indent}{option} = {}", value.replace('%', "%%"))
    };
    match (found, value) {
        (Some(found), value) => {
            let new = value.map(|value| line(Some(found), value));
            lines.splice(found.lines.clone(), new);
        }
        (None, None) => {}
        (None, Some(value)) => match own().next_back() {
            Some(last) => {
                let of_option = own().rfind(|item| item.option.is_some());
                let new = line(of_option, value);
                let section_end = section_end(&items, section, lines.len());
                let at = disabled(&lines, last_header(&items, section), section_end, &option);
                lines.insert(at.map_or(last.lines.end, |at| at + 1), new);
            }
            None => {
                let new = [format!("[{section}]"), line(None, value)];
                lines.extend(lines.last().is_some_and(|line| !line.is_empty()).then(String::new));
                lines.extend(new);
            }
        },
    }
    let text = lines.iter().map(|line| format!("{line}{end}")).collect::<String>();
    verify(&before, &text, path, section, &option, value)?;
    Ok(text)
}

/// Writes a configuration file atomically. An existing one keeps its permissions, and a symbolic link to it remains one; a
/// new one is readable only by its owner.
pub(super) fn write(path: &Path, text: &str) -> Result<()> {
    let target = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    let write = || {
        let file = complete_file(&target, text)?;
        if let Ok(known) = fs::metadata(&target) {
            file.as_file().set_permissions(known.permissions())?;
        }
        file.persist(&target).map(drop).map_err(|error| error.error)
    };
    write().map_err(|error| Error::io(format!("Cannot write {}", path.display()), error))
}

/// Returns the text of the file, which need not exist.
pub(super) fn text_of(path: &Path) -> Result<String> {
    if path.exists() { discover::read(path) } else { Ok(String::new()) }
}

fn check_words(section: &str, option: &str, value: &str) -> Result<()> {
    let wrong = |details: String| Err(Error::new(Exception::ConfigurationError, details));
    let name = |text: &str| !text.is_empty() && text.trim() == text && !text.contains(char::is_control);
    if !name(section) || section.contains(['[', ']']) {
        return wrong(format!("{section:?} cannot be the name of a section."));
    }
    if !name(option) || option.contains(['=', ':']) || option.starts_with(['[', '#', ';']) {
        return wrong(format!("{option:?} cannot be the name of an option."));
    }
    if value.contains(char::is_control) || value.trim() != value {
        return wrong(format!("The value of {option} starts or ends with a blank, or has a control character."));
    }
    Ok(())
}

/// Returns headers and options in order; an option ends with the last line of its value.
fn items(text: &str) -> Vec<Item<'_>> {
    let mut items: Vec<Item<'_>> = Vec::new();
    let mut base = 0;
    for (number, line) in text.trim_start_matches('\u{feff}').lines().enumerate() {
        let words = line.trim();
        if words.is_empty() || words.starts_with(['#', ';']) {
            continue;
        }
        let indent = line.chars().take_while(|c| c.is_whitespace()).count();
        let section = items.last().map_or("", |item| item.section);
        if let Some(last) = items.last_mut().filter(|item| item.option.is_some() && indent > base) {
            last.lines.end = number + 1;
            continue;
        }
        base = indent;
        let lines = number..number + 1;
        match header(words) {
            Some(section) => items.push(Item { section, option: None, lines }),
            None => {
                let name = words.split(['=', ':']).next().unwrap_or_default().trim_end().to_lowercase();
                items.push(Item { section, option: Some(name), lines });
            }
        }
    }
    items
}

/// Returns the line of the section's header.
fn last_header(items: &[Item<'_>], section: &str) -> usize {
    let headers = items.iter().rfind(|item| item.section == section && item.option.is_none());
    headers.map_or(0, |item| item.lines.start)
}

/// Returns the line after the section, of which the next one starts.
fn section_end(items: &[Item<'_>], section: &str, lines: usize) -> usize {
    let from = last_header(items, section);
    let next = items.iter().find(|item| item.option.is_none() && item.lines.start > from);
    next.map_or(lines, |item| item.lines.start)
}

/// Returns the line in which the option is disabled by a comment sign: `#account = kim`.
fn disabled(lines: &[String], from: usize, to: usize, option: &str) -> Option<usize> {
    let is_it = |line: &str| {
        let name = line.trim().strip_prefix(['#', ';']).and_then(|line| line.split_once('='));
        name.is_some_and(|(name, _)| name.trim().eq_ignore_ascii_case(option))
    };
    (from..to).find(|number| lines.get(*number).is_some_and(|line| is_it(line)))
}

fn indent(line: &str) -> &str {
    &line[..line.len() - line.trim_start().len()]
}

/// Checks that the option has its value, and that all others have the same as before.
fn verify(
    before: &HashMap<String, reader::Section>,
    text: &str,
    path: &Path,
    section: &str,
    option: &str,
    value: Option<&str>,
) -> Result<()> {
    let values = |sections: &HashMap<String, reader::Section>| {
        let mut all: Vec<(String, String, String)> = Vec::new();
        for (name, options) in sections {
            let others = options.iter().filter(|(key, _)| (name.as_str(), key.as_str()) != (section, option));
            all.extend(others.map(|(key, entry)| (name.clone(), key.clone(), entry.raw.clone())));
        }
        all.sort();
        all
    };
    let after = reader::read(text, path)?;
    let written = after.get(section).and_then(|options| options.get(option)).map(|entry| entry.raw.clone());
    let is_right = written == value.map(|value| value.replace('%', "%%")) && values(before) == values(&after);
    let fails = format!("{} cannot be changed without changing other options; edit it by hand.", path.display());
    if is_right || section == DEFAULT { Ok(()) } else { Err(Error::new(Exception::ConfigurationError, fails)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    use std::fs::Permissions;
    use std::os::unix::fs::PermissionsExt;

    const FILE: &str = "# top\n[client]\n# server\nrucio_host = https://a\n#account = kim\nca_cert =\n    /a\n    # inside\n    /b\n\n; end\n[trace]\n[cli]\n  x = 1\n  y = 2\n";

    fn set(text: &str, section: &str, option: &str, value: &str) -> String {
        with_option(text, Path::new("rucio.cfg"), section, option, Some(value)).unwrap()
    }

    #[test]
    fn edited_option_is_replaced_with_all_its_lines() {
        let expected = FILE.replace("ca_cert =\n    /a\n    # inside\n    /b\n", "ca_cert = /c/100%%\n");
        assert_eq!(set(FILE, "client", "CA_cert", "/c/100%"), expected);
        assert_eq!(set(FILE, "cli", "x", "3"), FILE.replace("  x = 1", "  x = 3"));
    }

    #[test]
    fn new_option_follows_its_disabled_line_or_the_last_of_its_section() {
        assert_eq!(
            set(FILE, "client", "account", "lee"),
            FILE.replace("#account = kim\n", "#account = kim\naccount = lee\n")
        );
        assert_eq!(set(FILE, "client", "vo", "def"), FILE.replace("    /b\n", "    /b\nvo = def\n"));
        assert_eq!(
            set(FILE, "trace", "trace_host", "https://t"),
            FILE.replace("[trace]\n", "[trace]\ntrace_host = https://t\n")
        );
        assert_eq!(set(FILE, "cli", "z", "3"), format!("{FILE}  z = 3\n"));
        assert_eq!(set(FILE, "upload", "x", "1"), format!("{FILE}\n[upload]\nx = 1\n"));
        assert_eq!(set("", "client", "vo", "a"), "[client]\nvo = a\n");
        assert_eq!(set("[client]\r\nvo = a\r\n", "client", "vo", "b"), "[client]\r\nvo = b\r\n");
    }

    #[test]
    fn removed_option_leaves_the_rest() {
        let removed = |option| with_option(FILE, Path::new("rucio.cfg"), "client", option, None).unwrap();
        assert_eq!(removed("rucio_host"), FILE.replace("rucio_host = https://a\n", ""));
        assert_eq!(removed("nosuch"), FILE);
    }

    #[test]
    fn names_and_values_that_would_change_the_file_are_refused() {
        let wrong = [
            ("client", "a=b", "1"),
            ("client", "[x]", "1"),
            ("client", "#a", "1"),
            ("cli]ent", "a", "1"),
            ("client", "a", "1\npassword = x"),
            ("client", "a", " 1"),
        ];
        for (section, option, value) in wrong {
            let outcome = with_option(FILE, Path::new("rucio.cfg"), section, option, Some(value));
            assert!(outcome.is_err(), "{section} {option} {value:?}");
        }
        assert!(with_option("x = 1\n", Path::new("rucio.cfg"), "client", "a", Some("1")).is_err());
    }

    #[test]
    fn written_file_keeps_its_mode_and_its_link() {
        let folder = tempfile::tempdir().unwrap();
        let [file, link] = ["real.cfg", "rucio.cfg"].map(|name| folder.path().join(name));
        fs::write(&file, "old").unwrap();
        fs::set_permissions(&file, Permissions::from_mode(0o640)).unwrap();
        std::os::unix::fs::symlink(&file, &link).unwrap();
        write(&link, "new").unwrap();
        assert_eq!(fs::read_to_string(&file).unwrap(), "new");
        assert!(link.is_symlink());
        assert_eq!(file.metadata().unwrap().permissions().mode() & 0o777, 0o640);
        let fresh = folder.path().join("a/rucio.cfg");
        write(&fresh, "x").unwrap();
        assert_eq!(fresh.metadata().unwrap().permissions().mode() & 0o777, 0o600);
    }
}
