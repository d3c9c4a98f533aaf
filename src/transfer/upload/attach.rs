//! Attaching files to datasets: those that are done at about the same time go with one call. The server takes the
//! calls for a dataset one after the other anyway.

use std::sync::{Mutex, PoisonError};

use tokio::sync::oneshot;

use crate::api::dids;
use crate::error::{Error, Result};
use crate::exceptions::Exception;
use crate::http::Client;
use crate::types::Did;

/// How many files go with one call at most.
const TOGETHER: usize = 500;

/// Whether it was still to be done, or why it could not.
type Answer = Result<bool, String>;

/// A file that waits.
struct Waiting {
    dataset: Did,
    file: Did,
    answer: oneshot::Sender<Answer>,
}

/// Attaches files.
#[derive(Default)]
pub(super) struct Attacher {
    waiting: Mutex<Vec<Waiting>>,
    one_at_a_time: tokio::sync::Mutex<()>,
}

impl Attacher {
    /// Attaches a file; whether it was not attached yet. Errors: why it could not be.
    pub(super) async fn attach(&self, client: &Client, dataset: &Did, file: &Did) -> Answer {
        let (answer, mut answered) = oneshot::channel();
        self.waiting().push(Waiting { dataset: dataset.clone(), file: file.clone(), answer });
        let turn = self.one_at_a_time.lock().await;
        // Whoever had the turn before us may have taken our file along.
        while answered.is_empty() {
            let together = self.next_lot();
            attach_together(client, together).await;
        }
        drop(turn);
        answered.try_recv().unwrap_or_else(|_| Err("nobody answered".to_owned()))
    }

    /// The files that wait for the same dataset as the first one.
    fn next_lot(&self) -> Vec<Waiting> {
        let mut waiting = self.waiting();
        let Some(first) = waiting.first() else { return Vec::new() };
        let dataset = first.dataset.clone();
        let mut taken = 0;
        let mine = |one: &mut Waiting| {
            let mine = one.dataset == dataset && taken < TOGETHER;
            taken += usize::from(mine);
            mine
        };
        waiting.extract_if(.., mine).collect()
    }

    fn waiting(&self) -> std::sync::MutexGuard<'_, Vec<Waiting>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

async fn attach_together(client: &Client, lot: Vec<Waiting>) {
    let Some(dataset) = lot.first().map(|one| one.dataset.clone()) else { return };
    let files: Vec<_> = lot.iter().map(|one| one.file.clone()).collect();
    if lot.len() > 1 && dids::attach(client, &dataset, &files).await.is_ok() {
        lot.into_iter().for_each(|one| drop(one.answer.send(Ok(true))));
        return;
    }
    // The server refuses all for the sake of one: it has to be found.
    for one in lot {
        let attached = dids::attach(client, &dataset, std::slice::from_ref(&one.file)).await;
        // Nobody waits any more where the whole run is being given up.
        let _ = one.answer.send(understood(attached));
    }
}

fn understood(attached: Result<()>) -> Answer {
    let class = attached.as_ref().err().and_then(Error::class);
    match (attached, class) {
        (Ok(()), _) => Ok(true),
        (_, Some(Exception::DuplicateContent | Exception::FileAlreadyExists)) => Ok(false),
        (Err(error), _) => Err(error.to_string()),
    }
}

impl std::fmt::Debug for Attacher {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Attacher")
    }
}
