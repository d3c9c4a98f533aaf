//! Output of the server's response, unchanged.

use hyper::ext::ReasonPhrase;
use reqwest::Response;
use reqwest::header::{HeaderMap, HeaderName};

use super::Args;
use crate::cli::ui::Ui;
use crate::error::{Error, Result};
use crate::exceptions::Exception;
use crate::hint::Hint;
use crate::http::{refused, transport_error};

/// Headers that carry a token.
const SECRET: [&str; 2] = ["x-rucio-auth-token", "set-cookie"];
/// Header names that are not in the usual `Word-Word` form.
const ODD_NAMES: [&str; 2] = ["ExceptionClass", "ExceptionMessage"];
/// Maximum size of the part of an error response that is saved for the message, in bytes.
const KEPT: usize = 1 << 16;

/// Streams a response to standard output. One other than 2xx is printed, too, and then returned as an error.
pub(super) async fn show(ui: &Ui, mut answer: Response, args: &Args) -> Result<()> {
    let status = answer.status();
    let headers = answer.headers().clone();
    let mut out = ui.bytes();
    let mut kept = Vec::new();
    if args.include {
        out.write(head(&answer, args.show_token).as_bytes())?;
    }
    while let Some(chunk) = answer.chunk().await.map_err(transport_error)? {
        if !status.is_success() {
            kept.extend_from_slice(&chunk[..chunk.len().min(KEPT - kept.len())]);
        }
        if !args.silent {
            out.write(&chunk)?;
        }
    }
    out.end()?;
    if status.is_success() { Ok(()) } else { Err(advise(refused(status, &headers, &kept))) }
}

fn advise(error: Error) -> Error {
    match (error.class(), error.status()) {
        (Some(Exception::CannotAuthenticate | Exception::NoAuthInformation), _) => {
            error.with_hint(Hint::LogIn { force: true })
        }
        // Rucio's own errors name a class; this one comes from something in front of it.
        (Some(Exception::RucioException), Some(404 | 405)) => error.with_only_hint(
            "Check path and method; the REST API is documented at https://rucio.cern.ch/documentation.",
        ),
        _ => error,
    }
}

/// Formats the status and the headers as curl does.
fn head(answer: &Response, show_token: bool) -> String {
    let status = answer.status();
    let own_words = answer.extensions().get::<ReasonPhrase>().map(|reason| String::from_utf8_lossy(reason.as_bytes()));
    let reason = own_words.unwrap_or_else(|| status.canonical_reason().unwrap_or_default().into());
    format!("{:?} {} {reason}\r\n{}\r\n", answer.version(), status.as_u16(), lines(answer.headers(), show_token))
}

fn lines(headers: &HeaderMap, show_token: bool) -> String {
    let line = |(name, value): (&HeaderName, &reqwest::header::HeaderValue)| {
        let hidden = !show_token && SECRET.contains(&name.as_str());
        let value = if hidden { "[hidden]".into() } else { String::from_utf8_lossy(value.as_bytes()) };
        format!("{}: {value}\r\n", written(name))
    };
    headers.iter().map(line).collect()
}

/// Restores the usual capitalization of a header name; names are case-insensitive.
fn written(name: &HeaderName) -> String {
    let odd = ODD_NAMES.into_iter().find(|odd| odd.eq_ignore_ascii_case(name.as_str()));
    let word = |word: &str| word.get(..1).unwrap_or_default().to_ascii_uppercase() + word.get(1..).unwrap_or_default();
    odd.map_or_else(|| name.as_str().split('-').map(word).collect::<Vec<_>>().join("-"), str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn api_headers_are_shown_and_tokens_hidden() {
        let mut headers = HeaderMap::new();
        for (name, value) in
            [("x-rucio-auth-token", "t0"), ("exceptionclass", "RSENotFound"), ("etag", "é"), ("set-cookie", "t1")]
        {
            headers.append(name, reqwest::header::HeaderValue::from_bytes(value.as_bytes()).unwrap());
        }
        let expected =
            "X-Rucio-Auth-Token: [hidden]\r\nExceptionClass: RSENotFound\r\nEtag: é\r\nSet-Cookie: [hidden]\r\n";
        assert_eq!(lines(&headers, false), expected);
        assert!(lines(&headers, true).contains("X-Rucio-Auth-Token: t0\r\n"));
    }
}
