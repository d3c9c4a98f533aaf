//! Final result of an upload: the exit status, the records and `rucio_upload.json`.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::cli::ui::values::json_dumps;
use crate::error::{Error, Result};
use crate::exceptions::Exception;
use crate::transfer::upload::local::LocalFile;
use crate::transfer::upload::{UploadOutcome, Uploaded};

/// File name of the summary, the same as in the official client.
const FILE: &str = "rucio_upload.json";
/// Outcomes of all files.
#[derive(Debug)]
pub(super) struct Summary {
    /// The files.
    pub(super) files: Vec<LocalFile>,
    /// Outcome of each file.
    pub(super) outcomes: Vec<UploadOutcome>,
    /// Destination RSE.
    pub(super) rse: String,
    /// First error in creating collections or writing events.
    pub(super) besides: Result<()>,
}

impl Summary {
    /// Returns the result of the command. Errors: a file failed, or none had to be uploaded. The error is the first
    /// refusal by catalogue or storage, as in the official client, else it has the number of failed files.
    pub(super) fn verdict(self) -> Result<()> {
        let mut count = Count::default();
        self.outcomes.iter().for_each(|outcome| count.add(outcome));
        let Count { files, done, there } = count;
        let refused = self.outcomes.into_iter().find_map(|outcome| match outcome {
            UploadOutcome::Failed { error, .. } => error,
            _ => None,
        });
        let details = format!("{done} of {files} file(s) uploaded, {there} there already, {} failed.", count.failed());
        match (refused, done) {
            (Some(error), _) => Err(error),
            (None, 0) => Err(Error::new(Exception::NoFilesUploaded, details)),
            (None, done) if done < files => Err(Error::new(Exception::NotAllFilesUploaded, details)),
            _ => self.besides,
        }
    }

    fn each(&self) -> impl Iterator<Item = (&LocalFile, &UploadOutcome)> {
        self.files.iter().zip(&self.outcomes)
    }

    /// Writes the list of files now at the storage, in the official client's format.
    pub(super) fn write(&self) -> Result<()> {
        let at_storage = self.each().filter_map(|(file, outcome)| match outcome {
            UploadOutcome::Done(uploaded) | UploadOutcome::Failed { uploaded: Some(uploaded), .. } => {
                Some((file, uploaded))
            }
            _ => None,
        });
        let entries: BTreeMap<_, _> =
            at_storage.map(|(file, uploaded)| (file.did.to_string(), self.entry(file, uploaded))).collect();
        std::fs::write(FILE, indented(&entries)).map_err(|error| Error::io(format!("Cannot write {FILE}"), error))
    }

    /// Returns the fields of a file, sorted by name.
    fn entry(&self, file: &LocalFile, uploaded: &Uploaded) -> Vec<(&'static str, Value)> {
        let measured = &uploaded.measured;
        vec![
            ("adler32", measured.adler32().into()),
            ("bytes", measured.bytes.into()),
            ("guid", measured.guid.as_str().into()),
            ("md5", measured.md5().into()),
            ("name", file.did.name.as_str().into()),
            ("pfn", uploaded.pfn.as_str().into()),
            ("rse", self.rse.as_str().into()),
            ("scope", file.did.scope.as_str().into()),
        ]
    }
}

/// Numbers of files by outcome.
#[derive(Debug, Default, Clone, Copy)]
pub(super) struct Count {
    /// All files.
    pub(super) files: usize,
    /// Uploaded.
    pub(super) done: usize,
    /// Already there before.
    pub(super) there: usize,
}

impl Count {
    /// Counts a file with this outcome.
    pub(super) fn add(&mut self, outcome: &UploadOutcome) {
        self.files += 1;
        self.done += usize::from(matches!(outcome, UploadOutcome::Done(_)));
        self.there += usize::from(matches!(outcome, UploadOutcome::AlreadyThere(_)));
    }

    /// Returns the number of files that failed.
    pub(super) fn failed(&self) -> usize {
        self.files - self.done - self.there
    }
}

/// Returns whether the file is uploaded or was there already.
pub(super) fn is_good(outcome: &UploadOutcome) -> bool {
    !matches!(outcome, UploadOutcome::Failed { .. })
}

/// Returns the outcome of a file as a record for programs.
pub(super) fn record(file: &LocalFile, outcome: &UploadOutcome, rse: &str) -> Value {
    let (state, uploaded, reason) = match outcome {
        UploadOutcome::Done(uploaded) => ("DONE", Some(uploaded), None),
        UploadOutcome::AlreadyThere(uploaded) => ("ALREADY_DONE", uploaded.as_ref(), None),
        UploadOutcome::Failed { reason, uploaded, .. } => ("FAILED", uploaded.as_ref(), Some(reason)),
    };
    let measured = uploaded.map(|uploaded| &uploaded.measured);
    let mut record = unfinished(file, state, rse);
    record["pfn"] = uploaded.map(|uploaded| uploaded.pfn.as_str()).into();
    record["adler32"] = measured.map(|measured| measured.adler32()).into();
    record["md5"] = measured.map(|measured| measured.md5()).into();
    // A GUID generated by this run is not that of a file that was there already.
    let is_new = !matches!(outcome, UploadOutcome::AlreadyThere(_));
    let guid = if is_new { measured.map(|measured| measured.guid.as_str()) } else { None };
    record["guid"] = guid.into();
    record["reason"] = reason.map(String::as_str).into();
    record
}

/// Returns the record of a file in this state, without results.
pub(super) fn unfinished(file: &LocalFile, state: &str, rse: &str) -> Value {
    json!({
        "scope": file.did.scope,
        "name": file.did.name,
        "state": state,
        "rse": rse,
        "pfn": null,
        "path": file.path.to_string_lossy(),
        "bytes": file.bytes,
        "adler32": null,
        "md5": null,
        "guid": null,
        "seconds": null,
        "reason": null,
    })
}

/// `json.dump(entries, sort_keys=True, indent=1)`.
fn indented(entries: &BTreeMap<String, Vec<(&'static str, Value)>>) -> String {
    let field = |(name, value): &(&str, Value)| format!("  {}: {}", json_dumps(&(*name).into()), json_dumps(value));
    let one = |(did, fields): (&String, &Vec<_>)| {
        let fields: Vec<_> = fields.iter().map(field).collect();
        format!(" {}: {{\n{}\n }}", json_dumps(&did.as_str().into()), fields.join(",\n"))
    };
    if entries.is_empty() {
        "{}".to_owned()
    } else {
        format!("{{\n{}\n}}", entries.iter().map(one).collect::<Vec<_>>().join(",\n"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::transfer::checksum::Checksum;
    use crate::transfer::job::JobId;
    use crate::transfer::upload::local::Measured;
    use crate::types::Did;

    fn summary(outcomes: Vec<UploadOutcome>) -> Summary {
        let file = LocalFile {
            id: JobId::unique(),
            path: "é".into(),
            basename: "é".into(),
            did: Did::new("s", "é"),
            dataset: None,
            guid: None,
            may_hold_guid: true,
            bytes: 3,
        };
        Summary { files: vec![file; outcomes.len()], outcomes, rse: "A".into(), besides: Ok(()) }
    }

    fn uploaded() -> Uploaded {
        let measured = Measured {
            bytes: 3,
            adler32: Checksum::Adler32(0x0356_986e),
            md5: Checksum::Md5([0; 16]),
            guid: "0f".into(),
            state: Default::default(),
        };
        Uploaded { measured, pfn: "file://h/x".into() }
    }

    #[test]
    fn upload_summary_file_is_that_of_the_official_client() {
        let one = summary(vec![UploadOutcome::Done(uploaded())]);
        let entries = BTreeMap::from([("s:é".to_owned(), one.entry(&one.files[0], &uploaded()))]);
        let zeros = "0".repeat(32);
        let expected = format!(
            "{{\n \"s:\\u00e9\": {{\n  \"adler32\": \"0356986e\",\n  \"bytes\": 3,\n  \"guid\": \"0f\",\n  \"md5\": \
             \"{zeros}\",\n  \"name\": \"\\u00e9\",\n  \"pfn\": \"file://h/x\",\n  \"rse\": \"A\",\n  \"scope\": \
             \"s\"\n }}\n}}"
        );
        assert_eq!(indented(&entries), expected);
        assert_eq!(indented(&BTreeMap::new()), "{}");
    }

    #[test]
    fn upload_verdict_follows_from_all_files() {
        let failed = |error| UploadOutcome::Failed { reason: String::new(), error, uploaded: None };
        let class = |outcomes| summary(outcomes).verdict().err().and_then(|error| error.class());
        let done = || UploadOutcome::Done(uploaded());
        assert_eq!(class(vec![done()]), None);
        assert_eq!(class(vec![done(), failed(None)]), Some(Exception::NotAllFilesUploaded));
        assert_eq!(class(vec![UploadOutcome::AlreadyThere(None)]), Some(Exception::NoFilesUploaded));
        let denied = failed(Some(Error::new(Exception::AccessDenied, "")));
        assert_eq!(class(vec![done(), denied]), Some(Exception::AccessDenied));
    }
}
