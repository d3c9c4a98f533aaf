//! Chains: their length, their order, and what is missing.

use anyhow::Result;

use crate::tls_laboratory::case::{Draft, Lab};
use crate::tls_laboratory::certificate::{Blueprint, Issued};

pub(super) fn drafts(lab: &Lab) -> Result<Vec<Draft>> {
    let groups = [long, incomplete, unusual_order, crossed, misleading];
    let drafts: Vec<Vec<Draft>> = groups.iter().map(|group| group(lab)).collect::<Result<_>>()?;
    Ok(drafts.into_iter().flatten().collect())
}

/// Intermediates below the root, each issued by the one before.
fn intermediates(lab: &Lab, number: usize) -> Result<Vec<Issued>> {
    let mut chain = vec![lab.root.clone()];
    for number in 1..=number {
        let next = lab.issue_by(&chain[number - 1], &Blueprint::authority(&format!("Intermediate {number}")))?;
        chain.push(next);
    }
    chain.remove(0);
    Ok(chain)
}

/// A server below the last of these.
fn below(lab: &Lab, name: &str, chain: &[Issued]) -> Result<Draft> {
    let own = lab.issue_by(chain.last().unwrap_or(&lab.root), &Blueprint::server())?;
    Ok(Draft::new(name, own).sends(&chain.iter().rev().collect::<Vec<_>>()).trusts(&[&lab.root]))
}

fn long(lab: &Lab) -> Result<Vec<Draft>> {
    let chain = intermediates(lab, 10)?;
    (0..=10).map(|length| below(lab, &format!("chain-{length}"), &chain[..length])).collect()
}

fn incomplete(lab: &Lab) -> Result<Vec<Draft>> {
    let chain = intermediates(lab, 2)?;
    let server = || below(lab, "", &chain);
    let itself = lab.self_signed(&Blueprint::server())?;
    let authority = lab.self_signed(&Blueprint::server().with("basicConstraints", "critical,CA:TRUE"))?;
    let plain = lab.self_signed(&Blueprint::new("localhost").with("subjectAltName", "DNS:localhost"))?;
    let expired = lab.self_signed(&Blueprint::server().days(-9, -1))?;
    let own = lab.issue(&Blueprint::server())?;
    Ok(vec![
        server()?.named("chain-without-intermediates").sends(&[]),
        server()?.named("chain-without-the-last").sends(&[&chain[1]]),
        server()?.named("chain-without-the-first").sends(&[&chain[0]]),
        server()?.named("intermediates-in-ca-file").sends(&[]).trusts(&[&lab.root, &chain[0], &chain[1]]),
        server()?.named("one-intermediate-in-ca-file").sends(&[&chain[1]]).trusts(&[&lab.root, &chain[0]]),
        server()?.named("intermediate-trusted-without-root").trusts(&[&chain[0]]),
        server()?.named("unknown-root").trusts(&[&itself]),
        Draft::new("self-signed-listed", itself.clone()).trusts(&[&itself]),
        Draft::new("self-signed-not-listed", itself).trusts(&[&lab.root]),
        Draft::new("self-signed-authority-listed", authority.clone()).trusts(&[&authority]),
        Draft::new("self-signed-without-extensions-listed", plain.clone()).trusts(&[&plain]),
        Draft::new("self-signed-expired-listed", expired.clone()).trusts(&[&expired]),
        Draft::new("issued-and-listed-itself", own.clone()).trusts(&[&own]),
    ])
}

fn unusual_order(lab: &Lab) -> Result<Vec<Draft>> {
    let chain = intermediates(lab, 3)?;
    let [first, second, third] = &chain[..] else { unreachable!() };
    let stranger = lab.self_signed(&Blueprint::authority("Stranger").key("p-384"))?;
    let server = |name| below(lab, name, &chain);
    Ok(vec![
        server("chain-reversed")?.sends(&[first, second, third]),
        server("chain-shuffled")?.sends(&[second, third, first]),
        server("chain-with-root")?.sends(&[third, second, first, &lab.root]),
        server("chain-with-stranger")?.sends(&[&stranger, third, second, first]),
        server("chain-with-duplicates")?.sends(&[third, third, second, second, first, first]),
        server("chain-with-root-first")?.sends(&[&lab.root, third, second, first]),
    ])
}

fn crossed(lab: &Lab) -> Result<Vec<Draft>> {
    let new = Blueprint::authority("New Root").key("p-384");
    let old = lab.self_signed(&Blueprint::authority("Old Root"))?;
    let expired = lab.self_signed(&Blueprint::authority("Old Root").days(-9, -1))?;
    let itself = lab.self_signed(&new)?;
    let crossed = lab.issue_by(&old, &new)?;
    let crossed_expired = lab.issue_by(&old, &new.clone().days(-9, -1))?;
    let own = lab.issue_by(&itself, &Blueprint::server())?;
    let server = |name: &str| Draft::new(name, own.clone()).sends(&[&crossed]);
    // The same key under the same name, issued by each other.
    let loop_a = lab.issue_by(&itself, &Blueprint::authority("Loop A").key("p-521"))?;
    let loop_b = lab.issue_by(&loop_a, &Blueprint::authority("Loop B"))?;
    let loop_a = lab.issue_by(&loop_b, &Blueprint::authority("Loop A").key("p-521"))?;
    let in_loop = lab.issue_by(&loop_b, &Blueprint::server())?;
    Ok(vec![
        server("crossed-old-trusted").trusts(&[&old]),
        server("crossed-new-trusted").trusts(&[&itself]),
        server("crossed-both-trusted").trusts(&[&old, &itself]),
        server("crossed-old-expired").trusts(&[&expired, &itself]),
        server("crossed-old-expired-alone").trusts(&[&expired]),
        server("crossed-certificate-expired").sends(&[&crossed_expired]).trusts(&[&old, &itself]),
        Draft::new("chain-in-a-loop", in_loop).sends(&[&loop_b, &loop_a]).trusts(&[&lab.root]),
    ])
}

/// Certificates of the right name that are not the issuer's.
fn misleading(lab: &Lab) -> Result<Vec<Draft>> {
    let between = |blueprint: Blueprint| lab.issue(&blueprint);
    let authority = || Blueprint::authority("Between");
    let same_name = lab.self_signed(&Blueprint::authority("Root").key("p-384"))?;
    let without_id = |name: &str| Blueprint::authority(name).with("subjectKeyIdentifier", "");
    let twin = lab.self_signed(&without_id("Twin").key("p-384"))?;
    let other_twin = lab.self_signed(&without_id("Twin").key("p-521"))?;
    let own = lab.issue_by(&other_twin, &Blueprint::server())?;
    let mut drafts = vec![
        Draft::new("root-of-the-same-name", lab.issue(&Blueprint::server())?).trusts(&[&same_name]),
        Draft::new("two-roots-of-one-name", lab.issue(&Blueprint::server())?).trusts(&[&same_name, &lab.root]),
        Draft::new("two-roots-of-one-name-without-identifiers", own).trusts(&[&twin, &other_twin]),
    ];
    for (name, blueprint) in [
        ("intermediate-expired", authority().days(-9, -1)),
        ("intermediate-not-yet-valid", authority().days(1, 9)),
        (
            "intermediate-is-no-authority",
            authority().with("basicConstraints", "critical,CA:FALSE").with("keyUsage", ""),
        ),
        ("intermediate-without-constraints", authority().with("basicConstraints", "")),
        ("intermediate-bare", authority().bare()),
        ("intermediate-may-not-sign", authority().with("keyUsage", "critical,digitalSignature")),
        ("intermediate-for-clients", authority().with("extendedKeyUsage", "clientAuth")),
        ("intermediate-for-servers", authority().with("extendedKeyUsage", "serverAuth")),
        ("intermediate-for-any-use", authority().with("extendedKeyUsage", "anyExtendedKeyUsage")),
        ("intermediate-path-length-0", authority().with("basicConstraints", "critical,CA:TRUE,pathlen:0")),
        ("intermediate-weak-key", authority().key("rsa-1024")),
    ] {
        let between = between(blueprint)?;
        let own = lab.issue_by(&between, &Blueprint::server())?;
        drafts.push(Draft::new(name, own).sends(&[&between]).trusts(&[&lab.root]));
    }
    let narrow = between(authority().with("basicConstraints", "critical,CA:TRUE,pathlen:0"))?;
    let below = lab.issue_by(&narrow, &Blueprint::authority("Below"))?;
    let own = lab.issue_by(&below, &Blueprint::server())?;
    drafts.push(Draft::new("path-length-exceeded", own).sends(&[&below, &narrow]).trusts(&[&lab.root]));
    Ok(drafts)
}
