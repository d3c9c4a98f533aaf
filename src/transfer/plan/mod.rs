//! Turns listed replicas into jobs: one job per file, with its sources and destinations.
//!
//! Pure: no clock, disk or network. Listing replicas belongs to `listing`, creating folders to `download`.

mod archive_pfn;
pub mod path;

use std::collections::{HashMap, HashSet};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use tokio::sync::SetOnce;

use super::checksum::Checksum;
use super::job::{Duplicate, Fetched, FileJob, Source};
use crate::key_set::KeySet;
use crate::storage::Pfn;
use crate::types::{Did, ReplicaAttributes, ReplicaEntry};
use path::{UnsafeName, below, leaf};

/// A requested DID that led to a listed file.
#[derive(Debug, Clone, Copy)]
pub struct Route<'a> {
    /// Index of the requested DID.
    pub request: usize,
    /// The DID: the file itself or a collection that contains it.
    pub did: &'a Did,
}

/// Options of the planner.
#[derive(Debug, Clone, Default)]
pub struct Rules {
    /// Files go directly into the target folder.
    pub no_subdir: bool,
    /// Nothing is extracted from archives by this program.
    pub no_archives: bool,
    /// RSEs that are not read.
    pub excluded_rses: HashSet<String>,
    /// Whether the same file may be listed more than once.
    pub duplicates_possible: bool,
}

/// Turns listed files into jobs, one by one.
///
/// It stores a hash of every destination, to detect when two files would have the same one; and whole destinations only
/// if [`Rules::duplicates_possible`].
#[derive(Debug, Default)]
pub struct Planner {
    rules: Rules,
    /// Hashes of the destinations of each scope's files.
    taken: Vec<(String, KeySet<8>)>,
    duplicates: HashMap<Did, Planned>,
}

#[derive(Debug)]
struct Planned {
    fetched: Arc<SetOnce<Fetched>>,
    destinations: Vec<PathBuf>,
}

impl Planner {
    /// Creates a planner that has seen no file.
    pub fn new(rules: Rules) -> Self {
        Self { rules, ..Self::default() }
    }

    /// Returns the job for a listed file that these routes led to. It has no destinations if earlier jobs cover them,
    /// and an obstacle if it cannot be written.
    pub fn plan(&mut self, entry: ReplicaEntry, routes: &[Route<'_>]) -> FileJob {
        let sources = self.sources(&entry);
        let mut job = FileJob {
            bytes: entry.bytes,
            checksum: Checksum::new(entry.adler32.as_deref(), entry.md5.as_deref()),
            sources,
            requests: routes.iter().map(|route| route.request).collect(),
            dataset: routes.first().map_or_else(|| entry.did.clone(), |route| route.did.clone()),
            ..FileJob::unknown(entry.did, 0)
        };
        match self.destinations(&job.did, routes) {
            Ok(destinations) => self.claim(&mut job, destinations),
            Err(error) => job.obstacle = Some(error.to_string()),
        }
        job
    }

    /// Whether the file has replicas, all on excluded RSEs.
    pub fn only_excluded(&self, entry: &ReplicaEntry) -> bool {
        !entry.pfns.is_empty() && entry.pfns.iter().all(|(_, pfn)| self.rules.excluded_rses.contains(&pfn.rse))
    }

    /// Whether the file has a replica that may be read.
    pub fn has_source(&self, entry: &ReplicaEntry) -> bool {
        entry.pfns.iter().any(|(_, pfn)| self.is_usable(pfn))
    }

    fn is_usable(&self, pfn: &ReplicaAttributes) -> bool {
        let is_in_archive = self.rules.no_archives && pfn.client_extract;
        !is_in_archive && !self.rules.excluded_rses.contains(&pfn.rse)
    }

    /// Returns the usable replicas in the server's order of preference, without duplicates.
    fn sources(&self, entry: &ReplicaEntry) -> Vec<Source> {
        let mut usable: Vec<_> = entry.pfns.iter().filter(|(_, pfn)| self.is_usable(pfn)).collect();
        usable.sort_by_key(|(_, pfn)| pfn.priority.unwrap_or(u32::MAX));
        let mut locations = HashSet::new();
        let parsed = usable.into_iter().map(|(pfn, at)| (Pfn::from(pfn.as_str()), at));
        let distinct = parsed.filter(|(pfn, _)| locations.insert(pfn.canonical().into_owned()));
        distinct.map(|(pfn, at)| source(&entry.did, pfn, at)).collect()
    }

    fn destinations(&self, file: &Did, routes: &[Route<'_>]) -> Result<Vec<PathBuf>, UnsafeName> {
        let mut paths = Vec::new();
        for route in routes {
            let path = destination(file, route.did, self.rules.no_subdir)?;
            if !paths.contains(&path) {
                paths.push(path);
            }
        }
        Ok(paths)
    }

    /// Sets the destinations of the job, or an obstacle if another file has one of them.
    fn claim(&mut self, job: &mut FileJob, mut destinations: Vec<PathBuf>) {
        if let Some(first) = self.duplicates.get_mut(&job.did) {
            destinations.retain(|path| !first.destinations.contains(path));
            first.destinations.extend(destinations.iter().cloned());
            job.duplicate = Duplicate::Later(first.fetched.clone());
        } else if self.rules.duplicates_possible {
            let fetched = Arc::new(SetOnce::new());
            let planned = Planned { fetched: fetched.clone(), destinations: destinations.clone() };
            self.duplicates.insert(job.did.clone(), planned);
            job.duplicate = Duplicate::First(fetched);
        }
        match destinations.iter().find_map(|path| Some((path, self.holder(path)?))) {
            Some((path, holder)) => job.obstacle = Some(collision(&job.did, path, holder)),
            None => destinations.iter().for_each(|path| self.reserve(path, &job.did.scope)),
        }
        job.destinations = destinations;
    }

    /// Returns the scope of the file that has this destination.
    fn holder(&self, path: &Path) -> Option<&str> {
        let hash = fingerprint(path);
        self.taken.iter().find(|(_, taken)| taken.contains(&hash)).map(|(scope, _)| scope.as_str())
    }

    fn reserve(&mut self, path: &Path, scope: &str) {
        let known = self.taken.iter().position(|(known, _)| known == scope);
        let index = known.unwrap_or_else(|| {
            self.taken.push((scope.to_owned(), KeySet::default()));
            self.taken.len() - 1
        });
        self.taken[index].1.insert(fingerprint(path));
    }
}

/// Converts a replica to a source. A member of an archive that is extracted here has the archive's PFN, without the
/// member's name.
pub fn source(did: &Did, pfn: Pfn, at: &ReplicaAttributes) -> Source {
    let packed = at.client_extract || archive_pfn::needs_unpacking(&pfn);
    let pfn = if packed { archive_pfn::archive(pfn) } else { pfn };
    Source { pfn, rse: at.rse.clone(), member: packed.then(|| did.name.clone()) }
}

/// Returns the path of a file below the target folder: under its scope if the file itself was requested, else under the
/// name of the requested collection. Errors: a name cannot be used as a path.
pub fn destination(file: &Did, asked: &Did, no_subdir: bool) -> Result<PathBuf, UnsafeName> {
    let (folder, name) =
        if asked == file { (file.scope.as_str(), file.name.as_str()) } else { (asked.name.as_str(), leaf(&file.name)) };
    below((!no_subdir).then_some(folder), name)
}

fn fingerprint(path: &Path) -> [u8; 8] {
    let mut hasher = DefaultHasher::new();
    path.hash(&mut hasher);
    hasher.finish().to_be_bytes()
}

fn collision(did: &Did, path: &Path, holder: &str) -> String {
    let other = path.file_name().unwrap_or_default().to_string_lossy();
    format!(
        "{did} and {holder}:{other} would both be written to {}; download {did} into another folder",
        path.display()
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn did(text: &str) -> Did {
        let (scope, name) = text.split_once(':').unwrap();
        Did::new(scope, name)
    }

    fn entry(file: &str, pfns: &str) -> ReplicaEntry {
        let did = did(file);
        let (scope, name) = (did.scope, did.name);
        let text =
            format!(r#"{{"scope": "{scope}", "name": "{name}", "bytes": 3, "adler32": "1", "pfns": {{{pfns}}}}}"#);
        serde_json::from_str(&text).unwrap()
    }

    fn plan(planner: &mut Planner, file: &str, asked: &[&str]) -> FileJob {
        let asked: Vec<_> = asked.iter().map(|text| did(text)).collect();
        let routes: Vec<_> = asked.iter().enumerate().map(|(request, did)| Route { request, did }).collect();
        planner.plan(entry(file, ""), &routes)
    }

    fn paths(job: &FileJob) -> Vec<&str> {
        job.destinations.iter().map(|path| path.to_str().unwrap()).collect()
    }

    #[test]
    fn plan_puts_files_where_the_official_client_does() {
        for (file, asked, no_subdir, expected) in [
            ("test:f", "test:f", false, "test/f"),
            ("test:f", "test:f", true, "f"),
            ("test:f", "test:set", false, "set/f"),
            ("test:f", "other:set", true, "f"),
            ("cms:/store/f.root", "cms:/store/f.root", false, "cms/store/f.root"),
            ("cms:/store/f.root", "cms:/a/set", false, "a/set/f.root"),
            ("cms:/store/f.root", "cms:/a/set", true, "f.root"),
        ] {
            let mut planner = Planner::new(Rules { no_subdir, ..Rules::default() });
            let job = plan(&mut planner, file, &[asked]);
            assert_eq!((paths(&job), &job.obstacle), (vec![expected], &None), "{file} by {asked}");
        }
    }

    #[test]
    fn plan_has_one_destination_for_each_request_of_a_file() {
        let mut planner = Planner::default();
        let job = plan(&mut planner, "s:f", &["s:f", "s:one", "s:two", "t:one"]);
        assert_eq!(paths(&job), ["s/f", "one/f", "two/f"]);
        assert_eq!((job.requests.len(), job.dataset), (4, did("s:f")));
    }

    #[test]
    fn plan_keeps_the_servers_order_of_sources_without_excluded_ones() {
        let pfns = r#"
            "root://c//f": {"rse": "C", "priority": 3},
            "https://a/f": {"rse": "A", "priority": 1},
            "davs://a/f": {"rse": "A", "priority": 4},
            "https://t/f": {"rse": "TAPE", "priority": 0}"#;
        let mut planner = Planner::new(Rules { excluded_rses: HashSet::from(["TAPE".to_owned()]), ..Rules::default() });
        let asked = did("s:f");
        let job = planner.plan(entry("s:f", pfns), &[Route { request: 0, did: &asked }]);
        let found: Vec<_> = job.sources.iter().map(|source| (source.pfn.as_str(), source.rse.as_str())).collect();
        assert_eq!(found, [("https://a/f", "A"), ("root://c//f", "C")]);
        let tape = entry("s:f", r#""https://t/f": {"rse": "TAPE"}"#);
        assert!(planner.only_excluded(&tape) && !planner.only_excluded(&entry("s:f", "")));
        assert!(!planner.has_source(&tape) && !planner.has_source(&entry("s:f", "")));
        let disk = entry("s:f", r#""https://d/f": {"rse": "DISK"}, "https://t/f": {"rse": "TAPE"}"#);
        assert!(planner.has_source(&disk) && !planner.only_excluded(&disk));
    }

    #[test]
    fn plan_tells_archive_members_from_files() {
        let pfns = r#"
            "https://a/x.zip?xrdcl.unzip=f": {"rse": "A", "priority": 1, "domain": "zip", "client_extract": true},
            "root://b//x.zip?xrdcl.unzip=f": {"rse": "B", "priority": 2, "domain": "zip"},
            "root://c//x.tar?xrdcl.unzip=f": {"rse": "C", "priority": 3, "domain": "zip"},
            "https://d/f": {"rse": "D", "priority": 4}"#;
        let asked = did("s:f");
        let found = |no_archives| {
            let mut planner = Planner::new(Rules { no_archives, ..Rules::default() });
            let job = planner.plan(entry("s:f", pfns), &[Route { request: 0, did: &asked }]);
            job.sources.into_iter().map(|source| (source.pfn, source.member)).collect::<Vec<_>>()
        };
        let expected = [
            ("https://a/x.zip", Some("f")),
            // The client for XRootD reads members of zip archives itself.
            ("root://b//x.zip?xrdcl.unzip=f", None),
            ("root://c//x.tar", Some("f")),
            ("https://d/f", None),
        ];
        let owned = expected.map(|(pfn, member)| (Pfn::from(pfn), member.map(str::to_owned)));
        assert_eq!(found(false), owned);
        assert_eq!(found(true), owned[1..]);
    }

    #[test]
    fn plan_refuses_only_the_file_whose_path_is_taken() {
        let mut planner = Planner::default();
        assert_eq!(plan(&mut planner, "one:f", &["s:set"]).obstacle, None);
        let second = plan(&mut planner, "two:f", &["s:set"]);
        let obstacle = second.obstacle.unwrap();
        for part in ["two:f", "one:f", "set/f"] {
            assert!(obstacle.contains(part), "{obstacle}");
        }
        assert_eq!(plan(&mut planner, "two:g", &["s:set"]).obstacle, None);
    }

    #[test]
    fn plan_refuses_only_hostile_names() {
        let mut planner = Planner::default();
        for (file, asked) in [("s:../../f", "s:../../f"), ("s:f", "s:.."), ("s:/..", "s:set"), ("..:f", "..:f")] {
            let job = plan(&mut planner, file, &[asked]);
            assert!(job.obstacle.is_some() && job.destinations.is_empty(), "{file} by {asked}");
        }
        assert_eq!(plan(&mut planner, "s:f", &["s:set"]).obstacle, None);
    }

    #[test]
    fn plan_fetches_a_file_listed_twice_once() {
        let mut planner = Planner::new(Rules { duplicates_possible: true, ..Rules::default() });
        let first = plan(&mut planner, "s:f", &["s:one"]);
        let later = plan(&mut planner, "s:f", &["s:two"]);
        let again = plan(&mut planner, "s:f", &["t:two"]);
        let (Duplicate::First(fetched), Duplicate::Later(waited)) = (&first.duplicate, &later.duplicate) else {
            panic!("no twins")
        };
        assert!(Arc::ptr_eq(fetched, waited));
        assert_eq!((paths(&first), paths(&later), paths(&again)), (vec!["one/f"], vec!["two/f"], vec![]));
        assert_eq!((later.obstacle, again.obstacle), (None, None));
    }

    #[test]
    fn plan_never_gives_two_files_one_destination() {
        let names = ["a", "b", "/x/a", "/y/a", "c/a"];
        let asked = ["s:set", "t:set", "s:a", "s:x"];
        for no_subdir in [false, true] {
            let mut planner = Planner::new(Rules { no_subdir, ..Rules::default() });
            let mut seen = HashSet::new();
            for scope in ["s", "t"] {
                for name in names {
                    for way in asked {
                        let file = format!("{scope}:{name}");
                        let job = plan(&mut planner, &file, &[way]);
                        let fresh = job.destinations.iter().all(|path| seen.insert(path.clone()));
                        assert!(fresh || job.obstacle.is_some(), "{file} by {way}");
                    }
                }
            }
        }
    }
}
