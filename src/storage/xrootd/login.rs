//! Starts a session: connection, login and authentication.

use std::path::PathBuf;
use std::time::Duration;

use tokio::time::timeout;

use super::auth::{self, Attempt, AuthError, Authenticated};
use super::connect::silent;
use super::connection::Connection;
use super::dialog::{Dialog, Reply};
use super::hello::{self, Opened};
use super::pool::Target;
use super::sign::Signer;
use super::status::TLS_REQUIRED;
use super::wire::{Request, text};
use crate::http::tls::{Identity, TlsConfig};
use crate::storage::http::StorageToken;
use crate::storage::{StorageError, StorageErrorKind};

/// Bytes of the session id that the response to a login starts with.
const SESSION_ID: usize = 16;
/// Maximum time for a login that makes progress.
const MAX_LOGIN: Duration = Duration::from_secs(60);

/// Times, names and credentials for all sessions.
#[derive(Debug, Clone)]
pub struct SessionSettings {
    /// Timeout for opening a connection.
    pub connect_timeout: Duration,
    /// Timeout of a server that sends nothing.
    pub idle_timeout: Duration,
    /// Name of the local user, as servers record it.
    pub user: String,
    /// The trusted CAs. No client certificate: as with XRootD's own client, that is shown by gsi only.
    pub tls: TlsConfig,
    /// The user's certificate or proxy.
    pub identity: Option<Identity>,
    /// The tokens, in order of precedence.
    pub tokens: Vec<StorageToken>,
    /// The only authentication methods to use, if the user has named some.
    pub methods: Option<Vec<String>>,
    /// The file with the keys of `sss`.
    pub keytab: Option<PathBuf>,
    /// Whether a server may prove by gsi that it has the name that the DNS has for its IP address.
    pub trusts_dns: bool,
    /// Returns a Kerberos ticket (an AP-REQ) for a principal, or the reason why there is none. May block.
    pub kerberos: fn(&str) -> Result<Vec<u8>, String>,
}

/// A session on a server.
#[derive(Debug)]
pub(super) struct Session {
    pub(super) connection: Connection,
    /// Whether the server has no files, but knows the servers that do.
    pub(super) is_manager: bool,
    pub(super) is_encrypted: bool,
    /// Whether the server has TLS.
    pub(super) has_tls: bool,
    /// How the login was made, if something better was not successful.
    pub(super) login_note: Option<String>,
    /// The method of the login, if there was one, and all that the server offers.
    pub(super) method: Option<String>,
    pub(super) offered: Vec<String>,
}

/// Why a session could not be started.
enum LoginError {
    Failed(StorageError),
    /// It can be started over TLS.
    NeedsTls,
}

impl From<StorageError> for LoginError {
    fn from(error: StorageError) -> Self {
        Self::Failed(error)
    }
}

impl Session {
    /// Connects and logs in; again over TLS if the server or the authentication needs it.
    pub(super) async fn start(target: &Target, settings: &SessionSettings) -> Result<Self, StorageError> {
        match Self::start_once(target, settings).await {
            Ok(session) => Ok(session),
            Err(LoginError::Failed(error)) => Err(error),
            Err(LoginError::NeedsTls) => {
                let mut target = target.clone();
                target.server.needs_tls = true;
                Self::start_once(&target, settings).await.map_err(|error| match error {
                    LoginError::Failed(error) => error,
                    LoginError::NeedsTls => super::frame::invalid("TLS is required over TLS"),
                })
            }
        }
    }

    async fn start_once(target: &Target, settings: &SessionSettings) -> Result<Self, LoginError> {
        let limit = settings.connect_timeout.saturating_add(MAX_LOGIN);
        let login = async {
            let mut opened = hello::open(&target.server, settings).await?;
            let authenticated = log_in(&mut opened, target, settings).await?;
            Ok::<_, LoginError>((opened, authenticated))
        };
        let (opened, authenticated) = timeout(limit, login).await.map_err(|_| silent(&target.server))??;
        let (hello, is_encrypted) = (opened.hello, opened.is_encrypted);
        let Dialog { frames, stream, .. } = opened.dialog;
        let signer = Signer::new(hello.signatures.clone(), authenticated.key);
        let connection = Connection::start(frames, stream, signer, settings.idle_timeout);
        Ok(Self {
            connection,
            is_manager: hello.is_manager(),
            is_encrypted,
            has_tls: hello.has_tls(),
            login_note: authenticated.note,
            method: authenticated.method,
            offered: authenticated.offered,
        })
    }
}

/// Logs in and authenticates. The parameters of a redirect's login token are added to ours.
async fn log_in(opened: &mut Opened, target: &Target, settings: &SessionSettings) -> Result<Authenticated, LoginError> {
    let Opened { dialog, hello, is_encrypted, local, peer } = opened;
    let is_encrypted = *is_encrypted;
    let user = target.server.user.as_deref().unwrap_or(&settings.user);
    let token = target.login_token.as_deref();
    let cgi = format!("xrd.appname=rucio{}{}", if token.is_some() { "&" } else { "" }, token.unwrap_or_default());
    let login = Request::Login { process: std::process::id(), user, cgi: &cgi };
    let body = match dialog.ask(&login).await? {
        Reply::Ok(body) => body,
        Reply::Error(error) if error.code == TLS_REQUIRED && !is_encrypted => return Err(LoginError::NeedsTls),
        Reply::Error(error) => return Err(StorageError::from(error).into()),
        Reply::More(_) => return Err(super::frame::invalid("an unexpected response at login").into()),
    };
    let offers = text(body.get(SESSION_ID..).unwrap_or_default()).into_owned();
    let attempt = Attempt {
        server: &target.server,
        user,
        token: target.token.and_then(|index| settings.tokens.get(index)),
        settings,
        local: *local,
        peer: *peer,
        is_encrypted,
        has_tls: hello.has_tls(),
    };
    auth::authenticate(dialog, &offers, &attempt).await.map_err(|error| match error {
        AuthError::NeedsTls => LoginError::NeedsTls,
        AuthError::Failed(error) => error.into(),
    })
}

impl SessionSettings {
    /// Returns which token is for this server, if one is.
    pub(super) fn token_for(&self, server: &super::address::Server) -> Option<usize> {
        // Any scheme will do: the port is stated.
        let url = url::Url::parse(&format!("roots://{server}")).ok()?;
        let chosen = StorageToken::choose(&self.tokens, &url)?;
        self.tokens.iter().position(|one| std::ptr::eq(one, chosen))
    }
}

/// Returns the error of a server that accepts none of our credentials.
pub(super) fn denied(message: String) -> StorageError {
    StorageError::new(StorageErrorKind::Denied, message)
}
