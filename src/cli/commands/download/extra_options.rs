//! Options of `rucio download` that the official client lacks. The legacy command does not have them: they would make
//! abbreviations of official options ambiguous.

use std::time::Duration;

use clap::{Arg, ArgAction, ArgMatches, Command, FromArgMatches, ValueHint};
use glob::Pattern;

use crate::cli::duration;
use crate::transfer::select::selection::{Rule, Selection, Shard};

/// Additional options of a download
#[derive(Debug, Default, clap::Args)]
pub(crate) struct ExtraOptions {
    /// Show what would be downloaded, from where and to which path, without downloading it
    #[arg(long)]
    pub dry_run: bool,
    /// Also download the DIDs in this file, one per line (- for standard input); empty lines and lines that start with
    /// # are ignored. A tab and a collection may follow a DID: the file goes into the directory of the collection
    #[arg(long, value_name = "FILE", value_hint = ValueHint::AnyPath)]
    pub files_from: Option<String>,
    #[command(flatten)]
    pub wanted: SelectionArgs,
    /// Wait for files whose replicas are only on tape or still being copied, until they have one on disk, at most this
    /// long: 30m, 12h, 3d [default: no limit]
    #[arg(long, value_name = "DURATION", num_args = 0..=1, require_equals = true, value_parser = duration::parse)]
    pub wait: Option<Option<Duration>>,
    /// Write the result of every file to FILE at the end, as JSON
    #[arg(long, value_name = "FILE", value_hint = ValueHint::AnyPath)]
    pub summary: Option<String>,
    /// Write the DIDs of the missing files to FILE at the end, for --files-from of the next run
    #[arg(long, value_name = "FILE", value_hint = ValueHint::AnyPath)]
    pub failed_list: Option<String>,
}

impl ExtraOptions {
    /// Returns how long to wait for files without a replica on disk; `None` is not at all.
    pub(super) fn wait(&self) -> Option<Duration> {
        self.wait.map(|limit| limit.unwrap_or(Duration::MAX))
    }
}

/// File selection: --include and --exclude in the order of the command line, and --shard.
#[derive(Debug, Default)]
pub(crate) struct SelectionArgs(pub Selection);

impl clap::Args for SelectionArgs {
    fn augment_args(command: Command) -> Command {
        let pattern = |name: &'static str, help: &'static str| {
            let arg = Arg::new(name).long(name).value_name("GLOB").action(ArgAction::Append);
            arg.value_parser(|text: &str| Pattern::new(text).map_err(|error| error.to_string())).help(help)
        };
        let include = "Download only files whose name matches this pattern (*.root); repeatable. The last matching --include \
             or --exclude decides; files that match none are downloaded, unless the first pattern is an --include";
        let shard = Arg::new("shard").long("shard").value_name("I/N").value_parser(|text: &str| text.parse::<Shard>());
        command
            .arg(pattern("include", include))
            .arg(pattern("exclude", "Skip files whose name matches this pattern; repeatable"))
            .arg(shard.help("Download only part I of N disjoint parts of the files (1-based)"))
    }

    fn augment_args_for_update(command: Command) -> Command {
        Self::augment_args(command)
    }
}

impl FromArgMatches for SelectionArgs {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        let mut rules: Vec<(usize, Rule)> = Vec::new();
        for (name, include) in [("include", true), ("exclude", false)] {
            let patterns = matches.get_many::<Pattern>(name).into_iter().flatten().cloned();
            let places = matches.indices_of(name).into_iter().flatten();
            rules.extend(places.zip(patterns).map(|(place, pattern)| (place, Rule { include, pattern })));
        }
        rules.sort_by_key(|(place, _)| *place);
        let shard = matches.get_one::<Shard>("shard").copied();
        Ok(Self(Selection { rules: rules.into_iter().map(|(_, rule)| rule).collect(), shard }))
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        *self = Self::from_arg_matches(matches)?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser;

    #[derive(Debug, Parser)]
    struct Line {
        #[command(flatten)]
        more: ExtraOptions,
    }

    fn parse(words: &str) -> Result<Selection, clap::Error> {
        Line::try_parse_from(["rucio"].into_iter().chain(words.split_whitespace())).map(|line| line.more.wanted.0)
    }

    #[test]
    fn name_patterns_keep_the_order_of_the_command_line() {
        let wanted = parse("--exclude *tmp* --include a* --include=b* --exclude c --shard 2/3").unwrap();
        let seen: Vec<_> = wanted.rules.iter().map(|rule| (rule.include, rule.pattern.as_str())).collect();
        assert_eq!(seen, [(false, "*tmp*"), (true, "a*"), (true, "b*"), (false, "c")]);
        assert!(wanted.shard.is_some());
        assert!(parse("").unwrap().is_all());
    }

    #[test]
    fn name_patterns_and_shares_that_are_invalid_are_refused() {
        for words in ["--include [", "--shard 0/2", "--shard 3", "--shard"] {
            assert!(parse(words).is_err(), "{words}");
        }
    }
}
