//! Converts names from the server to paths below the target folder, and refuses names that would leave it.

use std::path::PathBuf;

/// A name that cannot be used as a path.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{name:?} cannot be used as a path below the target folder: {why}")]
pub struct UnsafeName {
    name: String,
    why: &'static str,
}

/// Returns the path of a file below the target folder: `<folder>/<name>`, or `<name>` alone. A leading slash is
/// dropped, others create subfolders. Errors: the path would leave the folder, or no file can have this name.
pub fn below(folder: Option<&str>, name: &str) -> Result<PathBuf, UnsafeName> {
    let mut path = PathBuf::new();
    for part in folder.into_iter().chain([name]) {
        let relative = part.strip_prefix('/').unwrap_or(part);
        for component in relative.split('/') {
            check(component).map_err(|why| UnsafeName { name: part.to_owned(), why })?;
            path.push(component);
        }
    }
    Ok(path)
}

/// Returns the last element of a hierarchical name (`/store/user/f.root` is `f.root`), and other names unchanged.
pub fn leaf(name: &str) -> &str {
    if name.starts_with('/') { name.rsplit('/').next().unwrap_or(name) } else { name }
}

fn check(component: &str) -> Result<(), &'static str> {
    match component {
        "" => Err("a part of it is empty"),
        "." | ".." => Err("it holds . or .. as a part"),
        _ if component.chars().any(char::is_control) => Err("it holds a control character"),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::{Component, Path};

    #[test]
    fn path_of_an_honest_name() {
        for (folder, name, expected) in [
            (Some("test"), "f.dat", "test/f.dat"),
            (None, "f.dat", "f.dat"),
            (Some("cms"), "/store/user/f.root", "cms/store/user/f.root"),
            (Some("/data/set"), "f", "data/set/f"),
            (Some("user.jdoe"), "a b;c$(d)'", "user.jdoe/a b;c$(d)'"),
            (Some("s"), "..f", "s/..f"),
            (Some("s"), "...", "s/..."),
            (Some("s"), "-rf", "s/-rf"),
            (Some("s"), "~", "s/~"),
            (Some("ü"), "Ω\u{202f}", "ü/Ω\u{202f}"),
        ] {
            assert_eq!(below(folder, name).unwrap(), Path::new(expected), "{folder:?} {name:?}");
        }
    }

    #[test]
    fn path_never_leads_out_of_the_folder() {
        let wicked = [
            "",
            "/",
            "//",
            ".",
            "..",
            "../f",
            "a/../f",
            "a/..",
            "./f",
            "a/./b",
            "//etc/passwd",
            "/../f",
            "/..",
            "a//b",
            "a/",
            "f\0",
            "a\nb",
            "a\rb",
            "\x1b[2J",
            "a\x7f",
            "\u{85}",
            "/..//..",
            "../../../../etc/passwd",
            "a/b/../../..",
        ];
        for name in wicked {
            for (folder, file) in [(Some("s"), name), (None, name), (Some(name), "f")] {
                assert!(below(folder, file).is_err(), "{folder:?} {file:?}");
            }
        }
    }

    #[test]
    fn path_has_normal_components_only() {
        let alphabet = ["/", ".", "..", "a", "", "\0", "\n", "b", "//"];
        let mut accepted = 0;
        for first in alphabet {
            for second in alphabet {
                for third in alphabet {
                    for fourth in alphabet {
                        let name = [first, second, third, fourth].concat();
                        let Ok(path) = below(Some("s"), &name) else { continue };
                        accepted += 1;
                        assert!(path.components().all(|part| matches!(part, Component::Normal(_))), "{name:?}");
                        assert!(path.starts_with("s") && path.components().count() > 1, "{name:?}");
                    }
                }
            }
        }
        assert!(accepted > 50);
    }

    #[test]
    fn path_of_a_hierarchical_name_has_a_leaf() {
        for (name, expected) in [("/a/b/f", "f"), ("/f", "f"), ("a/b", "a/b"), ("f", "f"), ("/a/", ""), ("/..", "..")] {
            assert_eq!(leaf(name), expected);
        }
    }
}
