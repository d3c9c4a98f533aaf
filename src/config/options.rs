//! Options outside of what a client needs to reach a server, each with its default.

use super::Config;
use crate::Result;

impl Config {
    /// The metadata plugin asked where none is named; `DID_COLUMN` unless configured.
    pub fn metadata_default_plugin(&self) -> String {
        self.get("client", "metadata_default_plugin").unwrap_or_else(|| "DID_COLUMN".to_owned())
    }

    /// The server of the public open data, where it is not the one of all other calls.
    pub fn opendata_host(&self) -> Option<String> {
        self.non_empty("client", "opendata_host")
    }

    /// Seconds one download may take. Where nothing is configured, it follows from the size of the file and
    /// [`Self::download_transfer_speed_timeout`].
    ///
    /// # Errors
    /// `ConfigurationError` if it is no number.
    pub fn download_transfer_timeout(&self) -> Result<Option<f64>> {
        self.float("download", "transfer_timeout")
    }

    /// The slowest download that is put up with, in kB/s (of 1,000 bytes); 500 unless configured.
    ///
    /// # Errors
    /// `ConfigurationError` if it is no number.
    pub fn download_transfer_speed_timeout(&self) -> Result<f64> {
        Ok(self.float("download", "transfer_speed_timeout")?.unwrap_or(500.0))
    }

    /// The protocol implementations to prefer for downloads, best first.
    pub fn download_preferred_impl(&self) -> Vec<String> {
        self.list("download", "preferred_impl")
    }

    /// Seconds one upload may take; 360 unless configured.
    ///
    /// # Errors
    /// `ConfigurationError` if it is no number.
    pub fn upload_transfer_timeout(&self) -> Result<f64> {
        Ok(self.float("upload", "transfer_timeout")?.unwrap_or(360.0))
    }

    /// The protocol implementations to prefer for uploads, best first.
    pub fn upload_preferred_impl(&self) -> Vec<String> {
        self.list("upload", "preferred_impl")
    }

    /// Whom the experiment's users ask for help, if it says.
    pub fn support(&self) -> Option<String> {
        self.non_empty("policy", "support")
    }

    /// Where faults of Rucio itself are reported.
    pub fn support_rucio(&self) -> String {
        let issues = || "https://github.com/rucio/rucio/issues".to_owned();
        self.get("policy", "support_rucio").unwrap_or_else(issues)
    }

    /// How a scope is found in the name of a DID that is given without one, if configured.
    pub fn extract_scope(&self) -> Option<String> {
        self.non_empty("common", "extract_scope").or_else(|| self.non_empty("policy", "extract_scope"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_have_the_defaults_of_the_official_client() {
        let config = Config::parse("[client]\n", "test.cfg").unwrap();
        assert_eq!(config.metadata_default_plugin(), "DID_COLUMN");
        assert_eq!(config.download_transfer_timeout().unwrap(), None);
        assert_eq!(config.download_transfer_speed_timeout().unwrap(), 500.0);
        assert_eq!(config.upload_transfer_timeout().unwrap(), 360.0);
        assert_eq!((config.support(), config.extract_scope()), (None, None));
        assert_eq!(config.support_rucio(), "https://github.com/rucio/rucio/issues");
        assert!(config.download_preferred_impl().is_empty());
    }

    #[test]
    fn options_are_read_from_their_sections() {
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
        assert_eq!(config.extract_scope().as_deref(), Some("atlas"));
        assert_eq!((config.support().as_deref(), config.support_rucio().as_str()), (Some("me"), "you"));
    }
}
