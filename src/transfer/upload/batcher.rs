//! Coalesces concurrent catalogue calls into batches: requests queue while one call is in flight.

use std::sync::Mutex;

use tokio::sync::oneshot;

use crate::lock::lock;

/// Maximum number of requests per call. Chosen: twice the number of files in progress, so all of them fit.
const MAX_BATCH: usize = 200;

/// A queue of requests of one kind. Each request gets its own answer.
pub(super) struct Batcher<T, A> {
    waiting: Mutex<Vec<(T, oneshot::Sender<A>)>>,
    sending: tokio::sync::Mutex<()>,
}

impl<T, A> Default for Batcher<T, A> {
    fn default() -> Self {
        Self { waiting: Mutex::default(), sending: tokio::sync::Mutex::default() }
    }
}

impl<T, A> Batcher<T, A> {
    /// Queues a request and waits for its answer. `send` makes the call for a batch and returns the answers in its
    /// order; the call may be made by the `send` of another request.
    pub(super) async fn submit(&self, request: T, send: impl AsyncFn(Vec<T>) -> Vec<A>) -> Option<A> {
        let (answer, mut with_timeout) = oneshot::channel();
        self.waiting().push((request, answer));
        let _sending = self.sending.lock().await;
        // An earlier caller may have sent our request already; or several batches are queued before it.
        loop {
            match with_timeout.try_recv() {
                Ok(answer) => return Some(answer),
                Err(oneshot::error::TryRecvError::Closed) => return None,
                Err(oneshot::error::TryRecvError::Empty) => {}
            }
            let (requests, tickets): (Vec<_>, Vec<_>) = self.next_batch().into_iter().unzip();
            for (ticket, answer) in tickets.into_iter().zip(send(requests).await) {
                // The receiver is gone if the run was cancelled.
                let _ = ticket.send(answer);
            }
        }
    }

    fn next_batch(&self) -> Vec<(T, oneshot::Sender<A>)> {
        let mut waiting = self.waiting();
        let length = waiting.len().min(MAX_BATCH);
        waiting.drain(..length).collect()
    }

    fn waiting(&self) -> std::sync::MutexGuard<'_, Vec<(T, oneshot::Sender<A>)>> {
        lock(&self.waiting)
    }
}

impl<T, A> std::fmt::Debug for Batcher<T, A> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Batcher")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::future::join_all;
    use std::sync::atomic::{AtomicUsize, Ordering};

    #[tokio::test]
    async fn batcher_answers_each_request_in_few_calls() {
        let (batcher, calls) = (Batcher::default(), AtomicUsize::new(0));
        let send = async |requests: Vec<usize>| {
            calls.fetch_add(1, Ordering::Relaxed);
            tokio::task::yield_now().await;
            requests.into_iter().map(|request| request * 2).collect()
        };
        let answers = join_all((0..1000).map(|request| batcher.submit(request, send))).await;
        assert_eq!(answers, (0..1000).map(|request| Some(request * 2)).collect::<Vec<_>>());
        assert!(calls.load(Ordering::Relaxed) <= 6, "{calls:?}");
    }

    #[tokio::test]
    async fn batcher_request_without_an_answer_ends() {
        let batcher = Batcher::<u8, u8>::default();
        assert_eq!(batcher.submit(1, async |_| Vec::new()).await, None);
    }
}
