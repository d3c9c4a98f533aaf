//! Versions, ciphers, groups, and other terms of a handshake.

use anyhow::{Context, Result};
use openssl::dh::Dh;
use openssl::ssl::{AlpnError, NameType, SniError, SslAlert, SslContextBuilder, SslVerifyMode, SslVersion};

use crate::tls_laboratory::case::{Draft, Lab};
use crate::tls_laboratory::certificate::Blueprint;

/// The case, the version, the ciphers, and the key of the server.
const CIPHERS: &[(&str, SslVersion, &str, &str)] = &[
    ("tls-1.0", SslVersion::TLS1, "", "rsa-2048"),
    ("tls-1.1", SslVersion::TLS1_1, "", "rsa-2048"),
    ("tls-1.2", SslVersion::TLS1_2, "", "rsa-2048"),
    ("tls-1.3", SslVersion::TLS1_3, "", "rsa-2048"),
    ("tls-1.2-gcm-128", SslVersion::TLS1_2, "ECDHE-RSA-AES128-GCM-SHA256", "rsa-2048"),
    ("tls-1.2-gcm-256", SslVersion::TLS1_2, "ECDHE-RSA-AES256-GCM-SHA384", "rsa-2048"),
    ("tls-1.2-ecdsa-gcm-256", SslVersion::TLS1_2, "ECDHE-ECDSA-AES256-GCM-SHA384", "p-256"),
    ("tls-1.2-ecdsa-p-521", SslVersion::TLS1_2, "ECDHE-ECDSA-AES256-GCM-SHA384", "p-521"),
    ("tls-1.2-ed25519", SslVersion::TLS1_2, "ECDHE-ECDSA-AES256-GCM-SHA384", "ed25519"),
    ("tls-1.2-ed448", SslVersion::TLS1_2, "ECDHE-ECDSA-AES256-GCM-SHA384", "ed448"),
    ("tls-1.2-rsa-pss", SslVersion::TLS1_2, "ECDHE-RSA-AES256-GCM-SHA384", "rsa-pss"),
    ("tls-1.2-chacha", SslVersion::TLS1_2, "ECDHE-RSA-CHACHA20-POLY1305", "rsa-2048"),
    ("tls-1.2-ccm", SslVersion::TLS1_2, "ECDHE-ECDSA-AES128-CCM", "p-256"),
    ("tls-1.2-cbc-sha", SslVersion::TLS1_2, "ECDHE-RSA-AES128-SHA", "rsa-2048"),
    ("tls-1.2-cbc-sha256", SslVersion::TLS1_2, "ECDHE-RSA-AES128-SHA256", "rsa-2048"),
    ("tls-1.2-cbc-sha384", SslVersion::TLS1_2, "ECDHE-RSA-AES256-SHA384", "rsa-2048"),
    ("tls-1.2-dhe-gcm", SslVersion::TLS1_2, "DHE-RSA-AES128-GCM-SHA256", "rsa-2048"),
    ("tls-1.2-dhe-cbc", SslVersion::TLS1_2, "DHE-RSA-AES256-SHA256", "rsa-2048"),
    ("tls-1.2-rsa-gcm", SslVersion::TLS1_2, "AES128-GCM-SHA256", "rsa-2048"),
    ("tls-1.2-rsa-cbc", SslVersion::TLS1_2, "AES256-SHA", "rsa-2048"),
    ("tls-1.2-camellia", SslVersion::TLS1_2, "ECDHE-RSA-CAMELLIA128-SHA256", "rsa-2048"),
    ("tls-1.2-aria", SslVersion::TLS1_2, "ECDHE-ARIA128-GCM-SHA256", "rsa-2048"),
    ("tls-1.2-null", SslVersion::TLS1_2, "NULL-SHA256", "rsa-2048"),
    ("tls-1.2-anonymous", SslVersion::TLS1_2, "AECDH-AES128-SHA", "rsa-2048"),
    ("tls-1.3-gcm-128", SslVersion::TLS1_3, "TLS_AES_128_GCM_SHA256", "rsa-2048"),
    ("tls-1.3-gcm-256", SslVersion::TLS1_3, "TLS_AES_256_GCM_SHA384", "rsa-2048"),
    ("tls-1.3-chacha", SslVersion::TLS1_3, "TLS_CHACHA20_POLY1305_SHA256", "rsa-2048"),
    ("tls-1.3-ccm", SslVersion::TLS1_3, "TLS_AES_128_CCM_SHA256", "rsa-2048"),
];

const GROUPS: &[&str] = &["X25519", "P-256", "P-384", "P-521", "X448", "ffdhe2048", "brainpoolP256r1"];

pub(super) fn drafts(lab: &Lab) -> Result<Vec<Draft>> {
    let mut drafts = Vec::new();
    for (name, version, ciphers, key) in CIPHERS {
        let draft = lab.server(name, &Blueprint::server().key(key))?.version(*version, ciphers);
        drafts.push(draft.speaks(|context| Ok(context.set_tmp_dh(&*Dh::get_2048_256()?)?)));
    }
    for group in GROUPS {
        drafts.push(
            lab.server(&format!("group-{group}"), &Blueprint::server())?
                .speaks(|context| Ok(context.set_groups_list(group)?)),
        );
    }
    let groups_of_1_2 = lab.server("tls-1.2-only-p-521", &Blueprint::server())?.version(SslVersion::TLS1_2, "");
    drafts.push(groups_of_1_2.speaks(|context| Ok(context.set_groups_list("P-521")?)));
    for list in ["RSA+SHA1", "RSA+SHA512", "RSA-PSS+SHA512"] {
        let draft = lab.server(&format!("handshake-signed-{list}"), &Blueprint::server().key("rsa-2048"))?;
        drafts.push(
            draft
                .version(SslVersion::TLS1_2, "ECDHE-RSA-AES256-GCM-SHA384")
                .speaks(|context| Ok(context.set_sigalgs_list(list)?)),
        );
    }
    drafts.extend(terms(lab)?);
    Ok(drafts)
}

fn terms(lab: &Lab) -> Result<Vec<Draft>> {
    let server = |name: &str| lab.server(name, &Blueprint::server());
    let weak_dh = lab.server("tls-1.2-dhe-1024", &Blueprint::server().key("rsa-2048"))?;
    let weak_dh = weak_dh.version(SslVersion::TLS1_2, "DHE-RSA-AES128-GCM-SHA256");
    Ok(vec![
        weak_dh.speaks(|context| Ok(context.set_tmp_dh(&*Dh::get_1024_160()?)?)),
        server("name-required")?.speaks(|context| sni(context, "localhost")),
        server("name-required-of-another")?.speaks(|context| sni(context, "elsewhere")),
        server("protocol-http-1.1")?.speaks(|context| alpn(context, b"\x08http/1.1", true)),
        server("protocol-http-1.0-or-none")?.speaks(|context| alpn(context, b"\x08http/1.0", false)),
        server("protocol-h2-only")?.speaks(|context| alpn(context, b"\x02h2", true)),
        server("certificate-requested")?.speaks(|context| requested(context, SslVerifyMode::PEER)),
        server("certificate-required")?
            .speaks(|context| requested(context, SslVerifyMode::PEER | SslVerifyMode::FAIL_IF_NO_PEER_CERT)),
        server("certificate-required-tls-1.2")?
            .version(SslVersion::TLS1_2, "")
            .speaks(|context| requested(context, SslVerifyMode::PEER | SslVerifyMode::FAIL_IF_NO_PEER_CERT)),
    ])
}

/// Accepts only clients that ask for this host.
fn sni(context: &mut SslContextBuilder, host: &'static str) -> Result<()> {
    context.set_servername_callback(move |ssl, alert| {
        if ssl.servername(NameType::HOST_NAME) == Some(host) {
            return Ok(());
        }
        *alert = SslAlert::UNRECOGNIZED_NAME;
        Err(SniError::ALERT_FATAL)
    });
    Ok(())
}

fn alpn(context: &mut SslContextBuilder, protocols: &'static [u8], required: bool) -> Result<()> {
    let refusal = if required { AlpnError::ALERT_FATAL } else { AlpnError::NOACK };
    context
        .set_alpn_select_callback(move |_, offered| openssl::ssl::select_next_proto(protocols, offered).ok_or(refusal));
    Ok(())
}

fn requested(context: &mut SslContextBuilder, mode: SslVerifyMode) -> Result<()> {
    context.set_session_id_context(b"lab").context("session context")?;
    context.set_verify(mode);
    Ok(())
}
