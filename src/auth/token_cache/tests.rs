use super::token_file::replace_file;
use super::*;
use crate::time::unix_time;
use std::fs::Permissions;
use std::os::unix::fs::{MetadataExt, PermissionsExt};

fn origin(host: &str) -> TokenOrigin {
    TokenOrigin {
        host: host.into(),
        auth_host: host.into(),
        vo: "def".into(),
        auth_type: "userpass".into(),
        account: Some("jdoe".into()),
        configured: true,
        required: None,
    }
}

fn cache(folder: &Path) -> TokenCache {
    let folder = folder.join("jdoe/.rucio_jdoe");
    TokenCache { shared: TokenFile(folder.join("auth_token_for_account_jdoe")), is_named: false, closed: false }
}

/// Writes a token file as the official client does.
fn official(cache: &TokenCache, token: &str) {
    make_folder(cache.shared.folder()).unwrap();
    replace_file(&cache.shared.0, token.as_bytes()).unwrap();
}

fn value(token: Option<Token>) -> Option<String> {
    token.map(|token| token.expose().to_owned())
}

#[test]
fn cache_token_is_read_for_its_own_origin_only() {
    let tmp = tempfile::tempdir().unwrap();
    let cache = cache(tmp.path());
    assert_eq!(value(cache.read(&origin("https://a"))), None);
    cache.write(&Token::new("t1", Some(unix_time() + 600)), &origin("https://a")).unwrap();
    assert_eq!(value(cache.read(&origin("https://a"))).as_deref(), Some("t1"));
    assert_eq!(value(cache.read(&origin("https://b"))), None);
    assert_eq!(value(cache.read(&TokenOrigin { auth_type: "x509".into(), ..origin("https://a") })), None);
    assert_eq!(cache.shared.0.metadata().unwrap().mode() & 0o777, 0o600);
    assert_eq!(cache.shared.folder().metadata().unwrap().mode() & 0o777, 0o700);
}

#[test]
fn cache_token_that_expired_is_not_used() {
    let tmp = tempfile::tempdir().unwrap();
    let cache = cache(tmp.path());
    cache.write(&Token::new("t1", Some(unix_time() + 2)), &origin("https://a")).unwrap();
    assert_eq!(value(cache.read(&origin("https://a"))), None);
}

#[test]
fn cache_shares_the_official_clients_token_with_the_configured_host() {
    let tmp = tempfile::tempdir().unwrap();
    let cache = cache(tmp.path());
    official(&cache, "theirs\n");
    assert_eq!(value(cache.read(&TokenOrigin { configured: false, ..origin("https://a") })), None);
    assert_eq!(value(cache.read(&origin("https://a"))).as_deref(), Some("theirs"));
    cache.write(&Token::new("ours", None), &origin("https://a")).unwrap();
    official(&cache, "theirs-again");
    assert_eq!(value(cache.read(&origin("https://a"))).as_deref(), Some("theirs-again"));
    assert_eq!(value(cache.read(&origin("https://b"))), None);
}

#[test]
fn cache_binds_the_official_clients_token_to_the_first_server() {
    let tmp = tempfile::tempdir().unwrap();
    let cache = cache(tmp.path());
    official(&cache, "theirs");
    assert_eq!(value(cache.read(&origin("https://a"))).as_deref(), Some("theirs"));
    assert_eq!(value(cache.read(&origin("https://b"))), None);
    assert_eq!(value(cache.read(&origin("https://a"))).as_deref(), Some("theirs"));
}

#[test]
fn cache_ignores_the_official_clients_token_where_several_servers_were_used() {
    let tmp = tempfile::tempdir().unwrap();
    let cache = cache(tmp.path());
    cache.write(&Token::new("a", None), &origin("https://a")).unwrap();
    cache.write(&Token::new("b", None), &origin("https://b")).unwrap();
    assert_eq!(value(cache.read(&origin("https://b"))).as_deref(), Some("b"));
    official(&cache, "whose");
    // The token of a is in a file of its own.
    assert_eq!(value(cache.read(&origin("https://a"))).as_deref(), Some("a"));
    assert_eq!(value(cache.read(&origin("https://b"))), None);
}

#[test]
fn cache_that_others_can_write_is_refused() {
    let tmp = tempfile::tempdir().unwrap();
    let cache = cache(tmp.path());
    official(&cache, "t");
    std::fs::set_permissions(&cache.shared.0, Permissions::from_mode(0o622)).unwrap();
    assert!(cache.try_read(&cache.shared, &origin("https://a")).unwrap_err().to_string().contains("mode 622"));
    std::fs::set_permissions(&cache.shared.0, Permissions::from_mode(0o600)).unwrap();
    std::fs::set_permissions(cache.shared.folder(), Permissions::from_mode(0o777)).unwrap();
    assert!(cache.try_read(&cache.shared, &origin("https://a")).is_err());
    assert!(cache.write(&Token::new("t", None), &origin("https://a")).is_err());
}

#[test]
fn cache_token_that_is_torn_is_refused() {
    let tmp = tempfile::tempdir().unwrap();
    let cache = cache(tmp.path());
    for text in ["", "\n", "two\nlines", "\x1b[31m"] {
        official(&cache, text);
        assert_eq!(value(cache.read(&origin("https://a"))), None, "{text:?}");
    }
}

#[test]
fn cache_token_may_have_blanks_in_its_identity() {
    let tmp = tempfile::tempdir().unwrap();
    let cache = cache(tmp.path());
    let token = "jdoe-CN=John Doe,O=Testbed-unknown-0123";
    cache.write(&Token::new(token, None), &origin("https://a")).unwrap();
    assert_eq!(value(cache.read(&origin("https://a"))).as_deref(), Some(token));
}

#[test]
fn cache_keeps_tokens_of_several_servers_apart() {
    let tmp = tempfile::tempdir().unwrap();
    let cache = cache(tmp.path());
    let (a, b) = (origin("https://a"), origin("https://b"));
    let by_option = TokenOrigin { configured: false, ..origin("https://c") };
    let good = |text| Token::new(text, Some(unix_time() + 600));
    cache.write(&good("a"), &a).unwrap();
    cache.write(&good("c"), &by_option).unwrap();
    cache.write(&good("b"), &b).unwrap();
    for (origin, expected) in [(&a, "a"), (&b, "b"), (&by_option, "c")] {
        assert_eq!(value(cache.read(origin)).as_deref(), Some(expected));
    }
    // The official client finds the last one of a configuration.
    assert_eq!(std::fs::read_to_string(&cache.shared.0).unwrap(), "b");
    assert_eq!(recorded_files(cache.shared.folder()).len(), 3);
}

#[test]
fn cache_keeps_tokens_of_accounts_apart_in_a_shared_file() {
    let tmp = tempfile::tempdir().unwrap();
    let cache = cache(tmp.path());
    let other = TokenOrigin { account: Some("root".into()), ..origin("https://a") };
    cache.write(&Token::new("t1", None), &origin("https://a")).unwrap();
    assert_eq!(value(cache.read(&other)), None);
}

#[test]
fn cache_moves_a_refresh_token_with_its_token() {
    let tmp = tempfile::tempdir().unwrap();
    let cache = cache(tmp.path());
    let (a, b) = (origin("https://a"), origin("https://b"));
    cache.write(&Token::new("a", Some(unix_time() + 600)), &a).unwrap();
    replace_file(&cache.shared.sibling(REFRESH), b"secret").unwrap();
    cache.write(&Token::new("b", Some(unix_time() + 600)), &b).unwrap();
    assert!(!cache.shared.sibling(REFRESH).exists());
    assert_eq!(std::fs::read(cache.own_file(&a).sibling(REFRESH)).unwrap(), b"secret");
    assert!(cache.files_for(&a).contains(&cache.own_file(&a)));
}

#[test]
fn cache_does_not_send_a_foreign_token_before_its_time() {
    let tmp = tempfile::tempdir().unwrap();
    let cache = cache(tmp.path());
    let claims = serde_json::json!({"exp": unix_time() + 9000, "nbf": unix_time() + 4000});
    official(&cache, &crate::auth::jwt::tests::token(&claims));
    let refused = cache.try_read(&cache.shared, &origin("https://a")).unwrap_err();
    assert!(refused.to_string().contains("Check the clock"), "{refused}");
}

/// The record is written first, and a process that reads in between must not mistake the old token for one of the
/// official client.
#[test]
fn cache_token_that_is_being_replaced_is_not_used() {
    let tmp = tempfile::tempdir().unwrap();
    let cache = cache(tmp.path());
    let a = origin("https://a");
    cache.write(&Token::new("old", Some(unix_time() + 600)), &a).unwrap();
    cache.write(&Token::new("new", Some(unix_time() + 600)), &a).unwrap();
    replace_file(&cache.shared.0, b"old").unwrap();
    assert_eq!(value(cache.read(&a)), None);
    replace_file(&cache.shared.0, b"new").unwrap();
    assert_eq!(value(cache.read(&a)).as_deref(), Some("new"));
}
