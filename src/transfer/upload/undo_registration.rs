//! Removes the registration of a file that changed during the upload: no run could complete the replica, and it blocks
//! the name for the current content.

use super::catalogue::Presence;
use super::file_upload::{CHANGED, FileUpload};
use super::local::Measured;
use crate::api::replicas;
use crate::error::{Error, Result};

impl FileUpload<'_> {
    /// Removes the replica that this run registered for a file that changed. Returns a message with the result and what
    /// to do.
    pub(super) async fn undo_registration(&self, presence: Option<Presence>) -> String {
        let (did, rse) = (self.did(), &self.uploader.options.rse.rse);
        let refusal = match presence {
            None | Some(Presence::Available) => return format!("{CHANGED}: upload it again when it is complete"),
            Some(Presence::New) if self.file.dataset.is_some() => match self.remove_replica().await {
                Ok(()) => return format!("{CHANGED}; what was registered of it has been removed: upload it again"),
                Err(error) => format!(", which the server does not let this account remove ({})", one_line(&error)),
            },
            Some(_) => String::new(),
        };
        format!(
            "{CHANGED}; {did} stays registered with the checksum {} as being copied to {rse}{refusal}: upload the file under \
             another name, or have that replica removed by those who run the server",
            self.content.get().map(Measured::adler32).unwrap_or_default()
        )
    }

    /// Deletes the registered replica. Not for files with a rule of their own: the server rejects that while a rule
    /// refers to the file. It keeps a deleted rule for an hour, and a run that completes the file within that hour
    /// would leave it without a rule.
    async fn remove_replica(&self) -> Result<()> {
        replicas::delete(self.uploader.client, &self.uploader.options.rse.rse, std::slice::from_ref(self.did())).await
    }
}

fn one_line(error: &Error) -> String {
    error.to_string().lines().map(str::trim).collect::<Vec<_>>().join(" ")
}
