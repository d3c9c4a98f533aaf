//! PFNs of archives and of their members.

use crate::storage::Pfn;

/// Query parameter for the name of the member, which the server appends to an archive's PFN.
const MEMBER_PREFIX: &str = "xrdcl.unzip=";

/// Returns the PFN of an archive, without the member name that the server appends.
pub(super) fn archive(pfn: Pfn) -> Pfn {
    let Some(query) = pfn.query() else { return pfn };
    let other_parts: Vec<_> = query.split('&').filter(|one| !one.starts_with(MEMBER_PREFIX)).collect();
    if other_parts.is_empty() {
        return Pfn::new(pfn.without_query());
    }
    Pfn::new(format!("{}?{}", pfn.without_query(), other_parts.join("&")))
}

/// Whether a PFN names a member of an archive that the storage cannot extract: XRootD can for zip archives, but the
/// server lists it for all archives.
pub(super) fn needs_unpacking(pfn: &Pfn) -> bool {
    let is_member = pfn.query().is_some_and(|query| query.split('&').any(|one| one.starts_with(MEMBER_PREFIX)));
    is_member && !(matches!(pfn.scheme(), "root" | "xroot" | "roots" | "xroots") && is_zip(pfn.without_query()))
}

/// Whether a path ends in the name of a zip archive: `a.zip`, `a.zip.1`.
fn is_zip(path: &str) -> bool {
    let name = path.trim_end_matches(|letter: char| letter == '.' || letter.is_ascii_digit()).to_ascii_lowercase();
    name.ends_with(".zip") || name.ends_with(".zipx")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn archive_pfn_loses_only_the_name_of_its_member() {
        for (pfn, expected) in [
            ("https://h/a.zip?xrdcl.unzip=f", "https://h/a.zip"),
            ("https://h/a.zip?X-Amz-Signature=1&xrdcl.unzip=f", "https://h/a.zip?X-Amz-Signature=1"),
            ("https://h/a.zip?xrdcl.unzip=f%26g&x=1", "https://h/a.zip?x=1"),
            ("https://h/a.zip", "https://h/a.zip"),
        ] {
            assert_eq!(archive(pfn.into()).as_str(), expected);
        }
        for (pfn, expected) in [
            ("root://h//a.zip?xrdcl.unzip=f", false),
            ("root://h//a.ZIP.2?xrdcl.unzip=f", false),
            ("root://h//a.tar.gz?xrdcl.unzip=f", true),
            ("https://h/a.zip?xrdcl.unzip=f", true),
            ("root://h//a.tgz?x=1", false),
        ] {
            assert_eq!(needs_unpacking(&pfn.into()), expected, "{pfn}");
        }
    }
}
