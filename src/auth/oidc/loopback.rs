//! The loopback port that the provider redirects the browser to (RFC 8252, 7.3).

use std::time::Duration;

use oauth2::CsrfToken;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use url::Url;

use crate::error::{Error, Result};

/// Maximum length of a request's head, in bytes.
const LONGEST_REQUEST: usize = 16 << 10;
/// Time limit for a connection to send its request.
const CONNECTION_TIMEOUT: Duration = Duration::from_secs(10);

/// The result of the redirect.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct AuthorizationResponse {
    /// The authorization code, or the reason why there is none.
    pub(super) code: std::result::Result<String, String>,
    /// The issuer as stated by the provider (RFC 9207).
    pub(super) issuer: Option<String>,
}

impl AuthorizationResponse {
    /// Parses the redirect's address; `None` if it does not belong to the login with this state.
    fn from_url(url: &Url, state: &str) -> Option<Self> {
        let find =
            |wanted: &str| url.query_pairs().find(|(name, _)| name == wanted).map(|(_, value)| value.into_owned());
        if find("state").as_deref() != Some(state) {
            return None;
        }
        let code = match (find("error"), find("code")) {
            (Some(error), _) => Err(find("error_description").map_or(error.clone(), |why| format!("{error}: {why}"))),
            (None, Some(code)) => Ok(code),
            (None, None) => return None,
        };
        Some(Self { code, issuer: find("iss") })
    }

    /// Parses what the user typed: the whole address, or the code alone.
    pub(super) fn from_input(text: &str, state: &str) -> Option<Self> {
        let text = text.trim();
        match Url::parse(text) {
            Ok(url) => Self::from_url(&url, state),
            Err(_) if text.contains('=') => {
                Self::from_url(&Url::parse(&format!("http://127.0.0.1/?{}", text.trim_start_matches('?'))).ok()?, state)
            }
            Err(_) => Some(Self { code: Ok(text.to_owned()), issuer: None }),
        }
    }
}

/// A listening port.
pub(super) struct Loopback {
    listener: TcpListener,
    redirect: Url,
}

impl Loopback {
    /// Listens on a free port.
    pub(super) async fn open() -> Result<Self> {
        let failed = |error| Error::io("Cannot listen on 127.0.0.1 for the browser", error);
        let listener = TcpListener::bind("127.0.0.1:0").await.map_err(failed)?;
        let port = listener.local_addr().map_err(failed)?.port();
        let redirect = Url::parse(&format!("http://127.0.0.1:{port}/"));
        Ok(Self { listener, redirect: redirect.map_err(|error| failed(std::io::Error::other(error)))? })
    }

    /// Returns the redirect address for the provider.
    pub(super) fn redirect(&self) -> &Url {
        &self.redirect
    }

    /// Waits for the redirect of the login with this state; other requests get a 404. Browsers open connections in
    /// advance, so each is served by its own task.
    pub(super) async fn answer(&self, state: &CsrfToken) -> Result<AuthorizationResponse> {
        let (sender, mut answers) = mpsc::channel(1);
        loop {
            tokio::select! {
                Some(answer) = answers.recv() => return Ok(answer),
                connection = self.listener.accept() => {
                    let (stream, _) = connection.map_err(|error| Error::io("Cannot listen for the browser", error))?;
                    tokio::spawn(serve(stream, self.redirect.clone(), state.secret().clone(), sender.clone()));
                }
            }
        }
    }
}

/// Answers one request. Only the redirect of this login ends the wait.
async fn serve(mut stream: TcpStream, base: Url, state: String, found: mpsc::Sender<AuthorizationResponse>) {
    let Ok(Some(target)) = tokio::time::timeout(CONNECTION_TIMEOUT, target(&mut stream)).await else { return };
    let url = base.join(&target).ok().filter(|url| url.path() == "/");
    let answer = url.and_then(|url| AuthorizationResponse::from_url(&url, &state));
    let (status, text) = match &answer {
        Some(AuthorizationResponse { code: Ok(_), .. }) => {
            ("200 OK", "You may close this page and go back to the terminal.")
        }
        Some(AuthorizationResponse { code: Err(_), .. }) => {
            ("200 OK", "The login was refused. The terminal tells why.")
        }
        None => ("404 Not Found", "This is not the login that the program waits for."),
    };
    // The browser may have disconnected; its result counts.
    let _ = stream.write_all(page(status, text).as_bytes()).await;
    let _ = stream.shutdown().await;
    if let Some(answer) = answer {
        let _ = found.send(answer).await;
    }
}

/// Reads the target of a request: `/?code=...` of `GET /?code=... HTTP/1.1`.
async fn target(stream: &mut TcpStream) -> Option<String> {
    let mut head = Vec::new();
    let mut buffer = [0; 2048];
    while !head.windows(4).any(|end| end == b"\r\n\r\n") {
        match stream.read(&mut buffer).await {
            Ok(length @ 1..) if head.len() + length <= LONGEST_REQUEST => head.extend_from_slice(&buffer[..length]),
            _ => return None,
        }
    }
    let text = String::from_utf8_lossy(&head);
    let target = text.strip_prefix("GET ")?.split(' ').next()?;
    target.starts_with('/').then(|| target.to_owned())
}

fn page(status: &str, text: &str) -> String {
    let body = format!("<!DOCTYPE html><meta charset=\"utf-8\"><title>Rucio</title><p>{text}</p>\n");
    format!(
        "HTTP/1.1 {status}\r\nContent-Type: text/html; charset=utf-8\r\nContent-Length: {}\r\nCache-Control: no-store\r\n\
         Referrer-Policy: no-referrer\r\nConnection: close\r\n\r\n{body}",
        body.len()
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(code: Result<&str, &str>, issuer: Option<&str>) -> Option<AuthorizationResponse> {
        Some(AuthorizationResponse {
            code: code.map(str::to_owned).map_err(str::to_owned),
            issuer: issuer.map(str::to_owned),
        })
    }

    #[test]
    fn pasted_text_is_an_address_of_this_login_or_a_code() {
        for (text, wanted) in [
            ("http://127.0.0.1:4711/?code=a%2Fb&state=s&iss=https%3A%2F%2Fidp", answer(Ok("a/b"), Some("https://idp"))),
            (" ?code=a&state=s\n", answer(Ok("a"), None)),
            ("code=a&state=s", answer(Ok("a"), None)),
            ("abc-DEF_1.2", answer(Ok("abc-DEF_1.2"), None)),
            ("http://127.0.0.1:4711/?code=a&state=other", None),
            ("http://127.0.0.1:4711/?code=a", None),
            ("http://127.0.0.1:4711/?state=s", None),
            ("http://127.0.0.1/?error=access_denied&state=s", answer(Err("access_denied"), None)),
            ("http://127.0.0.1/?error=e&error_description=no+way&state=s", answer(Err("e: no way"), None)),
        ] {
            assert_eq!(AuthorizationResponse::from_input(text, "s"), wanted, "{text}");
        }
    }

    async fn ask(base: &Url, request: &str) -> String {
        let mut stream = TcpStream::connect(("127.0.0.1", base.port().unwrap())).await.unwrap();
        stream.write_all(format!("{request}\r\nHost: 127.0.0.1\r\n\r\n").as_bytes()).await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        answer
    }

    #[tokio::test]
    async fn loopback_waits_for_the_answer_to_this_login() {
        let loopback = Loopback::open().await.unwrap();
        let (base, state) = (loopback.redirect().clone(), CsrfToken::new("s".into()));
        let visit = async {
            // A silent connection does not block the others.
            let _silent = TcpStream::connect(("127.0.0.1", base.port().unwrap())).await.unwrap();
            for request in ["GET /favicon.ico HTTP/1.1", "GET /?code=x&state=wrong HTTP/1.1", "GET /?code=x HTTP/1.1"] {
                assert!(ask(&base, request).await.starts_with("HTTP/1.1 404"), "{request}");
            }
            ask(&base, "GET /?code=right&state=s HTTP/1.1").await
        };
        let (answer, page) = tokio::join!(loopback.answer(&state), visit);
        assert_eq!(answer.unwrap().code.as_deref(), Ok("right"));
        assert!(page.starts_with("HTTP/1.1 200") && page.contains("close this page"), "{page}");
    }
}
