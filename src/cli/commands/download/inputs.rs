//! Inputs of a download: the DIDs on the command line and in the list of `--files-from`.

use std::io;

use super::Job;
use super::direct;
use super::extra_options::ExtraOptions;
use super::filter;
use super::options::Args;
use crate::api::scopes;
use crate::cli::context::Context;
use crate::error::{Error, Result};
use crate::input_file;
use crate::transfer::report;
use crate::transfer::select::resolve::DidRequest;
use crate::types::Did;

/// File name that means standard input.
const STDIN: &str = "-";

/// Returns all requested DIDs. None with `--metalink`: the document lists its files.
pub(super) async fn requests(context: &Context, args: &Args, more: &ExtraOptions) -> Result<Vec<DidRequest>> {
    let filters = filter::parse(args.filter.as_deref())?;
    if args.metalink.is_some() {
        return Ok(Vec::new());
    }
    if args.dids.is_empty() && more.files_from.is_none() {
        let scope = args.scope.clone().unwrap_or_default();
        return Ok(vec![DidRequest { text: format!("{scope}:*"), scope, name: None, filters, within: None }]);
    }
    let list = more.files_from.as_deref().map(read).transpose()?.unwrap_or_default();
    let texts = args.dids.iter().map(String::as_str).chain(entries(&list).map(|(text, _)| text));
    let scopes = existing_scopes(context, texts).await?;
    let request = |text: String, within: Option<Did>| {
        let Did { scope, name } = context.did_among(&text, &scopes)?;
        Ok(DidRequest { text, scope, name: Some(without_slash(name)), filters: filters.clone(), within })
    };
    let named = args.dids.iter().map(|text| request(args.with_scope(text), None));
    let listed = entries(&list).map(|(text, within)| {
        // A listed DID that has a scope is complete.
        let text = if text.contains(':') { text.to_owned() } else { args.with_scope(text) };
        request(text, within.map(|within| context.did(within)).transpose()?)
    });
    named.chain(listed).collect()
}

/// Returns the names of all scopes, if the scope of one of these DIDs depends on them.
async fn existing_scopes<'t>(context: &Context, mut texts: impl Iterator<Item = &'t str>) -> Result<Vec<String>> {
    let convention = context.scope_convention()?;
    if texts.any(|text| convention.depends_on_scopes(text)) {
        scopes::list(context.client()?).await
    } else {
        Ok(Vec::new())
    }
}

/// Removes the slash at the end of a name, as the official client does: containers were once written so.
fn without_slash(name: String) -> String {
    match name.strip_suffix('/') {
        Some(stripped) if !stripped.is_empty() && !stripped.contains('*') => stripped.to_owned(),
        _ => name,
    }
}

fn read(path: &str) -> Result<String> {
    let text = match path {
        STDIN => input_file::text_from(io::stdin()),
        _ => input_file::read_to_string(path),
    };
    let name = if path == STDIN { "standard input" } else { path };
    text.map_err(|error| Error::io(format!("Cannot read {name}"), error))
}

/// Parses a list: DIDs, each with the collection after the tab, if any.
fn entries(list: &str) -> impl Iterator<Item = (&str, Option<&str>)> {
    let lines = list.trim_start_matches('\u{feff}').lines().map(str::trim);
    lines.filter(|line| !line.is_empty() && !line.starts_with('#')).map(|line| match line.split_once('\t') {
        Some((did, within)) => (did.trim_end(), Some(within.trim())),
        None => (line, None),
    })
}

/// Returns the requested DIDs as lines of a list, which cannot express filters.
pub(super) fn lines(job: &Job<'_>) -> Vec<String> {
    if let Some(path) = &job.args.metalink {
        // It was readable before; if it is gone by now, the list is empty.
        return direct::dids(path).unwrap_or_default();
    }
    let line = |request: &DidRequest| {
        let did = Did::new(request.scope.as_str(), request.name.as_deref()?);
        Some(report::line(&did, request.within.as_ref().unwrap_or(&did)))
    };
    job.requests.iter().filter_map(line).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn input_lists_have_comments_and_collections() {
        let list = "\u{feff}# from the last run\n\ns:a\r\n  s:b c  \n#s:d\ns:e\ts:set\n";
        let found: Vec<_> = entries(list).collect();
        assert_eq!(found, [("s:a", None), ("s:b c", None), ("s:e", Some("s:set"))]);
        assert_eq!(entries("").count(), 0);
    }

    #[test]
    fn input_names_lose_one_slash_at_their_end() {
        for (name, expected) in [("set/", "set"), ("set", "set"), ("a/b//", "a/b/"), ("/", "/"), ("se*/", "se*/")] {
            assert_eq!(without_slash(name.to_owned()), expected);
        }
    }
}
