//! Search for the configuration file.

use super::paths;
use crate::{
    Error, Result,
    env_vars::{self, Env},
    exceptions::Exception,
    hint::{Hint, Parameter},
};
use std::path::{Path, PathBuf};

/// Returns the named file, else the first one that exists in the usual locations.
pub(super) fn find(given: Option<&str>, env: &Env) -> Result<PathBuf> {
    if let Some(named) = given.map(str::to_owned).or_else(|| env.get(env_vars::RUCIO_CONFIG)) {
        return Ok(paths::expand(&named, env));
    }
    let candidates = candidates(env);
    candidates.iter().find(|path| path.exists()).cloned().ok_or_else(|| not_found(&candidates))
}

/// Reads the file.
pub(super) fn read(path: &Path) -> Result<String> {
    crate::input_file::read_to_string(path).map_err(|error| {
        let details = format!("{0}\n{0} cannot be read: {error}.", path.display());
        Error::new(Exception::ConfigLoadingError, details)
            .with_hint(Hint::parameters("Name a readable file", [Parameter::Config]))
    })
}

pub(super) fn candidates(env: &Env) -> Vec<PathBuf> {
    let homes = [env_vars::RUCIO_HOME, env_vars::VIRTUAL_ENV, env_vars::CONDA_PREFIX];
    let homes = homes.iter().filter_map(|name| env.get(name)).chain(["/opt/rucio".to_owned()]);
    homes.map(|home| Path::new(&home).join("etc/rucio.cfg")).chain(personal(env)).collect()
}

/// Returns the user's own configuration file, which `rucio login --setup` writes: `rucio/rucio.cfg` below
/// `XDG_CONFIG_HOME`, else below `~/.config` (XDG Base Directory Specification). It is searched last, so that it never
/// overrides a file that the official client, which does not look there, would find.
pub fn personal(env: &Env) -> Option<PathBuf> {
    let named = env.get(env_vars::XDG_CONFIG_HOME).map(PathBuf::from).filter(|folder| folder.is_absolute());
    let folder = named.or_else(|| env.get(env_vars::HOME).map(|home| Path::new(&home).join(".config")))?;
    Some(folder.join("rucio/rucio.cfg"))
}

/// Returns the error for a missing file.
pub(super) fn not_found(candidates: &[PathBuf]) -> Error {
    let lines: String = candidates.iter().map(|path| format!("\n\t{}", path.display())).collect();
    Error::new(
        Exception::ConfigNotFound,
        format!(
            "Could not load Rucio configuration file. Rucio looked in the following paths for a configuration file, in \
             order:{lines}"
        ),
    )
    .with_hint(Hint::parameters("Name your configuration file", [Parameter::Config]))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn installed(folder: &Path) -> String {
        std::fs::create_dir_all(folder.join("etc")).unwrap();
        std::fs::write(folder.join("etc/rucio.cfg"), "[client]\n").unwrap();
        folder.display().to_string()
    }

    #[test]
    fn discovery_prefers_a_named_file() {
        let folder = tempfile::tempdir().unwrap();
        let home = installed(folder.path());
        let env = Env::fixed([("RUCIO_CONFIG", "/a.cfg"), ("RUCIO_HOME", &home)]);
        assert_eq!(find(Some("~/b.cfg"), &Env::fixed([("HOME", "/h")])).unwrap(), Path::new("/h/b.cfg"));
        assert_eq!(find(None, &env).unwrap(), Path::new("/a.cfg"));
    }

    #[test]
    fn discovery_takes_the_first_place_with_a_file() {
        let (empty, conda) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let prefix = installed(conda.path());
        let env = Env::fixed([("RUCIO_HOME", empty.path().to_str().unwrap()), ("CONDA_PREFIX", &prefix)]);
        assert_eq!(find(None, &env).unwrap(), conda.path().join("etc/rucio.cfg"));
    }

    #[test]
    fn discovery_lists_the_places_in_order() {
        let variables = [("RUCIO_HOME", "/r"), ("CONDA_PREFIX", "/c"), ("VIRTUAL_ENV", "/v"), ("HOME", "/h")];
        let env = Env::fixed(variables);
        let error = not_found(&candidates(&env));
        assert_eq!(error.class(), Some(Exception::ConfigNotFound));
        let order = "/r/etc/rucio.cfg\n\t/v/etc/rucio.cfg\n\t/c/etc/rucio.cfg\n\t/opt/rucio/etc/rucio.cfg\n\t\
                     /h/.config/rucio/rucio.cfg";
        assert!(error.to_string().ends_with(order), "{error}");
    }

    #[test]
    fn discovery_ends_with_the_users_own_file() {
        let home = tempfile::tempdir().unwrap();
        let text = home.path().to_str().unwrap();
        let own = home.path().join("rucio/rucio.cfg");
        std::fs::create_dir_all(own.parent().unwrap()).unwrap();
        std::fs::write(&own, "[client]\n").unwrap();
        let xdg = ("XDG_CONFIG_HOME", text);
        assert_eq!(find(None, &Env::fixed([xdg])).unwrap(), own);
        let prefix = installed(home.path());
        assert_eq!(
            find(None, &Env::fixed([xdg, ("CONDA_PREFIX", &prefix)])).unwrap(),
            home.path().join("etc/rucio.cfg")
        );
        let relative = Env::fixed([("XDG_CONFIG_HOME", "relative"), ("HOME", "/h")]);
        assert_eq!(personal(&relative).unwrap(), Path::new("/h/.config/rucio/rucio.cfg"));
        assert_eq!(personal(&Env::fixed([])), None);
    }

    #[test]
    fn discovery_reports_why_a_named_file_cannot_be_read() {
        let folder = tempfile::tempdir().unwrap();
        for path in [folder.path().join("absent.cfg"), folder.path().to_owned()] {
            let error = read(&path).unwrap_err();
            assert_eq!(error.class(), Some(Exception::ConfigLoadingError));
            assert!(error.to_string().contains(path.to_str().unwrap()), "{error}");
        }
    }
}
