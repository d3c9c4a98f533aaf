//! Selection of the DIDs that the lifetime model affects.

use std::collections::HashSet;

use serde::Serialize;

use crate::error::Result;
use crate::http::Client;
use crate::lists;
use crate::types::{Did, Metadata};

/// Number of DIDs per metadata request.
const AT_ONCE: usize = 500;

/// Numbers of listed DIDs by result.
#[derive(Debug, Default, Serialize)]
pub(super) struct Counts {
    pub total_dids: usize,
    pub files_ignored: usize,
    pub containers_resolved: usize,
    pub not_in_lifetime_model: usize,
    pub successfully_submitted: usize,
}

/// Sorts DIDs into containers and datasets.
#[derive(Debug)]
pub(super) struct Sorter<'a> {
    client: &'a Client,
    containers: Vec<Did>,
    /// Datasets for which an exception can be requested.
    pub datasets: Vec<Did>,
    pub counts: Counts,
}

impl<'a> Sorter<'a> {
    pub(super) fn new(client: &'a Client) -> Self {
        Self { client, containers: Vec::new(), datasets: Vec::new(), counts: Counts::default() }
    }

    /// Sorts the listed DIDs, and the datasets of listed containers.
    pub(super) async fn sort(&mut self, dids: &[Did]) -> Result<()> {
        self.counts.total_dids = dids.len();
        for metadata in self.look_up(dids).await? {
            self.sort_listed(metadata);
        }
        let containers = std::mem::take(&mut self.containers);
        if !containers.is_empty() {
            tracing::warn!(
                "One or more DIDs are containers. They will be resolved into a list of datasets to request exception. \
                 Full list below"
            );
        }
        for container in containers {
            tracing::info!("Resolving {container} into datasets :");
            let datasets = datasets_in(self.client, container).await?;
            for metadata in self.look_up(&datasets).await? {
                self.sort_dataset(metadata);
            }
        }
        Ok(())
    }

    /// Fetches the metadata of the DIDs. Those that do not exist are left out, with a warning.
    async fn look_up(&self, dids: &[Did]) -> Result<Vec<Metadata>> {
        let mut known: Vec<Metadata> = Vec::new();
        for dids in dids.chunks(AT_ONCE) {
            known.extend(lists::metadata(self.client, dids).await?);
        }
        let found: HashSet<_> = known.iter().map(|metadata| &metadata.did).collect();
        for missing in dids.iter().filter(|did| !found.contains(did)) {
            tracing::warn!("{missing} does not exist");
        }
        Ok(known)
    }

    fn sort_listed(&mut self, metadata: Metadata) {
        match metadata.did_type.as_str() {
            "FILE" => {
                tracing::warn!("{} is a file. Will be ignored", metadata.did);
                self.counts.files_ignored += 1;
            }
            "CONTAINER" => {
                tracing::warn!("{} is a container. It needs to be resolved", metadata.did);
                self.counts.containers_resolved += 1;
                self.containers.push(metadata.did);
            }
            _ => self.sort_dataset(metadata),
        }
    }

    fn sort_dataset(&mut self, metadata: Metadata) {
        if metadata.eol_at.is_none() {
            tracing::warn!("{} is not affected by the lifetime model", metadata.did);
            self.counts.not_in_lifetime_model += 1;
        } else {
            tracing::info!("{} will be declared", metadata.did);
            self.counts.successfully_submitted += 1;
            self.datasets.push(metadata.did);
        }
    }
}

/// Returns all datasets of a container, recursively.
async fn datasets_in(client: &Client, container: Did) -> Result<Vec<Did>> {
    let mut containers = vec![container];
    let mut datasets = Vec::new();
    while let Some(container) = containers.pop() {
        let mut content = lists::content(client, &container).await?;
        while let Some(entry) = content.next().await? {
            match entry.did_type.as_str() {
                "DATASET" => datasets.push(entry.did),
                "CONTAINER" => containers.push(entry.did),
                _ => {}
            }
        }
    }
    Ok(datasets)
}
