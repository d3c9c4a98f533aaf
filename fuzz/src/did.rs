//! DIDs, and what names become on the disk: never anything outside of the target folder.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Component, Path, PathBuf};

use rucio::transfer::download::target_folder::TargetFolder;
use rucio::transfer::plan::destination;
use rucio::transfer::report::line;
use rucio::types::{Did, ScopeConvention};

/// Separates the texts: no UTF-8 has this byte.
const SEPARATOR: u8 = 0xff;

/// Four texts: a DID as it is typed; the scope and name of a file, and the name of the collection it was asked for by.
pub fn did(data: &[u8]) {
    let mut texts = data.splitn(4, |byte| *byte == SEPARATOR).map(|text| String::from_utf8_lossy(text).into_owned());
    let mut text = || texts.next().unwrap_or_default();
    typed(&text());
    let file = Did::new(text(), text());
    let collection = Did::new(file.scope.clone(), text());
    let paths: Vec<_> = [&file, &collection]
        .into_iter()
        .flat_map(|asked| [false, true].map(|no_subdir| destination(&file, asked, no_subdir)))
        .flatten()
        .collect();
    paths.iter().for_each(|path| below(path));
    listed(&file, &collection);
    if !paths.is_empty() {
        placed(&paths);
    }
}

/// What is read can be written and read again, and is the same.
fn typed(text: &str) {
    if let Ok(did) = Did::parse(text, ScopeConvention::Default) {
        assert!(!did.scope.contains(':') && !did.name.contains(':'), "{did:?} of {text:?}");
        if !did.scope.is_empty() && !did.name.is_empty() {
            let again = Did::parse(&did.to_string(), ScopeConvention::Default);
            assert_eq!(again.ok().as_ref(), Some(&did), "{text:?}");
        }
        assert!(!text.contains(':') || did.to_string() == text, "{did:?} of {text:?}");
    }
    if let Ok(did) = Did::parse(text, ScopeConvention::Dirac) {
        assert!(!did.scope.contains('/') && did.name == text, "{did:?} of {text:?}");
    }
}

/// A line of the list of what failed is read as the same again, or is a remark.
fn listed(file: &Did, collection: &Did) {
    for dataset in [file, collection] {
        let line = line(file, dataset);
        assert!(!line.contains(['\n', '\r']), "{line:?} is several lines");
        if line.trim().starts_with('#') {
            continue;
        }
        let (first, second) = line.trim().split_once('\t').unwrap_or((line.trim(), ""));
        assert_eq!(Did::parse(first, ScopeConvention::Default).ok().as_ref(), Some(file), "{line:?}");
        let second = Did::parse(second, ScopeConvention::Default).ok().filter(|_| !second.is_empty());
        assert_eq!(second.as_ref(), (file != dataset).then_some(dataset), "{line:?}");
    }
}

/// A path that was accepted names something below the folder, and nothing that would move a cursor.
fn below(path: &Path) {
    assert!(path.components().count() > 0, "an empty path");
    assert!(path.components().all(|part| matches!(part, Component::Normal(_))), "{path:?}");
    let text = path.to_str().expect("names are text");
    assert!(!text.chars().any(char::is_control), "{text:?}");
    let rebuilt: PathBuf = path.components().collect();
    assert_eq!(rebuilt.to_str(), Some(text), "a path has another form, too");
}

/// In a folder full of links, a place that is given is below the folder, and nothing outside is touched.
fn placed(paths: &[PathBuf]) {
    let world = tempfile::tempdir().expect("a temporary folder");
    let (target, outside) = (world.path().join("target"), world.path().join("outside"));
    let links = [("out", "../outside"), ("up", ".."), ("gone", "../nothing"), ("loop", "loop"), ("in", "real")];
    fs::create_dir_all(target.join("real")).expect("a folder");
    fs::create_dir(&outside).expect("a folder");
    links.iter().for_each(|(name, to)| symlink(to, target.join(name)).expect("a link"));
    let folder = TargetFolder::new(&target).expect("a target folder");
    for path in paths {
        let Ok(place) = folder.prepare_path(path) else { continue };
        let parent = place.parent().expect("a folder").canonicalize().expect("its folders are there");
        assert!(parent.starts_with(target.canonicalize().expect("the target")), "{path:?} went to {parent:?}");
    }
    let names = |folder: &Path| fs::read_dir(folder).expect("a folder").count();
    assert_eq!((names(&outside), names(world.path())), (0, 2), "{paths:?}");
}
