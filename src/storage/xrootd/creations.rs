//! Files that are being created. If the creation is dropped meanwhile, for example by Ctrl-C, it goes on, and the file is
//! deleted only afterwards: a deletion over another session could arrive before it, and the file would stay.

use std::sync::Arc;

use tokio::sync::watch;

use super::address::Address;

/// The files that are being created. Clones share them.
#[derive(Debug, Clone)]
pub(super) struct Creations(Arc<watch::Sender<Vec<String>>>);

/// One of them, until it is dropped.
#[derive(Debug)]
pub(super) struct Creation {
    all: Creations,
    file: String,
}

impl Creations {
    pub(super) fn new() -> Self {
        Self(Arc::new(watch::Sender::new(Vec::new())))
    }

    /// Adds a file.
    pub(super) fn begin(&self, address: &Address) -> Creation {
        let file = name(address);
        self.0.send_modify(|all| all.push(file.clone()));
        Creation { all: self.clone(), file }
    }

    /// Waits until this file is not being created.
    pub(super) async fn wait_for(&self, address: &Address) {
        let file = name(address);
        // Errors: the sender is gone, which is ours.
        let _ = self.0.subscribe().wait_for(|all| !all.contains(&file)).await;
    }
}

impl Drop for Creation {
    fn drop(&mut self) {
        self.all.0.send_modify(|all| {
            if let Some(place) = all.iter().position(|one| *one == self.file) {
                all.swap_remove(place);
            }
        });
    }
}

fn name(address: &Address) -> String {
    format!("{}{}", address.server, address.path)
}
