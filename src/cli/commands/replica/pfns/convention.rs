//! Default naming convention of non-deterministic RSEs: directories derived from the parts of a dataset's name.

use serde_json::Value;

use crate::cli::ui::values::to_str;
use crate::types::Attributes;

/// Returns the PFN prefix of a scheme, from the protocol preferred for reading over WAN (lowest priority number).
pub(super) fn start(settings: &Attributes, scheme: &str) -> Option<String> {
    let protocols = settings.get("protocols")?.as_array()?;
    let priority = |protocol: &&Value| protocol["domains"]["wan"]["read"].as_i64();
    let candidates = protocols.iter().filter(|protocol| protocol["scheme"] == scheme && priority(protocol).is_some());
    let best = candidates.min_by_key(priority)?;
    let [host, port, prefix] = ["hostname", "port", "prefix"].map(|key| to_str(&best[key]));
    Some(format!("{scheme}://{host}:{port}{prefix}"))
}

/// Returns the path of a file, without its leading slash.
pub(super) fn path(dataset: &str, file: &str) -> String {
    let parts: Vec<_> = dataset.split('.').collect();
    let folder = without(dataset, &["_dis", "_sub", "_frag"]);
    match parts[..] {
        [] | [_] => format!("other/{folder}/{file}"),
        [project, _] => format!("{project}/{folder}/{file}"),
        [project, second, third, ..] if parts.len() < 5 || is_personal(project) => {
            format!("{project}/{second}/{third}/{folder}/{file}")
        }
        [project, _, _, _, kind] => format!("{project}/{kind}/other/{folder}/{file}"),
        [project, _, _, _, kind, .., tag] => {
            format!("{project}/{kind}/{}/{folder}/{file}", without(tag, &["_dis", "_sub", "_tid"]))
        }
        [project, ..] => format!("{project}/{folder}/{file}"),
    }
}

fn is_personal(project: &str) -> bool {
    project.starts_with("use") || project.starts_with("grou")
}

/// Cuts the last dot-separated part of a name where any of these suffixes begins.
fn without(name: &str, suffixes: &[&str]) -> String {
    let (before, last) = match name.rsplit_once('.') {
        Some((before, last)) => (format!("{before}."), last),
        None => (String::new(), name),
    };
    let last = suffixes.iter().fold(last, |last, suffix| last.split(suffix).next().unwrap_or(last));
    format!("{before}{last}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pfn_convention_makes_folders_of_datasets() {
        for (dataset, expected) in [
            ("one_sub12", "other/one/f"),
            ("mc.two", "mc/mc.two/f"),
            ("mc.b.c_dis1", "mc/b/c_dis1/mc.b.c/f"),
            ("user.jdoe.c.d.e.f", "user/jdoe/c/user.jdoe.c.d.e.f/f"),
            ("mc.b.c.d.AOD", "mc/AOD/other/mc.b.c.d.AOD/f"),
            ("mc.b.c.d.AOD.r1_tid00", "mc/AOD/r1/mc.b.c.d.AOD.r1_tid00/f"),
        ] {
            assert_eq!(path(dataset, "f"), expected);
        }
    }
}
