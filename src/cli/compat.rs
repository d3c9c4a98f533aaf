//! What legacy commands do differently from the commands that they are translated into.

/// Differences of a legacy command. The default is the command itself: no difference.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct CompatOptions {
    /// `list-dids`: accept a filter on the name together with a name, and prefer the filter.
    pub name_twice: bool,
    /// `list-rse-attributes`: sort and align the attributes.
    pub aligned_attributes: bool,
    /// `rule-info --examine`: indent the transfers less, and their values more.
    pub rule_info_layout: bool,
    /// `rucio-admin replicas declare-bad`: print the names that cannot be declared instead of logging them.
    pub print_refused: bool,
}

impl CompatOptions {
    /// The differences of `rucio list-dids` and the other legacy commands.
    pub(crate) const LEGACY: Self =
        Self { name_twice: true, aligned_attributes: true, rule_info_layout: true, print_refused: false };
    /// The differences of `rucio-admin`.
    pub(crate) const ADMIN: Self =
        Self { name_twice: false, aligned_attributes: false, rule_info_layout: false, print_refused: true };
}
