//! Caches recent responses of the server in files, so that the next completion needs no request.

use std::fs::{self, DirBuilder};
use std::io::Write;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::config::Settings;
use crate::env_vars::{self, Env};
use crate::sha256;

/// Lifetime of a cached value.
const MAX_AGE: Duration = Duration::from_secs(5 * 60);

/// The cache files of one server, VO and account.
#[derive(Debug)]
pub(super) struct CompletionCache(Option<PathBuf>);

impl CompletionCache {
    pub(super) fn new(settings: &Settings, env: &Env) -> Self {
        let cache = env
            .get(env_vars::XDG_CACHE_HOME)
            .map(PathBuf::from)
            .or_else(|| env.get(env_vars::HOME).map(|home| Path::new(&home).join(".cache")));
        let whose = format!("{}\n{}\n{:?}", settings.rucio_host, settings.vo, settings.account);
        Self(cache.map(|cache| cache.join("rucio/completion").join(hex(&whose))))
    }

    /// Returns the cached value of this name, unless it has expired.
    pub(super) fn load<T: DeserializeOwned>(&self, name: &str) -> Option<T> {
        let file = self.file(name)?;
        let age = SystemTime::now().duration_since(fs::metadata(&file).ok()?.modified().ok()?).ok()?;
        (age < MAX_AGE).then(|| serde_json::from_slice(&fs::read(&file).ok()?).ok()).flatten()
    }

    /// Caches a value. Errors are ignored: the next completion requests the value again.
    pub(super) fn save(&self, name: &str, value: &impl Serialize) {
        let write = || -> Option<()> {
            let file = self.file(name)?;
            let folder = file.parent()?;
            DirBuilder::new().recursive(true).mode(0o700).create(folder).ok()?;
            let mut temporary = tempfile::NamedTempFile::new_in(folder).ok()?;
            temporary.write_all(&serde_json::to_vec(value).ok()?).ok()?;
            temporary.persist(file).ok().map(drop)
        };
        write();
    }

    fn file(&self, name: &str) -> Option<PathBuf> {
        self.0.as_ref().map(|folder| folder.join(hex(name)))
    }
}

fn hex(text: &str) -> String {
    sha256::hex(text)[..32].to_owned()
}
