//! Checks WLCG bearer tokens of other programs, in the order of their discovery.

use super::{Finding, date, format_duration};
use crate::auth::Claims;
use crate::config::BearerTokens;
use crate::env_vars;
use crate::time::unix_time;

/// Returns a finding for each bearer token. `used` says whether the authentication method uses them.
pub(super) fn examine(check: &'static str, used: bool, places: &BearerTokens) -> Vec<Finding> {
    let variable = places.variable.iter().map(|token| (env_vars::BEARER_TOKEN.to_owned(), token.expose().to_owned()));
    let files = places.named_file.iter().chain(&places.usual_files).filter_map(|file| {
        let token = crate::input_file::read_to_string(file).ok()?;
        Some((file.display().to_string(), token))
    });
    variable.chain(files).map(|(place, token)| finding(check, used, &place, token.trim())).collect()
}

fn finding(check: &'static str, used: bool, place: &str, token: &str) -> Finding {
    let role = if used { "" } else { " (used only by oidc)" };
    let Some(claims) = Claims::parse(token) else {
        return Finding::ok(check, place, format!("token that is not a JSON web token{role}"));
    };
    let whose = format!("bearer token of {}{role}", claims.iss.as_deref().unwrap_or("an unknown issuer"));
    match (claims.exp, claims.nbf) {
        (Some(end), _) if end <= unix_time() && used => {
            let text = format!("{whose}, expired on {}: ignored", date(end));
            Finding::warning(check, place, text).hint("Get a new one from your token agent, or remove this one.")
        }
        (Some(end), _) if end <= unix_time() => Finding::ok(check, place, format!("{whose}, expired on {}", date(end))),
        (_, Some(begin)) if begin > unix_time() => {
            Finding::ok(check, place, format!("{whose}, not valid before {}", date(begin)))
        }
        (Some(end), _) => {
            Finding::ok(check, place, format!("{whose}, valid for {}", format_duration(end - unix_time())))
        }
        (None, _) => Finding::ok(check, place, format!("{whose}, without expiry")),
    }
}
