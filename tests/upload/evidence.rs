//! An upload counts when the storage has reported the file's size or checksum, by any of its methods.

use anyhow::{Result, ensure};

use super::Fixture;
use super::faults::{asked, storage, times, upload};
use crate::fixtures::{Answer, Server};

/// The request for a file under its temporary name.
fn is_temporary(request: &str, method: &str) -> bool {
    request.starts_with(&format!("{method} /x")) && request.ends_with(".rucio.upload")
}

/// An answer with these headers and no length of its own.
fn bare(status: &str, headers: &str, body: &str) -> Answer {
    Answer::raw(format!("HTTP/1.1 {status}\r\nConnection: close\r\n{headers}\r\n{body}").as_bytes(), b"")
}

fn multi_status(length: &str) -> Answer {
    let property = format!("<D:propstat><D:prop>{length}</D:prop><D:status>HTTP/1.1 200 OK</D:status></D:propstat>");
    let body = format!(
        "<?xml version=\"1.0\"?><D:multistatus xmlns:D=\"DAV:\"><D:response><D:href>/x</D:href>{property}</D:response></D:multistatus>"
    );
    Answer::new(207, "Content-Type: application/xml\r\n", &body)
}

type Odd = fn() -> Answer;

/// A storage whose HEAD reports nothing, and with these responses to the two other requests.
fn silent(first_byte: Odd, properties: Odd) -> Result<Server> {
    storage(move |request, _| {
        let method = request.split(' ').next().unwrap_or_default();
        match method {
            "HEAD" if is_temporary(request, "HEAD") => Some(bare("200 OK", "", "")),
            "GET" => Some(first_byte()),
            "PROPFIND" => Some(properties()),
            _ => None,
        }
    })
}

fn denied() -> Answer {
    Answer::new(405, "", "")
}

#[test]
fn upload_size_that_head_does_not_report_is_requested_otherwise() -> Result<()> {
    let cases: [(&str, Odd, Odd, usize); 4] = [
        ("206", || Answer::new(206, "Content-Range: bytes 0-0/9\r\n", "W"), denied, 0),
        ("200", || Answer::new(200, "", "Wikipedia"), denied, 0),
        ("207", denied, || multi_status("<D:getcontentlength>9</D:getcontentlength>"), 1),
        (
            "206 without a total",
            || Answer::new(206, "Content-Range: bytes 0-0/*\r\n", "W"),
            || multi_status("<x:getcontentlength xmlns:x=\"DAV:\">9</x:getcontentlength>"),
            1,
        ),
    ];
    for (case, first_byte, properties, propfinds) in cases {
        let storage = silent(first_byte, properties)?;
        let outcome = upload(&Fixture::new("userpass")?, &storage, &[])?;
        ensure!(outcome.code == 0, "{case}: {}\n{}", outcome.code, outcome.stderr);
        let asked = asked(&storage);
        let found = asked.keys().filter(|request| request.starts_with("PROPFIND")).count();
        ensure!(found == propfinds, "{case}: {asked:?}");
    }
    Ok(())
}

#[test]
fn upload_size_that_was_requested_otherwise_is_compared() -> Result<()> {
    let cases: [(&str, Odd, Odd); 4] = [
        (
            "Filesize mismatch. Source: 9 Destination: 8",
            || Answer::new(206, "Content-Range: bytes 0-0/8\r\n", "W"),
            denied,
        ),
        ("Filesize mismatch. Source: 9 Destination: 4", || Answer::new(200, "", "Wiki"), denied),
        (
            "Filesize mismatch. Source: 9 Destination: 0",
            || Answer::new(416, "Content-Range: bytes */0\r\n", ""),
            denied,
        ),
        ("Filesize mismatch. Source: 9 Destination: 7", denied, || {
            multi_status("<D:getcontentlength>7</D:getcontentlength>")
        }),
    ];
    for (reason, first_byte, properties) in cases {
        let storage = silent(first_byte, properties)?;
        let outcome = upload(&Fixture::new("userpass")?, &storage, &[])?;
        ensure!(outcome.code == 79, "{reason}: {}\n{}", outcome.code, outcome.stderr);
        ensure!(outcome.stderr.contains(reason), "{reason}: {}", outcome.stderr);
        let moved = storage.heard().into_iter().filter(|heard| heard.request.starts_with("MOVE")).count();
        ensure!(moved == 0, "{reason}: {:?}", asked(&storage));
    }
    Ok(())
}

#[test]
fn upload_fails_where_the_storage_reports_nothing() -> Result<()> {
    let cases: [(&str, Odd, Odd); 3] = [
        ("refused", denied, denied),
        ("without a length", || bare("200 OK", "", "Wikipedia"), || multi_status("")),
        ("garbage", || Answer::new(206, "Content-Range: none\r\n", "W"), || Answer::new(207, "", "<<<")),
    ];
    for (case, first_byte, properties) in cases {
        let storage = silent(first_byte, properties)?;
        let outcome = upload(&Fixture::new("userpass")?, &storage, &[])?;
        ensure!(outcome.code == 79, "{case}: {}\n{}", outcome.code, outcome.stderr);
        for word in ["neither size nor checksum", storage.url(), "HEAD", "GET", "PROPFIND", "another protocol"] {
            ensure!(outcome.stderr.contains(word), "{case}: {word}: {}", outcome.stderr);
        }
        ensure!(!outcome.stderr.contains("Successfully uploaded"), "{case}: {}", outcome.stderr);
        let deleted = storage.heard().into_iter().filter(|heard| is_temporary(&heard.request, "DELETE")).count();
        ensure!(deleted == 1 && times(&storage, "DELETE /x") == 0, "{case}: {:?}", asked(&storage));
    }
    Ok(())
}

/// XRootD's fault 1707: the length of a file that is being summed is reported as 0, its digest as it is.
#[test]
fn upload_digest_outweighs_a_length_of_zero() -> Result<()> {
    for (digest, code) in [("11e60398", 0), ("00000007", 79)] {
        let storage = storage(move |request, _| {
            let headers = format!("Content-Length: 0\r\nDigest: adler32={digest}\r\n");
            is_temporary(request, "HEAD").then(|| bare("200 OK", &headers, ""))
        })?;
        let outcome = upload(&Fixture::new("userpass")?, &storage, &[])?;
        ensure!(outcome.code == code, "{digest}: {}\n{}", outcome.code, outcome.stderr);
        let wrong = outcome.stderr.contains("Checksum mismatch. Source: 11e60398 Destination: 00000007");
        ensure!(wrong == (code != 0), "{digest}: {}", outcome.stderr);
    }
    Ok(())
}

#[test]
fn upload_is_compared_with_a_checksum_in_any_header() -> Result<()> {
    let right = "9c677286866aad38f8e9b660f5411814";
    let (amazon, other) = ("X-Amz-Request-Id: 1\r\n", "");
    for (headers, sum, store, code) in [
        ("Repr-Digest: adler=", ":EeYDmA==:", other, 0),
        ("Repr-Digest: adler=", ":AAAABw==:", other, 79),
        ("Repr-Digest: md5=", ":nGdyhoZqrTj46bZg9UEYFA==:", other, 0),
        ("Repr-Digest: md5=", ":AGdyhoZqrTj46bZg9UEYFA==:", other, 79),
        ("Content-MD5: ", "AGdyhoZqrTj46bZg9UEYFA==", other, 79),
        ("ETag: ", right, amazon, 0),
        ("ETag: ", "0c677286866aad38f8e9b660f5411814", amazon, 79),
        // Not an object store: its ETag may be anything.
        ("ETag: ", "0c677286866aad38f8e9b660f5411814", other, 0),
    ] {
        let case = format!("{headers}{sum} {store}");
        let storage = storage(move |request, _| {
            let headers = format!("Content-Length: 9\r\n{headers}{sum}\r\n{store}");
            is_temporary(request, "HEAD").then(|| bare("200 OK", &headers, ""))
        })?;
        let outcome = upload(&Fixture::new("userpass")?, &storage, &[])?;
        ensure!(outcome.code == code, "{case}: {}\n{}", outcome.code, outcome.stderr);
        ensure!(outcome.stderr.contains("Checksum mismatch. Source: ") == (code != 0), "{case}: {}", outcome.stderr);
    }
    Ok(())
}
