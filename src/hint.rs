//! What the user can do about an error, in terms of the library. The command-line interface turns a hint into words,
//! options and commands; nothing here knows how they are spelled.

use std::borrow::Cow;
use std::path::Path;

use crate::env_vars;

/// Advice for the user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Hint {
    /// One or more sentences that name no option and no command of this program.
    Text(String),
    /// Advice about parameters: those to blame for the error, or those that avoid it.
    Parameters {
        /// What to do with them, without a full stop: `Check the address of the server`.
        advice: String,
        /// The parameters.
        parameters: Vec<Parameter>,
    },
    /// Parameters with values to try.
    Values {
        /// Why to use them, without a full stop.
        advice: String,
        /// The parameters with their values.
        values: Vec<(Parameter, String)>,
    },
    /// Log in.
    LogIn {
        /// Even if there is a valid token.
        force: bool,
    },
    /// Create a configuration file.
    SetUp {
        /// Even if there is one already.
        force: bool,
    },
    /// Run a command of this program.
    Command {
        /// What it is for, without a full stop.
        advice: String,
        /// The command.
        command: Command,
    },
    /// Run a command line, of another program or in the words of the command-line interface.
    Run {
        /// What it is for, without a full stop; may be empty.
        advice: String,
        /// The command line for a POSIX shell.
        command: String,
    },
}

/// A parameter that the user can set: on the command line, and often in the environment and in `[client]` of the
/// configuration.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Parameter {
    /// The configuration file.
    Config,
    /// The profile of the configuration.
    Profile,
    /// The server.
    Host,
    /// The authentication server.
    AuthHost,
    /// The account.
    Account,
    /// The authentication method.
    AuthMethod,
    /// CA certificates.
    CaCertificate,
    /// The client certificate.
    Certificate,
    /// The private key of the client certificate.
    ClientKey,
    /// The proxy certificate.
    Proxy,
    /// The user name.
    User,
    /// The password.
    Password,
    /// The VO.
    Vo,
    /// The scopes of an OIDC token.
    OidcScope,
    /// The audience of an OIDC token.
    OidcAudience,
    /// The identity provider, by the server's name for it.
    OidcIssuer,
    /// The minimum remaining validity of a token.
    MinimumValidity,
    /// The transfer protocol.
    Protocol,
    /// The RSE expression of the sources.
    SourceRses,
    /// The target folder of a download.
    TargetFolder,
    /// The name of an uploaded file in the catalogue.
    Lfn,
    /// The PFN of an uploaded file.
    Pfn,
    /// The GUID of an uploaded file.
    Guid,
    /// The lifetime of the rule of an upload.
    UploadLifetime,
    /// Whether an uploaded file is registered after the transfer.
    RegisterAfterUpload,
}

impl Parameter {
    /// Returns the option in `[client]` of the configuration.
    pub const fn option(self) -> Option<&'static str> {
        match self {
            Self::Host => Some("rucio_host"),
            Self::AuthHost => Some("auth_host"),
            Self::Account => Some("account"),
            Self::AuthMethod => Some("auth_type"),
            Self::CaCertificate => Some("ca_cert"),
            Self::Certificate => Some("client_cert"),
            Self::ClientKey => Some("client_key"),
            Self::Proxy => Some("client_x509_proxy"),
            Self::User => Some("username"),
            Self::Password => Some("password"),
            Self::Vo => Some("vo"),
            Self::OidcScope => Some("oidc_scope"),
            Self::OidcAudience => Some("oidc_audience"),
            Self::OidcIssuer => Some("oidc_issuer"),
            _ => None,
        }
    }

    /// Returns the environment variable.
    pub const fn variable(self) -> Option<&'static str> {
        match self {
            Self::Config => Some(env_vars::RUCIO_CONFIG),
            Self::Profile => Some(env_vars::RUCIO_PROFILE),
            Self::Account => Some(env_vars::RUCIO_ACCOUNT),
            Self::AuthMethod => Some(env_vars::RUCIO_AUTH_TYPE),
            Self::CaCertificate => Some(env_vars::X509_CERT_DIR),
            Self::Certificate => Some(env_vars::RUCIO_CLIENT_CERT),
            Self::ClientKey => Some(env_vars::RUCIO_CLIENT_KEY),
            Self::Proxy => Some(env_vars::RUCIO_CLIENT_PROXY),
            Self::Vo => Some(env_vars::RUCIO_VO),
            _ => None,
        }
    }
}

/// A command of this program.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Command {
    /// Show the account of the session.
    WhoAmI {
        /// Act as this account.
        account: Option<String>,
    },
    /// Show the account of the session, and log each request.
    WhoAmIVerbose,
    /// Check everything that a login needs, with the same parameters.
    Doctor,
    /// Create a configuration with the same parameters.
    SetUp,
    /// List the RSEs.
    ListRses,
    /// List the scopes.
    ListScopes,
    /// List the accounts.
    ListAccounts,
    /// Show a rule.
    ShowRule {
        /// Its ID.
        id: String,
    },
    /// Add an identity to an account, as an administrator.
    AddIdentity {
        /// The type of the identity, as in Rucio: `X509`.
        kind: &'static str,
        /// The identity.
        identity: String,
        /// The account; without one, the user must fill it in.
        account: Option<String>,
    },
    /// Add an SSH key to an account, as an administrator.
    AddSshKey {
        /// The file of the public key.
        public_key: String,
        /// The account.
        account: String,
    },
    /// List the identities of an account, as an administrator.
    ListIdentities {
        /// The account.
        account: String,
    },
    /// Lift the ban of an account, as an administrator.
    Unban {
        /// The account.
        account: String,
    },
    /// List the limits of an account, and what is left of them.
    ListLimits {
        /// The account.
        account: String,
    },
    /// List the rules of a DID.
    ListRules {
        /// The DID.
        did: String,
    },
}

impl Hint {
    /// Creates advice about parameters.
    pub fn parameters(advice: impl Into<String>, parameters: impl Into<Vec<Parameter>>) -> Self {
        Self::Parameters { advice: advice.into(), parameters: parameters.into() }
    }

    /// Creates advice to use these values.
    pub fn values(advice: impl Into<String>, values: impl Into<Vec<(Parameter, String)>>) -> Self {
        Self::Values { advice: advice.into(), values: values.into() }
    }

    /// Creates advice to run a command of this program.
    pub fn command(advice: impl Into<String>, command: Command) -> Self {
        Self::Command { advice: advice.into(), command }
    }

    /// Creates advice to run a command line.
    pub fn run(advice: impl Into<String>, command: impl Into<String>) -> Self {
        Self::Run { advice: advice.into(), command: command.into() }
    }

    /// Whether it says which command to run next.
    pub fn is_command(&self) -> bool {
        !matches!(self, Self::Text(_) | Self::Parameters { .. } | Self::Values { .. })
    }
}

impl From<&str> for Hint {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<String> for Hint {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

/// Quotes a text as one word of a POSIX shell.
pub(crate) fn shell_word(text: &str) -> Cow<'_, str> {
    // No argument of a program can contain a zero byte.
    shlex::Quoter::new().allow_nul(true).quote(text).unwrap_or(Cow::Borrowed(text))
}

/// Quotes a path as one word of a POSIX shell.
pub(crate) fn shell_path(path: &Path) -> String {
    shell_word(&path.display().to_string()).into_owned()
}
