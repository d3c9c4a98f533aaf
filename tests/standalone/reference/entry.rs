//! What the pages contain of a command.

use clap::{Arg, ArgAction, Command};

/// A command: leaf or group.
pub(super) struct Entry {
    /// `rucio rse list`.
    pub(super) name: String,
    /// What it does, paragraph by paragraph, the first without a full stop at its end.
    pub(super) about: String,
    /// How it is called.
    pub(super) usage: String,
    /// Other names.
    pub(super) aliases: Vec<String>,
    /// Arguments and options, each with its help.
    pub(super) options: Vec<(String, String)>,
    /// Whether it has commands of its own.
    pub(super) is_group: bool,
}

/// A command tree.
pub(super) struct Tree {
    /// The options before the command.
    pub(super) global: Vec<(String, String)>,
    /// The commands in order: each top command with all below it.
    pub(super) groups: Vec<Vec<Entry>>,
}

impl Tree {
    /// New, old and admin.
    pub(super) fn all() -> [Self; 3] {
        let [new, old, admin] = rucio::cli::trees();
        [Self::of("rucio", new), Self::of("rucio", old), Self::of("rucio-admin", admin)]
    }

    fn of(name: &str, mut command: Command) -> Self {
        command.build();
        let global = command.get_arguments().filter(|arg| !arg.is_hide_set()).map(described).collect();
        let tops = command.get_subcommands().filter(|top| !is_generated(top) && !top.is_hide_set());
        let groups = tops.map(|top| below(name, top)).collect();
        Self { global, groups }
    }

    pub(super) fn entries(&self) -> impl Iterator<Item = &Entry> {
        self.groups.iter().flatten()
    }
}

/// Whether clap added the command: `rucio rule help`.
fn is_generated(command: &Command) -> bool {
    command.get_name() == "help" && command.get_arguments().all(|arg| arg.get_id() != "topic")
}

/// A command and all below it.
fn below(path: &str, command: &Command) -> Vec<Entry> {
    let name = format!("{path} {}", command.get_name());
    let mut entries = vec![entry(&name, command)];
    for child in command.get_subcommands().filter(|child| !is_generated(child) && !child.is_hide_set()) {
        entries.extend(below(&name, child));
    }
    entries
}

fn entry(name: &str, command: &Command) -> Entry {
    let about = command.get_long_about().or(command.get_about()).map(ToString::to_string).unwrap_or_default();
    let own = |arg: &&Arg| !arg.is_hide_set() && !arg.is_global_set() && arg.get_id() != "help";
    let (arguments, options): (Vec<_>, Vec<_>) =
        command.get_arguments().filter(own).partition(|arg| arg.is_positional());
    Entry {
        name: name.to_owned(),
        about,
        usage: usage(name, command, &arguments, options.iter().any(|option| !option.is_required_set())),
        aliases: command.get_visible_aliases().map(str::to_owned).collect(),
        options: arguments.into_iter().chain(options).map(described).collect(),
        is_group: command.has_subcommands(),
    }
}

fn usage(name: &str, command: &Command, arguments: &[&Arg], options: bool) -> String {
    let mut words = vec![name.to_owned()];
    if command.has_subcommands() {
        words.push("COMMAND".to_owned());
        return words.join(" ");
    }
    let required = command.get_arguments().filter(|arg| !arg.is_positional() && arg.is_required_set());
    words.extend(required.map(|option| long_part(&spelled(option)).to_owned()));
    if options {
        words.push("[OPTIONS]".to_owned());
    }
    words.extend(arguments.iter().map(|arg| match arg.is_required_set() {
        true => spelled(arg),
        false => format!("[{}]", spelled(arg)),
    }));
    words.join(" ")
}

/// `--section <SECTION>` of `-s, --section <SECTION>`.
fn long_part(spelling: &str) -> &str {
    spelling.split_once(", ").map_or(spelling, |(_, long)| long)
}

fn described(arg: &Arg) -> (String, String) {
    let mut help = arg.get_help().map(ToString::to_string).unwrap_or_default();
    let values: Vec<_> = arg.get_possible_values().iter().map(|value| value.get_name().to_owned()).collect();
    if !values.is_empty() && arg.get_action().takes_values() {
        help.push_str(&format!(" [{}]", values.join(", ")));
    }
    let defaults: Vec<_> = arg.get_default_values().iter().map(|value| value.to_string_lossy()).collect();
    if !defaults.is_empty() && arg.get_action().takes_values() && !arg.is_hide_default_value_set() {
        help.push_str(&format!(" [default: {}]", defaults.join(" ")));
    }
    (spelled(arg), help)
}

/// `-o, --output <FORMAT>`, or `<DIDS>...`.
fn spelled(arg: &Arg) -> String {
    let names = arg.get_value_names().unwrap_or_default();
    let values: Vec<_> = names.iter().map(|name| format!("<{name}>")).collect();
    let value = if arg.get_action().takes_values() { values.join(" ") } else { String::new() };
    let many = matches!(arg.get_action(), ArgAction::Append) || arg.get_num_args().is_some_and(|n| n.max_values() > 9);
    if arg.is_positional() {
        return format!("{value}{}", if many { "..." } else { "" });
    }
    let short = arg.get_short().map(|short| format!("-{short}"));
    let long = arg.get_long().map(|long| format!("--{long}"));
    let spelling = short.into_iter().chain(long).collect::<Vec<_>>().join(", ");
    if value.is_empty() { spelling } else { format!("{spelling} {value}") }
}
