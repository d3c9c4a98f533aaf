//! Verifies the files of DIDs at the paths that `rucio download` uses.

use std::path::{Path, PathBuf};

use futures_util::{StreamExt, future, stream};
use md5::{Digest as _, Md5};
use tokio::sync::mpsc::{self, UnboundedSender};

use super::{Args, ExpectedFile, VerifyReport, checksum, worker_count};
use crate::cli::ui::Progress;
use crate::error::{Error, Result};
use crate::http::Client;
use crate::key_set::KeySet;
use crate::lists;
use crate::transfer::checksum::Checksum;
use crate::transfer::plan::destination;
use crate::transfer::plan::path::below;
use crate::transfer::verify::{FileCheck, files_below};
use crate::types::{Did, FileEntry, FileMetadata};

/// Verifies the files of all DIDs, then reports other files in their directories.
pub(super) async fn verify(report: &mut VerifyReport<'_>, client: &Client, args: &Args, dids: &[Did]) -> Result<()> {
    let (mut folders, mut expected): (Vec<PathBuf>, _) = (Vec::new(), KeySet::default());
    for did in dids {
        let progress = report.progress.clone();
        let (ahead, rows) = mpsc::unbounded_channel();
        let rows = stream::unfold(rows, |mut rows| async { Some((rows.recv().await?, rows)) });
        let looks = rows.map(|row| check(client, args, did, row, progress.as_ref())).buffered(worker_count());
        let tell = async {
            let mut looks = std::pin::pin!(looks);
            while let Some(looked) = looks.next().await {
                let (known, finding) = looked?;
                report.report_finding(&known, &finding)?;
                if known.did != *did {
                    expected.insert(fingerprint(&known.path));
                    folders.extend(folder(args, did).filter(|folder| !folders.contains(folder)));
                }
            }
            Ok(())
        };
        let (listed, reported) = future::join(list(client, did, ahead, progress.as_ref()), tell).await;
        // An incomplete listing is an error only after all listed files were reported.
        reported.and(listed)?;
    }
    for folder in folders.iter().filter(|folder| folder.is_dir()) {
        let cannot = |error| Error::io(format!("Cannot read the folder {}", folder.display()), error);
        for path in files_below(folder).map_err(cannot)? {
            let path = folder.join(path);
            if !expected.contains(&fingerprint(&path)) {
                report.extra(None, &path)?;
            }
        }
    }
    Ok(())
}

/// A file to check. A million may wait, so it has only what the check needs.
struct ListedFile {
    did: Did,
    bytes: Option<u64>,
    checksum: Checksum,
}

impl From<FileEntry> for ListedFile {
    fn from(row: FileEntry) -> Self {
        Self { did: row.did, bytes: row.bytes, checksum: Checksum::new(row.adler32.as_deref(), None) }
    }
}

/// Reads the listing without waiting for the checks: they may take hours, and the server does not wait so long.
async fn list(
    client: &Client,
    did: &Did,
    ahead: UnboundedSender<ListedFile>,
    progress: Option<&Progress>,
) -> Result<()> {
    let mut rows = lists::files::<FileEntry>(client, did).await?;
    while let Some(row) = rows.next().await? {
        if let Some(progress) = progress {
            progress.expect(1, row.bytes.unwrap_or(0));
        }
        if ahead.send(row.into()).is_err() {
            // The checks have stopped, with an error of their own.
            break;
        }
    }
    Ok(())
}

/// Returns the directory that contains only files of this collection.
fn folder(args: &Args, did: &Did) -> Option<PathBuf> {
    let own = (!args.no_subdir).then(|| below(None, &did.name).ok()).flatten();
    own.map(|folder| Path::new(&args.dir).join(folder))
}

async fn check(
    client: &Client,
    args: &Args,
    asked: &Did,
    file: ListedFile,
    progress: Option<&Progress>,
) -> Result<(ExpectedFile, FileCheck)> {
    let ListedFile { did, bytes, mut checksum } = file;
    if checksum == Checksum::Unknown {
        checksum = md5(client, &did).await?;
    }
    let dataset = asked.clone();
    match destination(&did, asked, args.no_subdir) {
        Ok(path) => {
            let path = Path::new(&args.dir).join(path);
            Ok(ExpectedFile { did, dataset, bytes, checksum, path }.check(progress).await)
        }
        // `rucio download` refuses such a name, so there is no file.
        Err(_) => {
            let path = Path::new(&args.dir).join("?");
            Ok((ExpectedFile { did, dataset, bytes, checksum, path }, FileCheck::Missing))
        }
    }
}

/// Returns a hash of a path that makes accidental collisions practically impossible: a million paths need too much
/// memory. Equal are, as for [`Path`], `a/b` and `a//b`.
fn fingerprint(path: &Path) -> [u8; 16] {
    let mut digest = Md5::new();
    for component in path.components() {
        digest.update(component.as_os_str().as_encoded_bytes());
        digest.update([0]);
    }
    digest.finalize().into()
}

/// Returns the MD5 checksum, which listings leave out.
async fn md5(client: &Client, did: &Did) -> Result<Checksum> {
    let known = lists::metadata::<FileMetadata>(client, std::slice::from_ref(did)).await?;
    Ok(known.first().map_or(Checksum::Unknown, checksum))
}
