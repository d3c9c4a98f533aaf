//! Finds the server that has a file: follows redirects, waits when asked to, and returns to the manager of a cluster
//! when one of its servers fails.

use std::sync::Arc;

use bytes::Bytes;

use super::Failure;
use super::address::{AUTHORIZATION, Address, Redirect, Server};
use super::frame::invalid;
use super::pending::{Answer, Limit};
use super::pool::{Lease, SessionPool, Target};
use super::status::{NOT_AUTHORIZED, NOT_FOUND, OVERLOADED, ServerError, TLS_REQUIRED};
use super::waits::Waits;
use super::wire::Request;
use crate::storage::{Result as StorageResult, StorageError, StorageErrorKind};

/// Maximum number of redirects of a request; as many as XRootD's own client follows.
const MAX_REDIRECTS: usize = 16;
/// Why a server is not to be used, in the words of the protocol, if its connection failed.
const CONNECTION_FAILED: &str = "srverr";

/// A request that any server of a cluster may answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Operation<'a> {
    Open,
    /// Opens a file that a manager has to look for itself, instead of remembering where it was or that it was not.
    Find,
    /// Creates a file; an existing one is an error, or replaced.
    Create {
        replaces: bool,
    },
    Stat,
    Checksum,
    CreateFolder,
    Delete,
    /// Renames the file to this path.
    Rename {
        to: &'a str,
    },
}

/// A response, and where it came from.
#[derive(Debug)]
pub(super) struct Served {
    pub(super) lease: Lease,
    pub(super) body: Bytes,
    /// What was asked for at last.
    pub(super) address: Address,
    /// Whether the server is not that of the PFN.
    pub(super) was_redirected: bool,
}

/// The way of a request from server to server.
struct Route<'a> {
    operation: Operation<'a>,
    pool: &'a Arc<SessionPool>,
    original: &'a Address,
    /// What is asked for next, and for which login.
    next: Address,
    login_token: Option<String>,
    /// Index of the token that is for the server of the PFN. Servers that it redirects to over TLS get it, too: the
    /// first server could pass it on anyway.
    token: Option<usize>,
    /// Whether the server has to look for the file itself instead of remembering.
    refresh: bool,
    redirects: usize,
    waits: Waits,
    /// The first manager, and the hosts it has led to since it was asked last.
    manager: Option<Address>,
    hosts: Vec<String>,
    /// The hosts that have failed, with the reasons, and the last error.
    tried: Vec<(String, &'static str)>,
    failure: Option<Failure>,
}

/// Sends a request to the server of this address, or to those that it redirects to. Returns the response and its session.
pub(super) async fn request(
    pool: &Arc<SessionPool>,
    operation: Operation<'_>,
    address: &Address,
) -> Result<Served, Failure> {
    let mut route = Route {
        operation,
        pool,
        original: address,
        next: address.clone(),
        login_token: None,
        token: pool.settings.token_for(&address.server),
        refresh: operation == Operation::Find,
        redirects: 0,
        waits: Waits::default(),
        manager: None,
        hosts: Vec::new(),
        tried: Vec::new(),
        failure: None,
    };
    loop {
        match route.ask().await {
            Ok((lease, Answer::Ok(body))) => {
                let was_redirected = route.next.server != address.server;
                return Ok(Served { lease, body, address: route.next, was_redirected });
            }
            Ok((lease, Answer::Redirect { port, text })) => route.follow(&lease, port, &text)?,
            Ok((_, Answer::Wait(time))) => {
                route.waits.wait(time).await?;
                route.refresh = false;
            }
            Ok((lease, Answer::Error(mut error))) => {
                if let (NOT_AUTHORIZED, Some(note)) = (error.code, &lease.login_note) {
                    // The user may have believed to be another one.
                    error.text = format!("{} ({note})", error.text);
                }
                if !route.encrypt_or_authorize(&lease, &error) {
                    route.recover_from(error)?;
                }
            }
            Ok((_, Answer::AuthMore(_))) => return Err(invalid("an authentication that was not asked for").into()),
            Err(error) => route.return_to_manager(Some(CONNECTION_FAILED), error.into())?,
        }
    }
}

impl Route<'_> {
    /// Sends the request once; again on a new session if a kept one turns out to be dead.
    async fn ask(&self) -> StorageResult<(Lease, Answer)> {
        let server = &self.next.server;
        let target = Target { server: server.clone(), login_token: self.login_token.clone(), token: self.token };
        let lease = self.pool.lease(&target).await?;
        match self.ask_on(&lease).await {
            Ok(answer) => Ok((lease, answer)),
            Err(error) if lease.was_kept => {
                tracing::debug!("a session on {server} has ended: {error}");
                let lease = self.pool.lease_new(&target).await?;
                let answer = self.ask_on(&lease).await?;
                Ok((lease, answer))
            }
            Err(error) => Err(error),
        }
    }

    async fn ask_on(&self, lease: &Lease) -> StorageResult<Answer> {
        let path = self.next.request_path();
        let to;
        let (request, limit) = match self.operation {
            Operation::Open | Operation::Find => (Request::Open { path: &path, refresh: self.refresh }, Limit::Handle),
            Operation::Create { replaces } => (Request::Create { path: &path, replaces }, Limit::Handle),
            Operation::Stat => (Request::Stat { path: &path }, Limit::Text),
            Operation::Checksum => (Request::Checksum { path: &path }, Limit::Text),
            Operation::CreateFolder => (Request::CreateFolder { path: &path }, Limit::Text),
            Operation::Delete => (Request::Delete { path: &path }, Limit::Text),
            Operation::Rename { to: path_after } => {
                to = Address { path: path_after.to_owned(), ..self.next.clone() }.request_path();
                (Request::Rename { from: &path, to: &to }, Limit::Text)
            }
        };
        lease.connection.send(&request, limit).answer().await
    }

    /// Follows a redirect.
    fn follow(&mut self, lease: &Lease, port: i32, text: &str) -> Result<(), Failure> {
        let redirect = Redirect::parse(port, text).ok_or_else(|| invalid("a redirect without a host"))?;
        match redirect.scheme.as_deref() {
            None | Some("root" | "xroot" | "roots" | "xroots") => {}
            Some(scheme) => {
                let message = format!("{} redirects to {scheme}://{}", self.next.server, redirect.server);
                return Err(StorageError::new(StorageErrorKind::Refused, message).into());
            }
        }
        if !self.original.server.may_redirect_to(&redirect.server) {
            let message = format!("{} may not redirect to this machine or its link", self.next.server);
            return Err(StorageError::new(StorageErrorKind::Refused, message).into());
        }
        self.redirects += 1;
        if self.redirects > MAX_REDIRECTS {
            let last = format!(
                "more than {MAX_REDIRECTS} redirects, the last from {} to {}",
                self.next.server, redirect.server
            );
            let too_many = || StorageError::new(StorageErrorKind::Refused, last).into();
            return Err(self.failure.take().unwrap_or_else(too_many));
        }
        if lease.is_manager && self.manager.is_none() {
            self.manager = Some(Address { server: self.next.server.clone(), ..self.original.clone() });
        }
        tracing::debug!("{} redirects to {}", self.next.server, redirect.server);
        self.hosts.push(redirect.server.host.clone());
        let user = redirect.server.user.clone().or_else(|| self.next.server.user.take());
        // What was to be encrypted stays so.
        let needs_tls = self.next.server.needs_tls || redirect.server.needs_tls;
        if !lease.is_encrypted && redirect.server.host != self.original.server.host {
            self.token = None;
        }
        self.next.server = Server { user, needs_tls, ..redirect.server };
        self.next.path = redirect.path.unwrap_or_else(|| std::mem::take(&mut self.next.path));
        self.next.cgi.merge(&redirect.cgi);
        self.login_token = redirect.login_token;
        Ok(())
    }

    /// Changes the request after an error that TLS or the token may help with. Returns whether it is to be sent again.
    fn encrypt_or_authorize(&mut self, lease: &Lease, error: &ServerError) -> bool {
        let (is_encrypted, has_tls) = (lease.is_encrypted, lease.has_tls);
        let token = self.token.and_then(|index| self.pool.settings.tokens.get(index)).filter(|_| has_tls);
        match (error.code, token) {
            (TLS_REQUIRED, _) if !is_encrypted && has_tls => {}
            (NOT_AUTHORIZED, Some(token)) if !self.next.cgi.has(|key| key == AUTHORIZATION) => {
                self.next.cgi.set(AUTHORIZATION, Some(token.as_parameter()));
            }
            _ => return false,
        }
        self.next.server.needs_tls = true;
        true
    }

    /// Handles the error of a server.
    fn recover_from(&mut self, error: ServerError) -> Result<(), Failure> {
        let reason = error.reason_to_try_another();
        let refresh = matches!(error.code, NOT_FOUND | OVERLOADED);
        self.return_to_manager(reason, Failure::Server(error))?;
        self.refresh = refresh;
        Ok(())
    }

    /// Asks the manager for another server. Errors: there is no manager, or another server would say the same.
    fn return_to_manager(&mut self, reason: Option<&'static str>, error: Failure) -> Result<(), Failure> {
        let is_manager = |manager: &Address| manager.server == self.next.server;
        let (Some(manager), Some(reason)) = (self.manager.as_ref().filter(|one| !is_manager(one)), reason) else {
            // The manager has no other server: the error of the one that had the file says more.
            let earlier = self.failure.take().filter(|_| error.kind() == StorageErrorKind::NotFound);
            return Err(earlier.unwrap_or(error));
        };
        tracing::debug!("{} failed: {error}", self.next.server);
        (self.next, self.login_token) = (manager.clone(), None);
        self.tried.extend(self.hosts.drain(..).map(|host| (host, reason)));
        self.failure = Some(error);
        let (hosts, reasons): (Vec<_>, Vec<_>) =
            self.tried.iter().map(|(host, reason)| (host.as_str(), *reason)).unzip();
        self.next.cgi.set("tried", Some(hosts.join(",")));
        self.next.cgi.set("triedrc", Some(reasons.join(",")));
        Ok(())
    }
}
