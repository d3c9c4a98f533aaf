//! How many files are asked of one host at a time: as many as one likes, until it says that this is too much.
//!
//! A host that says so gets half as many, and then one more for each round that it serves, as TCP treats a path that
//! drops packets (RFC 5681). While it asks to be left alone, nobody asks it.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::Instant;

/// A host that has refused so often in a row serves nobody: to ask it for less would not help, and only hold files back
/// that other hosts have too.
const DOWN: u32 = 64;

/// The hosts that files come from.
#[derive(Debug, Default)]
pub struct Hosts(Mutex<HashMap<String, Arc<Host>>>);

#[derive(Debug, Default)]
struct Host {
    state: Mutex<State>,
    changed: Notify,
}

#[derive(Debug, Default)]
struct State {
    under_way: usize,
    /// How many may be under way, once the host has had too many.
    limit: Option<usize>,
    /// How many have been served since the limit changed.
    round: usize,
    /// How many have been served at all.
    served: u64,
    /// How often it has refused since it served the last one.
    refused: u32,
    /// How often the limit has been lowered.
    lowered: u64,
    /// Until when nobody is to ask.
    resting: Option<Instant>,
}

/// The right to ask a host for one file. Dropped, it is another's.
#[derive(Debug)]
pub(super) struct Turn {
    host: Option<Arc<Host>>,
    served: u64,
    lowered: u64,
}

impl Hosts {
    /// Waits for a turn at the host of this PFN. A file on this machine has no host.
    pub(super) async fn turn(&self, pfn: &str) -> Turn {
        let Some(name) = name(pfn) else { return Turn { host: None, served: 0, lowered: 0 } };
        let host = self.0.lock().unwrap_or_else(PoisonError::into_inner).entry(name).or_default().clone();
        host.turn().await
    }
}

impl Host {
    async fn turn(self: Arc<Self>) -> Turn {
        loop {
            let changed = self.changed.notified();
            let resting = match self.state().enter() {
                Ok((served, lowered)) => return Turn { host: Some(self.clone()), served, lowered },
                Err(resting) => resting,
            };
            match resting {
                Some(until) => tokio::time::sleep_until(until).await,
                None => changed.await,
            }
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// One more is under way; gives how often the host has served and been spared. Errors: not now; until when, if
    /// that is known.
    fn enter(&mut self) -> Result<(u64, u64), Option<Instant>> {
        self.resting = self.resting.filter(|until| *until > Instant::now());
        if self.resting.is_some() {
            return Err(self.resting);
        }
        if self.limit.is_some_and(|limit| self.under_way >= limit) {
            return Err(None);
        }
        self.under_way += 1;
        Ok((self.served, self.lowered))
    }

    fn serve(&mut self) {
        self.served += 1;
        self.round += 1;
        self.refused = 0;
        if let Some(limit) = self.limit.filter(|limit| self.round >= *limit) {
            (self.limit, self.round) = (Some(limit + 1), 0);
        }
    }

    /// Lowers the limit, but once only for all who were under way together: they all get the same answer.
    fn spare(&mut self, lowered: u64, pause: Duration) {
        self.refused += 1;
        if self.refused >= DOWN {
            (self.limit, self.resting) = (None, None);
            return;
        }
        let until = Instant::now() + pause;
        self.resting = Some(self.resting.map_or(until, |before| before.max(until)));
        if lowered == self.lowered {
            (self.limit, self.round) = (Some((self.under_way / 2).max(1)), 0);
            self.lowered += 1;
        }
    }
}

impl Turn {
    /// The host has given the file.
    pub(super) fn served(self) {
        if let Some(host) = &self.host {
            host.state().serve();
        }
    }

    /// The host has too much to do, and is left alone for this long. Tells whether that may be because of us: others
    /// of our files are under way, or have been served meanwhile.
    pub(super) fn too_much(self, pause: Duration) -> bool {
        let Some(host) = &self.host else { return false };
        let mut state = host.state();
        state.spare(self.lowered, pause);
        state.refused < DOWN && (state.served > self.served || state.under_way > 1)
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        if let Some(host) = &self.host {
            host.state().under_way -= 1;
            host.changed.notify_waiters();
        }
    }
}

/// Host and port of a PFN.
fn name(pfn: &str) -> Option<String> {
    let (scheme, rest) = pfn.split_once("://")?;
    let authority = rest.split(['/', '?', '#']).next().filter(|authority| !authority.is_empty())?;
    let place = authority.rsplit('@').next().unwrap_or(authority);
    (scheme != "file").then(|| place.to_ascii_lowercase())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::pin::pin;

    const PFN: &str = "https://h:1/f";
    const PAUSE: Duration = Duration::from_secs(5);

    /// Whether a turn is to be had at once.
    async fn is_free(hosts: &Hosts) -> Option<Turn> {
        tokio::time::timeout(Duration::ZERO, hosts.turn(PFN)).await.ok()
    }

    #[tokio::test(start_paused = true)]
    async fn a_host_that_has_too_much_gets_half_and_then_slowly_more() {
        let hosts = Hosts::default();
        let mut turns = Vec::new();
        for _ in 0..8 {
            turns.push(hosts.turn(PFN).await);
        }
        // All eight are refused: that is one sign, not eight.
        let signs: Vec<_> = turns.into_iter().map(|turn| turn.too_much(PAUSE)).collect();
        assert_eq!(signs, [true, true, true, true, true, true, true, false]);
        assert!(is_free(&hosts).await.is_none(), "it rests");
        tokio::time::advance(PAUSE).await;
        let mut turns = Vec::new();
        while let Some(turn) = is_free(&hosts).await {
            turns.push(turn);
        }
        assert_eq!(turns.len(), 4);
        turns.into_iter().for_each(Turn::served);
        let mut turns = Vec::new();
        while let Some(turn) = is_free(&hosts).await {
            turns.push(turn);
        }
        assert_eq!(turns.len(), 5);
        assert!(tokio::time::timeout(PAUSE, hosts.turn("https://other:1/f")).await.is_ok());
    }

    #[tokio::test(start_paused = true)]
    async fn whoever_waits_comes_when_another_is_through() {
        let hosts = Hosts::default();
        assert!(!hosts.turn(PFN).await.too_much(PAUSE));
        tokio::time::advance(PAUSE).await;
        let first = hosts.turn(PFN).await;
        let mut second = pin!(hosts.turn(PFN));
        assert!(tokio::time::timeout(PAUSE, second.as_mut()).await.is_err());
        first.served();
        let second = second.await;
        let third = hosts.turn(PFN).await;
        third.served();
        assert!(second.too_much(PAUSE), "another was served meanwhile");
    }

    #[tokio::test]
    async fn a_turn_that_is_given_up_is_free_again() {
        let hosts = Hosts::default();
        assert!(!hosts.turn(PFN).await.too_much(Duration::ZERO));
        drop(hosts.turn(PFN).await);
        assert!(is_free(&hosts).await.is_some());
    }

    #[tokio::test(start_paused = true)]
    async fn a_host_that_serves_nobody_holds_nobody_back() {
        let hosts = Hosts::default();
        for _ in 0..DOWN {
            assert!(!hosts.turn(PFN).await.too_much(PAUSE));
        }
        let (first, _second) = (hosts.turn(PFN).await, hosts.turn(PFN).await);
        assert!(is_free(&hosts).await.is_some() && !first.too_much(PAUSE));
        hosts.turn(PFN).await.served();
        assert!(hosts.turn(PFN).await.too_much(PAUSE), "it is back");
        assert!(is_free(&hosts).await.is_none());
    }

    #[test]
    fn hosts_are_told_apart_by_name_and_port() {
        for (pfn, expected) in [
            ("https://H.example:443/a?b", Some("h.example:443")),
            ("root://me@h//a", Some("h")),
            ("davs://h?x", Some("h")),
            ("file:///a", None),
            ("file://localhost/a", None),
            ("nonsense", None),
        ] {
            assert_eq!(name(pfn).as_deref(), expected, "{pfn}");
        }
    }
}
