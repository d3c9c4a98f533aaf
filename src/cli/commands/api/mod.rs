//! `rucio api`: sends one request to the REST API and prints the response. This folder has the arguments (`field`,
//! `header`, `input`), the choice of the server (`target`) and the output (`answer`). Tokens and connections belong in
//! `crate::http`, and calls with a meaning of their own in `crate::api`.

mod answer;
mod field;
mod header;
mod input;
mod target;

use clap::ValueHint;

use reqwest::Method;
use reqwest::header::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};

use crate::cli::context::Context;
use crate::cli::leaf::Extension;
use crate::error::{Error, Result};
use crate::exceptions::Exception;
use crate::http::{Client, Request};
use field::Field;
use target::Target;

/// Supported methods.
const METHODS: [Method; 7] =
    [Method::GET, Method::HEAD, Method::POST, Method::PUT, Method::PATCH, Method::DELETE, Method::OPTIONS];

/// Send a request to the REST API, authenticated with your token
///
/// The response is streamed to standard output, byte for byte; --output does not apply. Exits with 0 on success (2xx),
/// with 4 if a login is needed first, else with 1. Redirects are followed on the same host.
///
/// Example: rucio api 'rses/?expression=tier=1'
///
/// Example: rucio api GET dids/user.jdoe/dids/search -f type=dataset -f 'name=ana*'
///
/// Example: rucio api dids/user.jdoe/analysis.1/meta -f 'meta[project]=mc23' -f 'meta[run]=7'
///
/// Example: rucio api POST replicas/list --input request.json
#[derive(Debug, clap::Args)]
#[command(add = Extension)]
#[command(override_usage = "rucio api [OPTIONS] [METHOD] <PATH>")]
pub(crate) struct Args {
    /// GET, HEAD, POST, PUT, PATCH, DELETE or OPTIONS [default: POST if there are fields or a file to send, else GET]
    #[arg(value_name = "METHOD|PATH")]
    pub method_or_path: String,
    /// Path below the server URL, with its query; paths starting with auth/ go to the authentication server
    pub path: Option<String>,
    /// Add a field to the JSON body, or to the query of a GET: true, false, null and numbers are converted, @FILE is
    /// replaced with the text in FILE (@- for standard input); a[b]=1 and a[]=1 nest
    #[arg(short, long = "field", value_name = "KEY=VALUE", value_parser = Field::typed)]
    pub fields: Vec<Field>,
    /// Add a field whose value is always a string
    #[arg(long = "raw-field", value_name = "KEY=TEXT", value_parser = Field::raw)]
    pub raw_fields: Vec<Field>,
    /// Add a request header, or override a default one (except the token)
    #[arg(long = "header", value_name = "NAME: VALUE", value_parser = header::parse)]
    pub headers: Vec<(HeaderName, HeaderValue)>,
    /// Send this file (- for standard input) unchanged as the body; fields then go into the query
    #[arg(long, value_name = "FILE", value_hint = ValueHint::AnyPath)]
    pub input: Option<String>,
    /// Print the status and the headers of the response first
    #[arg(short, long)]
    pub include: bool,
    /// Do not hide tokens in the headers
    #[arg(long, requires = "include")]
    pub show_token: bool,
    /// Do not print the body of the response
    #[arg(long)]
    pub silent: bool,
}

pub(crate) async fn run(context: &Context, args: Args) -> Result<()> {
    let client = context.client()?;
    let target = Target::parse(path(&args), client.settings())?;
    let request = request(&args, &target)?;
    let answer = send(client, &target, &request).await?;
    answer::show(&context.ui, answer, &args).await
}

async fn send(client: &Client, target: &Target, request: &Request) -> Result<reqwest::Response> {
    if target.with_token {
        client.send_authenticated(&target.host, request).await
    } else {
        client.transport().send_with_retry(&target.host, request).await
    }
}

fn request(args: &Args, target: &Target) -> Result<Request> {
    let method = method(args)?;
    let in_query = matches!(method, Method::GET | Method::HEAD) || args.input.is_some();
    let fields = || args.fields.iter().chain(&args.raw_fields);
    let mut request = Request::new(method, &target.path);
    let mut headers = HeaderMap::new();
    if args.input.is_some() || (!in_query && fields().next().is_some()) {
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    }
    for (name, value) in &args.headers {
        headers.insert(name, value.clone());
    }
    if let Some(path) = &args.input {
        request = request.file(input::open(path)?);
    }
    if in_query {
        for field in fields() {
            request = request.query(&field.key, field.text()?);
        }
    } else if fields().next().is_some() {
        request = request.body(field::json(fields())?);
    }
    Ok(request.headers(headers))
}

fn path(args: &Args) -> &str {
    args.path.as_ref().unwrap_or(&args.method_or_path)
}

/// Returns the named method, else POST if there is something to send, else GET.
fn method(args: &Args) -> Result<Method> {
    if args.path.is_some() {
        return named(&args.method_or_path);
    }
    let sends = args.input.is_some() || !(args.fields.is_empty() && args.raw_fields.is_empty());
    Ok(if sends { Method::POST } else { Method::GET })
}

fn named(name: &str) -> Result<Method> {
    let known = METHODS.into_iter().find(|method| method.as_str().eq_ignore_ascii_case(name));
    known.ok_or_else(|| {
        let details = format!("Unknown method {name}: use GET, HEAD, POST, PUT, PATCH, DELETE or OPTIONS");
        Error::new(Exception::InputValidationError, details).with_hint("Give the method before the path.")
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser;

    #[derive(Debug, Parser)]
    struct Line {
        #[command(flatten)]
        args: Args,
    }

    fn parse(words: &[&str]) -> Result<Args, clap::Error> {
        Line::try_parse_from(["api"].iter().chain(words)).map(|line| line.args)
    }

    #[test]
    fn api_method_is_optional() {
        for (words, expected, path) in [
            (vec!["ping"], Method::GET, "ping"),
            (vec!["head", "-i", "ping"], Method::HEAD, "ping"),
            (vec!["x", "-f", "a=1"], Method::POST, "x"),
            (vec!["x", "--raw-field", "a=1"], Method::POST, "x"),
            (vec!["--input", "-", "x"], Method::POST, "x"),
            (vec!["GET", "x", "-f", "a=1"], Method::GET, "x"),
        ] {
            let args = parse(&words).unwrap();
            assert_eq!((method(&args).unwrap(), super::path(&args)), (expected, path), "{words:?}");
        }
        assert!(method(&parse(&["ping", "GET"]).unwrap()).is_err() && parse(&[]).is_err());
    }

    #[test]
    fn api_tokens_are_shown_only_among_headers() {
        assert!(parse(&["ping", "--show-token"]).is_err());
        assert!(parse(&["ping", "-i", "--show-token"]).is_ok());
    }
}
