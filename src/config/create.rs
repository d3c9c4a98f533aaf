//! Creates a first configuration file.

use super::{CLIENT, paths};
use crate::{
    Error, Result,
    env_vars::{self, Env},
    exceptions::Exception,
    hint::{Hint, Parameter},
};
use ini::{EscapePolicy, Ini, LineSeparator, WriteOption};
use std::{
    fs::DirBuilder,
    io::{self, ErrorKind, Write},
    os::unix::fs::DirBuilderExt,
    path::{Path, PathBuf},
};
use tempfile::NamedTempFile;

/// Comment at the top of the file.
const HEADER: &str = "# Rucio configuration. Do not add a password: commands prompt for it when needed.\n";

/// Options of `[client]` to write. Secrets are not among them.
#[derive(Debug, Clone, Default)]
pub struct NewConfig(Vec<(&'static str, String)>);

impl NewConfig {
    /// Adds an option, if it has a value.
    pub fn set(&mut self, option: &'static str, value: Option<String>) {
        self.0.extend(value.filter(|value| !value.is_empty()).map(|value| (option, value)));
    }

    /// Returns the text of the file. A `%` in a value is doubled: to both clients a single one starts a reference to
    /// another option.
    ///
    /// # Errors
    /// `ConfigurationError` for a value that an INI file cannot hold: with a control character, or with whitespace at
    /// its start or end.
    pub fn text(&self) -> Result<String> {
        let mut file = Ini::new();
        // An empty section is written, too.
        file.entry(Some(CLIENT.to_owned())).or_insert_with(Default::default);
        for (option, value) in &self.0 {
            if value.contains(char::is_control) || value.trim() != value {
                let details = format!("The value of {option} starts or ends with a blank, or has a control character.");
                return Err(Error::new(Exception::ConfigurationError, details));
            }
            file.set_to(Some(CLIENT), (*option).to_owned(), value.replace('%', "%%"));
        }
        // Backslashes and quotes have no meaning to `configparser`.
        let format = WriteOption {
            escape_policy: EscapePolicy::Nothing,
            line_separator: LineSeparator::CR,
            kv_separator: " = ",
        };
        let mut text = HEADER.as_bytes().to_vec();
        file.write_to_opt(&mut text, format).map_err(|error| Error::io("Cannot write the configuration", error))?;
        String::from_utf8(text).map_err(|error| Error::io("Cannot write the configuration", io::Error::other(error)))
    }

    /// Returns the file to write: the named one (`--config`, else `RUCIO_CONFIG`), else the user's own.
    ///
    /// # Errors
    /// `ConfigNotFound` if there is no home folder.
    pub fn place(given: Option<&str>, env: &Env) -> Result<PathBuf> {
        let named = given.map(str::to_owned).or_else(|| env.get(env_vars::RUCIO_CONFIG));
        named.map(|path| paths::expand(&path, env)).or_else(|| super::personal(env)).ok_or_else(|| {
            Error::new(Exception::ConfigNotFound, "There is no home folder to write a configuration to.")
                .with_hint(Hint::parameters("Name a file", [Parameter::Config]))
        })
    }

    /// Writes the file.
    #[cfg(test)]
    fn write(&self, path: &Path, replace: bool) -> Result<()> {
        create_file(path, &self.text()?, replace)
    }
}

/// Writes a configuration, readable only by its owner, and creates the folders it needs. The file is complete or not
/// there.
///
/// # Errors
/// If the file exists and `replace` is not set, or if it cannot be written.
pub fn create_file(path: &Path, text: &str, replace: bool) -> Result<()> {
    let placed = complete_file(path, text).and_then(|file| {
        let outcome = if replace { file.persist(path) } else { file.persist_noclobber(path) };
        outcome.map(drop).map_err(|error| error.error)
    });
    match placed {
        Err(error) if error.kind() == ErrorKind::AlreadyExists => Err(already_there(path)),
        outcome => outcome.map_err(|error| Error::io(format!("Cannot write {}", path.display()), error)),
    }
}

/// Returns a complete file with this text, readable only by its owner, that gets its name by `persist`. Creates the
/// folders that the path needs.
pub(super) fn complete_file(path: &Path, text: &str) -> io::Result<NamedTempFile> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
    let mut file = NamedTempFile::new_in(folder)?;
    file.write_all(text.as_bytes())?;
    // Else a crash of the machine may leave the name with an empty file.
    file.as_file().sync_all()?;
    Ok(file)
}

/// Returns the error for a configuration that already exists.
pub(crate) fn already_there(path: &Path) -> Error {
    let details = format!("There is a configuration already: {}.", path.display());
    Error::new(Exception::ConfigurationError, details)
        .with_hint(Hint::LogIn { force: false })
        .with_hint(Hint::SetUp { force: true })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    fn config() -> NewConfig {
        let mut config = NewConfig::default();
        config.set("rucio_host", Some("https://r".into()));
        config.set("account", None);
        config.set("ca_cert", Some(String::new()));
        config.set("auth_type", Some("gss".into()));
        config
    }

    #[test]
    fn created_configuration_is_written_once_and_for_its_owner() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("a/b/rucio.cfg");
        config().write(&path, false).unwrap();
        let text = std::fs::read_to_string(&path).unwrap();
        assert!(text.ends_with("[client]\nrucio_host = https://r\nauth_type = gss\n"), "{text}");
        assert_eq!(path.metadata().unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(config().write(&path, false).unwrap_err().class(), Some(Exception::ConfigurationError));
        NewConfig::default().write(&path, true).unwrap();
        assert!(!std::fs::read_to_string(&path).unwrap().contains("gss"));
    }

    #[test]
    fn created_configuration_escapes_its_values() {
        let mut config = config();
        config.set("account", Some("kim\npassword = x".into()));
        assert!(config.text().is_err());
        let mut config = NewConfig::default();
        config.set("account", Some(" kim".into()));
        assert!(config.text().is_err());
    }

    #[test]
    fn values_are_read_back_as_they_were_given() {
        let values = [
            ("ca_cert", "/data/100%/ca (1).pem"),
            ("client_cert", "/c/%(home)s%%/x"),
            ("username", r#"a;b # c \n "q" 'q' = [x] é"#),
        ];
        let mut config = NewConfig::default();
        for (option, value) in values {
            config.set(option, Some(value.to_owned()));
        }
        let read = crate::config::Config::parse(&config.text().unwrap(), "rucio.cfg").unwrap();
        for (option, value) in values {
            assert_eq!(read.get(CLIENT, option).as_deref(), Some(value));
        }
    }

    #[test]
    fn created_configuration_goes_to_the_named_file() {
        let env = Env::fixed([("RUCIO_CONFIG", "~/r.cfg"), ("HOME", "/h")]);
        assert_eq!(NewConfig::place(Some("/c.cfg"), &env).unwrap(), Path::new("/c.cfg"));
        assert_eq!(NewConfig::place(None, &env).unwrap(), Path::new("/h/r.cfg"));
        assert_eq!(
            NewConfig::place(None, &Env::fixed([("HOME", "/h")])).unwrap(),
            Path::new("/h/.config/rucio/rucio.cfg")
        );
        assert!(NewConfig::place(None, &Env::fixed([])).is_err());
    }
}
