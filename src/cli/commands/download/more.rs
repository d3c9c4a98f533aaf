//! The options of `rucio download` that the official client lacks. Only the new tree has them: in the old one they would
//! make abbreviations of official options ambiguous.

use clap::{Arg, ArgAction, ArgMatches, Command, FromArgMatches};
use glob::Pattern;

use super::options::Args;
use crate::transfer::selection::{Rule, Selection, Shard};

/// Download files, or all files of datasets and containers
///
/// A file that is there already, with the right checksum, is left as it is. Every file is verified while it comes in
/// and gets its name only when it is complete. Sources are tried in the server's order until one is good.
///
/// Example: rucio download --dir data --rses "cloud=CERN" user.jdoe:analysis.1 'mc25:*.root'
///
/// Example: rucio download --shard "$SLURM_ARRAY_TASK_ID/$SLURM_ARRAY_TASK_COUNT" user.jdoe:analysis.1
///
/// Example: rucio download --failed-list missing.txt user.jdoe:analysis.1 || rucio download --files-from missing.txt
#[derive(Debug, clap::Args)]
pub(crate) struct WithMore {
    #[command(flatten)]
    pub args: Args,
    #[command(flatten)]
    pub more: More,
}

/// What a download can do besides.
#[derive(Debug, Default, clap::Args)]
pub(crate) struct More {
    /// Only show what would be downloaded from where to which path
    #[arg(long)]
    pub dry_run: bool,
    /// The DIDs in this file, too, one a line (- for standard input); empty lines and those with # in front do not
    /// count. Behind a tab may stand the collection whose folder the file goes to
    #[arg(long, value_name = "FILE")]
    pub files_from: Option<String>,
    #[command(flatten)]
    pub wanted: Wanted,
    /// At the end, write what became of every file, as JSON
    #[arg(long, value_name = "FILE")]
    pub summary: Option<String>,
    /// At the end, write the DIDs of the files that are missing, for --files-from of the next run
    #[arg(long, value_name = "FILE")]
    pub failed_list: Option<String>,
}

/// Which of the files are wanted: --include and --exclude in the order of the command line, and --shard.
#[derive(Debug, Default)]
pub(crate) struct Wanted(pub Selection);

impl clap::Args for Wanted {
    fn augment_args(command: Command) -> Command {
        let pattern = |name: &'static str, help: &'static str| {
            let arg = Arg::new(name).long(name).value_name("GLOB").action(ArgAction::Append);
            arg.value_parser(|text: &str| Pattern::new(text).map_err(|error| error.to_string())).help(help)
        };
        let include = "Only files whose name matches, as *.root; once again for more. Of --include and --exclude the last \
             that matches decides; what none matches is taken, unless the first one is --include";
        let shard = Arg::new("shard").long("shard").value_name("I/N").value_parser(|text: &str| text.parse::<Shard>());
        command.arg(pattern("include", include)).arg(pattern("exclude", "No files whose name matches")).arg(
            shard.help("The I-th of N shares of the files, from 1: no two have the same file, together they have all"),
        )
    }

    fn augment_args_for_update(command: Command) -> Command {
        Self::augment_args(command)
    }
}

impl FromArgMatches for Wanted {
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
        all: WithMore,
    }

    fn parse(words: &str) -> Result<WithMore, clap::Error> {
        Line::try_parse_from(["rucio"].into_iter().chain(words.split_whitespace())).map(|line| line.all)
    }

    #[test]
    fn patterns_keep_the_order_of_the_command_line() {
        let all = parse("s:d --exclude *tmp* --include a* --include=b* --exclude c --shard 2/3").unwrap();
        let rules = &all.more.wanted.0.rules;
        let seen: Vec<_> = rules.iter().map(|rule| (rule.include, rule.pattern.as_str())).collect();
        assert_eq!(seen, [(false, "*tmp*"), (true, "a*"), (true, "b*"), (false, "c")]);
        assert!(all.more.wanted.0.shard.is_some());
        assert!(parse("s:d").unwrap().more.wanted.0.is_all());
    }

    #[test]
    fn what_makes_no_sense_is_refused() {
        for words in ["s:d --include [", "s:d --shard 0/2", "s:d --shard 3", "s:d --shard"] {
            assert!(parse(words).is_err(), "{words}");
        }
        for words in ["s:f --pfn file:///f --files-from x", "s:d --nrandom 2 --shard 1/2", "s:d --dry-run --summary x"]
        {
            let all = parse(words).unwrap();
            assert!(all.args.check(&all.more).unwrap_err().to_string().contains("cannot be used together"), "{words}");
        }
        let all = parse("--files-from x").unwrap();
        assert!(all.args.check(&all.more).is_ok());
    }
}
