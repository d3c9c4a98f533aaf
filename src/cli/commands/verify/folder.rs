//! Verifies a directory of files in one scope, each looked up by its name.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use futures_util::{StreamExt, stream};

use super::{ExpectedFile, VerifyReport, checksum, worker_count};
use crate::api::dids;
use crate::error::{Error, Result};
use crate::http::Client;
use crate::transfer::verify::files_below;
use crate::types::{Did, FileMetadata};

/// Files per request; each has two possible names.
const FILES_PER_CALL: usize = 500;

/// Verifies every file in the directory. Missing files are not reported: the scope may have any number of others.
pub(super) async fn verify(
    report: &mut VerifyReport<'_>,
    client: &Client,
    folder: &Path,
    scope: Option<&str>,
) -> Result<()> {
    let scope = scope.map_or_else(|| named_after(folder), |scope| Ok(scope.to_owned()))?;
    let cannot = |error| Error::io(format!("Cannot read the folder {}", folder.display()), error);
    for paths in files_below(folder).map_err(cannot)?.chunks(FILES_PER_CALL) {
        verify_some(report, client, folder, &scope, paths).await?;
    }
    Ok(())
}

fn named_after(folder: &Path) -> Result<String> {
    let real = folder.canonicalize();
    let real = real.map_err(|error| Error::io(format!("Cannot read the folder {}", folder.display()), error))?;
    Ok(real.file_name().unwrap_or_default().to_string_lossy().into_owned())
}

async fn verify_some(
    report: &mut VerifyReport<'_>,
    client: &Client,
    folder: &Path,
    scope: &str,
    paths: &[PathBuf],
) -> Result<()> {
    let names: Vec<_> = paths.iter().map(|path| path.to_string_lossy()).collect();
    // On disk, a name has lost its leading slash: look up both.
    let mut known = HashMap::new();
    let mut unknown: Vec<_> = names.iter().map(|name| both(scope, name)).collect();
    // A response that lacks a file may be truncated: request the rest until nothing new comes.
    while !unknown.is_empty() {
        let before = unknown.len();
        let candidates = unknown.concat();
        let mut found = dids::many::<FileMetadata>(client, &candidates).await?;
        while let Some(one) = found.next().await? {
            known.insert(one.did.clone(), one);
        }
        unknown.retain(|both| !both.iter().any(|did| known.contains_key(did)));
        if unknown.len() == before {
            break;
        }
    }
    known.retain(|_, one| one.did_type.eq_ignore_ascii_case("file"));
    let mut files = Vec::new();
    for (path, name) in paths.iter().zip(&names) {
        let path = folder.join(path);
        match both(scope, name).into_iter().find_map(|did| known.remove(&did)) {
            None => report.extra(Some(&Did::new(scope, name.as_ref())), &path)?,
            Some(one) => {
                let checksum = checksum(&one);
                let bytes = one.bytes;
                files.push(ExpectedFile { dataset: one.did.clone(), did: one.did, bytes, checksum, path });
            }
        }
    }
    let mut looks = stream::iter(files.into_iter().map(ExpectedFile::check)).buffered(worker_count());
    while let Some((known, finding)) = looks.next().await {
        report.report_finding(&known, &finding)?;
    }
    Ok(())
}

fn both(scope: &str, name: &str) -> [Did; 2] {
    [Did::new(scope, name), Did::new(scope, format!("/{name}"))]
}
