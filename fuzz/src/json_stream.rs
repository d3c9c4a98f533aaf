//! The reader of lists: the records are the same however the network cuts them, and a list that breaks off is never
//! taken for a shorter one.

use std::io;

use bytes::Bytes;
use futures_util::stream;
use reqwest::{Body, Response};
use rucio::http::{JsonStream, Raw};
use rucio::types::{Did, FoundDid, ReplicaEntry};
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::cuts::Cuts;

/// The records before the end, and the error if it ended with one.
type Read = (Vec<String>, Option<String>);

/// Reads the bytes in one piece and in several, with and without an end, as values and as records of the server.
pub fn json_stream(data: &[u8]) {
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime without drivers");
    runtime.block_on(async {
        let cuts = Cuts::of(data);
        let whole = all_ways::<Value>(&cuts, |value| value.to_string()).await;
        as_lines(cuts.bytes, &whole);
        all_ways::<ReplicaEntry>(&cuts, |entry| format!("{entry:?}").len().to_string()).await;
        all_ways::<FoundDid>(&cuts, |found| format!("{found:?}")).await;
        all_ways::<Raw<Did>>(&cuts, raw).await;
    });
}

/// Reads it cut and uncut: what comes is the same. With a connection that breaks behind the last byte, whatever came
/// is followed by an error.
async fn all_ways<T: DeserializeOwned>(cuts: &Cuts<'_>, shown: fn(&T) -> String) -> Read {
    let whole = read(&[cuts.bytes], false, shown).await;
    let pieces = cuts.pieces();
    assert_eq!(read(&pieces, false, shown).await, whole);
    let (broken, error) = read(&pieces, true, shown).await;
    assert!(error.is_some(), "a list that broke off ended well");
    assert!(whole.0.starts_with(&broken), "{broken:?} is not how {whole:?} begins");
    assert!(whole.0.len() - broken.len() <= 1, "{broken:?} is too little of {whole:?}");
    whole
}

async fn read<T: DeserializeOwned>(pieces: &[&[u8]], breaks: bool, shown: fn(&T) -> String) -> Read {
    let ending = breaks.then(|| Err(io::Error::from(io::ErrorKind::ConnectionReset)));
    let pieces: Vec<_> = pieces.iter().map(|piece| Ok(Bytes::copy_from_slice(piece))).chain(ending).collect();
    let body = Body::wrap_stream(stream::iter(pieces));
    let mut list = JsonStream::<T>::new(Response::from(hyper::Response::new(body)));
    let mut records = Vec::new();
    loop {
        match list.next().await {
            Ok(Some(record)) => records.push(shown(&record)),
            Ok(None) => return (records, None),
            Err(error) => return (records, Some(error.to_string())),
        }
    }
}

/// Each line with something in it is a record, up to the first that is none.
fn as_lines(bytes: &[u8], (records, error): &Read) {
    let lines = bytes.split(|byte| *byte == b'\n').filter(|line| !line.trim_ascii().is_empty());
    let mut records = records.iter();
    for line in lines {
        match (serde_json::from_slice::<Value>(line), records.next()) {
            (Ok(expected), Some(found)) => assert_eq!(expected.to_string(), *found),
            // Python's own numbers are taken, too.
            (Err(_), Some(_)) => assert!(holds_constant(line), "{}", String::from_utf8_lossy(line)),
            (Ok(_), None) => panic!("{} is no record", String::from_utf8_lossy(line)),
            (Err(_), None) => return assert!(error.is_some(), "nothing was wrong"),
        }
    }
    assert_eq!((records.next(), error), (None, &None));
}

fn holds_constant(line: &[u8]) -> bool {
    [&b"NaN"[..], b"Infinity"].iter().any(|constant| line.windows(constant.len()).any(|window| window == *constant))
}

/// What is handed on to other programs is what came, and good JSON, also with fields in front of it.
fn raw(record: &Raw<Did>) -> String {
    let text = serde_json::to_string(record).expect("what was read can be written");
    let again: Value = serde_json::from_str(&text).expect("what is written is JSON");
    if again.is_object() {
        let joint = record.with_fields_before(&Did::new("scope", "name")).expect("it can be joined");
        serde_json::from_str::<Value>(joint.get()).expect("the joint record is JSON");
    }
    text
}
