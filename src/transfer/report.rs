//! Reports on all files for other programs: a summary in JSON, and a list of missing files.
//!
//! Both are written while files end, to temporary files in the same folders, and renamed atomically at the end. So
//! memory does not grow with the number of files, and a reader never sees an incomplete report.

use std::fs::Permissions;
use std::io::{self, BufWriter, Error, ErrorKind, Seek, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::time::Instant;

use serde_json::json;
use tempfile::{NamedTempFile, TempPath};

use super::file_record::{FileRecord, INTERRUPTED, seconds_since};
use super::job::DownloadOutcome;
use super::scheduler::Count;
use crate::lock::{into_inner, lock};
use crate::types::Did;

/// Records the outcome of every file.
#[derive(Debug)]
pub struct Recorder {
    start: Instant,
    files: Mutex<ReportFiles>,
}

#[derive(Debug)]
struct ReportFiles {
    summary: Option<Spool>,
    missing: Option<Spool>,
    count: Count,
    first_error: Option<Error>,
}

/// A report that is being written under a temporary name in its folder.
#[derive(Debug)]
struct Spool {
    destination: PathBuf,
    file: BufWriter<std::fs::File>,
    path: TempPath,
}

impl Recorder {
    /// Creates the reports at the given paths. Errors: a path cannot be written; this is detected before anything is
    /// downloaded.
    pub fn new(summary: Option<&Path>, missing: Option<&Path>) -> io::Result<Self> {
        let spool = |destination: Option<&Path>| destination.map(Spool::new).transpose();
        let (mut summary, missing) = (spool(summary)?, spool(missing)?);
        if let Some(summary) = &mut summary {
            summary.file.write_all(b"{\"files\":[")?;
        }
        let files = ReportFiles { summary, missing, count: Count::default(), first_error: None };
        Ok(Self { start: Instant::now(), files: Mutex::new(files) })
    }

    /// Adds a file that has ended.
    pub fn add(&self, record: &FileRecord, outcome: DownloadOutcome) {
        let mut files = lock(&self.files);
        let written = files.write(record, outcome.as_str(), outcome.is_success());
        files.count.add(outcome);
        files.keep_first_error(written);
    }

    /// Adds the unfinished files and renames both reports to their final names. An interrupted download may not have
    /// listed all files: then the list is `asked`, the user's requests. Errors: a report could not be written.
    pub fn finish(self, unfinished: &[FileRecord], asked: Option<&[String]>) -> io::Result<()> {
        let mut files = into_inner(self.files);
        for record in unfinished {
            let written = files.write(record, INTERRUPTED, false);
            files.count.files += 1;
            files.keep_first_error(written);
        }
        if let Some(error) = files.first_error {
            return Err(error);
        }
        if let Some(mut summary) = files.summary {
            let count = files.count;
            let rest = json!({
                "total_files": count.files,
                "downloaded_files": count.done,
                "local_files": count.already_done,
                "not_downloaded_files": count.failed(),
                "seconds": seconds_since(self.start),
                "complete": asked.is_none(),
            });
            let rest = rest.to_string();
            writeln!(summary.file, "\n],{}", rest.strip_prefix('{').unwrap_or_default())?;
            summary.persist()?;
        }
        match files.missing {
            Some(missing) => missing.persist_lines(asked),
            None => Ok(()),
        }
    }
}

impl ReportFiles {
    /// Keeps the first error, for `finish`.
    fn keep_first_error(&mut self, written: io::Result<()>) {
        if let Err(error) = written {
            self.first_error.get_or_insert(error);
        }
    }

    fn write(&mut self, record: &FileRecord, state: &str, success: bool) -> io::Result<()> {
        if !success && let Some(missing) = &mut self.missing {
            writeln!(missing.file, "{}", line(&record.did, &record.dataset))?;
        }
        let Some(summary) = &mut self.summary else { return Ok(()) };
        let record = record.to_record(state, success);
        write!(summary.file, "{}{record}", if self.count.files == 0 { "\n" } else { ",\n" })
    }
}

impl Spool {
    fn new(destination: &Path) -> io::Result<Self> {
        let named = |error: Error| Error::new(error.kind(), format!("{}: {error}", destination.display()));
        let destination = match destination.canonicalize() {
            Ok(real) if !real.is_file() => {
                return Err(named(Error::new(ErrorKind::InvalidInput, "it is not a regular file")));
            }
            Ok(real) => real,
            Err(_) => std::path::absolute(destination)?,
        };
        let folder = destination.parent().unwrap_or(Path::new("/"));
        let made =
            tempfile::Builder::new().suffix(".part").permissions(Permissions::from_mode(0o666)).tempfile_in(folder);
        let (file, path) = made.map(NamedTempFile::into_parts).map_err(named)?;
        Ok(Self { destination, file: BufWriter::new(file), path })
    }

    fn persist(mut self) -> io::Result<()> {
        self.file.flush()?;
        self.path.persist(self.destination).map_err(|error| error.error)
    }

    /// Renames the file, after replacing its content by these lines, if given.
    fn persist_lines(mut self, lines: Option<&[String]>) -> io::Result<()> {
        if let Some(lines) = lines {
            self.file.rewind()?;
            self.file.get_ref().set_len(0)?;
            lines.iter().try_for_each(|line| writeln!(self.file, "{line}"))?;
        }
        self.persist()
    }
}

/// A list of missing files, as input of the next run.
#[derive(Debug)]
pub struct MissingList(Spool);

impl MissingList {
    /// Creates a list at this path. Errors: it cannot be written.
    pub fn new(destination: &Path) -> io::Result<Self> {
        Spool::new(destination).map(Self)
    }

    /// Adds a file that was requested by this collection, or by its own name.
    pub fn add(&mut self, did: &Did, dataset: &Did) -> io::Result<()> {
        writeln!(self.0.file, "{}", line(did, dataset))
    }

    /// Renames the list to its final name, replacing an existing one.
    pub fn finish(self) -> io::Result<()> {
        self.0.persist()
    }
}

/// Formats a line that names a file for the next run: after a tab follows the requested collection, which the target
/// folder is named after.
///
/// A DID that would not be parsed as the same one is written as a comment: it must not be taken for another file, or
/// for several.
pub fn line(did: &Did, dataset: &Did) -> String {
    match did == dataset {
        _ if !(can_be_listed(did) && can_be_listed(dataset)) => {
            format!("# {:?} cannot be asked for", did.to_string())
        }
        true => did.to_string(),
        false => format!("{did}\t{dataset}"),
    }
}

fn can_be_listed(did: &Did) -> bool {
    let text = did.to_string();
    let whole = [&did.scope, &did.name].iter().all(|part| !part.is_empty() && !part.contains(':'));
    whole && text.trim() == text && !text.starts_with(['#', '\u{feff}']) && !text.chars().any(char::is_control)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::transfer::checksum::Checksum;
    use crate::transfer::events::FileEvent;
    use crate::transfer::file_record::FileRecords;
    use crate::transfer::job::FileJob;
    use serde_json::Value;

    #[test]
    fn report_quotes_names_that_would_be_misread() {
        let (good, set) = (Did::new("s", "a b"), Did::new("s", "set"));
        assert_eq!((line(&good, &good), line(&good, &set)), ("s:a b".to_owned(), "s:a b\ts:set".to_owned()));
        for (scope, name) in [
            ("s", "a\ns:b"),
            ("s", "a\tt:b"),
            ("s", "a\r"),
            ("s", "a "),
            ("#s", "a"),
            ("s", "a:b"),
            ("", "a"),
            ("s", ""),
        ] {
            let wicked = Did::new(scope, name);
            for line in [line(&wicked, &wicked), line(&good, &wicked), line(&wicked, &set)] {
                assert!(line.starts_with("# \"") && !line.contains(char::is_control), "{line:?}");
            }
        }
    }

    fn job(name: &str, dataset: &str) -> FileJob {
        let mut job = FileJob::unknown(Did::new("s", name), 0);
        job.dataset = Did::new("s", dataset);
        job.destinations = vec![format!("{dataset}/{name}").into()];
        job.checksum = Checksum::Adler32(1);
        job
    }

    /// Records a good file, one that failed at two sources, one without a source, and one that never ended. Returns the
    /// last one's record, too.
    fn recorded(folder: &Path) -> (Recorder, Vec<FileRecord>, [PathBuf; 2]) {
        let places = ["summary", "missing"].map(|name| folder.join(name));
        std::fs::write(&places[1], "s:old\n").unwrap();
        let recorder = Recorder::new(Some(&places[0]), Some(&places[1])).unwrap();
        let mut records = FileRecords::new(Path::new("/data"));
        let mut observe = |job: &FileJob, events: Vec<FileEvent<'_>>| {
            for event in [FileEvent::Started].into_iter().chain(events) {
                if let Some((record, outcome)) = records.observe(job, &event) {
                    recorder.add(&record, outcome);
                }
            }
        };
        let trying = |rse| FileEvent::Trying { scheme: "https", rse, timeout: None };
        let failed = |attempt| FileEvent::AttemptFailed { attempt, of: 2, reason: "gone" };
        let (good, bad, none, open) = (job("good", "set"), job("bad", "set"), job("none", "none"), job("open", "set"));
        let using = || FileEvent::Using { pfn: "https://a" };
        observe(&good, vec![trying("A"), using(), failed(1), FileEvent::Ended(DownloadOutcome::Done)]);
        let cannot = FileEvent::CannotRead { pfn: "srm://b", reason: "srm" };
        let events = vec![trying("A"), using(), failed(1), failed(2), trying("B"), cannot, FileEvent::Failed("gone")];
        observe(&bad, events.into_iter().chain([FileEvent::Ended(DownloadOutcome::Failed)]).collect());
        observe(&none, vec![FileEvent::NoSource, FileEvent::Ended(DownloadOutcome::FileNotFound)]);
        observe(&open, Vec::new());
        let unfinished = records.take_unfinished();
        (recorder, unfinished, places)
    }

    #[test]
    fn report_has_every_file_with_its_reason() {
        let dir = tempfile::tempdir().unwrap();
        let (recorder, unfinished, [summary, missing]) = recorded(dir.path());
        assert_eq!(std::fs::read_to_string(&missing).unwrap(), "s:old\n");
        recorder.finish(&unfinished, None).unwrap();
        let written: Value = serde_json::from_str(&std::fs::read_to_string(summary).unwrap()).unwrap();
        let file = |index: usize, keys: &[&str]| {
            keys.iter().map(|key| written["files"][index][key].clone()).collect::<Vec<_>>()
        };
        let keys = ["name", "state", "rse", "pfn", "reason"];
        assert_eq!(file(0, &keys), [json!("good"), json!("DONE"), json!("A"), json!("https://a"), json!(null)]);
        assert_eq!(file(0, &["path", "adler32", "md5"]), [json!("/data/set/good"), json!("00000001"), json!(null)]);
        let bad = [json!("bad"), json!("FAILED"), json!("B"), json!("srm://b"), json!("A: gone; B: srm")];
        assert_eq!(file(1, &keys), bad);
        assert_eq!(file(2, &["state", "reason"]), [json!("FILE_NOT_FOUND"), json!("no known replica")]);
        assert_eq!(file(3, &["name", "state"]), [json!("open"), json!("INTERRUPTED")]);
        let numbers =
            ["total_files", "downloaded_files", "not_downloaded_files"].map(|key| written[key].as_u64().unwrap());
        assert_eq!((numbers, &written["complete"]), ([4, 1, 3], &json!(true)));
        assert_eq!(std::fs::read_to_string(missing).unwrap(), "s:bad\ts:set\ns:none\ns:open\ts:set\n");
        assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 2);
    }

    #[test]
    fn report_after_an_early_end_has_what_was_requested() {
        let dir = tempfile::tempdir().unwrap();
        let (recorder, unfinished, [summary, missing]) = recorded(dir.path());
        recorder.finish(&unfinished, Some(&["s:set".to_owned(), "s:*".to_owned()])).unwrap();
        assert_eq!(std::fs::read_to_string(missing).unwrap(), "s:set\ns:*\n");
        assert!(std::fs::read_to_string(summary).unwrap().ends_with("\"complete\":false}\n"));
    }

    #[test]
    fn report_paths_that_cannot_be_written_are_found_at_once() {
        let dir = tempfile::tempdir().unwrap();
        let folder = dir.path().join("folder");
        std::fs::create_dir(&folder).unwrap();
        for destination in ["/dev/null", "/nowhere/at/all", folder.to_str().unwrap()] {
            let error = Recorder::new(Some(Path::new(destination)), None).unwrap_err();
            assert!(error.to_string().starts_with(destination), "{error}");
        }
    }
}
