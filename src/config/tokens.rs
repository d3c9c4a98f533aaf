//! Paths of the cached token: the same as the official client's, so that both share one cache.

use super::paths;
use crate::{Error, Result, env_vars, env_vars::Env};
use std::{
    io::Write,
    path::{Path, PathBuf},
};

use rustix::fs::{Access, access};

/// The VO of a server that has only one.
pub const DEFAULT_VO: &str = "def";

/// The folder and the files of a cached token.
pub(super) struct TokenPaths {
    pub(super) dir: PathBuf,
    pub(super) token: PathBuf,
    pub(super) expiry: PathBuf,
}

impl TokenPaths {
    /// Returns the paths in the folder for temporary files, or, with `chosen`, that file and the files beside it.
    pub(super) fn new(chosen: Option<&Path>, account: Option<&str>, vo: &str, env: &Env) -> Result<Self> {
        let suffix = account.map_or("for_default_account".to_owned(), |account| format!("for_account_{account}"));
        let dir = match chosen {
            Some(file) => file.parent().unwrap_or(file).to_owned(),
            None => default_dir(vo, env)?,
        };
        let token = chosen.map_or_else(|| dir.join(format!("auth_token_{suffix}")), Path::to_owned);
        Ok(Self { token, expiry: dir.join(format!("auth_token_exp_{suffix}")), dir })
    }
}

fn default_dir(vo: &str, env: &Env) -> Result<PathBuf> {
    let user = paths::user_name(env);
    let folder = match vo {
        DEFAULT_VO => format!(".rucio_{user}"),
        vo => format!(".rucio_{user}@{vo}"),
    };
    Ok(user_dir(&user, env)?.join(folder))
}

/// Returns the folder of this user in the folder for temporary files. If it exists in one that may be written, no file
/// is written to test that: every command gets here.
fn user_dir(user: &str, env: &Env) -> Result<PathBuf> {
    let exists = |dir: &Path| dir.join(user).is_dir() && access(dir, Access::WRITE_OK | Access::EXEC_OK).is_ok();
    Ok(find_temp_dir(env, |dir| exists(dir) || is_writable(dir))?.join(user))
}

/// Returns the existing folders in which tokens of this user are cached, one per VO, without symbolic links.
///
/// # Errors
/// If there is no folder for temporary files.
pub fn token_folders(env: &Env) -> Result<Vec<PathBuf>> {
    let user = paths::user_name(env);
    let one = format!(".rucio_{user}");
    let of_vo = format!(".rucio_{user}@");
    let entries = std::fs::read_dir(user_dir(&user, env)?).into_iter().flatten().flatten();
    let is_folder = |entry: &std::fs::DirEntry| entry.file_type().is_ok_and(|kind| kind.is_dir());
    let named = |name: &str| name == one || name.starts_with(&of_vo);
    let folders = entries.filter(|entry| is_folder(entry) && named(&entry.file_name().to_string_lossy()));
    let mut folders: Vec<_> = folders.map(|entry| entry.path()).collect();
    folders.sort();
    Ok(folders)
}

/// Returns the folder for temporary files that Python would use: the first in which a file can be written.
pub(crate) fn temp_dir(env: &Env) -> Result<PathBuf> {
    find_temp_dir(env, is_writable)
}

/// Returns the first of the folders where Python looks for one that meets the condition.
fn find_temp_dir(env: &Env, meets: impl Fn(&Path) -> bool) -> Result<PathBuf> {
    let named = [env_vars::TMPDIR, env_vars::TEMP, env_vars::TMP];
    let named = named.iter().filter_map(|name| env.get(name));
    let usual = ["/tmp", "/var/tmp", "/usr/tmp", "."].map(str::to_owned);
    named.chain(usual).map(|dir| paths::absolute(Path::new(&dir))).find(|dir| meets(dir)).ok_or_else(|| {
        let none = std::io::Error::new(std::io::ErrorKind::NotFound, "TMPDIR, TEMP, TMP and /tmp cannot be written");
        Error::io("looking for a folder for temporary files", none)
    })
}

fn is_writable(dir: &Path) -> bool {
    tempfile::NamedTempFile::new_in(dir).and_then(|mut file| file.write_all(b"x")).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn token(env: &Env, account: Option<&str>, vo: &str) -> (String, String) {
        let paths = TokenPaths::new(None, account, vo, env).unwrap();
        assert!(paths.token.starts_with(&paths.dir));
        (paths.token.display().to_string(), paths.expiry.display().to_string())
    }

    // The paths were observed with the official client.
    #[test]
    fn token_cache_is_where_the_official_client_has_it() {
        let tmp = tempfile::tempdir().unwrap();
        let base = tmp.path().display().to_string();
        let env = Env::fixed([("TMPDIR", "/nowhere"), ("TEMP", &base), ("TMP", "/tmp"), ("USER", "kim")]);
        let dir = format!("{base}/kim/.rucio_kim");
        let of_root = (format!("{dir}/auth_token_for_account_root"), format!("{dir}/auth_token_exp_for_account_root"));
        assert_eq!(token(&env, Some("root"), "def"), of_root);
        let of_none = (
            format!("{dir}@atl/auth_token_for_default_account"),
            format!("{dir}@atl/auth_token_exp_for_default_account"),
        );
        assert_eq!(token(&env, None, "atl"), of_none);
    }

    #[test]
    fn token_folder_of_an_earlier_command_is_found_without_writing() {
        let tmp = tempfile::tempdir().unwrap();
        let env = Env::fixed([("TMPDIR", tmp.path().to_str().unwrap()), ("USER", "kim")]);
        std::fs::create_dir(tmp.path().join("kim")).unwrap();
        let before = tmp.path().metadata().unwrap().modified().unwrap();
        assert_eq!(user_dir("kim", &env).unwrap(), tmp.path().join("kim"));
        assert_eq!(tmp.path().metadata().unwrap().modified().unwrap(), before);
    }

    #[test]
    fn token_folders_of_all_vos_are_found() {
        let tmp = tempfile::tempdir().unwrap();
        let base = tmp.path().join("kim");
        let env = Env::fixed([("TMPDIR", tmp.path().to_str().unwrap()), ("USER", "kim")]);
        assert!(token_folders(&env).unwrap().is_empty());
        for name in [".rucio_kim", ".rucio_kim@atl", ".rucio_kimberly", "other"] {
            std::fs::create_dir_all(base.join(name)).unwrap();
        }
        std::fs::write(base.join(".rucio_kim@file"), "").unwrap();
        std::os::unix::fs::symlink(base.join("other"), base.join(".rucio_kim@link")).unwrap();
        assert_eq!(token_folders(&env).unwrap(), [base.join(".rucio_kim"), base.join(".rucio_kim@atl")]);
    }

    #[test]
    fn token_file_that_is_configured_has_its_expiry_beside_it() {
        let paths = TokenPaths::new(Some(Path::new("/t/token")), Some("root"), "atl", &Env::fixed([])).unwrap();
        assert_eq!(paths.dir, Path::new("/t"));
        assert_eq!(paths.token, Path::new("/t/token"));
        assert_eq!(paths.expiry, Path::new("/t/auth_token_exp_for_account_root"));
    }
}
