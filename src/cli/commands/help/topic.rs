//! The topics of `rucio help`.

use clap::ValueEnum;

use crate::cli::exit_code::ExitCode;
use crate::cli::global;
use crate::cli::ui::wrap;
use crate::diagnosis::known;
use crate::env_vars;

/// Width of the texts, so that they fit every terminal.
const WIDTH: usize = 80;
/// Column of the descriptions.
const INDENT: usize = 20;

/// A topic; the first line of the comment is shown by tab completion.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Topic {
    /// Authentication methods, accounts and sessions
    Authentication,
    /// The configuration file and its options
    Configuration,
    /// Environment variables
    Environment,
    /// Exit codes
    ExitCodes,
    /// Filters of DIDs
    Filters,
    /// Global options
    Options,
    /// RSE expressions
    RseExpressions,
}

impl Topic {
    /// Returns the topic of this name.
    pub(crate) fn by_name(name: &str) -> Option<Self> {
        Self::from_str(name, false).ok()
    }

    pub(crate) fn name(self) -> String {
        self.to_possible_value().map(|value| value.get_name().to_owned()).unwrap_or_default()
    }

    /// Returns the text, without a newline at its end.
    pub(crate) fn text(self) -> String {
        let text = match self {
            Self::Authentication => include_str!("topics/authentication.txt").to_owned(),
            Self::Configuration => include_str!("topics/configuration.txt").to_owned() + &options(),
            Self::Environment => format!("{}\n{}", include_str!("topics/environment.txt"), variables()),
            Self::ExitCodes => format!("{}\n{}", include_str!("topics/exit-codes.txt"), exit_codes()),
            Self::Filters => include_str!("topics/filters.txt").to_owned(),
            Self::Options => format!("{}\n{}", include_str!("topics/options.txt"), global_options()),
            Self::RseExpressions => include_str!("topics/rse-expressions.txt").to_owned(),
        };
        text.trim_end().to_owned()
    }
}

/// Returns the options of each section of the configuration.
fn options() -> String {
    let line = |section: &&str| {
        let options = known::options_of(section).unwrap_or_default().join(", ");
        entry(&format!("[{section}]"), &options)
    };
    known::SECTIONS.iter().map(line).collect()
}

fn variables() -> String {
    let line = |(name, help): &(&str, &str)| format!("{name}\n{}", entry("", &help.replace('`', "")));
    env_vars::ALL.iter().map(line).collect()
}

fn exit_codes() -> String {
    let plain: String =
        ExitCode::WITHOUT_CLASS.iter().map(|code| entry(&code.number().to_string(), &code.meaning())).collect();
    let by_class: String = ExitCode::classes()
        .map(|(code, class)| entry(&code.to_string(), &format!("{class:?}: {}", class.summary())))
        .collect();
    let legacy = "Legacy commands and those of rucio-admin exit with the code of the exception class; so do the other \
                  commands if access is denied (2):";
    format!("{plain}\n{}\n{by_class}", wrap("", legacy, WIDTH, 0))
}

fn global_options() -> String {
    let command = global::global_options().clone().disable_help_flag(true).help_template("{all-args}");
    command.term_width(WIDTH).render_help().to_string()
}

/// Formats a name and its description, wrapped with a hanging indent.
fn entry(name: &str, text: &str) -> String {
    let start = format!("  {name}");
    format!("{}\n", wrap(&format!("{start:<INDENT$}"), text, WIDTH, INDENT).trim_end())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn topics_fit_a_terminal() {
        for topic in Topic::value_variants() {
            for line in topic.text().lines() {
                assert!(line.chars().count() <= WIDTH, "{}: {line}", topic.name());
            }
            assert_eq!(Topic::by_name(&topic.name()), Some(*topic));
        }
    }

    /// Every command line and option in a text is one that the parser accepts.
    #[test]
    fn topics_show_commands_that_exist() {
        let mut seen = 0;
        for topic in Topic::value_variants() {
            for line in topic.text().lines().filter_map(|line| line.strip_prefix("  rucio ")) {
                let line = line.split("  ").next().unwrap_or_default();
                if line.ends_with("--filter") {
                    continue;
                }
                let words = shlex::split(&format!("rucio {line}")).unwrap();
                let parsed = crate::cli::parse::parse(words.into_iter().map(Into::into).collect());
                assert!(parsed.is_ok(), "{}: {line}: {}", topic.name(), parsed.unwrap_err().error);
                seen += 1;
            }
        }
        assert!(seen > 15, "only {seen} were found");
    }

    #[test]
    fn topics_have_all_exit_codes_and_variables() {
        let codes = Topic::ExitCodes.text();
        for part in ["  0                 ", "  130               ", "  3                 AccountNotFound: "] {
            assert!(codes.contains(part), "no {part:?} in {codes}");
        }
        let variables = Topic::Environment.text();
        assert!(env_vars::ALL.iter().all(|(name, _)| variables.contains(&format!("\n{name}\n"))), "{variables}");
        assert!(Topic::Options.text().contains("--auth-strategy"));
    }
}
