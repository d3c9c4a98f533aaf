//! `rucio-admin data ...`: export and import of the catalogue's settings, with the official client's messages. These
//! commands exist only in `rucio-admin`; the REST calls are in `crate::api::data`.

pub(crate) mod export;
pub(crate) mod import;

use crate::cli::ui::values::str_repr;

/// Formats the error of a system call as Python does.
fn os_error(error: &std::io::Error, path: &str) -> String {
    let Some(number) = error.raw_os_error() else { return error.to_string() };
    let text = error.to_string();
    let text = text.strip_suffix(&format!(" (os error {number})")).unwrap_or(&text);
    format!("[Errno {number}] {text}: {}", str_repr(path))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn system_errors_read_as_in_python() {
        let error = std::fs::read("/nosuch").unwrap_err();
        assert_eq!(os_error(&error, "/nosuch"), "[Errno 2] No such file or directory: '/nosuch'");
    }
}
