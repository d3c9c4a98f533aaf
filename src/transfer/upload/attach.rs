//! Attaches uploaded files to datasets, one batch of calls at a time: the server serialises calls for a dataset anyway.

use std::collections::{HashMap, HashSet};

use tokio::sync::Mutex;

use super::batcher::Batcher;
use crate::api::dids;
use crate::error::{Error, Result};
use crate::exceptions::Exception;
use crate::http::Client;
use crate::lists;
use crate::types::Did;

/// `true` if the file was attached, `false` if it already was; the error is the reason of the failure.
type AttachResult = Result<bool, String>;

/// A file and the dataset to attach it to.
type Attachment = (Did, Did);

/// Attaches files in batches.
#[derive(Debug, Default)]
pub(super) struct Attacher {
    batcher: Batcher<Attachment, AttachResult>,
    /// Contents of datasets, loaded after a batch was rejected.
    contents: Mutex<HashMap<Did, HashSet<Did>>>,
}

impl Attacher {
    /// Attaches a file. Returns whether it was not attached before. Errors: the reason of the failure.
    pub(super) async fn attach(&self, client: &Client, dataset: &Did, file: &Did) -> AttachResult {
        let request = (file.clone(), dataset.clone());
        let answer = self.batcher.submit(request, async |batch| self.attach_batch(client, batch).await).await;
        answer.unwrap_or_else(|| Err("the catalogue did not answer".to_owned()))
    }

    async fn attach_batch(&self, client: &Client, batch: Vec<Attachment>) -> Vec<AttachResult> {
        let mut by_dataset: HashMap<Did, Vec<Did>> = HashMap::new();
        batch.iter().for_each(|(file, dataset)| by_dataset.entry(dataset.clone()).or_default().push(file.clone()));
        let mut answers = HashMap::new();
        for (dataset, files) in by_dataset {
            for (file, answer) in self.attach_to(client, &dataset, files).await {
                answers.insert((file, dataset.clone()), answer);
            }
        }
        batch.iter().map(|request| answers.get(request).cloned().unwrap_or(Ok(false))).collect()
    }

    async fn attach_to(&self, client: &Client, dataset: &Did, files: Vec<Did>) -> Vec<(Did, AttachResult)> {
        let mut contents = self.contents.lock().await;
        let held = |content: Option<&HashSet<Did>>, file: &Did| content.is_some_and(|content| content.contains(file));
        let (there, missing): (Vec<_>, Vec<_>) = files.into_iter().partition(|file| held(contents.get(dataset), file));
        let mut answers: Vec<_> = there.into_iter().map(|file| (file, Ok(false))).collect();
        if missing.is_empty() {
            return answers;
        }
        let together = parse_outcome(dids::attach(client, dataset, &missing).await);
        if missing.len() == 1 || together == Ok(true) {
            answers.extend(missing.into_iter().map(|file| (file, together.clone())));
            return answers;
        }
        // The server rejects the whole batch if one file fails: attach the files one by one.
        if !contents.contains_key(dataset) {
            // Without the content, the server's answer for each file decides.
            contents.insert(dataset.clone(), content_of(client, dataset).await.unwrap_or_default());
        }
        for file in missing {
            let answer = if held(contents.get(dataset), &file) {
                Ok(false)
            } else {
                parse_outcome(dids::attach(client, dataset, std::slice::from_ref(&file)).await)
            };
            answers.push((file, answer));
        }
        answers
    }
}

async fn content_of(client: &Client, dataset: &Did) -> Result<HashSet<Did>> {
    let rows = lists::content(client, dataset).await?.collect().await?;
    Ok(rows.into_iter().map(|row| row.did).collect())
}

fn parse_outcome(attached: Result<()>) -> AttachResult {
    let class = attached.as_ref().err().and_then(Error::class);
    match (attached, class) {
        (Ok(()), _) => Ok(true),
        (_, Some(Exception::DuplicateContent | Exception::FileAlreadyExists)) => Ok(false),
        (Err(error), _) => Err(error.to_string()),
    }
}
