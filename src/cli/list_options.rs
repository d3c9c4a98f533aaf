//! The options of all commands that print a list. They stand on the commands that state [`PrintsList`].

use clap::error::ErrorKind;
use clap::{Arg, ArgMatches, Command, value_parser};

use super::leaf::PrintsList;
use super::ui::{Format, Selection, SortKey};

const COLUMNS: &str = "list_columns";
const SORT: &str = "list_sort";
const LIMIT: &str = "list_limit";

/// Adds the options to all lists of a tree.
pub(super) fn add(command: Command) -> Command {
    let command = command.mut_subcommands(add);
    if command.get::<PrintsList>().is_none() {
        return command;
    }
    let has = |command: &Command, long: &str| command.get_arguments().any(|arg| arg.get_long() == Some(long));
    let missing: Vec<Arg> =
        options().into_iter().filter(|option| !has(&command, option.get_long().unwrap_or_default())).collect();
    command.args(missing)
}

fn options() -> [Arg; 3] {
    let option = |id: &'static str, long: &'static str, value: &'static str| {
        Arg::new(id).long(long).value_name(value).help_heading("List options")
    };
    [
        option(COLUMNS, "columns", "FIELDS")
            .value_delimiter(',')
            .help("Print only these fields, separated by commas; their names are those of -o json"),
        option(SORT, "sort", "FIELDS")
            .value_delimiter(',')
            .allow_hyphen_values(true)
            .help("Sort by these fields, separated by commas; -FIELD sorts in descending order"),
        option(LIMIT, "limit", "NUMBER")
            .value_parser(value_parser!(u64))
            .help("Print only this many rows, the first ones after sorting"),
    ]
}

/// Returns what the options of a command line select, for its output format.
pub(super) fn selection(tree: &mut Command, matches: &ArgMatches) -> Result<Selection, clap::Error> {
    let format = matches.get_one::<Format>("output").copied().unwrap_or_default();
    let mut leaf = matches;
    while let Some((_, below)) = leaf.subcommand() {
        leaf = below;
    }
    let words = |id: &str| leaf.try_get_many::<String>(id).ok().flatten().into_iter().flatten().cloned();
    let selection = Selection {
        columns: words(COLUMNS).collect(),
        sort: words(SORT).map(|word| SortKey::parse(&word)).collect(),
        limit: leaf.try_get_one(LIMIT).ok().flatten().copied(),
    };
    let names = [(COLUMNS, "--columns"), (SORT, "--sort")];
    let has_empty = |id: &str| words(id).any(|word| word.trim_start_matches('-').is_empty());
    if format == Format::Name && !selection.columns.is_empty() {
        return Err(tree.error(ErrorKind::ArgumentConflict, "--columns cannot be used with --output name"));
    }
    match names.iter().find(|(id, _)| has_empty(id)) {
        Some((_, option)) => Err(tree.error(ErrorKind::ValueValidation, format!("{option}: a field has no name"))),
        None => Ok(selection),
    }
}
