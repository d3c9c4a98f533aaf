//! Verifies a directory of files in one scope, each looked up by its name.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use futures_util::{StreamExt, stream};

use super::{ExpectedFile, VerifyReport, checksum, worker_count};
use crate::error::{Error, Result};
use crate::http::Client;
use crate::lists;
use crate::transfer::verify::files_below;
use crate::types::{Did, FileMetadata};

/// Files per request.
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
    for index in [0, 1] {
        let names = names.iter().filter(|name| !both(scope, name).iter().any(|did| known.contains_key(did)));
        let candidates: Vec<_> = names.map(|name| both(scope, name)[index].clone()).collect();
        let found = lists::metadata::<FileMetadata>(client, &candidates).await?;
        let files = found.into_iter().filter(|one| one.did_type.eq_ignore_ascii_case("file"));
        known.extend(files.map(|one| (one.did.clone(), one)));
    }
    let mut files = Vec::new();
    for (path, name) in paths.iter().zip(&names) {
        let path = folder.join(path);
        match both(scope, name).into_iter().find_map(|did| known.remove(&did)) {
            None => report.extra(Some(&Did::new(scope, name.as_ref())), &path)?,
            Some(one) => {
                let checksum = checksum(&one);
                report.expect(one.bytes);
                let bytes = one.bytes;
                files.push(ExpectedFile { dataset: one.did.clone(), did: one.did, bytes, checksum, path });
            }
        }
    }
    let progress = report.progress.clone();
    let looks = files.into_iter().map(|file| file.check(progress.as_ref()));
    let mut looks = stream::iter(looks).buffered(worker_count());
    while let Some((known, finding)) = looks.next().await {
        report.report_finding(&known, &finding)?;
    }
    Ok(())
}

fn both(scope: &str, name: &str) -> [Did; 2] {
    [Did::new(scope, name), Did::new(scope, format!("/{name}"))]
}
