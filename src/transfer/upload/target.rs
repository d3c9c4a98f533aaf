//! Protocols and PFNs of a file at an RSE.

use md5::{Digest as _, Md5};

use crate::error::{Error, Result};
use crate::exceptions::Exception;
use crate::storage::Pfn;
use crate::types::{Did, RseProtocol, RseSettings};

/// Returns the protocols that can write to an RSE, in the order of priority. `schemes` are separated by commas.
///
/// Errors: `RSEProtocolNotSupported` if there is none.
pub fn write_protocols<'r>(
    rse: &'r RseSettings,
    domain: &str,
    schemes: Option<&str>,
    implementation: Option<String>,
) -> Result<Vec<&'r RseProtocol>> {
    let wanted = |protocol: &&RseProtocol| {
        implementation.as_ref().is_none_or(|class| protocol.r#impl == *class)
            && schemes.is_none_or(|schemes| schemes.split(',').any(|scheme| scheme == protocol.scheme))
    };
    let mut protocols: Vec<_> = rse
        .protocols
        .iter()
        .filter(wanted)
        .filter_map(|protocol| Some((priority(protocol, domain)?, protocol)))
        .collect();
    protocols.sort_by_key(|(priority, _)| *priority);
    if protocols.is_empty() {
        return Err(Error::new(Exception::RSEProtocolNotSupported, no_protocol(rse, domain)));
    }
    Ok(protocols.into_iter().map(|(_, protocol)| protocol).collect())
}

fn priority(protocol: &RseProtocol, domain: &str) -> Option<i64> {
    protocol.domains.get(domain)?.get("write").copied().flatten()
}

fn no_protocol(rse: &RseSettings, domain: &str) -> String {
    let known: Vec<_> = rse
        .protocols
        .iter()
        .map(|protocol| format!("{} ({})", protocol.scheme, short_class(&protocol.r#impl)))
        .collect();
    format!("{} has no such protocol to write by from {domain}. It has: {}.", rse.rse, known.join(", "))
}

/// Shortens `rucio.rse.protocols.webdav.NoRename` to `webdav.NoRename`.
fn short_class(class: &str) -> &str {
    class.strip_prefix("rucio.rse.protocols.").unwrap_or(class)
}

/// Returns whether files are written under a temporary name first. Object stores cannot rename.
pub fn uses_temporary_name(protocol: &RseProtocol) -> bool {
    !protocol.r#impl.ends_with(".NoRename")
}

/// Returns the path of a file below the RSE's prefix; `None` if only the server knows the algorithm.
pub fn path(algorithm: &str, did: &Did) -> Option<String> {
    let is_personal = did.scope.starts_with("user") || did.scope.starts_with("group");
    let scope = if is_personal { did.scope.replace('.', "/") } else { did.scope.clone() };
    match algorithm {
        "hash" => {
            let sum: [u8; 16] = Md5::digest(did.to_string().as_bytes()).into();
            Some(format!("{scope}/{:02x}/{:02x}/{}", sum[0], sum[1], did.name))
        }
        "identity" => Some(format!("{scope}/{}", did.name)),
        _ => None,
    }
}

/// Builds the PFN of a path at an RSE.
pub fn pfn(protocol: &RseProtocol, path: &str) -> Pfn {
    let start = if protocol.prefix.starts_with('/') { "" } else { "/" };
    let end = if protocol.prefix.ends_with('/') { "" } else { "/" };
    let attribute = |name: &str| protocol.extended_attributes.as_ref()?.get(name)?.as_str();
    let is_gfal = protocol.r#impl.contains(".gfal.");
    let user = if protocol.r#impl.contains(".ssh.") { attribute("user") } else { None };
    let user = user.map(|user| format!("{user}@")).unwrap_or_default();
    let service = if is_gfal { attribute("web_service_path").unwrap_or_default() } else { "" };
    let portless = protocol.r#impl.contains(".posix.") || (protocol.port == 0 && is_gfal);
    let port = if portless { String::new() } else { format!(":{}", protocol.port) };
    let RseProtocol { scheme, hostname, prefix, .. } = protocol;
    Pfn::new(format!("{scheme}://{user}{hostname}{port}{service}{start}{prefix}{end}{path}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn protocol(scheme: &str, class: &str, write: Option<i64>) -> RseProtocol {
        serde_json::from_value(json!({
            "scheme": scheme, "hostname": "h", "port": 1094, "prefix": "//p", "impl": format!("rucio.rse.protocols.{class}"),
            "domains": {"wan": {"read": 1, "write": write}, "lan": {}}, "extended_attributes": {"user": "u", "web_service_path": "/srm?SFN="}
        }))
        .unwrap()
    }

    fn rse() -> RseSettings {
        RseSettings {
            rse: "A".into(),
            availability_write: true,
            deterministic: true,
            domain: vec!["wan".into()],
            lfn2pfn_algorithm: None,
            protocols: vec![
                protocol("http", "gfal.Default", Some(3)),
                protocol("https", "webdav.Default", Some(1)),
                protocol("davs", "gfal.Default", None),
                protocol("root", "xrootd.Default", Some(2)),
            ],
            sign_url: None,
            verify_checksum: true,
        }
    }

    #[test]
    fn target_protocol_is_chosen_by_priority_scheme_and_implementation() {
        let rse = rse();
        let chosen = |domain: &str, schemes: Option<&str>, class: Option<&str>| {
            let class = class.map(|class| format!("rucio.rse.protocols.{class}"));
            write_protocols(&rse, domain, schemes, class)
                .map(|protocols| protocols.iter().map(|w| w.scheme.clone()).collect::<Vec<_>>())
        };
        assert_eq!(chosen("wan", None, None).unwrap(), ["https", "root", "http"]);
        assert_eq!(chosen("wan", Some("http,root"), None).unwrap(), ["root", "http"]);
        assert_eq!(chosen("wan", None, Some("gfal.Default")).unwrap(), ["http"]);
        for refused in [chosen("lan", None, None), chosen("wan", Some("davs"), None), chosen("wan", None, Some("x.Y"))]
        {
            assert_eq!(refused.unwrap_err().class(), Some(Exception::RSEProtocolNotSupported));
        }
    }

    #[test]
    fn target_paths_are_those_of_the_official_client() {
        let did = Did::new("user.jdoe", "f");
        // The path begins with the first digits of the MD5 of user.jdoe:f.
        let sum = format!("{:032x}", u128::from_be_bytes(Md5::digest(b"user.jdoe:f").into()));
        let expected = format!("user/jdoe/{}/{}/f", &sum[..2], &sum[2..4]);
        assert_eq!(path("hash", &did), Some(expected));
        assert_eq!(path("identity", &did).as_deref(), Some("user/jdoe/f"));
        assert_eq!(path("identity", &Did::new("mc.16", "a/b")).as_deref(), Some("mc.16/a/b"));
        assert_eq!(path("xenon", &did), None);
    }

    #[test]
    fn target_pfns_are_those_of_the_official_client() {
        for (scheme, class, expected) in [
            ("root", "xrootd.Default", "root://h:1094//p/x"),
            ("file", "posix.Default", "file://h//p/x"),
            ("scp", "ssh.Default", "scp://u@h:1094//p/x"),
            ("srm", "gfal.Default", "srm://h:1094/srm?SFN=//p/x"),
        ] {
            assert_eq!(pfn(&protocol(scheme, class, None), "x").as_str(), expected);
        }
        assert!(
            uses_temporary_name(&protocol("https", "webdav.Default", None))
                && !uses_temporary_name(&protocol("https", "webdav.NoRename", None))
        );
    }
}
