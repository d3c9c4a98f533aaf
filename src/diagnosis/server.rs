//! Checks the servers' answers: the release, whether it is Rucio, and the time.

use reqwest::header::HeaderMap;

use super::{Finding, date, format_duration, shell_word};
use crate::api::server::Ping;
use crate::error::Result;
use crate::hint::Hint;
use crate::http::{Client, RUCIO_VERSION, checked, transport_error};
use crate::time::{date_header, unix_time};

const CHECK: &str = "server";
const CLOCK: &str = "clock";
/// Clock difference in seconds above which there is a warning: tokens and proxies depend on the clock.
const APART: i64 = 60;
/// Clock difference in seconds above which logins fail.
const FAR_APART: i64 = 300;

/// Requests the server's release and time. The last value says whether a Rucio server answered.
pub(crate) async fn ping(client: &Client) -> (Option<Finding>, Finding, bool) {
    let url = format!("{}/ping", client.settings().rucio_host);
    match send_once(client, &url).await {
        Ok((headers, text)) => {
            let clock = clock(&url, &headers, unix_time());
            match serde_json::from_str::<Ping>(&text) {
                Ok(ping) => (clock, release(&url, &ping.version), true),
                Err(_) => {
                    let finding = Finding::failed(CHECK, &url, "not a Rucio server: its response contains no version");
                    (clock, finding.hint(correction_hint("rucio_host", &url)), false)
                }
            }
        }
        Err(error) => {
            let finding = Finding::from_error(&error, CHECK, &url);
            (None, finding.or_hint(|| correction_hint("rucio_host", &url)), false)
        }
    }
}

/// Sends a request that a Rucio authentication server refuses in a recognisable way. The second value says whether it
/// did.
pub(crate) async fn authentication(client: &Client) -> (Finding, bool) {
    let url = format!("{}/auth/validate", client.settings().auth_host);
    let answer = async { client.transport().connections()?.get(&url).await.map_err(transport_error) };
    match answer.await {
        Ok(answer) if is_rucio(answer.headers()) => {
            (Finding::ok(CHECK, &client.settings().auth_host, "Rucio authentication server"), true)
        }
        Ok(answer) => {
            let text = format!("not a Rucio authentication server: it responds with {}", answer.status());
            (Finding::failed(CHECK, &url, text).hint(correction_hint("auth_host", &url)), false)
        }
        Err(error) => {
            let finding = Finding::from_error(&error, CHECK, &url);
            (finding.or_hint(|| correction_hint("auth_host", &url)), false)
        }
    }
}

fn is_rucio(headers: &HeaderMap) -> bool {
    headers.contains_key("ExceptionClass") || headers.keys().any(|name| name.as_str().starts_with("x-rucio-"))
}

fn correction_hint(option: &str, url: &str) -> Hint {
    Hint::run(
        format!("Check what responds there, and correct {option} in [client]"),
        format!("curl -v {}", shell_word(url)),
    )
}

/// Sends one request without retries, so that errors are visible.
async fn send_once(client: &Client, url: &str) -> Result<(HeaderMap, String)> {
    let answer = client.transport().connections()?.get(url).await.map_err(transport_error)?;
    let answer = checked(answer).await?;
    let headers = answer.headers().clone();
    Ok((headers, answer.text().await.map_err(transport_error)?))
}

fn release(url: &str, version: &str) -> Finding {
    let major = |version: &str| version.split('.').next().map(str::to_owned);
    let text = format!("Rucio {version}");
    if major(version) == major(RUCIO_VERSION) {
        Finding::ok(CHECK, url, text)
    } else {
        Finding::warning(CHECK, url, format!("{text}, but this client replaces {RUCIO_VERSION}"))
            .hint("Some commands may not work. If one fails, report it with both versions.")
    }
}

/// Compares the date of a response (RFC 9110, 6.6.1) with this machine's clock, in seconds since 1970.
fn clock(url: &str, headers: &HeaderMap, here: i64) -> Option<Finding> {
    let there = date_header(headers)?;
    let apart = (here - there).abs();
    let ahead = if here > there { "ahead of" } else { "behind" };
    let text = format!("this machine is {} {ahead} the server, which has {}", format_duration(apart), date(there));
    let hint = Hint::run("Set the clock; for its state run", "timedatectl status");
    Some(match apart {
        // The date is in whole seconds, and the response took some time.
        apart if apart <= 2 => Finding::ok(CLOCK, url, "in sync with the server"),
        apart if apart <= APART => Finding::ok(CLOCK, url, text),
        apart if apart <= FAR_APART => Finding::warning(CLOCK, url, text).hint(hint),
        _ => Finding::failed(CLOCK, url, text).hint(hint),
    })
}

#[cfg(test)]
mod tests {
    use super::super::Status;
    use super::*;
    use reqwest::header::DATE;

    #[test]
    fn server_clock_may_differ_by_a_minute() {
        let mut headers = HeaderMap::new();
        assert_eq!(clock("u", &headers, 0), None);
        headers.insert(DATE, "Thu, 01 Jan 1970 01:00:00 GMT".parse().unwrap());
        let cases =
            [(0, Status::Ok), (60, Status::Ok), (-61, Status::Warning), (300, Status::Warning), (301, Status::Failed)];
        for (apart, status) in cases {
            assert_eq!(clock("u", &headers, 3_600 + apart).unwrap().status, status, "{apart}");
        }
        assert!(clock("u", &headers, 3_500).unwrap().message.starts_with("this machine is 1 min behind"));
    }

    #[test]
    fn server_of_another_major_release_is_reported() {
        assert_eq!(release("u", "41.9.0").status, Status::Ok);
        assert_eq!(release("u", "38.1.0").status, Status::Warning);
    }
}
