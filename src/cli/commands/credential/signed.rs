//! Parser of signed URLs.

use chrono::NaiveDateTime;
use url::Url;

/// A URL with a signature.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Signed {
    /// Host and port.
    pub place: String,
    /// Expiry time, in seconds since 1970.
    pub expires: i64,
    /// Whether it is an AWS Signature Version 4, whose lifetime is limited.
    pub is_amazon: bool,
}

/// Parses a signed URL of Google (`Expires`), Amazon (version 4: `X-Amz-Date` and `X-Amz-Expires`, 2: `Expires`) or
/// Swift (`temp_url_expires`). `None` if it is not signed.
pub(super) fn read(text: &str) -> Option<Signed> {
    let url = Url::parse(text).ok()?;
    let value = |name: &str| url.query_pairs().find(|(key, _)| key == name).map(|(_, value)| value.into_owned());
    value("X-Amz-Signature").or_else(|| value("Signature")).or_else(|| value("temp_url_sig"))?;
    let number = |name: &str| value(name)?.parse::<i64>().ok();
    let start =
        || Some(NaiveDateTime::parse_from_str(&value("X-Amz-Date")?, "%Y%m%dT%H%M%SZ").ok()?.and_utc().timestamp());
    let amazon = || Some(start()? + number("X-Amz-Expires")?);
    let expires = number("Expires").or_else(|| number("temp_url_expires")).or_else(amazon)?;
    Some(Signed { place: place(text)?, expires, is_amazon: value("X-Amz-Signature").is_some() })
}

/// Returns host and port of a URL. The default is the port of the scheme, or 443 if the scheme has none.
pub(super) fn place(url: &str) -> Option<String> {
    let url = Url::parse(url).ok()?;
    Some(format!("{}:{}", url.host_str()?, url.port_or_known_default().unwrap_or(443)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signed_urls_of_all_services_are_recognised() {
        let cases = [
            (
                "https://h:9/b/k?X-Amz-Date=20261124T065241Z&X-Amz-Expires=600&X-Amz-Signature=1f",
                "h:9",
                1_795_503_761,
                true,
            ),
            ("https://b.h/k?AWSAccessKeyId=a&Signature=x&Expires=1795503761", "b.h:443", 1_795_503_761, false),
            ("https://h/b/k?GoogleAccessId=a@b&Expires=1795503761&Signature=x%3D", "h:443", 1_795_503_761, false),
            ("https://h/v1/k?temp_url_sig=1f&temp_url_expires=1795503761", "h:443", 1_795_503_761, false),
        ];
        for (url, place, expires, is_amazon) in cases {
            assert_eq!(read(url), Some(Signed { place: place.into(), expires, is_amazon }), "{url}");
        }
        for url in ["https://h/b/k", "https://h/b/k?Expires=1", "nothing"] {
            assert_eq!(read(url), None, "{url}");
        }
    }
}
