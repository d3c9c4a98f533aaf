//! Servers of a command that runs on several: `[client] multi_host_commands` and `multi_host_servers`.

use crate::config::Config;
use crate::error::{Error, Result};
use crate::exceptions::Exception;

/// A server of `multi_host_servers`: its name, and the configuration file from its section.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct ConfiguredServer {
    pub(super) name: String,
    pub(super) config: String,
}

/// Returns the servers to run a command on, in order; empty unless `multi_host_commands` names the command or a group
/// of it. `path` has their names: `["rse", "list"]`.
///
/// # Errors
/// `ConfigurationError` if a server has no section or no configuration file.
pub(super) fn configured_hosts(config: &Config, path: &[String]) -> Result<Vec<ConfiguredServer>> {
    let commands = config.list("client", "multi_host_commands");
    if commands.is_empty() || !path.iter().any(|name| commands.contains(name)) {
        return Ok(Vec::new());
    }
    let host = |name: String| match config.non_empty(&name, "config_file") {
        Some(config) => Ok(ConfiguredServer { name, config }),
        None => Err(Error::new(
            Exception::ConfigurationError,
            format!("{}: the server '{name}' of multi_host_servers has no config_file.", config.path().display()),
        )
        .with_hint(format!("Add a section [{name}] with the option config_file."))),
    };
    config.list("client", "multi_host_servers").into_iter().map(host).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const CONFIG: &str = "[client]\nmulti_host_commands = ping, list\nmulti_host_servers = a, b\n\
                          [a]\nconfig_file = /a.cfg\n[b]\nconfig_file = /b.cfg\n";

    fn hosts(text: &str, path: &[&str]) -> Result<Vec<String>> {
        let path: Vec<_> = path.iter().map(ToString::to_string).collect();
        let hosts = configured_hosts(&Config::parse(text, "rucio.cfg").unwrap(), &path)?;
        Ok(hosts.into_iter().map(|host| format!("{}={}", host.name, host.config)).collect())
    }

    #[test]
    fn multi_host_commands_go_to_all_servers() {
        assert_eq!(hosts(CONFIG, &["ping"]).unwrap(), ["a=/a.cfg", "b=/b.cfg"]);
        assert_eq!(hosts(CONFIG, &["rse", "list"]).unwrap(), ["a=/a.cfg", "b=/b.cfg"]);
        assert!(hosts(CONFIG, &["whoami"]).unwrap().is_empty());
        assert!(hosts(&CONFIG.replace("[b]", "[c]"), &["ping"]).is_err());
    }
}
