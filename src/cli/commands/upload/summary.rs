//! What is shown and written at the end.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::cli::ui::values::json_dumps;
use crate::error::{Error, Result};
use crate::exceptions::Exception;
use crate::transfer::upload::local::Local;
use crate::transfer::upload::{Outcome, Uploaded};

/// What the official client calls it.
const FILE: &str = "rucio_upload.json";
/// How all files ended.
#[derive(Debug)]
pub(super) struct Summary {
    /// The files.
    pub(super) files: Vec<Local>,
    /// How each ended.
    pub(super) outcomes: Vec<Outcome>,
    /// Where they were to go.
    pub(super) rse: String,
    /// Whether the collections of folders could be made, and all be told to whoever watches.
    pub(super) besides: Result<()>,
}

impl Summary {
    /// Errors: one failed, or none had to be uploaded; the refusal of catalogue or storage that came first, as the official
    /// client ends with it, else how many failed.
    pub(super) fn verdict(self) -> Result<()> {
        let mut count = Count::default();
        self.outcomes.iter().for_each(|outcome| count.add(outcome));
        let Count { files, done, there } = count;
        let refused = self.outcomes.into_iter().find_map(|outcome| match outcome {
            Outcome::Failed { error, .. } => error,
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

    fn each(&self) -> impl Iterator<Item = (&Local, &Outcome)> {
        self.files.iter().zip(&self.outcomes)
    }

    /// Writes what lies at the storage now as the official client does.
    pub(super) fn write(&self) -> Result<()> {
        let at_storage = self.each().filter_map(|(file, outcome)| match outcome {
            Outcome::Done(uploaded) | Outcome::Failed { uploaded: Some(uploaded), .. } => Some((file, uploaded)),
            _ => None,
        });
        let entries: BTreeMap<_, _> =
            at_storage.map(|(file, uploaded)| (file.did.to_string(), self.entry(file, uploaded))).collect();
        std::fs::write(FILE, indented(&entries)).map_err(|error| Error::io(format!("Cannot write {FILE}"), error))
    }

    /// Sorted by name.
    fn entry(&self, file: &Local, uploaded: &Uploaded) -> Vec<(&'static str, Value)> {
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

/// How many files ended how.
#[derive(Debug, Default, Clone, Copy)]
pub(super) struct Count {
    /// All of them.
    pub(super) files: usize,
    /// Uploaded.
    pub(super) done: usize,
    /// There already.
    pub(super) there: usize,
}

impl Count {
    /// Counts a file that ended so.
    pub(super) fn add(&mut self, outcome: &Outcome) {
        self.files += 1;
        self.done += usize::from(matches!(outcome, Outcome::Done(_)));
        self.there += usize::from(matches!(outcome, Outcome::AlreadyThere(_)));
    }

    /// Those that are not there now.
    pub(super) fn failed(&self) -> usize {
        self.files - self.done - self.there
    }
}

/// Whether the file is where it belongs.
pub(super) fn is_good(outcome: &Outcome) -> bool {
    !matches!(outcome, Outcome::Failed { .. })
}

/// What became of a file, for programs.
pub(super) fn record(file: &Local, outcome: &Outcome, rse: &str) -> Value {
    let (state, uploaded, reason) = match outcome {
        Outcome::Done(uploaded) => ("DONE", Some(uploaded), None),
        Outcome::AlreadyThere(uploaded) => ("ALREADY_DONE", uploaded.as_ref(), None),
        Outcome::Failed { reason, uploaded, .. } => ("FAILED", uploaded.as_ref(), Some(reason)),
    };
    let measured = uploaded.map(|uploaded| &uploaded.measured);
    let mut record = unfinished(file, state, rse);
    record["pfn"] = uploaded.map(|uploaded| uploaded.pfn.as_str()).into();
    record["adler32"] = measured.map(|measured| measured.adler32()).into();
    record["md5"] = measured.map(|measured| measured.md5()).into();
    // One that was made just now is not that of a file which is there already.
    let guid = measured.filter(|_| !matches!(outcome, Outcome::AlreadyThere(_))).map(|measured| measured.guid.as_str());
    record["guid"] = guid.into();
    record["reason"] = reason.map(String::as_str).into();
    record
}

/// What is known of a file that did not come to its end.
pub(super) fn unfinished(file: &Local, state: &str, rse: &str) -> Value {
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
    match entries.is_empty() {
        true => "{}".to_owned(),
        false => format!("{{\n{}\n}}", entries.iter().map(one).collect::<Vec<_>>().join(",\n")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::transfer::checksum::Checksum;
    use crate::transfer::upload::local::Measured;
    use crate::types::Did;

    fn summary(outcomes: Vec<Outcome>) -> Summary {
        let file = Local {
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
    fn the_file_is_that_of_the_official_client() {
        let one = summary(vec![Outcome::Done(uploaded())]);
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
    fn the_verdict_follows_from_all_files() {
        let failed = |error| Outcome::Failed { reason: String::new(), error, uploaded: None };
        let class = |outcomes| summary(outcomes).verdict().err().and_then(|error| error.class());
        let done = || Outcome::Done(uploaded());
        assert_eq!(class(vec![done()]), None);
        assert_eq!(class(vec![done(), failed(None)]), Some(Exception::NotAllFilesUploaded));
        assert_eq!(class(vec![Outcome::AlreadyThere(None)]), Some(Exception::NoFilesUploaded));
        let denied = failed(Some(Error::new(Exception::AccessDenied, "")));
        assert_eq!(class(vec![done(), denied]), Some(Exception::AccessDenied));
    }
}
