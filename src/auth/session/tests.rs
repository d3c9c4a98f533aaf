use super::*;
use crate::auth::jwt;
use crate::auth::token_cache::replace_file;
use serde_json::json;
use std::os::unix::fs::DirBuilderExt;

/// Creates a token folder with a file `auth_token_for_account_kim`.
fn folder(token: &str) -> (tempfile::TempDir, PathBuf) {
    let tmp = tempfile::tempdir().unwrap();
    let folder = tmp.path().join(".rucio_kim");
    std::fs::DirBuilder::new().mode(0o700).create(&folder).unwrap();
    replace_file(&folder.join("auth_token_for_account_kim"), token.as_bytes()).unwrap();
    (tmp, folder)
}

/// Writes our record beside it.
fn record(folder: &Path, token: &str, expires: i64) {
    let digest = crate::sha256::hex(token);
    let record = json!({"host": "https://h", "auth_host": "https://a", "vo": "def", "auth_type": "gss",
        "account": "kim", "expires": expires, "since": 1, "digest": digest});
    replace_file(&folder.join("auth_token_for_account_kim.origin"), record.to_string().as_bytes()).unwrap();
}

fn only(folder: &Path) -> Session {
    let mut all = all(&[folder.to_owned()], None);
    assert_eq!(all.len(), 1);
    all.remove(0).0
}

#[test]
fn session_record_has_owner_and_expiry() {
    let (_tmp, folder) = folder("t");
    record(&folder, "t", unix_time() + 600);
    let session = only(&folder);
    assert_eq!((session.host.as_deref(), session.auth_type.as_deref()), (Some("https://h"), Some("gss")));
    assert_eq!((session.account.as_deref(), session.since), (Some("kim"), Some(1)));
    assert!(!session.has_ended() && session.seconds_left().is_some_and(|left| left > 590));
    assert_eq!(session.secret(), Some(Secret::from("t")));
}

#[test]
fn session_token_that_expired_is_not_returned() {
    let (_tmp, folder) = folder("t");
    record(&folder, "t", unix_time() - 1);
    let session = only(&folder);
    assert!(session.has_ended() && session.secret().is_none());
    assert_eq!(session.seconds_left(), Some(0));
}

#[test]
fn session_written_later_by_another_program_has_its_own_expiry() {
    let token = jwt::tests::token(&json!({"exp": unix_time() + 50, "nbf": 7}));
    let (_tmp, folder) = folder(&token);
    record(&folder, "the one before", unix_time() + 600);
    let session = only(&folder);
    assert!(session.seconds_left().is_some_and(|left| left <= 50));
    assert_eq!(session.since, Some(7));
}

#[test]
fn session_without_a_record_belongs_to_the_account_in_its_name() {
    let (_tmp, folder) = folder("t");
    let session = only(&folder);
    assert_eq!((session.account.as_deref(), session.host, session.expires), (Some("kim"), None, None));
}

#[test]
fn session_record_without_a_token_is_no_session() {
    let (_tmp, folder) = folder("t");
    record(&folder, "t", unix_time() + 600);
    std::fs::remove_file(folder.join("auth_token_for_account_kim")).unwrap();
    assert!(all(&[folder], None).is_empty());
}

#[test]
fn session_logout_of_all_removes_tokens_and_nothing_else() {
    let (_tmp, folder) = folder("t");
    for name in
        ["auth_token_for_account_kim.refresh", "auth_token_exp_for_account_kim", "auth_token_for_default_account"]
    {
        replace_file(&folder.join(name), b"x").unwrap();
    }
    std::fs::write(folder.join("notes"), "x").unwrap();
    assert_eq!(forget_all(std::slice::from_ref(&folder)).unwrap().len(), 2);
    let left: Vec<_> = std::fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(left, ["notes"]);
}
