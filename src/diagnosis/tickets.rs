//! Checks Kerberos tickets and SSH keys, without interaction.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::{Finding, certificates, transfers};
use crate::auth::ssh::{self, Readiness};
use crate::env_vars::{self, Env};
use crate::hint::Hint;

/// Checks the Kerberos tickets, for gss. `klist`, if it is installed, says whether they are still valid.
pub(super) fn kerberos(check: &'static str, env: &Env) -> Finding {
    let name = env.get(env_vars::KRB5CCNAME).unwrap_or_else(usual_cache);
    let file = file_of(&name);
    if file.as_ref().is_some_and(|file| !file.exists()) {
        return Finding::failed(check, name, "there are no Kerberos tickets").requires_login(Hint::run("", "kinit"));
    }
    match transfers::program("klist", env).map(|klist| is_good(&klist, &name)) {
        Some(true) => Finding::ok(check, name, "valid Kerberos ticket (checked with klist)"),
        Some(false) => Finding::failed(check, name, "the Kerberos ticket has expired (checked with klist)")
            .requires_login(Hint::run("", "kinit")),
        None => Finding::ok(check, name, "Kerberos tickets (expiry unknown: klist is not installed)"),
    }
}

/// Whether there are Kerberos tickets in the configured or usual cache.
pub(super) fn has_kerberos(env: &Env) -> bool {
    file_of(&env.get(env_vars::KRB5CCNAME).unwrap_or_else(usual_cache)).is_some_and(|file| file.exists())
}

fn usual_cache() -> String {
    format!("FILE:/tmp/krb5cc_{}", rustix::process::getuid().as_raw())
}

/// Returns the file or folder of a ticket cache, if it is one.
fn file_of(name: &str) -> Option<PathBuf> {
    match name.split_once(':') {
        None => Some(name.into()),
        Some(("FILE" | "DIR", path)) => Some(path.trim_start_matches(':').into()),
        Some(_) => None,
    }
}

/// Whether there is a valid ticket: `klist -s` prints nothing and exits with 0.
fn is_good(klist: &Path, cache: &str) -> bool {
    let mut command = Command::new(klist);
    command.args(["-s", "-c", cache]).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    command.status().is_ok_and(|status| status.success())
}

/// Checks the key of the ssh authentication method.
pub(super) fn ssh_key(check: &'static str, key: &Path, agent: Option<&Path>) -> Vec<Finding> {
    let kind = match ssh::readiness(key, agent) {
        Err(error) => return vec![Finding::from_error(&error, check, key.display())],
        Ok(Readiness::Open) => "unencrypted SSH key",
        Ok(Readiness::InAgent) => "SSH key in the agent",
        Ok(Readiness::Locked) => "encrypted SSH key; a login prompts for the pass phrase",
    };
    let open = if kind.starts_with("unencrypted") { certificates::open_to_others(check, key) } else { None };
    [Finding::ok(check, key.display(), kind)].into_iter().chain(open).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticket_caches_in_files_are_recognised() {
        for (name, file) in [
            ("/tmp/x", Some("/tmp/x")),
            ("FILE:/tmp/x", Some("/tmp/x")),
            ("DIR::/tmp/x/tkt", Some("/tmp/x/tkt")),
            ("KEYRING:persistent:0", None),
            ("KCM:", None),
        ] {
            assert_eq!(file_of(name).as_deref(), file.map(Path::new), "{name}");
        }
    }
}
