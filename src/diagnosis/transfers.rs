//! Checks what transfers need on this machine: programs, writable folders, free space.

use std::path::{Path, PathBuf};

use rustix::fs::{Access, access, statvfs};

use super::{Finding, shell};
use crate::config::{Settings, temp_dir};
use crate::env_vars::{self, Env};
use crate::hint::Hint;

const CHECK: &str = "transfers";
/// Minimum free space for tokens and temporary files, in bytes.
const LOW_DISK_SPACE: u64 = 10_000_000;
/// Programs that transfer files for this client, with their protocols.
const PROGRAMS: [(&str, &str); 2] = [("ssh", "scp://, sftp:// and rsync://"), ("gfal-copy", "srm:// and gsiftp://")];

/// Returns a finding for each program and folder.
pub(crate) fn examine(settings: Option<&Settings>, env: &Env) -> Vec<Finding> {
    let programs = PROGRAMS.iter().map(|(name, protocols)| match program(name, env) {
        Some(path) => Finding::ok(CHECK, name, format!("{}, for {protocols}", path.display())),
        None => Finding::ok(CHECK, name, format!("not installed: {protocols} not available")),
    });
    let tokens = settings.map(|settings| folder(&settings.token_dir, "tokens"));
    let temporary = match temp_dir(env) {
        Ok(path) => folder(&path, "temporary files"),
        Err(error) => Finding::from_error(&error, CHECK, env_vars::TMPDIR)
            .hint(Hint::run("", "export TMPDIR=~/tmp && mkdir -p ~/tmp")),
    };
    programs.chain(tokens).chain([temporary]).collect()
}

/// Returns the path of a program, if it is installed.
pub(super) fn program(name: &str, env: &Env) -> Option<PathBuf> {
    let path = env.get("PATH")?;
    let places = path.split(':').map(|folder| Path::new(folder).join(name));
    places.into_iter().find(|place| place.is_file() && access(place, Access::EXEC_OK).is_ok())
}

/// Checks that a folder can be written, or created, and has some free space.
fn folder(path: &Path, what: &str) -> Finding {
    let there = path.ancestors().find(|folder| folder.exists()).unwrap_or(path);
    if access(there, Access::WRITE_OK | Access::EXEC_OK).is_err() {
        let text = format!("{what} cannot be saved there: {} is not writable", there.display());
        return Finding::failed(CHECK, path.display(), text).hint(Hint::run("", format!("ls -ld {}", shell(there))));
    }
    match statvfs(there).map(|room| room.f_bavail.saturating_mul(room.f_frsize)) {
        Ok(room) if room < LOW_DISK_SPACE => {
            let text = format!("for {what}, with only {:.1} MB free", room as f64 / 1e6);
            Finding::warning(CHECK, path.display(), text)
                .hint(Hint::run("Free some space", format!("df -h {}", shell(there))))
        }
        _ => Finding::ok(CHECK, path.display(), format!("writable, for {what}")),
    }
}

#[cfg(test)]
mod tests {
    use super::super::Status;
    use super::*;

    #[test]
    fn transfer_programs_are_searched_in_the_path() {
        assert_eq!(program("sh", &Env::fixed([("PATH", "/nowhere:/bin")])).as_deref(), Some(Path::new("/bin/sh")));
        assert_eq!(program("sh", &Env::fixed([("PATH", "/nowhere")])), None);
        assert_eq!(program("sh", &Env::fixed([])), None);
    }

    #[test]
    fn transfer_folder_may_be_missing_below_one_that_exists() {
        let dir = tempfile::tempdir().unwrap();
        assert_eq!(folder(&dir.path().join("a/b"), "tokens").status, Status::Ok);
        assert_eq!(
            folder(Path::new("/proc/nowhere"), "tokens").status,
            if access("/proc", Access::WRITE_OK).is_ok() { Status::Warning } else { Status::Failed }
        );
    }
}
