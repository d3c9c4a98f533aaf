//! Downloads of one file from local HTTP servers that fail on demand.

use std::path::Path;
use std::sync::Mutex;

use super::*;
use crate::testing::http_server::{Ending, HttpServer, Response};
use crate::testing::{answer, plain, serve, sized, xrootd};
use crate::transfer::job::Source;
use crate::transfer::partial_file::resume_state::ResumeState;
use crate::types::Did;

/// Records the events.
#[derive(Default)]
struct Diary(Mutex<Vec<String>>);

impl DownloadObserver for Diary {
    fn file(&self, _slot: usize, _job: &FileJob, event: FileEvent<'_>) {
        let note = match event {
            FileEvent::Received(_) => return,
            FileEvent::Started => "started".into(),
            FileEvent::AlreadyThere => "already there".into(),
            FileEvent::Differs { by_size } => format!("differs, by size {by_size}"),
            FileEvent::Waiting => "waiting".into(),
            FileEvent::Resumed(bytes) => format!("resumed at {bytes}"),
            FileEvent::NoSource => "no source".into(),
            FileEvent::Obstacle(reason) => format!("obstacle: {reason}"),
            FileEvent::Trying { scheme, rse, .. } => format!("trying {scheme} at {rse}"),
            FileEvent::CannotRead { reason, .. } => format!("cannot read: {reason}"),
            FileEvent::Using { .. } => "using".into(),
            FileEvent::FetchingArchive { .. } => "fetching archive".into(),
            FileEvent::Unpacking { archive } => format!("unpacking {archive}"),
            FileEvent::StartedOver => "started over".into(),
            FileEvent::SentAway => "sent away".into(),
            FileEvent::StorageBusy { .. } => "storage busy".into(),
            FileEvent::Staging { .. } => "staging".into(),
            FileEvent::WrongContent { found, expected } => format!("wrong: {found} for {expected}"),
            FileEvent::AttemptFailed { attempt, of, .. } => format!("failed {attempt}/{of}"),
            FileEvent::Unverified => "unverified".into(),
            FileEvent::Failed(_) => "gave up".into(),
            FileEvent::Done { .. } => "done".into(),
            FileEvent::Ended(_) | FileEvent::ArchiveReceived(_) => return,
        };
        self.0.lock().unwrap().push(note);
    }

    fn run(&self, _event: crate::transfer::events::RunEvent<'_>) {}
}

struct World {
    dir: tempfile::TempDir,
    folder: TargetFolder,
    storages: Storages,
    diary: Diary,
    options: DownloadOptions,
}

impl World {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let folder = TargetFolder::new(dir.path()).unwrap();
        Self {
            dir,
            folder,
            storages: Storages::new(plain(), xrootd()),
            diary: Diary::default(),
            options: DownloadOptions::default(),
        }
    }

    async fn fetch(&self, job: &FileJob) -> DownloadOutcome {
        let common = Fields::new();
        self.downloader(&common).fetch(job, 0).await
    }

    fn downloader<'a>(&'a self, common_trace: &'a Fields) -> Downloader<'a> {
        let downloader = Downloader::new(&self.storages, &self.folder, &self.diary, common_trace);
        Downloader { options: self.options, ..downloader }
    }

    fn notes(&self) -> Vec<String> {
        std::mem::take(&mut *self.diary.0.lock().unwrap())
    }

    /// Returns the files in the target folder with their contents.
    fn files(&self) -> Vec<(String, String)> {
        let mut found = Vec::new();
        let mut folders = vec![self.dir.path().to_owned()];
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    folders.push(path);
                } else {
                    let name = path.strip_prefix(self.dir.path()).unwrap().display().to_string();
                    found.push((name, std::fs::read_to_string(path).unwrap()));
                }
            }
        }
        found.sort();
        found
    }
}

const ADLER_OF_HELLO: &str = "062c0215";

/// Returns a job for the file "hello" with these sources.
fn hello(pfns: &[&str]) -> FileJob {
    let source = |pfn: &&str| Source { pfn: (*pfn).into(), rse: "RSE".to_owned(), member: None };
    FileJob {
        bytes: Some(5),
        checksum: Checksum::new(Some(ADLER_OF_HELLO), None),
        sources: pfns.iter().map(source).collect(),
        destinations: vec!["s/f".into()],
        ..FileJob::unknown(Did::new("s", "f"), 0)
    }
}

fn is_hello(world: &World) {
    assert_eq!(world.files(), [("s/f".to_owned(), "hello".to_owned())]);
}

#[tokio::test]
async fn download_is_verified_and_copied_to_all_destinations() {
    let world = World::new();
    let (base, _asked) = serve(vec![sized("200 OK", "", "hello")]);
    let mut job = hello(&[&base]);
    job.destinations.push("set/f".into());
    assert_eq!(world.fetch(&job).await, DownloadOutcome::Done);
    let both = [("s/f", "hello"), ("set/f", "hello")].map(|(name, text)| (name.to_owned(), text.to_owned()));
    assert_eq!(world.files(), both);
    assert_eq!(world.notes(), ["started", "trying http at RSE", "using", "done"]);
}

#[tokio::test]
async fn download_retries_a_transient_failure() {
    for trouble in [
        sized("503 Service Unavailable", "Retry-After: 0\r\n", ""),
        answer("200 OK", "Content-Length: 5\r\n", "hel"),
        answer("200 OK", "Content-Length: 5\r\n", "helSTALL"),
        answer("200 OK", "", "hel"),
        sized("200 OK", "", "HELLO"),
    ] {
        let world = World::new();
        let (base, _asked) = serve(vec![trouble.clone(), sized("200 OK", "", "hello")]);
        assert_eq!(world.fetch(&hello(&[&base])).await, DownloadOutcome::Done, "{trouble}");
        is_hello(&world);
        assert!(world.notes().contains(&"failed 1/2".to_owned()), "{trouble}");
    }
}

#[tokio::test]
async fn download_resumes_a_broken_body_if_it_is_the_same_file() {
    let world = World::new();
    let cut = answer("200 OK", "Content-Length: 5\r\nETag: \"1\"\r\n", "hel");
    let rest = sized("206 Partial Content", "Content-Range: bytes 3-4/5\r\nETag: \"1\"\r\n", "lo");
    let (base, mut asked) = serve(vec![cut.clone(), rest]);
    assert_eq!(world.fetch(&hello(&[&base])).await, DownloadOutcome::Done);
    is_hello(&world);
    asked.recv().await.unwrap();
    assert!(asked.recv().await.unwrap().contains("range: bytes=3-"));
    assert!(!world.notes().contains(&"started over".to_owned()));

    let world = World::new();
    let (base, _asked) = serve(vec![cut, sized("200 OK", "ETag: \"2\"\r\n", "hello")]);
    assert_eq!(world.fetch(&hello(&[&base])).await, DownloadOutcome::Done);
    is_hello(&world);
    assert!(world.notes().contains(&"started over".to_owned()));
}

#[tokio::test]
async fn download_tries_the_next_source_at_once_after_a_final_refusal() {
    let world = World::new();
    let (missing, _asked) = serve(vec![sized("404 Not Found", "", "")]);
    let (good, _asked) = serve(vec![sized("200 OK", "", "hello")]);
    let job = hello(&["srm://h/f", &missing, &good]);
    assert_eq!(world.fetch(&job).await, DownloadOutcome::Done);
    is_hello(&world);
    let notes = world.notes();
    assert!(notes.iter().any(|note| note.starts_with("cannot read") && note.contains("gfal-copy")), "{notes:?}");
    assert_eq!(notes.iter().filter(|note| note.starts_with("failed")).collect::<Vec<_>>(), ["failed 1/2"]);
}

#[tokio::test]
async fn download_of_wrong_content_is_never_renamed() {
    let world = World::new();
    let wrong = sized("200 OK", "", "HELLO");
    let (base, _asked) = serve(vec![wrong.clone(), wrong]);
    assert_eq!(world.fetch(&hello(&[&base])).await, DownloadOutcome::Failed);
    assert!(world.files().is_empty());
    let notes = world.notes();
    assert_eq!(notes.iter().filter(|note| note.starts_with("wrong")).count(), 2, "{notes:?}");
    assert_eq!(notes.last().unwrap(), "gave up");

    // A wrong size is neither retried nor called a wrong checksum.
    for trouble in
        [sized("200 OK", "", "hello, world"), sized("200 OK", "", "he"), answer("200 OK", "", "hello, world")]
    {
        let world = World::new();
        let (base, _asked) = serve(vec![trouble]);
        assert_eq!(world.fetch(&hello(&[&base])).await, DownloadOutcome::Failed);
        assert!(world.files().is_empty());
        let notes = world.notes();
        let failed: Vec<_> =
            notes.iter().filter(|note| note.starts_with("failed") || note.starts_with("wrong")).collect();
        assert_eq!(failed, ["failed 1/2"], "{notes:?}");
    }
}

#[tokio::test]
async fn download_leaves_an_existing_file_if_it_is_right() {
    let mut world = World::new();
    let path = world.folder.prepare_path(Path::new("s/f")).unwrap();
    std::fs::write(&path, "hello").unwrap();
    assert_eq!(world.fetch(&hello(&[])).await, DownloadOutcome::AlreadyDone);
    std::fs::write(&path, "HELLO").unwrap();
    let (base, _asked) = serve(vec![sized("200 OK", "", "hello")]);
    assert_eq!(world.fetch(&hello(&[&base])).await, DownloadOutcome::Done);
    is_hello(&world);
    let notes = world.notes();
    assert!(notes.contains(&"differs, by size false".to_owned()), "{notes:?}");

    std::fs::write(&path, "HELLO").unwrap();
    for (options, expected) in [
        (DownloadOptions { local_by_size: true, ..DownloadOptions::default() }, DownloadOutcome::AlreadyDone),
        (DownloadOptions { ignore_checksum: true, ..DownloadOptions::default() }, DownloadOutcome::AlreadyDone),
        (DownloadOptions::default(), DownloadOutcome::FileNotFound),
    ] {
        world.options = options;
        assert_eq!(world.fetch(&hello(&[])).await, expected);
    }
    std::fs::write(&path, "HELL").unwrap();
    world.options = DownloadOptions { local_by_size: true, ..DownloadOptions::default() };
    assert_eq!(world.fetch(&hello(&[])).await, DownloadOutcome::FileNotFound);
    assert!(world.notes().contains(&"differs, by size true".to_owned()));
}

#[tokio::test]
async fn download_without_a_known_checksum_warns() {
    let world = World::new();
    let (base, _asked) = serve(vec![sized("200 OK", "", "HELLO")]);
    let job = FileJob { checksum: Checksum::Unknown, ..hello(&[&base]) };
    assert_eq!(world.fetch(&job).await, DownloadOutcome::Done);
    assert!(world.notes().contains(&"unverified".to_owned()));
}

#[tokio::test]
async fn download_ignores_the_checksum_on_request() {
    let mut world = World::new();
    world.options.ignore_checksum = true;
    let (base, _asked) = serve(vec![sized("200 OK", "", "something else")]);
    assert_eq!(world.fetch(&hello(&[&base])).await, DownloadOutcome::Done);
    assert_eq!(world.files()[0].1, "something else");
}

#[tokio::test]
async fn download_attempt_times_out() {
    let mut world = World::new();
    // Never idle for long enough to be cut off, but far too slow.
    let slow = Response::sized("200 OK", "", b"hhhhh").slowly(1, Duration::from_millis(150));
    let slow = HttpServer::start(move |_, _| slow.clone().ending(4, Ending::Stall)).unwrap();
    let pfn = slow.url();
    let start = std::time::Instant::now();
    world.options.attempt_timeout.seconds = Some(1.0);
    assert_eq!(world.fetch(&hello(&[&pfn])).await, DownloadOutcome::Failed);
    assert!(start.elapsed() < Duration::from_secs(30));
    assert!(world.files().is_empty());
}

#[tokio::test]
async fn download_reports_obstacles_and_missing_sources() {
    let world = World::new();
    assert_eq!(world.fetch(&hello(&[])).await, DownloadOutcome::FileNotFound);
    let job = FileJob { obstacle: Some("no".into()), ..hello(&["http://127.0.0.1:9/"]) };
    assert_eq!(world.fetch(&job).await, DownloadOutcome::Failed);
    let world = World::new();
    std::os::unix::fs::symlink("/tmp", world.dir.path().join("s")).unwrap();
    assert_eq!(world.fetch(&hello(&["http://127.0.0.1:9/"])).await, DownloadOutcome::Failed);
    let notes = world.notes();
    assert!(notes.last().unwrap().contains("leads out of the target folder"), "{notes:?}");
}

#[tokio::test]
async fn download_copies_a_duplicate() {
    let world = World::new();
    let (base, _asked) = serve(vec![sized("200 OK", "", "hello")]);
    let fetched = std::sync::Arc::new(tokio::sync::SetOnce::new());
    let first = FileJob { duplicate: Duplicate::First(fetched.clone()), ..hello(&[&base]) };
    let later = FileJob { duplicate: Duplicate::Later(fetched), destinations: vec!["set/f".into()], ..hello(&[]) };
    let (one, two) = tokio::join!(world.fetch(&first), world.fetch(&later));
    assert_eq!((one, two), (DownloadOutcome::Done, DownloadOutcome::Done));
    assert_eq!(world.files().len(), 2);
}

/// Creates a partial file of "hello", as left by an earlier process.
fn leave(world: &World, bytes: &str) -> std::path::PathBuf {
    let part = world.folder.prepare_path(Path::new("s/f")).unwrap().with_file_name(".f.062c0215.rucio-part");
    std::fs::write(&part, bytes).unwrap();
    part
}

#[tokio::test]
async fn download_resumes_a_leftover() {
    let rest = sized("206 Partial Content", "Content-Range: bytes 3-4/5\r\n", "lo");
    let world = World::new();
    leave(&world, "hel");
    let (missing, _asked) = serve(vec![sized("404 Not Found", "", "")]);
    let (base, mut asked) = serve(vec![rest.clone()]);
    assert_eq!(world.fetch(&hello(&[&missing, &base])).await, DownloadOutcome::Done);
    is_hello(&world);
    let request = asked.recv().await.unwrap();
    assert!(request.contains("range: bytes=3-") && !request.contains("if-range"), "{request}");
    assert_eq!(world.notes()[1], "resumed at 3");

    // A corrupted partial file is detected at the end, and costs a restart.
    let world = World::new();
    leave(&world, "HEL");
    let (base, _asked) = serve(vec![rest, sized("200 OK", "", "hello")]);
    assert_eq!(world.fetch(&hello(&[&base])).await, DownloadOutcome::Done);
    is_hello(&world);

    // All bytes exist; only the rename is missing.
    let world = World::new();
    leave(&world, "hello");
    assert_eq!(world.fetch(&hello(&["http://127.0.0.1:9/"])).await, DownloadOutcome::Done);
    is_hello(&world);
}

#[tokio::test]
async fn download_resumes_a_leftover_only_where_a_checksum_verifies_it() {
    let mut world = World::new();
    world.options.ignore_checksum = true;
    let part = leave(&world, "hel");
    let (base, mut asked) = serve(vec![sized("200 OK", "", "hello")]);
    assert_eq!(world.fetch(&hello(&[&base])).await, DownloadOutcome::Done);
    assert!(!asked.recv().await.unwrap().contains("range"));
    assert_eq!(std::fs::read_to_string(part).unwrap(), "hel");
    world.options.ignore_checksum = false;
    assert_eq!(world.fetch(&hello(&[])).await, DownloadOutcome::AlreadyDone);
    is_hello(&world);
}

#[tokio::test]
async fn download_does_not_wait_for_a_process_without_progress() {
    let world = World::new();
    let part = leave(&world, "hel");
    let other = std::fs::File::open(&part).unwrap();
    other.lock().unwrap();
    let (base, _asked) = serve(vec![sized("200 OK", "", "hello")]);
    let (job, common) = (hello(&[&base]), Fields::new());
    let downloader = world.downloader(&common);
    let run = FileDownload { downloader: &downloader, job: &job, slot: 0 };
    let place = world.folder.prepare_path(Path::new("s/f")).unwrap();
    assert!(run.find_leftover(&place, Duration::from_millis(150)).await.is_some());
    assert_eq!(world.notes(), ["waiting"]);
    let mut trace = Trace::new(&common, &job);
    assert!(run.try_sources(&place, ResumeState::default(), &mut trace).await.is_ok());
    let files = world.files();
    assert_eq!(files[0], ("s/.f.062c0215.rucio-part".to_owned(), "hel".to_owned()));
    assert_eq!(files[1..], [("s/f".to_owned(), "hello".to_owned())]);
}

#[tokio::test]
async fn download_waits_for_another_process_with_the_same_file() {
    let world = World::new();
    let part = leave(&world, "hel");
    let other = std::fs::File::open(&part).unwrap();
    other.lock().unwrap();
    let mut job = hello(&["http://127.0.0.1:9/"]);
    job.destinations.push("set/f".into());
    let finishing = async {
        while !world.diary.0.lock().unwrap().contains(&"waiting".to_owned()) {
            tokio::task::yield_now().await;
        }
        std::fs::write(&part, "hello").unwrap();
        std::fs::rename(&part, part.with_file_name("f")).unwrap();
        drop(other);
    };
    let (outcome, ()) = tokio::join!(world.fetch(&job), finishing);
    assert_eq!(outcome, DownloadOutcome::AlreadyDone);
    assert_eq!(world.files().len(), 2, "{:?}", world.files());
}

#[tokio::test]
async fn download_refuses_names_of_partial_files() {
    let world = World::new();
    let job = FileJob { destinations: vec!["s/.f.062c0215.rucio-part".into()], ..hello(&["http://127.0.0.1:9/"]) };
    assert_eq!(world.fetch(&job).await, DownloadOutcome::Failed);
    assert!(world.notes().last().unwrap().contains("unfinished downloads have such names"));
}

#[tokio::test]
async fn download_that_is_dropped_leaves_nothing_behind() {
    let world = World::new();
    let (base, _asked) = serve(vec![answer("200 OK", "Content-Length: 5\r\n", "helSTALL")]);
    let job = hello(&[&base]);
    let short = Duration::from_millis(100);
    assert!(tokio::time::timeout(short, world.fetch(&job)).await.is_err());
    assert!(world.files().is_empty());
}
