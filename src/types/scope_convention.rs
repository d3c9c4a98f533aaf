//! How the scope follows from a DID that is written without one. Sites choose a convention with `[policy] extract_scope`;
//! all but the first two are those of policy packages, which only the official client can load.

use super::Did;
use crate::error::{Error, Result};
use crate::exceptions::Exception;

/// How the scope is extracted from a DID written without one (`[common]` or `[policy] extract_scope`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ScopeConvention {
    /// `scope:name`, or a name whose first part is the scope (`user.jdoe.test` is `user.jdoe:user.jdoe.test`).
    #[default]
    Default,
    /// A path whose second element is the scope (`/vo/scope/...`).
    Dirac,
    /// That of ATLAS: like the default one, but `scope:name/` also means `scope:name`.
    Atlas,
    /// That of Belle II: paths below `/belle`.
    Belle2,
    /// That of CTAO: a path whose second element is the scope, `root` if there is none.
    Ctao,
    /// That of the EIC: only `scope:name`, and names of users and groups begin with theirs.
    Eic,
    /// That of a policy package unknown to this client: only `scope:name` has a certain meaning.
    Unknown,
}

impl ScopeConvention {
    /// Returns the convention that a site names in its configuration.
    pub fn named(name: &str) -> Self {
        match name {
            "def" => Self::Default,
            "dirac" => Self::Dirac,
            "atlas" => Self::Atlas,
            "belleii" | "belleii_extract_scope" => Self::Belle2,
            "ctao" => Self::Ctao,
            "eic" => Self::Eic,
            _ => Self::Unknown,
        }
    }

    /// Returns the convention of a policy package whose site names none; `None` for a package unknown to this client.
    pub fn of_package(package: &str) -> Option<Self> {
        match package {
            "bdms_rucio_policy" => Some(Self::Ctao),
            "atlas_rucio_policy_package"
            | "belleii_rucio_policy_package"
            | "eic_rucio_policy_package"
            | "escape_rucio_policy_package" => Some(Self::Default),
            _ => None,
        }
    }

    /// Returns whether the scope of this DID also depends on which scopes exist.
    pub fn depends_on_scopes(self, text: &str) -> bool {
        self == Self::Belle2 && ["/belle/user/", "/belle/group/"].iter().any(|start| text.starts_with(start))
    }

    /// Parses a DID as typed by the user; `scopes` are those that exist, if they are known.
    ///
    /// Errors: more than one colon, an empty part, or a DID that the convention does not allow.
    pub(super) fn parse(self, text: &str, scopes: &[String]) -> Result<Did> {
        let is_path = text.starts_with('/');
        match self {
            Self::Dirac => dirac(text),
            Self::Belle2 if is_path => Ok(Did::new(belle2(text, scopes), text)),
            Self::Ctao if is_path => Ok(Did::new(element(text, 2).unwrap_or("root"), text)),
            Self::Atlas => default(text.strip_suffix('/').unwrap_or(text)),
            Self::Eic => eic(text),
            Self::Ctao | Self::Belle2 | Self::Unknown if !text.contains(':') => {
                Err(malformed(text, "This client does not know which scope it has at this site."))
            }
            Self::Default | Self::Ctao | Self::Belle2 | Self::Unknown => default(text),
        }
    }
}

fn default(text: &str) -> Result<Did> {
    match text.split(':').collect::<Vec<_>>()[..] {
        [name] => Ok(Did::new(first_parts(name), name.strip_suffix('/').unwrap_or(name))),
        [scope, name] if !scope.is_empty() && !name.is_empty() => Ok(Did::new(scope, name)),
        [_, _] => Err(malformed(text, "Found empty scope or name.")),
        ref parts => {
            let colons = parts.len() - 1;
            Err(malformed(text, &format!("The DID should have exactly one colon but found {colons} colons.")))
        }
    }
}

/// Returns the scope at the start of a name.
fn first_parts(name: &str) -> String {
    let parts = if name.starts_with("user") || name.starts_with("group") { 2 } else { 1 };
    name.split('.').take(parts).collect::<Vec<_>>().join(".")
}

fn dirac(text: &str) -> Result<Did> {
    let elements: Vec<_> = text.trim_end_matches('/').split('/').collect();
    let scope = elements.get(2).or_else(|| elements.get(1));
    scope.map(|scope| Did::new(*scope, text)).ok_or_else(|| malformed(text, "It is not a path with a VO."))
}

fn eic(text: &str) -> Result<Did> {
    let text = text.strip_suffix('/').unwrap_or(text);
    let Some((scope, name)) = text.split_once(':') else { return Err(malformed(text, "It has no scope.")) };
    let owner = scope.split_once('.').filter(|(kind, _)| kind.starts_with("user") || kind.starts_with("group"));
    match owner.map(|(_, owner)| format!("/{}", owner.split('.').next().unwrap_or_default())) {
        Some(start) if !name.starts_with(&start) => {
            Err(malformed(text, &format!("Names in the scope {scope} start with {start}.")))
        }
        _ => Ok(Did::new(scope, name)),
    }
}

/// Returns an element of a path, counted from 1; `None` if there is none.
fn element(path: &str, number: usize) -> Option<&str> {
    path.split('/').nth(number).filter(|element| !element.is_empty())
}

/// Returns the scope of a path below `/belle`.
fn belle2(path: &str, scopes: &[String]) -> String {
    const AREAS: [(&str, &str); 8] = [
        ("/belle/mock/", "mock"),
        ("/belle/Raw/", "raw"),
        ("/belle/hRaw", "hraw"),
        ("/belle/ddm/functional_tests/", "test"),
        ("/belle/ddm/tests/", "test"),
        ("/belle/test/ddm_test", "test"),
        ("/belle/BG/", "data"),
        ("/belle/collection", "collection"),
    ];
    let elements: Vec<_> = path.split('/').collect();
    let existing = |kind: &str, owner: Option<&&str>| {
        let scope = format!("{kind}.{}", owner?);
        scopes.contains(&scope).then_some(scope)
    };
    match elements.get(2).copied() {
        Some("MC") if elements.len() > 3 => belle2_simulation(&elements).to_owned(),
        Some("data" | "Data") if elements.len() > 3 => belle2_data(&elements).to_owned(),
        Some("user") if elements.len() > 3 => {
            // Users may be grouped by their initial: /belle/user/j/jdoe.
            let initial = elements.get(3).filter(|element| element.chars().count() == 1);
            let own = existing("user", initial.and(elements.get(4))).or_else(|| existing("user", elements.get(3)));
            own.unwrap_or_else(|| "user".to_owned())
        }
        Some("group") if elements.len() > 3 => existing("group", elements.get(4)).unwrap_or_else(|| "group".to_owned()),
        _ => AREAS.iter().find(|(start, _)| path.starts_with(start)).map_or("other", |(_, scope)| scope).to_owned(),
    }
}

/// Returns the scope of a path below `/belle/MC`: `mc` for official productions, else `mc_tmp`.
fn belle2_simulation(elements: &[&str]) -> &'static str {
    const OFFICIAL: [&str; 7] = ["BG", "build", "generic", "log", "mcprod", "prerelease", "release"];
    const TEMPORARY: [&str; 9] = ["cert", "dirac", "dr3", "fab", "hideki", "merge", "migration", "skim", "test"];
    let campaign = elements[3];
    let starts = |with: &[&str]| with.iter().any(|start| campaign.starts_with(start));
    let contains = |parts: &[&str]| parts.iter().any(|part| campaign.contains(part));
    let is_release = elements.len() > 4 && contains(&["release"]) && !contains(&["fab", "merge", "skim"]);
    if starts(&OFFICIAL) || !starts(&TEMPORARY) && is_release { "mc" } else { "mc_tmp" }
}

/// Returns the scope of a path below `/belle/Data`: `data` for releases, else `data_tmp`.
fn belle2_data(elements: &[&str]) -> &'static str {
    /// Processings from before releases had the scope `data`.
    const OLD: [&str; 18] = [
        "GCR2c",
        "prod00000007",
        "prod6b",
        "proc7b",
        "proc8b",
        "Bucket4",
        "Bucket6test",
        "bucket6",
        "proc9",
        "bucket7",
        "SKIMDATAx1",
        "proc10Valid",
        "proc10",
        "SkimP10x1",
        "SkimP11x1",
        "SkimB9x1",
        "SkimB10x1",
        "SkimB11x1",
    ];
    let is_release = elements.len() > 4 && elements[3].contains("release");
    let is_processing = elements.len() > 5 && elements[3] == "proc" && elements[4].contains("release");
    let is_old = elements.len() > 7 && OLD.contains(&elements[6]);
    if is_release || is_processing && !is_old { "data" } else { "data_tmp" }
}

fn malformed(text: &str, why: &str) -> Error {
    Error::new(
        Exception::RucioException,
        format!("Cannot extract scope and name from DID {text}. {why} Use scope:name."),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(convention: ScopeConvention, text: &str) -> Option<(String, String)> {
        let scopes = ["user.jdoe", "user.j", "group.ana"].map(str::to_owned);
        convention.parse(text, &scopes).ok().map(|did| (did.scope, did.name))
    }

    fn scope_of(convention: ScopeConvention, text: &str) -> Option<String> {
        parsed(convention, text).map(|(scope, _)| scope)
    }

    #[test]
    fn did_parses_as_in_the_official_client() {
        let cases = [
            ("test:mixed", Some(("test", "mixed"))),
            ("user.jdoe.test.1", Some(("user.jdoe", "user.jdoe.test.1"))),
            ("group.phys.x/", Some(("group.phys", "group.phys.x"))),
            ("mc.file", Some(("mc", "mc.file"))),
            ("user", Some(("user", "user"))),
            ("test:mixed/", Some(("test", "mixed/"))),
            ("test:", None),
            (":mixed", None),
            ("a:b:c", None),
        ];
        for (text, expected) in cases {
            let expected = expected.map(|(scope, name)| (scope.to_owned(), name.to_owned()));
            assert_eq!(parsed(ScopeConvention::Default, text), expected, "{text}");
        }
    }

    #[test]
    fn did_scope_comes_from_dirac_paths() {
        for (text, scope) in [("/belle/user/x", Some("user")), ("/belle/", Some("belle")), ("x", None)] {
            assert_eq!(scope_of(ScopeConvention::Dirac, text).as_deref(), scope, "{text}");
        }
    }

    #[test]
    fn did_scope_comes_from_paths_of_belle2() {
        for (path, scope) in [
            ("/belle/MC/generic/x", "mc"),
            ("/belle/MC/fab/x", "mc_tmp"),
            ("/belle/MC/my-release-05/x", "mc"),
            ("/belle/MC/my-release-05", "mc_tmp"),
            ("/belle/MC/skim-release-05/x", "mc_tmp"),
            ("/belle/MC/testrelease/x", "mc_tmp"),
            ("/belle/Raw/e0008/x", "raw"),
            ("/belle/hRaw/x", "hraw"),
            ("/belle/user/j/jdoe/x", "user.jdoe"),
            ("/belle/user/jdoe/x", "user.jdoe"),
            ("/belle/user/j/nobody/x", "user.j"),
            ("/belle/user/nobody/x", "user"),
            ("/belle/group/physics/ana/x", "group.ana"),
            ("/belle/group/physics/nobody/x", "group"),
            ("/belle/Data/release-05/x", "data"),
            ("/belle/data/skim/x", "data_tmp"),
            ("/belle/Data/proc/release-04/DB1/proc11/prod1/x", "data"),
            ("/belle/Data/proc/release-04/DB1/proc9/prod1/x", "data_tmp"),
            ("/belle/Data/proc/fab-01/x", "data_tmp"),
            ("/belle/Data/other/x", "data_tmp"),
            ("/belle/ddm/tests/x", "test"),
            ("/belle/BG/x", "data"),
            ("/belle/collection/x", "collection"),
            ("/belle/mock/x", "mock"),
            ("/belle/new/x", "other"),
        ] {
            let expected = Some((scope.to_owned(), path.to_owned()));
            assert_eq!(parsed(ScopeConvention::Belle2, path), expected, "{path}");
        }
        assert_eq!(scope_of(ScopeConvention::Belle2, "mc:/belle/x").as_deref(), Some("mc"));
        assert_eq!(scope_of(ScopeConvention::Belle2, "file.root"), None);
    }

    #[test]
    fn did_scope_follows_the_conventions_of_other_experiments() {
        use ScopeConvention::{Atlas, Ctao, Eic, Unknown};
        for (convention, text, scope, name) in [
            (Atlas, "mc16:set/", "mc16", "set"),
            (Atlas, "user.jdoe.set/", "user.jdoe", "user.jdoe.set"),
            (Ctao, "/ctao.org/foo/foo.dat", "foo", "/ctao.org/foo/foo.dat"),
            (Ctao, "/ctao.org/", "root", "/ctao.org/"),
            (Ctao, "/", "root", "/"),
            (Eic, "epic:/RECO/set/", "epic", "/RECO/set"),
            (Eic, "user.jdoe:/jdoe/set", "user.jdoe", "/jdoe/set"),
            (Unknown, "test:set", "test", "set"),
        ] {
            let expected = Some((scope.to_owned(), name.to_owned()));
            assert_eq!(parsed(convention, text), expected, "{convention:?} {text}");
        }
        for (convention, text) in
            [(Ctao, "foo.dat"), (Eic, "/RECO/set"), (Eic, "user.jdoe:/other/set"), (Unknown, "test.set")]
        {
            assert_eq!(parsed(convention, text), None, "{convention:?} {text}");
        }
    }
}
