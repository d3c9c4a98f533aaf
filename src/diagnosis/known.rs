//! The options of the configuration file.

/// Every option that this client or the official one reads in `[client]`, sorted.
pub(super) const OPTIONS: &[&str] = &[
    "account",
    "auth_host",
    "auth_oidc_refresh_active",
    "auth_oidc_refresh_before_exp",
    "auth_token_file_path",
    "auth_type",
    "ca_cert",
    "client_cert",
    "client_key",
    "client_x509_proxy",
    "metadata_default_plugin",
    "multi_host_commands",
    "multi_host_servers",
    "oidc_audience",
    "oidc_client_id",
    "oidc_client_secret",
    "oidc_issuer",
    "oidc_login",
    "oidc_polling",
    "oidc_polling_timeout",
    "oidc_provider",
    "oidc_refresh_lifetime",
    "oidc_resource",
    "oidc_scope",
    "opendata_host",
    "password",
    "protocol_stat_retries",
    "register_bittorrent_meta",
    "request_retries",
    "rucio_host",
    "ssh_private_key",
    "username",
    "vo",
];

/// The sections with options of the client; there is also a `[profile NAME]` for each profile.
pub(crate) const SECTIONS: [&str; 8] =
    ["client", "cli", "common", "download", "experimental", "policy", "trace", "upload"];

/// Returns the options that this client or the official one reads in a section, sorted; `None` for other sections.
pub(crate) fn options_of(section: &str) -> Option<&'static [&'static str]> {
    Some(match section {
        "client" => OPTIONS,
        "cli" => &["endpoints", "endpoints_add", "endpoints_remove", "output"],
        "common" => &["extract_scope", "logformat", "loglevel"],
        "download" => &["preferred_impl", "transfer_speed_timeout", "transfer_timeout"],
        "experimental" => &["cli"],
        "policy" => &[
            "extract_scope",
            "lfn2pfn_algorithm_default",
            "lfn2pfn_module",
            "package",
            "permission",
            "support",
            "support_rucio",
        ],
        "trace" => &["trace_host"],
        "upload" => &["preferred_impl", "transfer_timeout"],
        _ if section.starts_with("profile ") => OPTIONS,
        _ => return None,
    })
}

/// Returns the option of `[client]` that was probably meant.
pub(super) fn nearest(name: &str) -> Option<&'static str> {
    nearest_of(name, OPTIONS)
}

/// Returns the option that was probably meant: the nearest one, if it is near enough.
pub(crate) fn nearest_of(name: &str, options: &'static [&'static str]) -> Option<&'static str> {
    crate::nearest::nearest(name, options.iter().copied(), 1).first().copied()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::Path;

    #[test]
    fn known_options_are_suggested_for_typos() {
        let cases = [("acount", Some("account")), ("auth_tpye", Some("auth_type")), ("experiment_motto", None)];
        for (typed, meant) in cases {
            assert_eq!(nearest(typed), meant, "{typed}");
        }
        for section in SECTIONS {
            assert!(options_of(section).is_some_and(<[_]>::is_sorted), "{section}");
        }
    }

    /// A new option must be added to the table of its section.
    #[test]
    fn known_options_include_every_one_that_is_read() {
        // The call of a method with section and option.
        let read = regex::Regex::new(r#"[a-z]\("([a-z]+)", "([a-z_0-9]+)""#).unwrap();
        let mut seen = 0;
        for text in sources(Path::new(env!("CARGO_MANIFEST_DIR")).join("src").as_path()) {
            let code = text.split("#[cfg(test)]").next().unwrap_or_default();
            for found in read.captures_iter(code) {
                let (section, option) = (&found[1], &found[2]);
                let Some(options) = options_of(section) else { continue };
                assert!(options.contains(&option), "the table of known options lacks [{section}] {option}");
                seen += 1;
            }
            for start in ["Name { option: \"", "(CLIENT, \"", "&client(\"", "find(&overrides.oidc_"] {
                for rest in code.split(start).skip(1) {
                    let rest = if start.starts_with("find") { rest.split('"').nth(1) } else { rest.split('"').next() };
                    let option = rest.unwrap_or_default();
                    assert!(OPTIONS.contains(&option), "the table of known options lacks {option}");
                    seen += 1;
                }
            }
        }
        assert!(seen > 25, "only {seen} were found");
    }

    /// The documentation shows only options that the client reads.
    #[test]
    fn known_options_include_every_one_in_the_documentation() {
        let mut seen = 0;
        for page in ["docs/authentication.md", "docs/sessions.md"] {
            let text = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(page)).unwrap();
            for block in text.split("```ini\n").skip(1) {
                let block = block.split("```").next().unwrap_or_default();
                for option in block.lines().filter_map(|line| Some(line.split_once('=')?.0.trim())) {
                    assert!(OPTIONS.contains(&option), "{page} shows the option {option}");
                    seen += 1;
                }
            }
        }
        assert!(seen > 40, "only {seen} were found");
    }

    #[test]
    fn known_options_include_every_one_of_the_example() {
        let mut section = "";
        let mut seen = 0;
        for line in include_str!("../../rucio.cfg.example").lines() {
            if let Some(name) = line.strip_prefix('[') {
                section = name.trim_end_matches(']');
            }
            let option = line.trim_start_matches('#').split_once(" = ").map(|(option, _)| option);
            // An indented line is part of an explanation.
            let Some(option) = option.filter(|option| !option.contains(' ')) else { continue };
            let is_known = options_of(section).is_some_and(|options| options.contains(&option));
            // `multi_host_servers` names sections of any name.
            assert!(is_known || option == "config_file", "the table lacks {option} of [{section}]");
            seen += 1;
        }
        assert!(seen > 40, "only {seen} were found");
    }

    fn sources(folder: &Path) -> Vec<String> {
        let paths = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
        paths
            .flat_map(|path| if path.is_dir() { sources(&path) } else { vec![std::fs::read_to_string(path).unwrap()] })
            .collect()
    }
}
