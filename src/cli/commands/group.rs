//! Declares a group of commands.

/// Declares the commands of a group, and `run`, which passes the given one to its module. It is called with the
/// variants of an enum for clap:
///
/// ```text
/// group! {
///     Add(add::Args),
///     /// Help of the group below this one
///     #[command(subcommand)]
///     Limit(limit::Command),
/// }
/// ```
///
/// and expands to:
///
/// ```text
/// #[derive(Debug, clap::Subcommand)]
/// pub(crate) enum Command {
///     Add(Box<add::Args>),
///     /// Help of the group below this one
///     #[command(subcommand)]
///     Limit(Box<limit::Command>),
/// }
///
/// pub(crate) async fn run(context: &Context, command: Command) -> Result<()> {
///     match command {
///         Command::Add(args) => add::run(context, *args).await,
///         Command::Limit(args) => limit::run(context, *args).await,
///     }
/// }
/// ```
macro_rules! group {
    ($($(#[$attribute:meta])* $name:ident($module:ident::$args:ident),)+) => {
        #[derive(Debug, clap::Subcommand)]
        pub(crate) enum Command {
            $($(#[$attribute])* $name(Box<$module::$args>),)+
        }

        /// Runs a command of the group.
        pub(crate) async fn run(
            context: &$crate::cli::context::Context,
            command: Command,
        ) -> $crate::error::Result<()> {
            match command {
                $(Command::$name(args) => $module::run(context, *args).await,)+
            }
        }
    };
}

pub(in crate::cli) use group;
