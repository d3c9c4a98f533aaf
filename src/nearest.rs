//! Names that are near to a mistyped one.

/// Returns the nearest names, best first, if they are near enough: one letter in three may differ. Case does not count,
/// and a name that goes on where the typed one ends is near.
pub(crate) fn nearest<'a>(typed: &str, names: impl Iterator<Item = &'a str>, number: usize) -> Vec<&'a str> {
    let typed = typed.to_lowercase();
    let limit = (typed.chars().count() / 3).max(1);
    let distance = |name: &str| {
        let name = name.to_lowercase();
        let distance = strsim::damerau_levenshtein(&typed, &name);
        if typed.len() > 2 && name.starts_with(&typed) { distance.min(limit) } else { distance }
    };
    let mut near: Vec<_> = names.map(|name| (distance(name), name)).filter(|(far, _)| *far <= limit).collect();
    near.sort_unstable();
    near.dedup();
    near.into_iter().take(number).map(|(_, name)| name).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nearest_names_come_best_first() {
        let names = ["XRD1", "XRD2", "DAVS", "DAVS_SCRATCHDISK", "MOCK"];
        let near = |typed: &str| nearest(typed, names.into_iter(), 3);
        assert_eq!(near("XRD"), ["XRD1", "XRD2"]);
        assert_eq!(near("davs"), ["DAVS", "DAVS_SCRATCHDISK"]);
        assert_eq!(near("MCOK"), ["MOCK"]);
        assert!(near("NOSUCH").is_empty());
    }
}
