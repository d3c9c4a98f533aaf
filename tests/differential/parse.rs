//! The notation of the case files (see README.md).

use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use regex::Regex;

use super::case::{Case, Differs, Line, Options, Step, TracesDiffer};
use super::placeholders;
use super::rules::Rule;
use crate::support::split;

/// All cases of a file; `name` is for the messages.
pub(crate) fn cases(name: &str, text: &str) -> Result<Vec<Case>> {
    let mut parser = Parser::default();
    for (number, line) in text.lines().enumerate() {
        let place = format!("{name}:{}", number + 1);
        parser.line(&place, line).with_context(|| place.clone())?;
    }
    parser.finish()
}

#[derive(Default)]
struct Parser {
    section: Options,
    cases: Vec<Case>,
    /// Attributes go to the last case, or to the section as long as it has none.
    in_case: bool,
}

impl Parser {
    fn line(&mut self, place: &str, line: &str) -> Result<()> {
        let text = line.trim();
        if text.is_empty() || text.starts_with('#') {
            return Ok(());
        }
        if line.starts_with(' ') {
            let (key, value) = text.split_once(':').unwrap_or((text, ""));
            return self.attribute(key.trim(), value.trim()).with_context(|| format!("in {text:?}"));
        }
        if text.starts_with('[') {
            ensure!(text.ends_with(']'), "a section is [between brackets]");
            self.section = Options::default();
            self.in_case = false;
            return Ok(());
        }
        self.case(place, text)
    }

    fn case(&mut self, place: &str, text: &str) -> Result<()> {
        let (text, exit) = match text.rsplit_once("=> ") {
            Some((text, code)) => (text.trim(), code.trim().parse().context("the exit code after =>")?),
            None => (text, 0),
        };
        let line = command(text)?;
        ensure!(["rucio", "rucio-admin"].contains(&line.program.as_str()), "a case is a rucio command line");
        let options = self.section.clone();
        let place = place.to_owned();
        let (before, after, shows) = Default::default();
        self.cases.push(Case {
            place,
            line,
            exit,
            options,
            before,
            after,
            shows,
            differs: None,
            traces_differ: None,
            stderr_differs: None,
        });
        self.in_case = true;
        Ok(())
    }

    fn attribute(&mut self, key: &str, value: &str) -> Result<()> {
        let case = self.cases.last_mut().filter(|_| self.in_case);
        let options = case.map_or(&mut self.section, |case| &mut case.options);
        match key {
            "config" => options.config = value.to_owned(),
            "env" => options.env.extend(assignments(&split(value)?)?),
            "rules" => {
                for name in value.split(',') {
                    options.rules.push(Rule::named(name.trim())?);
                }
            }
            "fresh" => options.fresh = flag(value)?,
            "changes" => options.changes = flag(value)?,
            "limit" => options.limit = Duration::from_secs(value.parse()?),
            "files" => {
                ensure!(value == "count", "files knows only: count");
                options.count_files = true;
            }
            _ => return self.case_attribute(key, value),
        }
        Ok(())
    }

    /// The attributes a section cannot have.
    fn case_attribute(&mut self, key: &str, value: &str) -> Result<()> {
        let Some(case) = self.cases.last_mut().filter(|_| self.in_case) else {
            bail!("{key:?} is no attribute of a section");
        };
        match key {
            "before" => case.before.push(step(value)?),
            "after" => case.after.push(command(value)?),
            "shows" => case.shows.push(pattern(value)?),
            "traces-differ" => {
                let mut words = value.split(' ').map(str::to_owned);
                let id = words.next().filter(|id| is_id(id)).context("an id of letters, digits and -")?;
                case.traces_differ = Some(TracesDiffer { id, fields: words.collect() });
            }
            "stderr-differs" => {
                ensure!(is_id(value) && case.stderr_differs.is_none(), "one id of letters, digits and -");
                case.stderr_differs = Some(value.to_owned());
            }
            "differs" => {
                ensure!(is_id(value) && case.differs.is_none(), "one id of letters, digits and -");
                case.differs = Some(Differs { id: value.to_owned(), exit: None, shows: Vec::new(), same_as: None });
            }
            "ours" | "ours-shows" | "ours-as" => {
                let differs = case.differs.as_mut().context("what ours does instead follows differs:")?;
                match key {
                    "ours" => differs.exit = Some(value.parse()?),
                    "ours-shows" => differs.shows.push(pattern(value)?),
                    _ => differs.same_as = Some(command(value)?),
                }
            }
            _ => bail!("no attribute is called {key:?}"),
        }
        Ok(())
    }

    fn finish(mut self) -> Result<Vec<Case>> {
        for case in &mut self.cases {
            placeholders::known_placeholders(case).with_context(|| case.title())?;
            case.options.changes |= placeholders::mentions_new(case);
            if let Some(differs) = &case.differs {
                ensure!(
                    differs.same_as.is_some() || differs.exit.is_some(),
                    "{}: an intended difference says what ours does: ours: CODE or ours-as: LINE",
                    case.title()
                );
            }
        }
        Ok(self.cases)
    }
}

fn is_id(value: &str) -> bool {
    !value.is_empty() && value.chars().all(|c| c.is_ascii_alphanumeric() || c == '-')
}

fn flag(value: &str) -> Result<bool> {
    ensure!(value.is_empty(), "takes no value");
    Ok(true)
}

/// A pattern for multi-line text: `^` and `$` are the ends of lines.
fn pattern(value: &str) -> Result<Regex> {
    ensure!(!value.is_empty(), "an empty pattern matches anything");
    Ok(Regex::new(&format!("(?m){value}"))?)
}

/// `{name} = command` or just the command.
fn step(value: &str) -> Result<Step> {
    let capture = Regex::new(r"^\{([a-z]+)\} = (.*)$")?;
    match capture.captures(value) {
        Some(parts) => Ok(Step { capture: Some(parts[1].to_owned()), line: command(&parts[2])? }),
        None => Ok(Step { capture: None, line: command(value)? }),
    }
}

fn command(text: &str) -> Result<Line> {
    let mut words = split(text)?;
    let config = words.first().and_then(|word| word.strip_prefix('@')).map(str::to_owned);
    words.drain(..usize::from(config.is_some()));
    let assignment = Regex::new(r"^[A-Z][A-Z0-9_]*=")?;
    let count = words.iter().take_while(|word| assignment.is_match(word)).count();
    let env = assignments(&words.drain(..count).collect::<Vec<_>>())?;
    ensure!(!words.is_empty(), "no command in {text:?}");
    let program = words.remove(0);
    Ok(Line { text: text.to_owned(), config, env, program, words })
}

fn assignments(words: &[String]) -> Result<Vec<(String, String)>> {
    let pair = |word: &String| word.split_once('=').map(|(name, value)| (name.to_owned(), value.to_owned()));
    words.iter().map(|word| pair(word).with_context(|| format!("{word:?} is not NAME=value"))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn case_and_its_attributes_parse() -> Result<()> {
        let text = "[one]\n    rules: time, order\n# why\n@root A=b rucio stat 'x y' => 9\n    shows: ^x{2}\n    \
                    before: {id} = rucio add-rule {new} 1 X\n    differs: some-id\n    ours: 1\n\nrucio ping\n";
        let cases = cases("file.txt", text)?;
        assert_eq!(cases.len(), 2);
        let case = &cases[0];
        assert_eq!((case.place.as_str(), case.exit, case.options.rules.len()), ("file.txt:4", 9, 2));
        assert_eq!(case.line.config.as_deref(), Some("root"));
        assert_eq!((&case.line.env[0].1, &case.line.words[1]), (&"b".to_owned(), &"x y".to_owned()));
        assert_eq!(case.before[0].capture.as_deref(), Some("id"));
        assert!(!case.reads_only(), "what mentions {{new}} changes the server");
        assert!(cases[1].reads_only());
        Ok(())
    }

    #[test]
    fn case_that_is_malformed_is_refused() {
        for text in [
            "rucio ping 'open",
            "ping",
            "rucio ping => x",
            "rucio ping\n    rules: no-such-rule",
            "rucio ping\n    no-such-attribute",
            "rucio ping\n    differs: id",
            "rucio ping\n    ours: 1",
            "rucio ping\n    shows: (",
            "rucio stat {nosuch}",
            "[open",
            "[s]\n    shows: x",
        ] {
            assert!(cases("f", text).is_err(), "{text:?} was taken");
        }
    }
}
