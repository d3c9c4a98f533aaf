//! Output that is held back and returned.

use std::io::{self, BufWriter, Write};
use std::sync::{Arc, Mutex};

use super::Ui;
use crate::lock::lock;

impl Ui {
    /// Runs a command's output and returns what it printed, as it is for the terminal or the pipe.
    pub(in crate::cli) async fn captured<T>(&self, work: impl Future<Output = T>) -> (T, String) {
        let text = Held::default();
        *lock(&self.held) = Some(BufWriter::new(Box::new(text.clone())));
        let release = Release(self);
        let outcome = work.await;
        drop(release);
        (outcome, text.text())
    }
}

/// Output that is held back.
#[derive(Debug, Clone, Default)]
struct Held(Arc<Mutex<Vec<u8>>>);

impl Held {
    /// Returns all that was written.
    fn text(&self) -> String {
        String::from_utf8_lossy(&lock(&self.0)).into_owned()
    }
}

impl Write for Held {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        lock(&self.0).extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Ends the holding back of output, also if the command is interrupted meanwhile.
struct Release<'a>(&'a Ui);

impl Drop for Release<'_> {
    fn drop(&mut self) {
        // Dropping the writer writes what it has buffered, which cannot fail in memory.
        drop(lock(&self.0.held).take());
    }
}
