//! Forms of CA files and folders. The server is a good one, and its root is in the file, one way or another.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use openssl::base64::encode_block;
use openssl::hash::{MessageDigest, hash};
use openssl::x509::X509;

use super::case::Lab;
use super::certificate::{Blueprint, Issued};

/// Writes all forms below this folder. Returns the name and the path of each.
pub(super) fn forms(lab: &Lab, host: &Issued, folder: &Path) -> Result<Vec<(String, PathBuf)>> {
    let mut forms = Vec::new();
    for (name, content) in texts(lab)?.into_iter().chain(bytes(lab, host)?).chain(settings(lab)?) {
        let path = folder.join(format!("{name}.pem"));
        fs::write(&path, content)?;
        forms.push((format!("file-{name}"), path));
    }
    let link = folder.join("link.pem");
    symlink(folder.join("plain.pem"), &link)?;
    forms.push(("file-link".to_owned(), link));
    forms.push(("file-missing".to_owned(), folder.join("missing.pem")));
    for (name, files) in folders(lab, host)? {
        let path = folder.join(name);
        fs::create_dir(&path)?;
        for (file, content) in files {
            fs::write(path.join(file), content)?;
        }
        forms.push((format!("folder-{name}"), path));
    }
    forms.extend(linked_folders(lab, folder)?);
    Ok(forms)
}

type Contents = Vec<(&'static str, Vec<u8>)>;

/// Forms of the text.
fn texts(lab: &Lab) -> Result<Contents> {
    let pem = lab.root.pem()?;
    let lines: Vec<_> = pem.lines().collect();
    let body = lines[1..lines.len() - 1].concat();
    let around = |body: &str| format!("{}\n{body}\n{}\n", lines[0], lines[lines.len() - 1]);
    let narrow: Vec<_> = body.as_bytes().chunks(20).map(String::from_utf8_lossy).collect();
    let text = String::from_utf8(lab.root.certificate.to_text()?)?;
    let forms = [
        ("plain", pem.clone()),
        ("byte-order-mark", format!("\u{feff}{pem}")),
        ("byte-order-mark-and-text", format!("\u{feff}# Our CA\n{pem}")),
        ("crlf", pem.replace('\n', "\r\n")),
        ("cr", pem.replace('\n', "\r")),
        ("text-before", format!("{text}{pem}")),
        ("text-after", format!("{pem}{text}")),
        ("comment", format!("# Laboratory: a comment -----\n{pem}")),
        ("one-line", around(&body)),
        ("narrow-lines", around(&narrow.join("\n"))),
        ("no-final-newline", pem.trim_end().to_owned()),
        ("blanks-before", lines.iter().map(|line| format!("  {line}\n")).collect()),
        ("blanks-after", lines.iter().map(|line| format!("{line}  \n")).collect()),
        ("blank-lines-inside", pem.replace('\n', "\n\n")),
        ("label-x509", pem.replace("CERTIFICATE", "X509 CERTIFICATE")),
        ("label-lower-case", pem.replace("CERTIFICATE", "certificate")),
        ("label-other", pem.replace("CERTIFICATE", "AUTHORITY")),
        ("label-of-end-differs", pem.replace("END CERTIFICATE", "END X509 CERTIFICATE")),
        ("four-dashes", pem.replace("-----BEGIN", "----BEGIN")),
        ("cut", pem[..pem.len() / 2].to_owned()),
        ("cut-behind-another", pem.clone() + &pem[..pem.len() / 2]),
        ("twice", pem.clone() + &pem),
        ("bad-character", pem.replacen(&lines[3][..4], "!!!!", 1)),
        ("empty", String::new()),
        ("only-text", "This is no certificate.\n".to_owned()),
        ("with-key", lab.root.key_pem()? + &pem),
        ("with-encrypted-key", encrypted_key(lab)? + &pem),
    ];
    Ok(forms.map(|(name, text)| (name, text.into_bytes())).into())
}

fn encrypted_key(lab: &Lab) -> Result<String> {
    let cipher = openssl::symm::Cipher::aes_256_cbc();
    Ok(String::from_utf8(lab.root.key.private_key_to_pem_pkcs8_passphrase(cipher, b"secret")?)?)
}

/// Forms that are not text, and files of several members.
fn bytes(lab: &Lab, host: &Issued) -> Result<Contents> {
    let pem = lab.root.pem()?;
    let other = |blueprint: Blueprint| lab.self_signed(&blueprint.key("p-384"))?.pem();
    let mut bundle = String::new();
    for number in 0..300 {
        bundle += &other(Blueprint::authority(&format!("Other {number}")))?;
    }
    let expired = other(Blueprint::authority("Expired").days(-9, -1))?;
    let unfit = other(Blueprint::server())?;
    let not_a_certificate =
        format!("-----BEGIN CERTIFICATE-----\n{}\n-----END CERTIFICATE-----\n", encode_block(b"nothing"));
    let utf_16: Vec<u8> = pem.encode_utf16().flat_map(u16::to_le_bytes).collect();
    Ok(vec![
        ("der", lab.root.certificate.to_der()?),
        ("utf-16", [&[0xff, 0xfe][..], &utf_16].concat()),
        ("latin-1-comment", [&b"# Universit\xe9\n"[..], pem.as_bytes()].concat()),
        ("zero-bytes-after", [pem.as_bytes(), &[0; 16]].concat()),
        ("bundle", (bundle + &pem).into_bytes()),
        ("with-expired", (expired + &pem).into_bytes()),
        ("with-unfit", (unfit + &pem).into_bytes()),
        ("with-damaged", (not_a_certificate.clone() + &pem).into_bytes()),
        ("only-damaged", not_a_certificate.into_bytes()),
        ("with-list", (crl(lab, None)? + &pem).into_bytes()),
        ("with-list-that-revokes", (crl(lab, Some(&host.certificate))? + &pem).into_bytes()),
    ])
}

/// OpenSSL's trust settings (`X509_CERT_AUX`) behind a certificate, in DER form.
fn settings(lab: &Lab) -> Result<Contents> {
    const SERVER: &[u8] = &[6, 8, 0x2b, 6, 1, 5, 5, 7, 3, 1];
    const CLIENT: &[u8] = &[6, 8, 0x2b, 6, 1, 5, 5, 7, 3, 2];
    const ANY: &[u8] = &[6, 4, 0x55, 0x1d, 37, 0];
    let wrap = |tag: u8, parts: &[&[u8]]| [&[tag, parts.concat().len() as u8], &parts.concat()[..]].concat();
    let trusts = |purposes: &[&[u8]]| wrap(0x30, purposes);
    let rejects = |purposes: &[&[u8]]| wrap(0xa0, purposes);
    let alias = wrap(0x0c, &[b"Our CA"]);
    let forms: Vec<(&str, Vec<u8>)> = vec![
        ("trusted-without-settings", Vec::new()),
        ("trusted-with-alias", wrap(0x30, &[&alias])),
        ("trusted-for-servers", wrap(0x30, &[&trusts(&[SERVER])])),
        ("trusted-for-both", wrap(0x30, &[&trusts(&[CLIENT, SERVER]), &alias])),
        ("trusted-for-any-use", wrap(0x30, &[&trusts(&[ANY])])),
        ("trusted-for-clients", wrap(0x30, &[&trusts(&[CLIENT])])),
        ("rejected-for-servers", wrap(0x30, &[&rejects(&[SERVER])])),
        ("rejected-for-clients", wrap(0x30, &[&rejects(&[CLIENT])])),
        ("rejected-for-any-use", wrap(0x30, &[&rejects(&[ANY])])),
        ("trusted-and-rejected", wrap(0x30, &[&trusts(&[SERVER]), &rejects(&[SERVER])])),
    ];
    let der = lab.root.certificate.to_der()?;
    let pem = |settings: Vec<u8>| {
        let body = encode_block(&[&der[..], &settings].concat());
        let lines: Vec<_> = body.as_bytes().chunks(64).map(String::from_utf8_lossy).collect();
        format!("-----BEGIN TRUSTED CERTIFICATE-----\n{}\n-----END TRUSTED CERTIFICATE-----\n", lines.join("\n"))
    };
    Ok(forms.into_iter().map(|(name, settings)| (name, pem(settings).into_bytes())).collect())
}

/// A list of what the root has revoked: this certificate, or nothing.
fn crl(lab: &Lab, revoked: Option<&X509>) -> Result<String> {
    let fixture =
        crate::fixtures::CertificateFixture { certificate: lab.root.certificate.clone(), key: lab.root.key.clone() };
    fixture.revokes(&revoked.into_iter().collect::<Vec<_>>(), 9, &lab.root.key)
}

type Files = Vec<(String, Vec<u8>)>;

fn folders(lab: &Lab, host: &Issued) -> Result<Vec<(&'static str, Files)>> {
    let pem = lab.root.pem()?;
    let name = format!("{:08x}", lab.root.certificate.subject_name_hash());
    let md5 = hash(MessageDigest::md5(), &lab.root.certificate.subject_name().to_der()?)?;
    let old_hash = format!("{:08x}", u32::from_le_bytes([md5[0], md5[1], md5[2], md5[3]]));
    let expired = lab.self_signed(&Blueprint::authority("Root").key("p-384").days(-9, -1))?.pem()?;
    let other = lab.self_signed(&Blueprint::authority("Root").key("p-384"))?.pem()?;
    let file = |ending: &str, content: &str| (format!("{name}.{ending}"), content.as_bytes().to_vec());
    let trusted = settings(lab)?.into_iter().find(|(name, _)| *name == "rejected-for-servers").context("form")?.1;
    Ok(vec![
        ("hashed", vec![file("0", &pem)]),
        ("hashed-crlf", vec![file("0", &pem.replace('\n', "\r\n"))]),
        ("hashed-byte-order-mark", vec![file("0", &format!("\u{feff}{pem}"))]),
        ("hashed-der", vec![(format!("{name}.0"), lab.root.certificate.to_der()?)]),
        ("hashed-rejected", vec![(format!("{name}.0"), trusted)]),
        ("hashed-second", vec![file("0", &other), file("1", &pem)]),
        ("hashed-behind-expired", vec![file("0", &expired), file("1", &pem)]),
        ("hashed-only-expired", vec![file("0", &expired)]),
        ("hashed-gap", vec![file("1", &pem)]),
        ("hashed-several-in-a-file", vec![file("0", &(other.clone() + &pem))]),
        ("hashed-damaged-first", vec![file("0", "nothing"), file("1", &pem)]),
        ("hashed-upper-case", vec![(format!("{}.0", name.to_uppercase()), pem.clone().into_bytes())]),
        ("hashed-by-md5", vec![(format!("{old_hash}.0"), pem.clone().into_bytes())]),
        ("hashed-wrongly", vec![("0badcafe.0".to_owned(), pem.clone().into_bytes())]),
        (
            "grid",
            vec![
                file("0", &pem),
                file("r0", &crl(lab, None)?),
                file("signing_policy", "access_id_CA X509 '/O=Laboratory/CN=Root'\n"),
                file("namespaces", "TO Issuer \"/O=Laboratory/CN=Root\" PERMIT Subject \"/O=Laboratory/.*\"\n"),
                ("Laboratory.info".to_owned(), b"alias = Laboratory\n".to_vec()),
            ],
        ),
        ("grid-that-revokes", vec![file("0", &pem), file("r0", &crl(lab, Some(&host.certificate))?)]),
        ("damaged-list", vec![file("0", &pem), file("r0", "nothing")]),
        ("other-root", vec![file("0", &other)]),
        ("not-hashed", vec![("ca.pem".to_owned(), pem.into_bytes())]),
        ("empty", Vec::new()),
    ])
}

/// Folders whose files are links, as `openssl rehash` makes them.
fn linked_folders(lab: &Lab, folder: &Path) -> Result<Vec<(String, PathBuf)>> {
    let hash = format!("{:08x}", lab.root.certificate.subject_name_hash());
    let (linked, dangling) = (folder.join("linked"), folder.join("dangling"));
    for path in [&linked, &dangling] {
        fs::create_dir(path)?;
        fs::write(path.join("ca.pem"), lab.root.pem()?)?;
    }
    symlink("ca.pem", linked.join(format!("{hash}.0")))?;
    symlink("gone.pem", dangling.join(format!("{hash}.0")))?;
    symlink("ca.pem", dangling.join(format!("{hash}.1")))?;
    Ok(vec![("folder-linked".to_owned(), linked), ("folder-dangling".to_owned(), dangling)])
}
