//! Filters listed files: by patterns on their names, and by the share of one job among many.

use std::ops::AddAssign;
use std::str::FromStr;

use glob::{MatchOptions, Pattern};
use md5::{Digest as _, Md5};

use crate::transfer::plan::path::leaf;
use crate::types::Did;

/// `*` matches any characters, including slashes: names are not file system paths.
const OPTIONS: MatchOptions =
    MatchOptions { case_sensitive: true, require_literal_separator: false, require_literal_leading_dot: false };

/// Includes or excludes files by name.
#[derive(Debug, Clone)]
pub struct Rule {
    /// Whether matching files are included.
    pub include: bool,
    /// Glob with `*`, `?`, `[abc]`, `[!abc]`. Without a slash, it is matched against the last part of the name.
    pub pattern: Pattern,
}

/// One of several disjoint shares of a listing, independent of its order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shard {
    number: u64,
    of: u64,
}

/// Selected files; without rules and shard, all.
#[derive(Debug, Clone, Default)]
pub struct Selection {
    /// Include and exclude rules; the last match decides. A file without a match is selected unless the first rule
    /// includes.
    pub rules: Vec<Rule>,
    /// The share.
    pub shard: Option<Shard>,
}

/// Numbers of listed files that are not selected.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Skipped {
    /// Excluded by name.
    pub by_name: u64,
    /// Part of other shares.
    pub other_shards: u64,
}

impl AddAssign for Skipped {
    fn add_assign(&mut self, other: Self) {
        self.by_name += other.by_name;
        self.other_shards += other.other_shards;
    }
}

impl FromStr for Shard {
    type Err = &'static str;

    /// Parses `I/N`, where I is 1 to N.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let wrong = "write it as I/N, where I is a number from 1 to N";
        let (number, of) = text.split_once('/').ok_or(wrong)?;
        let [number, of] = [number, of].map(|part| part.parse::<u64>().map_err(|_| wrong));
        match (number?, of?) {
            (number, of) if (1..=of).contains(&number) => Ok(Self { number, of }),
            _ => Err(wrong),
        }
    }
}

impl Shard {
    /// Whether a file belongs to this share: the first eight bytes of the MD5 of `scope:name`, as a big-endian number,
    /// modulo N are I - 1. So the result is the same on every machine and in every version.
    pub fn contains(self, did: &Did) -> bool {
        let digest: [u8; 16] = Md5::digest(did.to_string()).into();
        let number = digest[..8].iter().fold(0, |number, byte| (number << 8) | u64::from(*byte));
        number % self.of == self.number - 1
    }
}

impl Selection {
    /// Whether all files are selected.
    pub fn is_all(&self) -> bool {
        self.rules.is_empty() && self.shard.is_none()
    }

    /// Whether this file is selected; counts it in `skipped` if not.
    pub fn accepts(&self, did: &Did, skipped: &mut Skipped) -> bool {
        if !self.matches_rules(&did.name) {
            skipped.by_name += 1;
            return false;
        }
        let mine = self.in_shard(did);
        skipped.other_shards += u64::from(!mine);
        mine
    }

    /// Whether the DID belongs to this part, regardless of its name.
    pub fn in_shard(&self, did: &Did) -> bool {
        self.shard.is_none_or(|shard| shard.contains(did))
    }

    fn matches_rules(&self, name: &str) -> bool {
        let last = self.rules.iter().rev().find(|rule| rule.matches(name));
        match (last, self.rules.first()) {
            (Some(rule), _) => rule.include,
            (None, first) => first.is_none_or(|first| !first.include),
        }
    }
}

impl Rule {
    fn matches(&self, name: &str) -> bool {
        let part = if self.pattern.as_str().contains('/') { name } else { last_part(name) };
        self.pattern.matches_with(part, OPTIONS)
    }
}

fn last_part(name: &str) -> &str {
    leaf(name).rsplit('/').next().unwrap_or(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fits(rules: &str, name: &str) -> bool {
        let rule = |text: &str| {
            let (sign, pattern) = text.split_at(1);
            Rule { include: sign == "+", pattern: Pattern::new(pattern).unwrap() }
        };
        let selection = Selection { rules: rules.split_whitespace().map(rule).collect(), shard: None };
        selection.matches_rules(name)
    }

    #[test]
    fn selection_is_decided_by_the_last_rule_that_matches() {
        for (rules, name, expected) in [
            ("", "a.root", true),
            ("+*.root", "a.root", true),
            ("+*.root", "a.txt", false),
            ("-*.txt", "a.root", true),
            ("-*.txt", "a.txt", false),
            ("-* +*.root", "a.root", true),
            ("-* +*.root", "a.txt", false),
            ("+*.root -*tmp*", "tmp1.root", false),
            ("+*.root -*tmp* +tmp1*", "tmp1.root", true),
            ("-*tmp* +*.root", "a.txt", true),
            ("+*.ROOT", "a.root", false),
            ("+[ab]?.dat", "b1.dat", true),
            ("+[!ab]?.dat", "b1.dat", false),
            ("+.*", ".hidden", true),
            ("+f*", "/store/user/f.root", true),
            ("+store*", "/store/user/f.root", false),
            ("+/store/*", "/store/user/f.root", true),
            ("+*/user/*", "odd/user/f", true),
            ("+f", "odd/user/f", true),
        ] {
            assert_eq!(fits(rules, name), expected, "{rules} {name}");
        }
    }

    #[test]
    fn selection_puts_every_file_into_one_share_for_ever() {
        let files: Vec<_> = (0..1000).map(|number| Did::new("s", format!("f{number}"))).collect();
        for of in [1, 3, 7, 1000] {
            let shards: Vec<Shard> = (1..=of).map(|number| format!("{number}/{of}").parse().unwrap()).collect();
            for file in &files {
                assert_eq!(shards.iter().filter(|shard| shard.contains(file)).count(), 1, "{file} of {of}");
            }
        }
        let thirds = |number: u64| files.iter().filter(|file| Shard { number, of: 3 }.contains(file)).count();
        assert!((1..=3).all(|number| (250..420).contains(&thirds(number))));
        // printf test:mixed-00.dat | md5sum begins with f62497f4b6850d23
        let number = 0xf624_97f4_b685_0d23_u64 % 10 + 1;
        assert!(Shard { number, of: 10 }.contains(&Did::new("test", "mixed-00.dat")));
    }

    #[test]
    fn selection_counts_shares_from_one() {
        assert_eq!("2/3".parse(), Ok(Shard { number: 2, of: 3 }));
        for text in ["0/3", "4/3", "1/0", "1", "1/", "/2", "a/b", "-1/3", "1/2/3"] {
            assert!(text.parse::<Shard>().is_err(), "{text}");
        }
    }

    #[test]
    fn selection_counts_what_it_leaves_out_by_reason() {
        let rules = vec![Rule { include: true, pattern: Pattern::new("*.root").unwrap() }];
        let selection = Selection { rules, shard: "1/2".parse().ok() };
        let mut skipped = Skipped::default();
        let taken =
            (0..100).filter(|n| selection.accepts(&Did::new("s", format!("{n}.root")), &mut skipped)).count() as u64;
        assert!(!selection.accepts(&Did::new("s", "a.txt"), &mut skipped));
        assert_eq!((skipped.by_name, taken + skipped.other_shards), (1, 100));
    }
}
