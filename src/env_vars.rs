//! All environment variables that the client reads. [`ALL`] has their descriptions, which make up the reference page.

use std::collections::BTreeMap;

/// Declares each variable once: its name, its description, and its entry in [`ALL`].
macro_rules! variables {
    ($($(#[doc = $line:literal])+ $name:ident)*) => {
        $(
            $(#[doc = $line])+
            #[allow(non_upper_case_globals, reason = "variables of XRootD are mixed")]
            pub const $name: &str = stringify!($name);
        )*

        /// Name and description of each variable, in the order of the reference page.
        pub const ALL: &[(&str, &str)] = &[$((stringify!($name), concat!($($line),+))),*];
    };
}

variables! {
    /// The configuration file to use. Overridden by the option `--config`.
    RUCIO_CONFIG
    /// Where Rucio is installed: `etc/rucio.cfg` below it is searched first.
    RUCIO_HOME
    /// The active Python environment: `etc/rucio.cfg` below it is searched second.
    VIRTUAL_ENV
    /// The active conda environment: `etc/rucio.cfg` below it is searched third.
    CONDA_PREFIX

    /// The profile to use: a section `[profile NAME]` of the configuration. Overridden by the option `--profile`.
    RUCIO_PROFILE
    /// The account to act as.
    RUCIO_ACCOUNT
    /// The authentication method: userpass, x509, x509_proxy, oidc, ssh or gss, in any case.
    RUCIO_AUTH_TYPE
    /// The VO, for a server that has several.
    RUCIO_VO
    /// The client certificate for x509 authentication.
    RUCIO_CLIENT_CERT
    /// The private key of the certificate, for x509 authentication.
    RUCIO_CLIENT_KEY
    /// The proxy certificate for x509_proxy authentication. Overrides the configuration file.
    RUCIO_CLIENT_PROXY
    /// The proxy certificate of grid tools, for storages, and for x509_proxy authentication. Overridden by the
    /// configuration file.
    X509_USER_PROXY
    /// The certificate of grid tools, for x509 authentication if the configuration names none, and for storages if there
    /// is no proxy certificate.
    X509_USER_CERT
    /// The private key of `X509_USER_CERT`. If it is not set, the key is in the certificate's file.
    X509_USER_KEY

    /// A folder of CA certificates with hashed names, used to verify servers.
    X509_CERT_DIR
    /// A file or folder of CA certificates, used if neither `X509_CERT_DIR` nor the configuration sets one.
    REQUESTS_CA_BUNDLE
    /// The same as `REQUESTS_CA_BUNDLE`, which overrides it.
    CURL_CA_BUNDLE
    /// The HTTP proxy for http URLs.
    HTTP_PROXY
    /// The HTTP proxy for https URLs.
    HTTPS_PROXY
    /// The HTTP proxy for all URLs without a proxy of their own.
    ALL_PROXY
    /// Hosts to connect to without an HTTP proxy, separated by commas.
    NO_PROXY

    /// A WLCG bearer token; takes precedence over all other tokens in OIDC authentication and at storages.
    BEARER_TOKEN
    /// A file with a WLCG bearer token; searched second.
    BEARER_TOKEN_FILE
    /// The runtime folder of the session, where `bt_u<uid>` may contain a bearer token; searched third.
    XDG_RUNTIME_DIR
    /// Whether a `root://` server may have the certificate of the name that the DNS has for its IP address, with `1`: for gsi,
    /// where servers are known by addresses or aliases. Whoever controls the DNS can then pretend to be the server.
    XrdSecGSITRUSTDNS
    /// The authentication methods for `root://`, separated by commas or spaces: gsi, ztn, krb5, sss, unix,
    /// host. All by default.
    XrdSecPROTOCOL
    /// The file with the keys that the authentication method sss shares with `root://` servers, instead of
    /// `~/.xrd/sss.keytab`.
    XrdSecSSSKT

    /// The format of log lines, in the notation of Python's logging module.
    RUCIO_LOGGING_FORMAT
    /// Disables colours in the output, with any value.
    NO_COLOR
    /// The type of the terminal: without it, or on a `dumb` one, no progress bars are drawn.
    TERM
    /// The locale: only if it is one with UTF-8, bars are drawn with characters outside ASCII.
    LC_ALL
    /// The locale of characters, if `LC_ALL` is not set.
    LC_CTYPE
    /// The locale, if neither of the two above is set.
    LANG
    /// The program that shows tables that are taller than the screen, with its options; `less -FRX` if it is not set.
    PAGER
    /// Set by systems that run tests and builds: messages are log lines there, as in a pipe, and no progress bars are
    /// drawn.
    CI

    /// The application, as reported in traces.
    RUCIO_TRACE_APPID
    /// The dataset, as reported in traces.
    RUCIO_TRACE_DATASET
    /// The scope of the dataset, as reported in traces.
    RUCIO_TRACE_DATASETSCOPE
    /// The type of event, as reported in traces.
    RUCIO_TRACE_EVENTTYPE
    /// The PanDA queue, as reported in traces.
    RUCIO_TRACE_PQ
    /// The task, as reported in traces.
    RUCIO_TRACE_TASKID
    /// The user's distinguished name, as reported in traces.
    RUCIO_TRACE_USRDN

    /// The site the client runs at; `ROAMING` if no variable sets one.
    SITE_NAME
    /// The site, if `SITE_NAME` is not set.
    ATLAS_SITE_NAME
    /// The site, if neither `SITE_NAME` nor `ATLAS_SITE_NAME` is set.
    OSG_SITE_NAME
    /// The client's latitude in degrees, to sort replicas by distance; only together with `RUCIO_LONGITUDE`.
    RUCIO_LATITUDE
    /// The client's longitude in degrees; only together with `RUCIO_LATITUDE`.
    RUCIO_LONGITUDE

    /// The folder for temporary files, including cached tokens; the first writable folder is used.
    TMPDIR
    /// The second choice after `TMPDIR`.
    TEMP
    /// The third choice after `TMPDIR`.
    TMP
    /// The folder for configurations: `rucio/rucio.cfg` below it, else below `~/.config`, is searched last.
    XDG_CONFIG_HOME
    /// The folder for caches; values for tab completion are cached in `rucio/completion` below it, else below
    /// `~/.cache`.
    XDG_CACHE_HOME
    /// The X display of the session: without it (and `WAYLAND_DISPLAY`), a login opens no browser.
    DISPLAY
    /// The Wayland display of the session, likewise.
    WAYLAND_DISPLAY
    /// Set in sessions over SSH, where a login opens no browser.
    SSH_CONNECTION
    /// Set in sessions over SSH with a terminal, likewise.
    SSH_TTY
    /// The browser to open for a login.
    BROWSER
    /// The socket of the SSH agent, which signs if it holds the key of the ssh login.
    SSH_AUTH_SOCK
    /// The Kerberos ticket cache, for gss.
    KRB5CCNAME
    /// The Kerberos configuration, for gss.
    KRB5_CONFIG
    /// Set by the completion scripts to the name of the shell.
    RUCIO_COMPLETE
    /// The home folder: replaces `~` in paths.
    HOME
    /// The user's name, which is part of the path of cached tokens.
    LOGNAME
    /// The user's name, if `LOGNAME` is not set.
    USER
    /// The user's name, if neither of the two above is set.
    LNAME
    /// The user's name, if none of the three above is set.
    USERNAME
}

/// A source of environment variables: the process, or a fixed set in tests.
#[derive(Debug, Clone, Default)]
pub struct Env(Option<BTreeMap<String, String>>);

impl Env {
    /// Returns the variables of this process.
    pub fn process() -> Self {
        Self(None)
    }

    /// Returns these variables only.
    pub fn fixed<const N: usize>(variables: [(&str, &str); N]) -> Self {
        Self(Some(variables.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect()))
    }

    /// Returns the value of a variable. One that is empty, or not UTF-8, counts as not set.
    pub fn get(&self, name: &str) -> Option<String> {
        match &self.0 {
            Some(variables) => variables.get(name).cloned(),
            None => from_process(name),
        }
        .filter(|value| !value.is_empty())
    }

    /// Returns the value of the first of these variables that is set.
    pub fn first(&self, names: &[&str]) -> Option<String> {
        names.iter().find_map(|name| self.get(name))
    }
}

/// Returns the value of a variable of this process; see [`Env::get`].
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
    fn env_var_that_is_empty_counts_as_not_set() {
        let env = Env::fixed([(TMPDIR, ""), (TEMP, "/a"), (TMP, "/b")]);
        assert_eq!(env.get(TMPDIR), None);
        assert_eq!(env.first(&[TMPDIR, TEMP, TMP]).as_deref(), Some("/a"));
        assert_eq!(env.get(HOME), None);
    }

    #[test]
    fn env_vars_are_each_described_once() {
        let mut names: Vec<_> = ALL.iter().map(|(name, _)| name).collect();
        names.sort();
        names.dedup();
        assert_eq!(names.len(), ALL.len());
        assert!(ALL.iter().all(|(_, text)| text.starts_with(' ') && text.ends_with('.')));
    }
}
