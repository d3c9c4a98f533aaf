//! Paths as users write them (`~`, `$VAR`), and the user's name.

use crate::env_vars::{self, Env};
use std::path::{Component, Path, PathBuf};

/// Expands `$VAR`, `${VAR}`, `~` and `~user` as Python does, and makes the path absolute. Unknown names remain.
pub(crate) fn expand(path: &str, env: &Env) -> PathBuf {
    absolute(Path::new(&expand_home(&expand_variables(path.trim(), env), env)))
}

/// Returns the absolute path without `.` and `..`; by its text, like Python's `abspath`.
pub(super) fn absolute(path: &Path) -> PathBuf {
    let whole = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    whole.components().fold(PathBuf::new(), |mut clean, part| {
        match part {
            Component::ParentDir => _ = clean.pop(),
            part => clean.push(part),
        }
        clean
    })
}

/// Returns the user's name: from a variable, else from the system, else the user id.
pub(super) fn user_name(env: &Env) -> String {
    let names = [env_vars::LOGNAME, env_vars::USER, env_vars::LNAME, env_vars::USERNAME];
    env.first(&names).unwrap_or_else(|| {
        let uid = uid();
        passwd(|entry| entry.uid == uid).map_or(uid, |entry| entry.name)
    })
}

fn uid() -> String {
    rustix::process::getuid().as_raw().to_string()
}

fn expand_variables(text: &str, env: &Env) -> String {
    let Some((before, after)) = text.split_once('$') else { return text.to_owned() };
    let (written, name) = match after.strip_prefix('{').and_then(|inner| inner.split_once('}')) {
        Some((name, _)) => (name.len() + 2, name),
        None => {
            let end = after.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(after.len());
            (end, &after[..end])
        }
    };
    let value = env.get(name).unwrap_or_else(|| format!("${}", &after[..written]));
    format!("{before}{value}{}", expand_variables(&after[written..], env))
}

/// Returns the variable that is all of this text and is not set.
pub(super) fn unset_variable(text: &str, env: &Env) -> Option<String> {
    let name = text.trim().strip_prefix('$')?;
    let name = name.strip_prefix('{').and_then(|inner| inner.strip_suffix('}')).unwrap_or(name);
    let is_name = !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
    (is_name && env.get(name).is_none()).then(|| name.to_owned())
}

/// Returns the first variable that is left in an expanded path, because it is not set.
pub(super) fn remaining_variable(path: &Path) -> Option<String> {
    let text = path.to_string_lossy();
    let part = text.split('/').find(|part| part.contains('$'))?;
    let (_, after) = part.split_once('$')?;
    let name = after.strip_prefix('{').unwrap_or(after);
    let end = name.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(name.len());
    (end > 0).then(|| name[..end].to_owned())
}

fn expand_home(path: &str, env: &Env) -> String {
    let Some(rest) = path.strip_prefix('~') else { return path.to_owned() };
    let (user, rest) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    let home = match user {
        "" => env.get(env_vars::HOME).or_else(|| {
            let uid = uid();
            passwd(|entry| entry.uid == uid).map(|entry| entry.home)
        }),
        _ => passwd(|entry| entry.name == user).map(|entry| entry.home),
    };
    home.map_or_else(|| path.to_owned(), |home| format!("{}{rest}", home.trim_end_matches('/')))
}

struct User {
    name: String,
    uid: String,
    home: String,
}

/// Finds a user of this machine. Only the local file is read: a static binary has no name service.
fn passwd(wanted: impl Fn(&User) -> bool) -> Option<User> {
    std::fs::read_to_string("/etc/passwd").ok()?.lines().filter_map(passwd_line).find(wanted)
}

fn passwd_line(line: &str) -> Option<User> {
    let fields: Vec<_> = line.split(':').map(str::to_owned).collect();
    match fields.as_slice() {
        [name, _, uid, _, _, home, ..] => Some(User { name: name.clone(), uid: uid.clone(), home: home.clone() }),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_expand_variables_and_home() {
        let env = Env::fixed([("HOME", "/home/kim/"), ("DIR", "grid"), ("A_1", "x")]);
        let cases = [
            ("~/.globus/cert.pem", "/home/kim/.globus/cert.pem"),
            (" ~ ", "/home/kim"),
            ("/$DIR/${DIR}s/$A_1.pem", "/grid/grids/x.pem"),
            ("/$NOPE/${NOPE}/$/$$/${DIR", "/$NOPE/${NOPE}/$/$$/${DIR"),
            ("/a/./b//../c/", "/a/c"),
            ("/../é$DIR", "/égrid"),
            ("/a~", "/a~"),
        ];
        for (given, wanted) in cases {
            assert_eq!(expand(given, &env), Path::new(wanted), "{given}");
        }
        assert_eq!(expand("x", &env), std::env::current_dir().unwrap().join("x"));
    }

    #[test]
    fn paths_of_variables_that_are_not_set_are_told() {
        let env = Env::fixed([("SET", "/a"), ("EMPTY", "")]);
        for (text, unset) in [
            ("$NOPE", Some("NOPE")),
            (" ${NOPE} ", Some("NOPE")),
            ("$EMPTY", Some("EMPTY")),
            ("$SET", None),
            ("${SET}", None),
            ("$NOPE/x", None),
            ("$", None),
            ("${}", None),
            ("/a", None),
        ] {
            assert_eq!(unset_variable(text, &env).as_deref(), unset, "{text}");
        }
        for (text, left) in
            [("/$SET/b", None), ("/b/${NOPE}c", Some("NOPE")), ("/b/x$NOPE.pem", Some("NOPE")), ("/b/$", None)]
        {
            assert_eq!(remaining_variable(&expand(text, &env)).as_deref(), left, "{text}");
        }
    }

    #[test]
    fn paths_find_users_in_the_passwd_file() {
        let env = Env::fixed([]);
        let user = passwd_line("kim:x:1000:1000:Kim,,,:/home/kim:/bin/sh").unwrap();
        assert_eq!((user.name.as_str(), user.uid.as_str(), user.home.as_str()), ("kim", "1000", "/home/kim"));
        assert!(expand("~nobody-of-this-name/x", &env).ends_with("~nobody-of-this-name/x"));
        assert!(passwd_line("broken:line").is_none());
        assert!(!user_name(&env).is_empty());
        assert_eq!(user_name(&Env::fixed([("USER", "b"), ("LOGNAME", "a")])), "a");
    }
}
