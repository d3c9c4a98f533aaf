//! Names of servers. Those other than localhost are reached by the laboratory's proxy.

use anyhow::Result;

use crate::tls_laboratory::case::{Draft, Lab};
use crate::tls_laboratory::certificate::Blueprint;

/// The case, the host in the URL, the CN, and the alternative names.
const NAMES: &[(&str, &str, &str, &str)] = &[
    ("only-cn", "localhost", "localhost", ""),
    ("only-cn-upper-case", "localhost", "LOCALHOST", ""),
    ("other-cn", "localhost", "elsewhere", "DNS:localhost"),
    ("other-alternative", "localhost", "localhost", "DNS:elsewhere"),
    ("other-host", "localhost", "elsewhere", "DNS:elsewhere"),
    ("upper-case", "www.lab.example", "x", "DNS:WWW.Lab.Example"),
    ("address", "127.0.0.1", "x", "IP:127.0.0.1"),
    ("address-of-another", "127.0.0.1", "x", "IP:127.0.0.2"),
    ("address-as-dns", "127.0.0.1", "x", "DNS:127.0.0.1"),
    ("address-as-cn", "127.0.0.1", "127.0.0.1", ""),
    ("address-for-a-name", "localhost", "x", "IP:127.0.0.1"),
    ("many-kinds", "localhost", "x", "IP:127.0.0.1,email:a@b.example,URI:https://a.example/,RID:1.2.3.4,DNS:localhost"),
    ("only-mail", "localhost", "localhost", "email:a@b.example"),
    ("wildcard", "www.lab.example", "x", "DNS:*.lab.example"),
    ("wildcard-in-cn", "www.lab.example", "*.lab.example", ""),
    ("wildcard-for-the-domain-itself", "lab.example", "x", "DNS:*.lab.example"),
    ("wildcard-two-levels", "a.www.lab.example", "x", "DNS:*.lab.example"),
    ("wildcard-in-the-middle", "www.lab.example", "x", "DNS:www.*.example"),
    ("wildcard-twice", "www.lab.example", "x", "DNS:*.*.example"),
    ("wildcard-at-the-end-of-a-label", "www1.lab.example", "x", "DNS:www*.lab.example"),
    ("wildcard-at-the-start-of-a-label", "www1.lab.example", "x", "DNS:*1.lab.example"),
    ("wildcard-alone", "localhost", "x", "DNS:*"),
    ("wildcard-for-a-top-level", "lab.example", "x", "DNS:*.example"),
    ("wildcard-for-idn", "xn--bcher-kva.lab.example", "x", "DNS:*.lab.example"),
    ("wildcard-address", "127.0.0.1", "x", "DNS:*.0.0.1"),
    ("idn", "xn--bcher-kva.example", "x", "DNS:xn--bcher-kva.example"),
    ("idn-as-unicode", "bücher.example", "x", "DNS:xn--bcher-kva.example"),
    ("underscore", "my_host.lab.example", "x", "DNS:my_host.lab.example"),
    ("starts-with-dot", "www.lab.example", "x", "DNS:.lab.example"),
    ("trailing-dot-in-certificate", "www.lab.example", "x", "DNS:www.lab.example."),
    ("trailing-dot-in-url", "www.lab.example.", "x", "DNS:www.lab.example"),
    ("digits", "1.lab.example", "x", "DNS:1.lab.example"),
    ("short", "lab", "x", "DNS:lab"),
    ("space-in-name", "localhost", "x", "DNS:local host,DNS:localhost"),
];

pub(super) fn drafts(lab: &Lab) -> Result<Vec<Draft>> {
    let mut drafts = Vec::new();
    for (name, host, cn, alternatives) in NAMES {
        let blueprint = Blueprint::server().subject(&[("CN", cn)]).with("subjectAltName", alternatives);
        drafts.push(lab.server(&format!("name-{name}"), &blueprint)?.at(host));
    }
    let many: Vec<_> =
        (0..500).map(|number| format!("DNS:host{number}.lab.example")).chain(["DNS:localhost".to_owned()]).collect();
    let many = Blueprint::server().with("subjectAltName", &many.join(","));
    let nameless = Blueprint::server().subject(&[]).with("subjectAltName", "critical,DNS:localhost");
    let two = Blueprint::server().subject(&[("CN", "elsewhere"), ("CN", "localhost")]).with("subjectAltName", "");
    let long = format!("{}.example", "a".repeat(63));
    let long_name = Blueprint::server().with("subjectAltName", &format!("DNS:{long}"));
    drafts.push(lab.server("name-many", &many)?);
    drafts.push(lab.server("name-no-subject", &nameless)?);
    drafts.push(lab.server("name-two-cns", &two)?);
    drafts.push(lab.server("name-long", &long_name)?.at(&long));
    Ok(drafts)
}
