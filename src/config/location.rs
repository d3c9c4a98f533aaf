//! The location of this machine, as far as it is known locally.

use std::net::UdpSocket;

use serde::Serialize;

use crate::env_vars::{self, Env};

/// Location of this machine, as far as it is known; the server sorts sources by it.
#[derive(Debug, Clone, Serialize)]
pub struct ClientLocation {
    /// IP address of the outgoing interface.
    pub ip: String,
    /// Fully qualified host name.
    pub fqdn: String,
    /// Site name, or `ROAMING`.
    pub site: String,
    /// Latitude in degrees north.
    pub latitude: Option<f64>,
    /// Longitude in degrees east.
    pub longitude: Option<f64>,
}

/// Returns what the server sorts replicas by: address, name, site, coordinates.
pub fn location(env: &Env) -> ClientLocation {
    let coordinate = |name| env.get(name).and_then(|degrees| degrees.parse::<f64>().ok());
    let place = coordinate(env_vars::RUCIO_LATITUDE).zip(coordinate(env_vars::RUCIO_LONGITUDE));
    let sites = [env_vars::SITE_NAME, env_vars::ATLAS_SITE_NAME, env_vars::OSG_SITE_NAME];
    ClientLocation {
        ip: outward_address().unwrap_or_else(|| "0.0.0.0".to_owned()),
        fqdn: full_name(),
        site: env.first(&sites).unwrap_or_else(|| "ROAMING".to_owned()),
        latitude: place.map(|(latitude, _)| latitude),
        longitude: place.map(|(_, longitude)| longitude),
    }
}

/// Returns the address of the outgoing interface. Connecting a UDP socket sends nothing; the targets are addresses
/// reserved for documentation (RFC 3849, RFC 5737).
fn outward_address() -> Option<String> {
    [("[::]:0", "[2001:db8::1]:80"), ("0.0.0.0:0", "192.0.2.1:80")].iter().find_map(|(local, remote)| {
        let socket = UdpSocket::bind(local).ok()?;
        socket.connect(remote).ok()?;
        Some(socket.local_addr().ok()?.ip().to_string())
    })
}

/// Returns the host's name, with its domain if the name itself or `/etc/hosts` contains it.
fn full_name() -> String {
    let name = rustix::system::uname().nodename().to_string_lossy().into_owned();
    let hosts = std::fs::read_to_string("/etc/hosts").unwrap_or_default();
    if name.contains('.') { name } else { name_in_hosts(&hosts, &name).unwrap_or(name) }
}

fn name_in_hosts(hosts: &str, name: &str) -> Option<String> {
    let lines = hosts.lines().filter_map(|line| line.split('#').next());
    let mut names = lines.map(|line| line.split_whitespace().skip(1)).filter(|names| names.clone().any(|n| n == name));
    names.next()?.find(|full| full.contains('.')).map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn location_site_comes_from_the_environment() {
        let env = Env::fixed([("ATLAS_SITE_NAME", "BNL"), ("RUCIO_LATITUDE", "46.2"), ("RUCIO_LONGITUDE", "6.1")]);
        let place = location(&env);
        assert_eq!((place.site.as_str(), place.latitude, place.longitude), ("BNL", Some(46.2), Some(6.1)));
        let env = Env::fixed([("RUCIO_LATITUDE", "46.2")]);
        assert_eq!((location(&env).site.as_str(), location(&env).latitude), ("ROAMING", None));
    }

    #[test]
    fn location_domain_comes_from_the_hosts_file() {
        let hosts = "127.0.0.1 localhost\n10.0.0.1 wn7.example.org wn7 # node\n";
        assert_eq!(name_in_hosts(hosts, "wn7").as_deref(), Some("wn7.example.org"));
        assert_eq!(name_in_hosts(hosts, "localhost"), None);
    }
}
