//! What people log in with.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::process::Command;

use anyhow::{Result, ensure};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::fixtures::Home;
use crate::fixtures::doctor::{DoctorFixture, certificate, proxy, x509};

#[test]
fn doctor_is_content_with_every_authentication_method_that_works() -> Result<()> {
    for (lines, way, identity) in [
        ("auth_type = userpass\nusername = jdoe\npassword = secret".to_owned(), "userpass", "jdoe"),
        (certificate("jdoe")?, "x509", "CN=John Doe,O=Testbed"),
        (proxy("jdoe.proxy.pem")?, "x509_proxy", "CN=John Doe,O=Testbed"),
    ] {
        let doctor = DoctorFixture::with(|_| Ok(lines))?;
        let findings = doctor.is_well()?;
        let login = findings.iter().find(|finding| finding.check == "login");
        let said = login.map(|finding| finding.message.as_str()).unwrap_or_default();
        let wanted = format!("account jdoe as {identity}, with {way}, status ACTIVE");
        ensure!(said == wanted, "{said}");
        let checks: Vec<_> = findings.iter().map(|finding| finding.check.as_str()).collect();
        for check in
            ["configuration", "settings", "credentials", "ca", "clock", "name", "connection", "tls", "server", "token"]
        {
            ensure!(checks.contains(&check), "{way}: no {check} among {checks:?}");
        }
        // The second time there is a token.
        let again = doctor.is_well()?;
        ensure!(again.iter().any(|finding| finding.message.contains(&format!("with {way}, valid for "))), "{again:#?}");
    }
    Ok(())
}

#[test]
fn doctor_finds_a_wrong_password() -> Result<()> {
    let doctor = DoctorFixture::with(|_| Ok("auth_type = userpass\nusername = jdoe\npassword = wr%ng".to_owned()))?;
    doctor.fails(&[], 1)?.says("login", &["the password of jdoe is wrong", "rucio login"])?;
    let text = doctor.run(&[])?;
    ensure!(!text.stdout.contains("wr%ng") && !text.stderr.contains("wr%ng"), "{text:?}");
    Ok(())
}

#[test]
fn doctor_finds_an_unknown_user() -> Result<()> {
    let doctor = DoctorFixture::with(|_| Ok("auth_type = userpass\nusername = nemo77\npassword = secret".to_owned()))?;
    let command = "rucio account identity add --type USERPASS --id nemo77 --email EMAIL --password PASSWORD jdoe";
    doctor.fails(&[], 1)?.says("login", &["does not know the identity nemo77 (USERPASS)", command])
}

#[test]
fn doctor_finds_an_unknown_account() -> Result<()> {
    let doctor = DoctorFixture::userpass()?.args(&["--account", "nobody77"]);
    let texts = ["there is no account nobody77; jdoe belongs to jdoe", "rucio --account jdoe whoami"];
    doctor.fails(&[], 1)?.says("login", &texts)?;
    let tokens = fs::read_dir(doctor.home.token_folder())?.flatten().map(|entry| entry.file_name()).collect::<Vec<_>>();
    ensure!(tokens == [".lock"], "a token of the diagnosis was saved: {tokens:?}");
    Ok(())
}

#[test]
fn doctor_finds_an_identity_that_may_not_use_the_account() -> Result<()> {
    let command = "An administrator can add the identity: `rucio account identity add --type USERPASS --id jdoe";
    let doctor = DoctorFixture::userpass()?.args(&["--account", "alice"]);
    doctor.fails(&[], 1)?.says("login", &["jdoe may not act as account alice; it belongs to jdoe", command])?;
    let doctor = DoctorFixture::with(|_| certificate("jdoe"))?.args(&["--account", "alice"]);
    doctor.fails(&[], 1)?.says("login", &["CN=John Doe,O=Testbed may not act as account alice", "--type X509"])
}

#[test]
fn doctor_finds_a_certificate_of_an_unknown_ca() -> Result<()> {
    let doctor = DoctorFixture::with(|_| certificate("stranger"))?;
    let command = "rucio account identity add --type X509 --id 'CN=Nobody Known,O=Testbed' --email EMAIL jdoe";
    doctor.fails(&[], 1)?.says("login", &["does not know the identity CN=Nobody Known,O=Testbed (X509)", command])
}

#[test]
fn doctor_finds_an_expired_certificate() -> Result<()> {
    let doctor = DoctorFixture::with(|_| certificate("jdoe.expired"))?;
    doctor
        .fails(&[], 1)?
        .says("credentials", &["jdoe.expired.pem: certificate of CN=", "expired on 20", "openssl x509"])
}

#[test]
fn doctor_finds_an_expired_proxy() -> Result<()> {
    let doctor = DoctorFixture::with(|_| proxy("jdoe.expired-proxy.pem"))?;
    let texts = [
        "jdoe.expired-proxy.pem: proxy of CN=John Doe,O=Testbed, set by client_x509_proxy, expired on",
        "voms-proxy-init",
    ];
    doctor.fails(&[], 1)?.says("credentials", &texts)
}

#[test]
fn doctor_finds_an_expired_proxy_for_storage() -> Result<()> {
    let file = Home::certificate("jdoe.expired-proxy.pem")?;
    let doctor = DoctorFixture::userpass()?.env("X509_USER_PROXY", &file.to_string_lossy());
    doctor.is_warned()?.says("credentials", &["used for storages, expired on", "voms-proxy-init"])
}

#[test]
fn doctor_finds_a_missing_proxy() -> Result<()> {
    let doctor = DoctorFixture::with(|_| Ok("auth_type = x509_proxy".to_owned()))?;
    let texts = ["There is no proxy certificate at", "voms-proxy-init", "RUCIO_CLIENT_PROXY"];
    doctor.fails(&[], 1)?.says("credentials", &texts)
}

#[test]
fn doctor_finds_a_proxy_that_others_may_read() -> Result<()> {
    let doctor = DoctorFixture::with(|home| {
        Ok(format!("auth_type = x509_proxy\nclient_x509_proxy = {}", home.copy("jdoe.proxy.pem", 0o644)?.display()))
    })?;
    let finding = doctor.is_warned()?;
    finding.says("credentials", &["contains a private key and is accessible to others (mode 644)"])?;
    doctor.apply_hint(&finding, "chmod ")?;
    doctor.is_well().map(drop)
}

#[test]
fn doctor_finds_a_key_that_others_may_read() -> Result<()> {
    let doctor =
        DoctorFixture::with(|home| Ok(x509(&Home::certificate("jdoe.pem")?, &home.copy("jdoe.key.pem", 0o644)?)))?;
    let finding = doctor.fails(&[], 1)?;
    finding.says("credentials", &["jdoe.key.pem) permissions are liberal (required: 400 or 600, found: 644)"])?;
    doctor.apply_hint(&finding, "chmod ")?;
    doctor.is_well().map(drop)
}

#[test]
fn doctor_finds_a_key_of_another_certificate() -> Result<()> {
    let doctor =
        DoctorFixture::with(|_| Ok(x509(&Home::certificate("jdoe.pem")?, &Home::certificate("root.key.pem")?)))?;
    let texts =
        ["root.key.pem: this is not the private key of", "jdoe.pem", "client_key", "openssl x509 -noout -pubkey"];
    doctor.fails(&[], 1)?.says("credentials", &texts)
}

#[test]
fn doctor_asks_for_a_login_with_an_encrypted_key() -> Result<()> {
    let doctor = DoctorFixture::with(|_| {
        Ok(x509(&Home::certificate("jdoe.pem")?, &Home::certificate("jdoe.encrypted.key.pem")?))
    })?;
    doctor.fails(&[], 4)?.says("token", &["no token yet", "rucio login"])
}

#[test]
fn doctor_finds_a_missing_kerberos_ticket() -> Result<()> {
    let doctor = DoctorFixture::with(|_| Ok("auth_type = gss".to_owned()))?;
    doctor.fails(&[], 4)?.says("credentials", &["there are no Kerberos tickets", "kinit"])
}

#[test]
fn doctor_finds_an_unknown_authentication_method() -> Result<()> {
    let doctor = DoctorFixture::with(|_| Ok("auth_type = telepathy".to_owned()))?;
    doctor.fails(&[], 1)?.says("credentials", &["auth type 'telepathy' not supported", "userpass, x509"])
}

#[test]
fn doctor_names_bearer_tokens_without_showing_them() -> Result<()> {
    let doctor =
        DoctorFixture::userpass()?.env("BEARER_TOKEN", "eyJhbGciOiJub25lIn0.eyJpc3MiOiJodHRwczovL2lkcCJ9.c2ln");
    let findings = doctor.is_well()?;
    ensure!(
        findings.iter().any(|found| found.message == "bearer token of https://idp (used only by oidc), without expiry")
    );
    ensure!(!format!("{findings:?}").contains("eyJ"));
    let file = doctor.home.path().join("bt");
    fs::write(&file, "opaque-bearer-token")?;
    fs::set_permissions(&file, Permissions::from_mode(0o600))?;
    let findings = DoctorFixture::userpass()?.env("BEARER_TOKEN_FILE", &file.to_string_lossy()).is_well()?;
    ensure!(findings.iter().any(|found| found.subject == file.to_string_lossy()), "{findings:#?}");
    ensure!(!format!("{findings:?}").contains("opaque-bearer"));
    Ok(())
}

#[test]
fn doctor_tells_ssh_keys_with_and_without_pass_phrase() -> Result<()> {
    for (phrase, code, expected) in
        [("", 0, "unencrypted SSH key"), ("hunter2", 4, "encrypted SSH key; a login prompts for the pass phrase")]
    {
        let doctor = DoctorFixture::with(|home| {
            let key = home.path().join("id");
            let mut command = Command::new("ssh-keygen");
            let status = command.args(["-q", "-t", "rsa", "-N", phrase, "-f"]).arg(&key).status()?;
            ensure!(status.success());
            Ok(format!("auth_type = ssh\nssh_private_key = {}", key.display()))
        })?;
        let (findings, ended) = doctor.examined(&["--offline"])?;
        ensure!(ended == code && findings.iter().any(|found| found.message == expected), "{ended}: {findings:#?}");
    }
    Ok(())
}

#[test]
fn doctor_asks_openid_connect_users_for_a_login_or_a_token() -> Result<()> {
    let lines = "auth_type = oidc\noidc_audience = rucio\noidc_issuer = testbed";
    let doctor = DoctorFixture::with(|_| Ok(lines.to_owned()))?;
    for options in [&[][..], &["--offline"]] {
        doctor.fails(options, 4)?.says("token", &["no token yet", "rucio login"])?;
    }
    let claims = br#"{"iss": "https://idp", "exp": 4000000000, "aud": "rucio"}"#;
    let token = format!("eyJhbGciOiJub25lIn0.{}.c2ln", URL_SAFE_NO_PAD.encode(claims));
    let (findings, code) = doctor.env("BEARER_TOKEN", &token).examined(&["--offline"])?;
    let said = format!("{findings:?}");
    ensure!(
        code == 0 && said.contains("token of another program, takes precedence over ours, valid for "),
        "{findings:#?}"
    );
    ensure!(!said.contains("eyJ"), "{said}");
    Ok(())
}
