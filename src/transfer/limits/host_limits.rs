//! Limits the number of concurrent requests per host: none at first, until the host reports overload.
//!
//! After that the limit is half of the concurrent requests, and grows by one for each round of served files, as TCP
//! does after packet loss (RFC 5681). During a wait requested by the host (`Retry-After`), only files that cannot wait
//! for so long send requests.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::Instant;

use crate::lock::lock;
use crate::storage::Pfn;

/// A host with this many refusals in a row is taken as down: a lower limit would not help, and only delay files that
/// other hosts have too. Chosen: a concurrency of 30 is halved
/// down to one after 56.
const DOWN_AFTER: u32 = 64;

/// The hosts of all sources.
#[derive(Debug, Default)]
pub(crate) struct HostLimits(Mutex<HashMap<String, Arc<HostState>>>);

#[derive(Debug, Default)]
struct HostState {
    state: Mutex<HostUsage>,
    changed: Notify,
}

#[derive(Debug, Default)]
struct HostUsage {
    in_flight: usize,
    /// Maximum number in progress, after the first overload.
    limit: Option<usize>,
    /// Number of files served since the limit changed.
    round: usize,
    /// Total number of files served.
    served: u64,
    /// Number of refusals since the last file served.
    refused: u32,
    /// Number of times the limit was lowered.
    reductions: u64,
    /// End of the pause after a refusal without `Retry-After`.
    paused_until: Option<Instant>,
    /// End of the wait requested by the host.
    closed: Option<Instant>,
    /// End of the last wait that was logged.
    announced: Option<Instant>,
}

/// The reason why a host must not be asked now.
#[derive(Debug)]
enum AcquireError {
    /// It requested a wait until this time.
    Closed(Instant),
    /// It is paused until this time.
    Paused(Instant),
    /// The limit is reached.
    Full,
}

/// Permission to request one file from a host; returned on drop.
#[derive(Debug)]
pub(crate) struct HostSlot {
    host: Option<Arc<HostState>>,
    served: u64,
    reductions: u64,
}

impl HostLimits {
    /// Waits for a turn at the host of this PFN. Local files have no host. Errors: the remaining time of the wait
    /// requested by the host; if it is longer than `longest`, which the file can wait at most, the host is asked
    /// nevertheless.
    pub(crate) async fn acquire(&self, pfn: &Pfn, longest: Duration) -> Result<HostSlot, Duration> {
        match self.host(pfn) {
            Some(host) => host.acquire(longest).await,
            None => Ok(HostSlot { host: None, served: 0, reductions: 0 }),
        }
    }

    /// Whether to log the wait for this host until this time: concurrent waits of many files are logged once.
    pub(crate) fn announce(&self, pfn: &Pfn, until: Instant) -> bool {
        let Some(host) = self.host(pfn) else { return false };
        let mut state = host.state();
        let is_new = state.announced.is_none_or(|before| before <= Instant::now());
        if is_new {
            state.announced = Some(until);
        }
        is_new
    }

    fn host(&self, pfn: &Pfn) -> Option<Arc<HostState>> {
        let host_of = host_of(pfn)?;
        Some(lock(&self.0).entry(host_of).or_default().clone())
    }
}

impl HostState {
    async fn acquire(self: Arc<Self>, longest: Duration) -> Result<HostSlot, Duration> {
        loop {
            let changed = self.changed.notified();
            let not_now = match self.state().try_acquire(longest) {
                Ok((served, reductions)) => return Ok(HostSlot { host: Some(self.clone()), served, reductions }),
                Err(not_now) => not_now,
            };
            match not_now {
                AcquireError::Closed(until) => return Err(until.saturating_duration_since(Instant::now())),
                AcquireError::Paused(until) => tokio::time::sleep_until(until).await,
                AcquireError::Full => changed.await,
            }
        }
    }

    fn state(&self) -> MutexGuard<'_, HostUsage> {
        lock(&self.state)
    }
}

impl HostUsage {
    /// Starts a request; returns `served` and `reductions` as of now. Errors: the request must wait.
    fn try_acquire(&mut self, longest: Duration) -> Result<(u64, u64), AcquireError> {
        let now = Instant::now();
        if let Some(until) = self.closed.filter(|until| *until > now && *until - now <= longest) {
            return Err(AcquireError::Closed(until));
        }
        if let Some(until) = self.paused_until.filter(|until| *until > now) {
            return Err(AcquireError::Paused(until));
        }
        if self.limit.is_some_and(|limit| self.in_flight >= limit) {
            return Err(AcquireError::Full);
        }
        self.in_flight += 1;
        Ok((self.served, self.reductions))
    }

    fn record_success(&mut self) {
        self.served += 1;
        self.round += 1;
        self.refused = 0;
        if let Some(limit) = self.limit.filter(|limit| self.round >= *limit) {
            (self.limit, self.round) = (Some(limit + 1), 0);
        }
    }

    /// Lowers the limit, but once only for all concurrent requests: they all get the same answer.
    fn back_off(&mut self, reductions: u64, pause: Duration, named: Option<Duration>) {
        self.refused += 1;
        let now = Instant::now();
        self.closed = self.closed.max(named.map(|wait| now + wait));
        if self.refused >= DOWN_AFTER {
            (self.limit, self.paused_until) = (None, None);
            return;
        }
        if named.is_none() {
            self.paused_until = self.paused_until.max(Some(now + pause));
        }
        if reductions == self.reductions {
            (self.limit, self.round) = (Some((self.in_flight / 2).max(1)), 0);
            self.reductions += 1;
        }
    }
}

impl HostSlot {
    pub(crate) fn on_success(self) {
        if let Some(host) = &self.host {
            host.state().record_success();
        }
    }

    /// Records an overload answer (such as HTTP 429 or 503) and pauses the host for the time it requested, else for
    /// `pause`. Returns whether our own concurrency may be the cause: other files are in progress, or have been served
    /// meanwhile.
    pub(crate) fn on_overload(self, pause: Duration, named: Option<Duration>) -> bool {
        let Some(host) = &self.host else { return false };
        let mut state = host.state();
        state.back_off(self.reductions, pause, named);
        state.refused < DOWN_AFTER && self.had_company(&state)
    }

    /// Records a connection that was refused, reset or closed before the response: an overload, if other files use the host.
    pub(crate) fn on_disconnect(self, pause: Duration) -> bool {
        let Some(host) = &self.host else { return false };
        let had_company = self.had_company(&host.state());
        had_company && self.on_overload(pause, None)
    }

    /// Returns whether other files are in progress, or have been served meanwhile.
    fn had_company(&self, state: &HostUsage) -> bool {
        state.served > self.served || state.in_flight > 1
    }
}

impl Drop for HostSlot {
    fn drop(&mut self) {
        if let Some(host) = &self.host {
            host.state().in_flight -= 1;
            host.changed.notify_waiters();
        }
    }
}

/// Returns host and port of a PFN in lower case; `None` for local files.
pub(crate) fn host_of(pfn: &Pfn) -> Option<String> {
    let host = pfn.host_and_port().filter(|host| !host.is_empty() && pfn.scheme() != "file")?;
    Some(host.to_ascii_lowercase())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::pin::pin;

    const PFN: &str = "https://h:1/f";
    const PAUSE: Duration = Duration::from_secs(5);

    const LONGEST: Duration = Duration::from_secs(60);

    async fn turn(hosts: &HostLimits) -> HostSlot {
        hosts.acquire(&PFN.into(), LONGEST).await.unwrap()
    }

    /// Returns a turn if one is available immediately.
    async fn is_free(hosts: &HostLimits) -> Option<HostSlot> {
        tokio::time::timeout(Duration::ZERO, hosts.acquire(&PFN.into(), LONGEST)).await.ok()?.ok()
    }

    #[tokio::test(start_paused = true)]
    async fn host_limit_is_halved_on_overload_and_grows_slowly() {
        let hosts = HostLimits::default();
        let mut turns = Vec::new();
        for _ in 0..8 {
            turns.push(turn(&hosts).await);
        }
        // All eight are refused: that counts once, not eight times.
        let signs: Vec<_> = turns.into_iter().map(|turn| turn.on_overload(PAUSE, None)).collect();
        assert_eq!(signs, [true, true, true, true, true, true, true, false]);
        assert!(is_free(&hosts).await.is_none(), "it rests");
        tokio::time::advance(PAUSE).await;
        let mut turns = Vec::new();
        while let Some(turn) = is_free(&hosts).await {
            turns.push(turn);
        }
        assert_eq!(turns.len(), 4);
        turns.into_iter().for_each(HostSlot::on_success);
        let mut turns = Vec::new();
        while let Some(turn) = is_free(&hosts).await {
            turns.push(turn);
        }
        assert_eq!(turns.len(), 5);
        assert!(tokio::time::timeout(PAUSE, hosts.acquire(&"https://other:1/f".into(), LONGEST)).await.is_ok());
    }

    #[tokio::test(start_paused = true)]
    async fn host_limit_lets_the_next_one_in_when_one_ends() {
        let hosts = HostLimits::default();
        assert!(!turn(&hosts).await.on_overload(PAUSE, None));
        tokio::time::advance(PAUSE).await;
        let first = turn(&hosts).await;
        let mut second = pin!(turn(&hosts));
        assert!(tokio::time::timeout(PAUSE, second.as_mut()).await.is_err());
        first.on_success();
        let second = second.await;
        let third = turn(&hosts).await;
        third.on_success();
        assert!(second.on_overload(PAUSE, None), "another was served meanwhile");
    }

    #[tokio::test]
    async fn host_limit_frees_a_turn_that_is_given_up() {
        let hosts = HostLimits::default();
        assert!(!turn(&hosts).await.on_overload(Duration::ZERO, None));
        drop(turn(&hosts).await);
        assert!(is_free(&hosts).await.is_some());
    }

    #[tokio::test(start_paused = true)]
    async fn host_limit_does_not_hold_back_a_server_without_requests() {
        let hosts = HostLimits::default();
        for _ in 0..DOWN_AFTER {
            assert!(!turn(&hosts).await.on_overload(PAUSE, None));
        }
        let (first, _second) = (turn(&hosts).await, turn(&hosts).await);
        assert!(is_free(&hosts).await.is_some() && !first.on_overload(PAUSE, None));
        turn(&hosts).await.on_success();
        assert!(turn(&hosts).await.on_overload(PAUSE, None), "it is back");
        assert!(is_free(&hosts).await.is_none());
    }

    #[tokio::test(start_paused = true)]
    async fn host_that_names_a_time_is_left_alone_for_it_by_files_that_can_wait() {
        let hosts = HostLimits::default();
        turn(&hosts).await.on_overload(PAUSE, Some(2 * PAUSE));
        let wait = hosts.acquire(&PFN.into(), LONGEST).await.unwrap_err();
        assert_eq!(wait, 2 * PAUSE);
        let until = Instant::now() + wait;
        assert!(hosts.announce(&PFN.into(), until), "the first wait is logged");
        assert!(!hosts.announce(&PFN.into(), until), "the wait of another file is logged, too");
        assert!(hosts.acquire(&PFN.into(), PAUSE).await.is_ok(), "a file that cannot wait for so long asks");
        tokio::time::advance(2 * PAUSE).await;
        assert!(is_free(&hosts).await.is_some(), "the time is over");
        assert!(hosts.announce(&PFN.into(), Instant::now() + PAUSE), "the next wait is not logged");
    }

    #[test]
    fn host_limits_are_told_apart_by_name_and_port() {
        for (pfn, expected) in [
            ("https://H.example:443/a?b", Some("h.example:443")),
            ("root://me@h//a", Some("h")),
            ("davs://h?x", Some("h")),
            ("file:///a", None),
            ("file://localhost/a", None),
            ("nonsense", None),
        ] {
            assert_eq!(host_of(&pfn.into()).as_deref(), expected, "{pfn}");
        }
    }
}
