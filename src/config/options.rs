//! Options of the file that are not needed to reach a server, each with its default.

use super::Config;
use crate::Result;
use crate::types::ScopeConvention;

/// Where bugs of Rucio are reported, unless the configuration names another place.
pub const DEFAULT_SUPPORT: &str = "https://github.com/rucio/rucio/issues";

impl Config {
    /// Returns the metadata plugin for requests that name none; `DID_COLUMN` by default.
    pub fn metadata_default_plugin(&self) -> String {
        self.get("client", "metadata_default_plugin").unwrap_or_else(|| "DID_COLUMN".to_owned())
    }

    /// Returns the server of the public open data, if it is not that of all other requests.
    pub fn opendata_host(&self) -> Option<String> {
        self.non_empty("client", "opendata_host")
    }

    /// Returns the timeout of one download, in seconds. If it is not set, the timeout follows from the size of the file
    /// and [`Self::download_transfer_speed_timeout`].
    ///
    /// # Errors
    /// `ConfigurationError` if it is not a number.
    pub fn download_transfer_timeout(&self) -> Result<Option<f64>> {
        self.float("download", "transfer_timeout")
    }

    /// Returns the minimum speed of a download, in kB/s (of 1,000 bytes); 500 by default.
    ///
    /// # Errors
    /// `ConfigurationError` if it is not a number.
    pub fn download_transfer_speed_timeout(&self) -> Result<f64> {
        Ok(self.float("download", "transfer_speed_timeout")?.unwrap_or(500.0))
    }

    /// Returns the preferred protocol implementations for downloads, best first.
    pub fn download_preferred_impl(&self) -> Vec<String> {
        self.list("download", "preferred_impl")
    }

    /// Returns the timeout of one upload, in seconds; 360 by default.
    ///
    /// # Errors
    /// `ConfigurationError` if it is not a number.
    pub fn upload_transfer_timeout(&self) -> Result<f64> {
        Ok(self.float("upload", "transfer_timeout")?.unwrap_or(360.0))
    }

    /// Returns the preferred protocol implementations for uploads, best first.
    pub fn upload_preferred_impl(&self) -> Vec<String> {
        self.list("upload", "preferred_impl")
    }

    /// Returns the support contact of the experiment, if it is set.
    pub fn support(&self) -> Option<String> {
        self.non_empty("policy", "support")
    }

    /// Returns where to report bugs of Rucio itself.
    pub fn support_rucio(&self) -> String {
        self.get("policy", "support_rucio").unwrap_or_else(|| DEFAULT_SUPPORT.to_owned())
    }

    /// Returns how the scope of a DID that is written without one is found, and what is unknown about that: the name of a
    /// convention, or of a policy package, which may have one of its own.
    pub fn scope_convention(&self) -> (ScopeConvention, Option<UnknownConvention>) {
        let named = self.non_empty("common", "extract_scope").or_else(|| self.non_empty("policy", "extract_scope"));
        if let Some(name) = named {
            let convention = ScopeConvention::named(&name);
            return (convention, (convention == ScopeConvention::Unknown).then_some(UnknownConvention::Named(name)));
        }
        let Some(package) = self.non_empty("policy", "package") else { return (ScopeConvention::Default, None) };
        match ScopeConvention::of_package(&package) {
            Some(convention) => (convention, None),
            None => (ScopeConvention::Default, Some(UnknownConvention::Package(package))),
        }
    }
}

/// What is unknown about a site's scope convention.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum UnknownConvention {
    /// The convention with this name.
    Named(String),
    /// Whether this policy package has one.
    Package(String),
}

impl std::fmt::Display for UnknownConvention {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Named(name) => {
                write!(
                    f,
                    "The scope convention '{name}' (extract_scope) of a policy package is not known to this client."
                )
            }
            Self::Package(package) => {
                write!(f, "The policy package '{package}' is not known to this client; it may have a scope convention.")
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn config_options_have_the_official_defaults() {
        let config = Config::parse("[client]\n", "test.cfg").unwrap();
        assert_eq!(config.metadata_default_plugin(), "DID_COLUMN");
        assert_eq!(config.download_transfer_timeout().unwrap(), None);
        assert_eq!(config.download_transfer_speed_timeout().unwrap(), 500.0);
        assert_eq!(config.upload_transfer_timeout().unwrap(), 360.0);
        assert_eq!((config.support(), config.scope_convention()), (None, (ScopeConvention::Default, None)));
        assert_eq!(config.support_rucio(), "https://github.com/rucio/rucio/issues");
        assert!(config.download_preferred_impl().is_empty());
    }

    #[test]
    fn config_options_are_read_from_their_sections() {
        let text = "[client]\nmetadata_default_plugin = JSON\n[download]\ntransfer_timeout = 1.5\n\
                    transfer_speed_timeout = 7\npreferred_impl = xrootd, webdav\n[upload]\ntransfer_timeout = 3600\n\
                    preferred_impl = ssh\n[common]\nextract_scope =\n[policy]\nextract_scope = atlas\nsupport = me\n\
                    support_rucio = you\n";
        let config = Config::parse(text, "test.cfg").unwrap();
        assert_eq!(config.metadata_default_plugin(), "JSON");
        assert_eq!(config.download_transfer_timeout().unwrap(), Some(1.5));
        assert_eq!(config.download_transfer_speed_timeout().unwrap(), 7.0);
        assert_eq!(config.download_preferred_impl(), ["xrootd", "webdav"]);
        assert_eq!(config.upload_transfer_timeout().unwrap(), 3600.0);
        assert_eq!(config.upload_preferred_impl(), ["ssh"]);
        assert_eq!(config.scope_convention(), (ScopeConvention::Atlas, None));
        assert_eq!((config.support().as_deref(), config.support_rucio().as_str()), (Some("me"), "you"));
    }

    #[test]
    fn config_scope_convention_is_that_of_the_option_else_of_the_package() {
        let named = |name: &str| Some(UnknownConvention::Named(name.to_owned()));
        let package = |name: &str| Some(UnknownConvention::Package(name.to_owned()));
        for (lines, convention, unknown) in [
            ("extract_scope = belleii\npackage = belleii_rucio_policy_package", ScopeConvention::Belle2, None),
            ("extract_scope = jlab", ScopeConvention::Unknown, named("jlab")),
            ("package = bdms_rucio_policy", ScopeConvention::Ctao, None),
            ("package = atlas_rucio_policy_package", ScopeConvention::Default, None),
            ("package = my_package", ScopeConvention::Default, package("my_package")),
        ] {
            let config = Config::parse(&format!("[policy]\n{lines}\n"), "test.cfg").unwrap();
            assert_eq!(config.scope_convention(), (convention, unknown), "{lines}");
        }
    }
}
