//! The notice with which the official client begins a legacy or admin command: scripts see it in a pipe.

use super::tree::Tree;

/// Legacy commands and the commands that the notice names in their place.
const LEGACY: [(&str, &str); 38] = [
    ("list-file-replicas", "replica list file"),
    ("list-dataset-replicas", "replica list dataset"),
    ("list-datasets-rse", "replica list dataset --rse"),
    ("add-dataset", "did add --type dataset"),
    ("add-container", "did add --type container"),
    ("attach", "did content add"),
    ("detach", "did content remove"),
    ("ls", "did list"),
    ("list-dids", "did list"),
    ("list-parent-dids", "did list --parent"),
    ("list-scopes", "scope list"),
    ("close", "did update --close"),
    ("reopen", "did update --open"),
    ("stat", "did show"),
    ("erase", "did remove"),
    ("list-content", "did content list"),
    ("list-content-history", "did content history"),
    ("upload", "upload"),
    ("get", "download"),
    ("download", "download"),
    ("get-metadata", "did metadata list"),
    ("set-metadata", "did metadata add"),
    ("delete-metadata", "did metadata remove"),
    ("list-rse-usage", "rse show"),
    ("list-account-usage", "account limit list"),
    ("list-account-limits", "account limit list"),
    ("add-rule", "rule add"),
    ("delete-rule", "rule remove"),
    ("rule-info", "rule show"),
    ("list-rules", "rule list"),
    ("list-rules-history", "rule history"),
    ("update-rule", "rule update"),
    ("move-rule", "rule move"),
    ("list-rses", "rse list"),
    ("list-suspicious-replicas", "replica state suspicious"),
    ("list-rse-attributes", "rse attribute list"),
    ("touch", "did update --touch"),
    ("add-lifetime-exception", "lifetime-exception add"),
];

/// Admin commands, by group and command, and the commands that the notice names in their place.
const ADMIN: [(&str, &str, &str); 48] = [
    ("data", "import", "upload"),
    ("data", "export", "download"),
    ("account", "add", "account add"),
    ("account", "delete", "account remove"),
    ("account", "info", "account show"),
    ("account", "update", "account update"),
    ("account", "set-limits", "account limit add"),
    ("account", "get-limits", "account limit list"),
    ("account", "delete-limits", "account limit remove"),
    ("account", "ban", "account update --ban"),
    ("account", "unban", "account update --unban"),
    ("account", "list-attributes", "account attribute list"),
    ("account", "add-attribute", "account attribute add"),
    ("account", "delete-attribute", "account attribute remove"),
    ("identity", "add", "account identity add"),
    ("identity", "delete", "account identity remove"),
    ("rse", "add", "rse add"),
    ("rse", "list", "rse list"),
    ("rse", "update", "rse update"),
    ("rse", "info", "rse show"),
    ("rse", "set-attribute", "rse attribute add"),
    ("rse", "delete-attribute", "rse attribute remove"),
    ("rse", "delete-distance", "rse distance remove"),
    ("rse", "get-distance", "rse distance show"),
    ("rse", "set-distance", "rse distance update"),
    ("rse", "get-attribute", "rse attribute list"),
    ("rse", "add-protocol", "rse protocol add"),
    ("rse", "delete-protocol", "rse protocol remove"),
    ("rse", "delete", "rse remove"),
    ("rse", "add-qos-policy", "rse qos add"),
    ("rse", "add-distance", "rse distance add"),
    ("rse", "delete-qos-policy", "rse qos remove"),
    ("rse", "list-qos-policies", "rse qos list"),
    ("rse", "set-limit", "rse limit add"),
    ("rse", "delete-limit", "rse limit remove"),
    ("scope", "add", "scope add"),
    ("scope", "list", "scope list"),
    ("config", "get", "config list"),
    ("config", "set", "config add"),
    ("config", "delete", "config remove"),
    ("subscription", "add", "subscription add"),
    ("subscription", "list", "subscription"),
    ("subscription", "update", "subscription update"),
    ("subscription", "reevaluate", "subscription touch"),
    ("replicas", "quarantine", "replica state update quarantine"),
    ("replicas", "declare-bad", "replica state update bad"),
    ("replicas", "declare-temporary-unavailable", "replica state update unavailable"),
    ("replicas", "set-tombstone", "replica remove"),
];

/// Words that the official client takes for a command although they are options.
const HELP: [&str; 3] = ["-h", "--help", "--version"];

/// Returns the notice for a command line; `None` for the current commands. Like the official client it takes the first words
/// that are not options for the names of the command, even if they are values of options.
pub(super) fn notice(tree: Tree, words: &[String]) -> Option<String> {
    let mut names = words.iter().map(String::as_str).filter(|word| !word.starts_with('-') || HELP.contains(word));
    let first = names.next();
    let current = match tree {
        Tree::Commands => return None,
        Tree::Legacy => LEGACY.iter().find(|(name, _)| Some(*name) == first).map(|(_, current)| (*current).to_owned()),
        Tree::Admin => first
            .filter(|group| !HELP.contains(group))
            .map(|group| current_admin_command(group, names.next().unwrap_or("-h"))),
    };
    Some(match current.map(|current| format!("rucio {current}")) {
        Some(command) => format!("This method is being deprecated. Please replace your command with `{command}`"),
        None => "This method is being deprecated. Please view rucio -h for an updated help menu.".to_owned(),
    })
}

fn current_admin_command(group: &str, command: &str) -> String {
    let known = ADMIN.iter().find(|(of, name, _)| *of == group && *name == command);
    let help = || match group {
        "identity" => "account identity -h".to_owned(),
        "replicas" => "replica -h".to_owned(),
        "account" | "rse" | "scope" | "config" | "subscription" => format!("{group} -h"),
        _ => "-h".to_owned(),
    };
    match known {
        Some((.., current)) => (*current).to_owned(),
        None if command == "-h" => help(),
        None => "-h".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn notice_names_the_current_command() {
        let with = |command: &str| {
            let command = format!("rucio {command}");
            Some(format!("This method is being deprecated. Please replace your command with `{command}`"))
        };
        let without =
            Some("This method is being deprecated. Please view rucio -h for an updated help menu.".to_owned());
        for (tree, words, expected) in [
            (Tree::Commands, "upload", None),
            (Tree::Legacy, "-v list-dids x:y", with("did list")),
            (Tree::Legacy, "list-files x:y", without.clone()),
            (Tree::Legacy, "--account list-dids list-rses", with("did list")),
            (Tree::Admin, "-v rse info X", with("rse show")),
            (Tree::Admin, "rse nosuch", with("-h")),
            (Tree::Admin, "identity", with("account identity -h")),
            (Tree::Admin, "data -h", with("-h")),
            (Tree::Admin, "--help", without.clone()),
            (Tree::Admin, "", without),
        ] {
            let words: Vec<_> = words.split_whitespace().map(str::to_owned).collect();
            assert_eq!(notice(tree, &words), expected, "{words:?}");
        }
    }
}
