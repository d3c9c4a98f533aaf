//! Checks the connection to a server step by step: name, connection, TLS. A step that fails ends the check.

use std::io::{Error, ErrorKind};
use std::net::SocketAddr;

use rustls::ClientConfig;
use tokio::net::TcpStream;
use url::Url;

use super::handshake::{Seen, Shown, shake};
use super::reach::{self, Place, Proxy};
use super::{Finding, Status, date, shell_word};
use crate::clock::now;
use crate::config::CaSource;
use crate::env_vars::Env;
use crate::http::tls::{self, Failure};

const NAME: &str = "name";
const CONNECTION: &str = "connection";
const TLS: &str = "tls";
/// A server certificate that expires within this many seconds gets a warning.
const SOON: i64 = 3 * 86_400;
const INSECURE: &str = "It goes on since --insecure was given: leave that out as soon as this is mended.";

/// A server to check.
#[derive(Debug, Clone)]
pub struct Host {
    /// Its URL.
    pub url: String,
    /// The options that set it: `rucio_host`, `auth_host`, or both.
    pub options: String,
}

/// The result of checking a server.
#[derive(Debug)]
pub struct Way {
    /// The server.
    pub host: Host,
    /// The findings of each step.
    pub findings: Vec<Finding>,
    /// Whether the last step succeeded.
    pub open: bool,
}

/// Returns the servers without duplicates.
pub fn of(rucio_host: Option<String>, auth_host: Option<String>) -> Vec<Host> {
    let host = |url: String, options: &str| Host { url, options: options.to_owned() };
    match (rucio_host, auth_host) {
        (Some(one), Some(other)) if one == other => vec![host(one, "rucio_host and auth_host")],
        (one, other) => {
            let one = one.map(|url| host(url, "rucio_host"));
            one.into_iter().chain(other.map(|url| host(url, "auth_host"))).collect()
        }
    }
}

/// Checks the connection to a server. `ca` verifies its certificate; without it, the TLS handshake is skipped. With
/// `insecure`, an untrusted certificate is only a warning.
pub async fn examine(host: Host, env: &Env, ca: Option<&CaSource>, insecure: bool) -> Way {
    let mut findings = Vec::new();
    let open = go(&host, env, ca, insecure, &mut findings).await.is_some();
    Way { host, findings, open }
}

/// A server and the route to it.
struct Road<'a> {
    host: &'a Host,
    place: Place,
    proxy: Option<Proxy>,
    addresses: Vec<SocketAddr>,
    insecure: bool,
}

impl Road<'_> {
    /// Returns the machine that is connected to: the proxy, if there is one.
    fn first(&self) -> &Place {
        self.proxy.as_ref().map_or(&self.place, |proxy| &proxy.place)
    }

    /// Opens a connection to the server, or, for plain http through a proxy, to the proxy.
    async fn open(&self) -> Result<TcpStream, Error> {
        let stream = reach::connect(&self.addresses).await?;
        match self.proxy.as_ref().filter(|_| self.host.url.to_ascii_lowercase().starts_with("https")) {
            Some(proxy) => reach::tunnel(stream, proxy, &self.place).await,
            None => Ok(stream),
        }
    }
}

/// Runs the steps; `None` if one fails.
async fn go(host: &Host, env: &Env, ca: Option<&CaSource>, insecure: bool, findings: &mut Vec<Finding>) -> Option<()> {
    let url = Url::parse(&host.url).ok()?;
    let name = url.host_str()?.trim_matches(['[', ']']).to_owned();
    let place = Place { host: name, port: url.port_or_known_default()? };
    let mut road = Road { host, place, proxy: reach::proxy(&host.url, env), addresses: Vec::new(), insecure };
    road.addresses = resolve(&road, findings).await?;
    let stream = connect(&road, findings).await?;
    match (url.scheme(), ca) {
        ("https", Some(ca)) => secure(&road, stream, ca, findings).await,
        ("https", None) => None,
        _ => {
            findings.push(Finding::warning(TLS, road.place, "plain http: everybody on the way can read the token"));
            Some(())
        }
    }
}

async fn resolve(road: &Road<'_>, findings: &mut Vec<Finding>) -> Option<Vec<SocketAddr>> {
    let (asked, options) = (road.first(), &road.host.options);
    let role = if road.proxy.is_some() { format!("the HTTP proxy for {options}") } else { options.clone() };
    match reach::addresses(asked).await {
        Ok(addresses) => {
            let list: Vec<_> = addresses.iter().map(|address| address.ip().to_string()).collect();
            findings.push(Finding::ok(NAME, &asked.host, format!("{} ({role})", list.join(", "))));
            Some(addresses)
        }
        Err(error) => {
            let mend = if road.proxy.is_some() { "the variable HTTPS_PROXY" } else { options };
            let hint = format!("Ask for it again, or correct {mend}: getent hosts {}", shell_word(&asked.host));
            let text = format!("the name cannot be resolved ({role}): {error}");
            findings.push(Finding::failed(NAME, &asked.host, text).hint(hint));
            None
        }
    }
}

async fn connect(road: &Road<'_>, findings: &mut Vec<Finding>) -> Option<TcpStream> {
    match road.open().await {
        Ok(stream) => {
            let proxy = road.proxy.as_ref();
            let by = proxy.map(|proxy| format!(" through the HTTP proxy {}", proxy.place)).unwrap_or_default();
            findings.push(Finding::ok(CONNECTION, &road.place, format!("open{by}")));
            Some(stream)
        }
        Err(error) => {
            let (options, url) = (&road.host.options, shell_word(&road.host.url));
            let hint = format!("Check the port in {options}, and the firewall: curl -v {url}/ping");
            findings.push(Finding::failed(CONNECTION, road.first(), error.to_string()).hint(hint));
            None
        }
    }
}

async fn secure(road: &Road<'_>, stream: TcpStream, ca: &CaSource, findings: &mut Vec<Finding>) -> Option<()> {
    let place = &road.place;
    let finding = match tls::client_config(ca, None) {
        // Errors of the CA certificates are reported by their own check.
        Err(_) => return None,
        Ok(config) => match handshake(stream, place, config).await {
            Ok(seen) => trusted(place, &seen),
            Err(error) => match tls::failure(&error) {
                Some(failure) => refused(road, &failure).await,
                None => broken(place, &error),
            },
        },
    };
    let good = finding.status != Status::Failed;
    findings.push(finding);
    good.then_some(())
}

async fn handshake(stream: TcpStream, place: &Place, config: ClientConfig) -> Result<Seen, Error> {
    let (mut stream, name) = (stream.into_std()?, place.host.clone());
    tokio::task::spawn_blocking(move || shake(&mut stream, &name, config)).await.map_err(Error::other)?
}

fn trusted(place: &Place, seen: &Seen) -> Finding {
    let version = seen.version;
    let Some(shown) = &seen.certificate else { return Finding::ok(TLS, place, version) };
    let end = date(shown.not_after);
    let text = format!("{version}, certificate of {}, signed by {}, until {end}", shown.subject, shown.issuer);
    match shown.not_after - now() < SOON {
        true => Finding::warning(TLS, place, text).hint("Tell its administrators that the certificate ends soon."),
        false => Finding::ok(TLS, place, text),
    }
}

/// Connects again without verification, to see the certificate that was refused.
async fn refused(road: &Road<'_>, failure: &Failure) -> Finding {
    let look = async {
        let stream = road.open().await.ok()?;
        handshake(stream, &road.place, tls::insecure_client_config(None).ok()?).await.ok()?.certificate
    };
    let finding = untrusted(&road.place, failure, look.await.as_ref());
    match road.insecure && !failure.ours {
        true => Finding { status: Status::Warning, ..finding }.hint(INSECURE),
        false => finding,
    }
}

/// Returns the finding for a handshake that did not complete.
fn broken(place: &Place, error: &Error) -> Finding {
    let late = matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut);
    let text = if late { "no answer to the handshake in time".to_owned() } else { format!("no handshake: {error}") };
    Finding::failed(TLS, place, text).hint(format!("Look at it: openssl s_client -connect {place} </dev/null"))
}

/// Returns the finding for a handshake that failed because of a certificate: the server's, or ours if it requires one.
fn untrusted(place: &Place, failure: &Failure, shown: Option<&Shown>) -> Finding {
    let unnamed = |shown: &&Shown| !failure.reason.contains(&shown.issuer);
    let shown = shown.filter(unnamed).map(|shown| format!(" ({}, signed by {})", shown.subject, shown.issuer));
    let text = format!("{}{}", failure.reason, shown.unwrap_or_default());
    let look = format!("Look at it: openssl s_client -showcerts -connect {place} </dev/null");
    Finding::failed(TLS, place, text).hint(format!("{} {look}", failure.remedy).trim_start())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_server_is_looked_at_once() {
        let url = |text: &str| Some(text.to_owned());
        let options = |one, other| of(one, other).into_iter().map(|host| host.options).collect::<Vec<_>>();
        assert_eq!(options(url("https://a"), url("https://a")), ["rucio_host and auth_host"]);
        assert_eq!(options(url("https://a"), url("https://b")), ["rucio_host", "auth_host"]);
        assert_eq!(options(None, url("https://b")), ["auth_host"]);
    }
}
