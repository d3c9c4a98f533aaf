//! Checks the connection to a server step by step: name, connection, TLS. A step that fails ends the check.

use std::io::{Error, ErrorKind};
use std::net::SocketAddr;
use std::sync::Mutex;

use tokio::net::TcpStream;
use url::Url;

use super::handshake::{HandshakeResult, PeerCertificate, perform_handshake};
use super::reach::{self, Proxy};
use super::{Finding, Status, date, shell_word};
use crate::config::CaSource;
use crate::env_vars::Env;
use crate::hint::Hint;
use crate::http::tls::{self, ConnectError, Server, TlsConfig, TlsFailure};
use crate::lock::lock;
use crate::time::unix_time;

const NAME: &str = "name";
const CONNECTION: &str = "connection";
const TLS: &str = "tls";
/// A server certificate that expires within this many seconds gets a warning.
const EXPIRES_SOON: i64 = 3 * 86_400;
const INSECURE: &str = "The server is not verified, as requested. Verify it again as soon as this is fixed.";

/// A server to check.
#[derive(Debug, Clone)]
pub(crate) struct Host {
    pub url: String,
    /// The options that set it: `rucio_host`, `auth_host`, or both.
    pub options: String,
}

/// The result of checking a server.
#[derive(Debug)]
pub(crate) struct Reachability {
    /// The server.
    pub host: Host,
    /// The findings of each step.
    pub findings: Vec<Finding>,
    /// Whether the last step succeeded.
    pub is_reachable: bool,
}

/// Returns the servers without duplicates.
pub(crate) fn distinct_hosts(rucio_host: Option<String>, auth_host: Option<String>) -> Vec<Host> {
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
pub(crate) async fn examine(host: Host, env: &Env, ca: Option<&CaSource>, insecure: bool) -> Reachability {
    let mut findings = Vec::new();
    let is_reachable = check_route(&host, env, ca, insecure, &mut findings).await.is_some();
    Reachability { host, findings, is_reachable }
}

/// A server and the route to it.
struct Route<'a> {
    host: &'a Host,
    server: Server,
    proxy: Option<Proxy>,
    addresses: Vec<SocketAddr>,
    insecure: bool,
}

impl Route<'_> {
    /// Returns the machine that is connected to: the proxy, if there is one.
    fn first_hop(&self) -> &Server {
        self.proxy.as_ref().map_or(&self.server, |proxy| &proxy.server)
    }

    /// Opens a connection to the server, or, for plain http through a proxy, to the proxy.
    async fn open(&self) -> Result<TcpStream, Error> {
        let stream = reach::connect(&self.addresses).await?;
        match &self.proxy {
            Some(proxy) if self.host.url.to_ascii_lowercase().starts_with("https") => {
                reach::tunnel(stream, proxy, &self.server).await
            }
            _ => Ok(stream),
        }
    }
}

/// Runs the steps; `None` if one fails.
async fn check_route(
    host: &Host,
    env: &Env,
    ca: Option<&CaSource>,
    insecure: bool,
    findings: &mut Vec<Finding>,
) -> Option<()> {
    let url = Url::parse(&host.url).ok()?;
    let name = url.host_str()?.trim_matches(['[', ']']).to_owned();
    let server = Server { host: name, port: url.port_or_known_default()? };
    let mut route = Route { host, server, proxy: reach::proxy(&host.url, env), addresses: Vec::new(), insecure };
    route.addresses = resolve(&route, findings).await?;
    let stream = connect(&route, findings).await?;
    match (url.scheme(), ca) {
        ("https", Some(ca)) => secure(&route, stream, ca, findings).await,
        ("https", None) => None,
        _ => {
            findings.push(Finding::warning(
                TLS,
                route.server,
                "plain http: anyone on the network path can read the token",
            ));
            Some(())
        }
    }
}

async fn resolve(route: &Route<'_>, findings: &mut Vec<Finding>) -> Option<Vec<SocketAddr>> {
    let asked = route.first_hop();
    let options = &route.host.options;
    let role = if route.proxy.is_some() { format!("the HTTP proxy for {options}") } else { options.clone() };
    match reach::addresses(asked).await {
        Ok(addresses) => {
            let list: Vec<_> = addresses.iter().map(|address| address.ip().to_string()).collect();
            findings.push(Finding::ok(NAME, &asked.host, format!("{} ({role})", list.join(", "))));
            Some(addresses)
        }
        Err(error) => {
            let setting = if route.proxy.is_some() { "the variable HTTPS_PROXY" } else { options };
            let command = format!("getent hosts {}", shell_word(&asked.host));
            let hint = Hint::run(format!("Resolve it again, or correct {setting}"), command);
            let text = format!("the name cannot be resolved ({role}): {error}");
            findings.push(Finding::failed(NAME, &asked.host, text).hint(hint));
            None
        }
    }
}

async fn connect(route: &Route<'_>, findings: &mut Vec<Finding>) -> Option<TcpStream> {
    match route.open().await {
        Ok(stream) => {
            let proxy = route.proxy.as_ref();
            let by = proxy.map(|proxy| format!(" through the HTTP proxy {}", proxy.server)).unwrap_or_default();
            findings.push(Finding::ok(CONNECTION, &route.server, format!("open{by}")));
            Some(stream)
        }
        Err(error) => {
            let options = &route.host.options;
            let url = shell_word(&route.host.url);
            let advice = format!("Check the port in {options}, and the firewall");
            let hint = Hint::run(advice, format!("curl -v {url}/ping"));
            findings.push(Finding::failed(CONNECTION, route.first_hop(), error.to_string()).hint(hint));
            None
        }
    }
}

async fn secure(route: &Route<'_>, stream: TcpStream, ca: &CaSource, findings: &mut Vec<Finding>) -> Option<()> {
    let finding = match tls::client_config(ca, None) {
        // Errors of the CA certificates are reported by their own check.
        Err(_) => return None,
        Ok(config) => match handshake(route, Some(stream), &config).await {
            Ok(seen) => trusted(&route.server, &seen),
            Err(error) => match tls::failure(&*error) {
                Some(failure) => refused(route, &failure).await,
                None => broken(&route.server, &*error),
            },
        },
    };
    let good = finding.status != Status::Failed;
    findings.push(finding);
    good.then_some(())
}

/// Runs a handshake over this connection, if there is one, and over new ones.
async fn handshake(
    route: &Route<'_>,
    stream: Option<TcpStream>,
    config: &TlsConfig,
) -> Result<HandshakeResult, ConnectError> {
    let first = Mutex::new(stream);
    let open = || async {
        let first = lock(&first).take();
        if let Some(stream) = first { Ok(stream) } else { route.open().await }
    };
    perform_handshake(config, &route.server, open).await
}

fn trusted(server: &Server, seen: &HandshakeResult) -> Finding {
    let version = seen.version;
    let Some(shown) = &seen.certificate else { return Finding::ok(TLS, server, version) };
    let end = date(shown.not_after);
    let text = format!("{version}, certificate of {}, signed by {}, until {end}", shown.subject, shown.issuer);
    if shown.not_after - unix_time() < EXPIRES_SOON {
        Finding::warning(TLS, server, text).hint("Tell the server's administrators that the certificate expires soon.")
    } else {
        Finding::ok(TLS, server, text)
    }
}

/// Connects again without verification, to see the certificate that was refused.
async fn refused(route: &Route<'_>, failure: &TlsFailure) -> Finding {
    let look = async { handshake(route, None, &tls::insecure_client_config(None).ok()?).await.ok()?.certificate };
    let finding = untrusted(&route.server, failure, look.await.as_ref());
    if route.insecure && !failure.is_client_certificate {
        Finding { status: Status::Warning, ..finding }.hint(INSECURE)
    } else {
        finding
    }
}

/// Returns the finding for a handshake that did not complete.
fn broken(server: &Server, error: &(dyn std::error::Error + 'static)) -> Finding {
    let is_late = error.downcast_ref::<Error>().is_some_and(|error| error.kind() == ErrorKind::TimedOut);
    let text = if is_late { error.to_string() } else { format!("TLS handshake failed: {error}") };
    Finding::failed(TLS, server, text)
        .hint(Hint::run("Inspect it", format!("openssl s_client -connect {server} </dev/null")))
}

/// Returns the finding for a handshake that failed because of a certificate: the server's, or ours if it requires one.
fn untrusted(server: &Server, failure: &TlsFailure, shown: Option<&PeerCertificate>) -> Finding {
    let unnamed = |shown: &&PeerCertificate| !failure.reason.contains(&shown.issuer);
    let shown = shown.filter(unnamed).map(|shown| format!(" ({}, signed by {})", shown.subject, shown.issuer));
    let text = format!("{}{}", failure.reason, shown.unwrap_or_default());
    let look = Hint::run("Inspect it", format!("openssl s_client -showcerts -connect {server} </dev/null"));
    let hints = failure.hints.clone();
    Finding { hints, ..Finding::failed(TLS, server, text) }.and_hint(look)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn host_of_both_services_is_checked_once() {
        let url = |text: &str| Some(text.to_owned());
        let options = |one, other| distinct_hosts(one, other).into_iter().map(|host| host.options).collect::<Vec<_>>();
        assert_eq!(options(url("https://a"), url("https://a")), ["rucio_host and auth_host"]);
        assert_eq!(options(url("https://a"), url("https://b")), ["rucio_host", "auth_host"]);
        assert_eq!(options(None, url("https://b")), ["auth_host"]);
    }
}
