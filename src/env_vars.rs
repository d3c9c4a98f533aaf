//! Every environment variable the client obeys. The descriptions are the reference page: [`ALL`] has them as
//! data.

use std::collections::BTreeMap;

/// Declares each variable once: its name, its description, and its place in [`ALL`].
macro_rules! variables {
    ($($(#[doc = $line:literal])+ $name:ident)*) => {
        $($(#[doc = $line])+ pub const $name: &str = stringify!($name);)*

        /// Name and description of every variable, in the order of the reference page.
        pub const ALL: &[(&str, &str)] = &[$((stringify!($name), concat!($($line),+))),*];
    };
}

variables! {
    /// The configuration file to use. The option `--config` wins over it.
    RUCIO_CONFIG
    /// Where Rucio is installed: `etc/rucio.cfg` below it is the first place looked in.
    RUCIO_HOME
    /// The active Python environment: `etc/rucio.cfg` below it is the second place looked in.
    VIRTUAL_ENV
    /// The active conda environment: `etc/rucio.cfg` below it is the third place looked in.
    CONDA_PREFIX

    /// The profile to use: a section `[profile NAME]` of the configuration. The option `--profile` wins over it.
    RUCIO_PROFILE
    /// The account to act as.
    RUCIO_ACCOUNT
    /// How to authenticate: userpass, x509, x509_proxy, oidc, ssh or gss, in any case.
    RUCIO_AUTH_TYPE
    /// The VO, on a server that has several.
    RUCIO_VO
    /// The certificate for x509 authentication.
    RUCIO_CLIENT_CERT
    /// The private key of the certificate, for x509 authentication.
    RUCIO_CLIENT_KEY
    /// The proxy certificate for x509_proxy authentication. It wins over the configuration file.
    RUCIO_CLIENT_PROXY
    /// The proxy certificate as grid tools know it. The configuration file wins over it.
    X509_USER_PROXY

    /// A folder of CA certificates with hashed names, to verify servers with.
    X509_CERT_DIR
    /// A file or folder of CA certificates, used where neither `X509_CERT_DIR` nor the configuration names one.
    REQUESTS_CA_BUNDLE
    /// The same as `REQUESTS_CA_BUNDLE`, which wins over it.
    CURL_CA_BUNDLE
    /// The HTTP proxy for http addresses.
    HTTP_PROXY
    /// The HTTP proxy for https addresses.
    HTTPS_PROXY
    /// The HTTP proxy for all addresses that have none of their own.
    ALL_PROXY
    /// The hosts to be reached without an HTTP proxy, separated by commas.
    NO_PROXY

    /// A WLCG bearer token, used by OIDC authentication before any other.
    BEARER_TOKEN
    /// A file that holds a WLCG bearer token; the second place looked in.
    BEARER_TOKEN_FILE
    /// The run-time folder of the session, where `bt_u<uid>` may hold a bearer token; the third place.
    XDG_RUNTIME_DIR

    /// The format of log lines, in the words of Python's logging module.
    RUCIO_LOGGING_FORMAT
    /// Set to anything, it takes the colours out of the output.
    NO_COLOR

    /// What traces say about the application.
    RUCIO_TRACE_APPID
    /// What traces say about the dataset.
    RUCIO_TRACE_DATASET
    /// What traces say about the scope of the dataset.
    RUCIO_TRACE_DATASETSCOPE
    /// What traces say about the type of event.
    RUCIO_TRACE_EVENTTYPE
    /// What traces say about the PanDA queue.
    RUCIO_TRACE_PQ
    /// What traces say about the task.
    RUCIO_TRACE_TASKID
    /// What traces say about the user's distinguished name.
    RUCIO_TRACE_USRDN

    /// The site the client runs at. Where no variable names one, it is `ROAMING`.
    SITE_NAME
    /// The site, where `SITE_NAME` is not set.
    ATLAS_SITE_NAME
    /// The site, where neither `SITE_NAME` nor `ATLAS_SITE_NAME` is set.
    OSG_SITE_NAME
    /// The client's latitude in degrees, to sort replicas by distance; only together with `RUCIO_LONGITUDE`.
    RUCIO_LATITUDE
    /// The client's longitude in degrees; only together with `RUCIO_LATITUDE`.
    RUCIO_LONGITUDE

    /// The folder for temporary files, and so for the cached tokens; the first that can be written is taken.
    TMPDIR
    /// The second choice for `TMPDIR`.
    TEMP
    /// The third choice for `TMPDIR`.
    TMP
    /// The folder for configurations: `rucio/rucio.cfg` below it, else below `~/.config`, is the last place looked in.
    XDG_CONFIG_HOME
    /// The folder for caches; values for tab completion are kept in `rucio/completion` below it, else below
    /// `~/.cache`.
    XDG_CACHE_HOME
    /// Where the session shows graphics: without it (and `WAYLAND_DISPLAY`), a login opens no browser.
    DISPLAY
    /// The same for Wayland.
    WAYLAND_DISPLAY
    /// Set in sessions over SSH, where a login opens no browser.
    SSH_CONNECTION
    /// Set in sessions over SSH with a terminal, likewise.
    SSH_TTY
    /// The browser to open for a login.
    BROWSER
    /// The socket of the SSH agent, which is asked to sign where it has the key of the ssh login.
    SSH_AUTH_SOCK
    /// The file of the Kerberos tickets, for gss.
    KRB5CCNAME
    /// The configuration of Kerberos, for gss.
    KRB5_CONFIG
    /// Set by the completion scripts to the name of the shell that asks.
    RUCIO_COMPLETE
    /// The home folder: what `~` stands for in paths.
    HOME
    /// The user's name, which is part of the path of cached tokens.
    LOGNAME
    /// The user's name, where `LOGNAME` is not set.
    USER
    /// The user's name, where neither of the former is set.
    LNAME
    /// The user's name, where none of the former is set.
    USERNAME
}

/// The variables a piece of code may see: those of the process, or a fixed set in tests.
#[derive(Debug, Clone, Default)]
pub struct Env(Option<BTreeMap<String, String>>);

impl Env {
    /// The variables of this process.
    pub fn process() -> Self {
        Self(None)
    }

    /// Just these variables.
    pub fn fixed<const N: usize>(variables: [(&str, &str); N]) -> Self {
        Self(Some(variables.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect()))
    }

    /// The value of a variable. One that is empty, or no UTF-8, counts as not set.
    pub fn get(&self, name: &str) -> Option<String> {
        match &self.0 {
            Some(variables) => variables.get(name).cloned(),
            None => from_process(name),
        }
        .filter(|value| !value.is_empty())
    }

    /// The value of the first of these variables that is set.
    pub fn first(&self, names: &[&str]) -> Option<String> {
        names.iter().find_map(|name| self.get(name))
    }
}

/// The value of a variable of this process; see [`Env::get`].
pub fn get(name: &str) -> Option<String> {
    Env::process().get(name)
}

#[expect(clippy::disallowed_methods, reason = "this is the place that reads the environment")]
fn from_process(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_empty_variable_counts_as_not_set() {
        let env = Env::fixed([(TMPDIR, ""), (TEMP, "/a"), (TMP, "/b")]);
        assert_eq!(env.get(TMPDIR), None);
        assert_eq!(env.first(&[TMPDIR, TEMP, TMP]).as_deref(), Some("/a"));
        assert_eq!(env.get(HOME), None);
    }

    #[test]
    fn every_variable_is_described_once() {
        let mut names: Vec<_> = ALL.iter().map(|(name, _)| name).collect();
        names.sort();
        names.dedup();
        assert_eq!(names.len(), ALL.len());
        assert!(ALL.iter().all(|(_, text)| text.starts_with(' ') && text.ends_with('.')));
    }
}
