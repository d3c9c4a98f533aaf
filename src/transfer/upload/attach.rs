//! Attaching files to datasets: those that are done at about the same time go with one call. The server takes the
//! calls for a dataset one after the other anyway.

use std::collections::{HashMap, HashSet};
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
    /// Whoever has the turn has this: what datasets held already, looked up where something was attached before.
    turn: tokio::sync::Mutex<HashMap<Did, HashSet<Did>>>,
}

impl Attacher {
    /// Attaches a file; whether it was not attached yet. Errors: why it could not be.
    pub(super) async fn attach(&self, client: &Client, dataset: &Did, file: &Did) -> Answer {
        let (answer, mut answered) = oneshot::channel();
        self.waiting().push(Waiting { dataset: dataset.clone(), file: file.clone(), answer });
        let mut contents = self.turn.lock().await;
        // Whoever had the turn before us may have taken our file along.
        while answered.is_empty() {
            attach_together(client, self.next_lot(), &mut contents).await;
        }
        drop(contents);
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

async fn attach_together(client: &Client, lot: Vec<Waiting>, contents: &mut HashMap<Did, HashSet<Did>>) {
    let Some(dataset) = lot.first().map(|one| one.dataset.clone()) else { return };
    let content = contents.get(&dataset);
    let (there, missing): (Vec<_>, Vec<_>) =
        lot.into_iter().partition(|one| content.is_some_and(|content| content.contains(&one.file)));
    answer(there, &Ok(false));
    let files: Vec<_> = missing.iter().map(|one| one.file.clone()).collect();
    if files.is_empty() {
        return;
    }
    match understood(dids::attach(client, &dataset, &files).await) {
        // The server refuses all for the sake of one: it has to be found.
        Ok(false) | Err(_) if files.len() > 1 => attach_singly(client, &dataset, missing, contents).await,
        outcome => answer(missing, &outcome),
    }
}

/// Leaves out what the dataset holds already, and has the others attached one by one.
async fn attach_singly(client: &Client, dataset: &Did, lot: Vec<Waiting>, contents: &mut HashMap<Did, HashSet<Did>>) {
    if !contents.contains_key(dataset) {
        // Without it, the server's answer for each file has to do.
        contents.insert(dataset.clone(), content_of(client, dataset).await.unwrap_or_default());
    }
    for one in lot {
        let is_there = contents.get(dataset).is_some_and(|content| content.contains(&one.file));
        let outcome = match is_there {
            true => Ok(false),
            false => understood(dids::attach(client, dataset, std::slice::from_ref(&one.file)).await),
        };
        answer(vec![one], &outcome);
    }
}

async fn content_of(client: &Client, dataset: &Did) -> Result<HashSet<Did>> {
    let (mut rows, mut content) = (dids::content(client, dataset).await?, HashSet::new());
    while let Some(row) = rows.next().await? {
        content.insert(row.did);
    }
    Ok(content)
}

fn answer(lot: Vec<Waiting>, outcome: &Answer) {
    for one in lot {
        // Nobody waits any more where the whole run is being given up.
        let _ = one.answer.send(outcome.clone());
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
