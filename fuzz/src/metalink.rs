//! The metalink reader: the same files however the document is cut, and none that only a broken document has.

use rucio::transfer::listing::metalink::Metalink;
use rucio::transfer::plan::{Planner, Route, Rules};

use super::cuts::{Cuts, Pieces};

/// The files before the end, and the error if it ended with one.
type Read = (Vec<String>, Option<String>);

/// Reads the document in one piece, in several, and cut off in many places.
pub fn metalink(data: &[u8]) {
    let cuts = Cuts::of(data);
    let whole = read(vec![cuts.bytes]);
    assert_eq!(read(cuts.pieces()), whole);
    let step = (cuts.bytes.len() / 64).max(1);
    for end in (0..cuts.bytes.len()).step_by(step) {
        let (files, error) = read(vec![&cuts.bytes[..end]]);
        assert!(whole.0.starts_with(&files), "{files:?} is not how {whole:?} begins");
        assert!(error.is_some() || files == whole.0, "a document that broke off ended well");
    }
}

fn read(pieces: Vec<&[u8]>) -> Read {
    let mut document = Metalink::new(Pieces::new(pieces));
    let (mut files, mut planner) = (Vec::new(), Planner::new(Rules::default()));
    loop {
        match document.next_file() {
            Ok(Some(entry)) => {
                let (shown, did) = (format!("{entry:?}"), entry.did.clone());
                let job = planner.plan(entry, &[Route { request: 0, did: &did }]);
                assert!(job.obstacle.is_some() || job.destinations.iter().all(|path| path.is_relative()));
                files.push(shown);
            }
            Ok(None) => return (files, None),
            Err(error) => return (files, Some(error.to_string())),
        }
    }
}
