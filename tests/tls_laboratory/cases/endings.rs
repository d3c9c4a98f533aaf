//! How responses and connections end.

use anyhow::Result;
use openssl::ssl::SslVersion;

use crate::tls_laboratory::case::{Draft, Ending, Lab};
use crate::tls_laboratory::certificate::Blueprint;

const ENDINGS: &[(&str, Ending)] = &[
    ("length", Ending::Orderly),
    ("length-unsaid", Ending::Unsaid),
    ("length-kept-open", Ending::KeptOpen),
    ("length-reset", Ending::Reset),
    ("chunked", Ending::Chunked),
    ("chunked-unsaid", Ending::ChunkedUnsaid),
    ("until-end", Ending::UntilEnd),
    ("until-end-unsaid", Ending::UntilEndUnsaid),
    ("length-short", Ending::Short),
    ("length-short-unsaid", Ending::ShortUnsaid),
    ("chunked-short", Ending::ChunkedShort),
    ("chunked-short-unsaid", Ending::ChunkedShortUnsaid),
    ("nothing", Ending::Nothing),
];

pub(super) fn drafts(lab: &Lab) -> Result<Vec<Draft>> {
    let mut drafts = Vec::new();
    for (name, ending) in ENDINGS {
        for (version, text) in [(SslVersion::TLS1_2, "1.2"), (SslVersion::TLS1_3, "1.3")] {
            let draft = lab.server(&format!("end-{name}-tls-{text}"), &Blueprint::server())?;
            drafts.push(draft.version(version, "").ends(*ending));
        }
    }
    Ok(drafts)
}
