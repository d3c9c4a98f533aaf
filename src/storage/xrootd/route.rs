//! Finds the server that has a file: follows redirects, waits when asked to, and returns to the manager of a cluster
//! when one of its servers fails.

use std::sync::Arc;

use bytes::Bytes;

use super::Failure;
use super::address::{Address, Redirect};
use super::frame::invalid;
use super::pending::{Answer, Limit};
use super::pool::{Lease, SessionPool};
use super::status::{NOT_FOUND, OVERLOADED, ServerError};
use super::waits::Waits;
use super::wire::Request;
use crate::storage::{Result as StorageResult, StorageError, StorageErrorKind};

/// Maximum number of redirects of a request; as many as XRootD's own client follows.
const MAX_REDIRECTS: usize = 16;
/// Why a server is not to be used, in the words of the protocol, if its connection failed.
const CONNECTION_FAILED: &str = "srverr";

/// A request that any server of a cluster may answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Operation {
    Open,
    Stat,
}

/// The way of a request from server to server.
struct Route<'a> {
    operation: Operation,
    pool: &'a Arc<SessionPool>,
    original: &'a Address,
    /// What is asked for next, and for which login.
    next: Address,
    login_token: Option<String>,
    /// Whether the server has to look for the file itself instead of remembering.
    refresh: bool,
    redirects: usize,
    waits: Waits,
    /// The first manager, and the hosts it has led to since it was asked last.
    manager: Option<Address>,
    hosts: Vec<String>,
    /// The hosts that have failed, with the reasons, and the last error.
    tried: Vec<(String, &'static str)>,
    failure: Option<StorageError>,
}

/// Sends a request to the server of this address, or where it leads to. Returns the response and the session it came by.
pub(super) async fn request(
    pool: &Arc<SessionPool>,
    operation: Operation,
    address: &Address,
) -> Result<(Lease, Bytes), Failure> {
    let mut route = Route {
        operation,
        pool,
        original: address,
        next: address.clone(),
        login_token: None,
        refresh: false,
        redirects: 0,
        waits: Waits::default(),
        manager: None,
        hosts: Vec::new(),
        tried: Vec::new(),
        failure: None,
    };
    loop {
        match route.ask().await {
            Ok((lease, Answer::Ok(body))) => return Ok((lease, body)),
            Ok((lease, Answer::Redirect { port, text })) => route.follow(&lease, port, &text)?,
            Ok((_, Answer::Wait(time))) => {
                route.waits.wait(time).await?;
                route.refresh = false;
            }
            Ok((_, Answer::Error(error))) => route.recover_from(error)?,
            Ok((_, Answer::AuthMore(_))) => return Err(invalid("an authentication that was not asked for").into()),
            Err(Failure::Storage(error)) => route.return_to_manager(Some(CONNECTION_FAILED), error)?,
            Err(error @ Failure::NotBuilt(_)) => return Err(error),
        }
    }
}

impl Route<'_> {
    /// Sends the request once; again on a new session if a kept one turns out to be dead.
    async fn ask(&self) -> Result<(Lease, Answer), Failure> {
        let (server, token) = (&self.next.server, self.login_token.as_deref());
        let lease = self.pool.lease(server, token).await?;
        match self.ask_on(&lease).await {
            Ok(answer) => Ok((lease, answer)),
            Err(error) if lease.was_kept => {
                tracing::debug!("a session on {server} has ended: {error}");
                let lease = self.pool.lease_new(server, token).await?;
                let answer = self.ask_on(&lease).await?;
                Ok((lease, answer))
            }
            Err(error) => Err(error.into()),
        }
    }

    async fn ask_on(&self, lease: &Lease) -> StorageResult<Answer> {
        let path = self.next.request_path();
        let (request, limit) = match self.operation {
            Operation::Open => (Request::Open { path: &path, refresh: self.refresh }, Limit::Handle),
            Operation::Stat => (Request::Stat { path: &path }, Limit::Text),
        };
        lease.connection.send(&request, limit).answer().await
    }

    /// Goes where a server leads to.
    fn follow(&mut self, lease: &Lease, port: i32, text: &str) -> Result<(), Failure> {
        let redirect = Redirect::parse(port, text).ok_or_else(|| invalid("a redirect without a host"))?;
        match redirect.scheme.as_deref() {
            None | Some("root" | "xroot") => {}
            Some("roots" | "xroots") => return Err(Failure::NotBuilt("the server requires TLS".to_owned())),
            Some(scheme) => {
                let message = format!("{} redirects to {scheme}://{}", self.next.server, redirect.server);
                return Err(StorageError::new(StorageErrorKind::Refused, message).into());
            }
        }
        self.redirects += 1;
        if self.redirects > MAX_REDIRECTS {
            let last = format!(
                "more than {MAX_REDIRECTS} redirects, the last from {} to {}",
                self.next.server, redirect.server
            );
            let too_many = || StorageError::new(StorageErrorKind::Refused, last);
            return Err(self.failure.take().unwrap_or_else(too_many).into());
        }
        if lease.is_manager && self.manager.is_none() {
            self.manager = Some(Address { server: self.next.server.clone(), ..self.original.clone() });
        }
        tracing::debug!("{} redirects to {}", self.next.server, redirect.server);
        self.hosts.push(redirect.server.host.clone());
        let user = redirect.server.user.clone().or_else(|| self.next.server.user.take());
        self.next.server = super::address::Server { user, ..redirect.server };
        self.next.path = redirect.path.unwrap_or_else(|| std::mem::take(&mut self.next.path));
        self.next.cgi.merge(&redirect.cgi);
        self.login_token = redirect.login_token;
        Ok(())
    }

    /// Handles the error of a server.
    fn recover_from(&mut self, error: ServerError) -> Result<(), Failure> {
        let reason = error.reason_to_try_another();
        let refresh = matches!(error.code, NOT_FOUND | OVERLOADED);
        self.return_to_manager(reason, error.into())?;
        self.refresh = refresh;
        Ok(())
    }

    /// Asks the manager for another server. Errors: there is no manager, or another server would say the same.
    fn return_to_manager(&mut self, reason: Option<&'static str>, error: StorageError) -> Result<(), Failure> {
        let is_manager = |manager: &Address| manager.server == self.next.server;
        let (Some(manager), Some(reason)) = (self.manager.as_ref().filter(|one| !is_manager(one)), reason) else {
            // The manager has no other server: the error of the one that had the file says more.
            let earlier = self.failure.take().filter(|_| error.kind == StorageErrorKind::NotFound);
            return Err(earlier.unwrap_or(error).into());
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
