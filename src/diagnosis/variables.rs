//! Reports the environment variables that affect logging in.

use super::Finding;
use crate::env_vars::{self as vars, Env};

const CHECK: &str = "environment";

/// Variables whose values are not secret, with their effect.
const SHOWN: [(&str, &str); 15] = [
    (vars::RUCIO_ACCOUNT, "overrides [client] account"),
    (vars::RUCIO_AUTH_TYPE, "overrides [client] auth_type"),
    (vars::RUCIO_VO, "overrides [client] vo"),
    (vars::RUCIO_PROFILE, "selects the profile"),
    (vars::RUCIO_CLIENT_CERT, "overrides [client] client_cert"),
    (vars::RUCIO_CLIENT_KEY, "overrides [client] client_key"),
    (vars::RUCIO_CLIENT_PROXY, "overrides [client] client_x509_proxy"),
    (vars::X509_USER_PROXY, "the proxy for storages, and for the login unless Rucio's own settings name one"),
    (vars::X509_CERT_DIR, "overrides [client] ca_cert"),
    (vars::REQUESTS_CA_BUNDLE, "used if neither X509_CERT_DIR nor [client] ca_cert is set"),
    (vars::CURL_CA_BUNDLE, "used if neither X509_CERT_DIR nor [client] ca_cert is set"),
    (vars::BEARER_TOKEN_FILE, "read by oidc first"),
    (vars::KRB5CCNAME, "Kerberos ticket cache, for gss"),
    (vars::KRB5_CONFIG, "Kerberos configuration, for gss"),
    (vars::SSH_AUTH_SOCK, "SSH agent, for ssh"),
];

/// The variables of HTTP proxies; the environment of a server may have them in lower case.
const PROXIES: [&str; 8] = [
    vars::HTTP_PROXY,
    "http_proxy",
    vars::HTTPS_PROXY,
    "https_proxy",
    vars::ALL_PROXY,
    "all_proxy",
    vars::NO_PROXY,
    "no_proxy",
];

/// Returns a finding for each variable that is set.
pub(crate) fn examine(env: &Env) -> Vec<Finding> {
    let shown = SHOWN.iter().filter_map(|(name, role)| Some(finding(name, &env.get(name)?, role)));
    let token = env.get(vars::BEARER_TOKEN).map(|_| finding(vars::BEARER_TOKEN, "set", "used by oidc first"));
    let proxies =
        PROXIES.iter().filter_map(|name| Some(finding(name, &without_password(&env.get(name)?), "HTTP proxies")));
    shown.chain(token).chain(proxies).collect()
}

fn finding(name: &str, value: &str, role: &str) -> Finding {
    Finding::ok(CHECK, name, format!("{value} ({role})"))
}

/// Hides the credentials in an address such as `http://user:password@proxy:3128`.
pub(super) fn without_password(address: &str) -> String {
    let (scheme, rest) = address.split_once("://").unwrap_or(("", address));
    let Some((_, host)) = rest.rsplit_once('@') else { return address.to_owned() };
    match scheme {
        "" => format!("[hidden]@{host}"),
        scheme => format!("{scheme}://[hidden]@{host}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn variables_are_named_and_secret_values_hidden() {
        let env = Env::fixed([
            ("RUCIO_ACCOUNT", "kim"),
            ("BEARER_TOKEN", "ey.ey.x"),
            ("https_proxy", "http://kim:hunter2@proxy:3128"),
            ("ALL_PROXY", "kim:hunter2@proxy:3128"),
            ("OTHER", "x"),
        ]);
        let lines: Vec<_> =
            examine(&env).into_iter().map(|found| format!("{}: {}", found.subject, found.message)).collect();
        assert_eq!(
            lines,
            [
                "RUCIO_ACCOUNT: kim (overrides [client] account)",
                "BEARER_TOKEN: set (used by oidc first)",
                "https_proxy: http://[hidden]@proxy:3128 (HTTP proxies)",
                "ALL_PROXY: [hidden]@proxy:3128 (HTTP proxies)",
            ]
        );
    }
}
