//! `RUCIO_LOGGING_FORMAT`: a format in the `%` style of Python's logging.

use super::record::Record;
use crate::cli::ui::values::float_repr;

/// A parsed format.
#[derive(Debug, Clone, PartialEq)]
pub struct Format(Vec<FormatPart>);

#[derive(Debug, Clone, PartialEq)]
enum FormatPart {
    Literal(String),
    Field(Field),
}

/// A directive, such as `%(name)-8.3s`.
#[derive(Debug, Clone, PartialEq)]
struct Field {
    name: String,
    flags: String,
    width: usize,
    precision: Option<usize>,
    conversion: char,
}

/// Value of a record's attribute.
enum Attribute {
    Text(String),
    Int(i64),
    Float(f64),
}

impl Format {
    /// Parses a format; text that is not a directive is copied.
    pub fn new(format: &str) -> Self {
        let mut parts = Vec::new();
        let mut rest = format;
        while let Some(index) = rest.find('%') {
            parts.push(FormatPart::Literal(rest[..index].to_owned()));
            let (part, length) = directive(&rest[index..]);
            parts.push(part);
            rest = &rest[index + length..];
        }
        parts.push(FormatPart::Literal(rest.to_owned()));
        Self(parts)
    }

    pub(super) fn apply(&self, record: &Record<'_>) -> String {
        let part = |part: &FormatPart| match part {
            FormatPart::Literal(text) => text.clone(),
            FormatPart::Field(field) => field.apply(attribute(&field.name, record)),
        };
        self.0.iter().map(part).collect()
    }
}

/// Parses the piece at the start of a text that begins with `%`; also returns its length.
fn directive(text: &str) -> (FormatPart, usize) {
    if text.starts_with("%%") {
        return (FormatPart::Literal("%".to_owned()), 2);
    }
    match field(text) {
        Some((field, length)) if is_known(&field.name) => (FormatPart::Field(field), length),
        _ => (FormatPart::Literal("%".to_owned()), 1),
    }
}

fn field(text: &str) -> Option<(Field, usize)> {
    let (name, rest) = text.strip_prefix("%(")?.split_once(')')?;
    let (flags, rest) = leading(rest, |c| "#0- +".contains(c));
    let (width, rest) = leading(rest, |c| c.is_ascii_digit());
    let (precision, rest) = match rest.strip_prefix('.') {
        Some(rest) => leading(rest, |c| c.is_ascii_digit()),
        None => ("", rest),
    };
    let precision = (!precision.is_empty()).then(|| precision.parse().ok()).flatten();
    let conversion = rest.chars().next().filter(|c| "sdifr".contains(*c))?;
    let name = name.to_owned();
    let flags = flags.to_owned();
    let width = width.parse().unwrap_or(0);
    Some((Field { name, flags, width, precision, conversion }, text.len() - rest.len() + 1))
}

fn leading(text: &str, wanted: impl Fn(char) -> bool) -> (&str, &str) {
    text.split_at(text.find(|c| !wanted(c)).unwrap_or(text.len()))
}

const NAMES: [&str; 16] = [
    "asctime",
    "created",
    "filename",
    "funcName",
    "levelname",
    "levelno",
    "lineno",
    "message",
    "module",
    "msecs",
    "name",
    "pathname",
    "process",
    "processName",
    "thread",
    "threadName",
];

fn is_known(name: &str) -> bool {
    NAMES.contains(&name)
}

/// Returns an attribute. Those that exist only in Python have the values of a simple Python program.
fn attribute(name: &str, record: &Record<'_>) -> Attribute {
    match name {
        "asctime" => Attribute::Text(record.time()),
        "created" => Attribute::Float(record.when.timestamp_micros() as f64 / 1e6),
        "filename" => Attribute::Text(record.file_name().to_owned()),
        "levelname" => Attribute::Text(record.level_name().to_owned()),
        "levelno" => Attribute::Int(record.level_number()),
        "lineno" => Attribute::Int(record.line()),
        "message" => Attribute::Text(record.message.clone()),
        "module" | "funcName" => Attribute::Text(record.module().to_owned()),
        "msecs" => Attribute::Float(f64::from(record.when.timestamp_subsec_micros()) / 1e3),
        "name" => Attribute::Text("user".to_owned()),
        "pathname" => Attribute::Text(record.path().to_owned()),
        "process" => Attribute::Int(std::process::id().into()),
        "thread" => Attribute::Int(thread_number()),
        "threadName" => Attribute::Text("MainThread".to_owned()),
        _ => Attribute::Text("MainProcess".to_owned()),
    }
}

fn thread_number() -> i64 {
    let id = format!("{:?}", std::thread::current().id());
    id.trim_matches(|c: char| !c.is_ascii_digit()).parse().unwrap_or(0)
}

impl Field {
    fn apply(&self, attribute: Attribute) -> String {
        match (self.conversion, attribute) {
            ('d' | 'i', Attribute::Int(value)) => self.number(value.to_string()),
            ('d' | 'i', Attribute::Float(value)) => self.number(format!("{:.0}", value.trunc())),
            ('f', Attribute::Int(value)) => self.number(format!("{:.*}", self.precision.unwrap_or(6), value as f64)),
            ('f', Attribute::Float(value)) => self.number(format!("{:.*}", self.precision.unwrap_or(6), value)),
            (_, Attribute::Text(text)) => self.text(&text),
            (_, Attribute::Int(value)) => self.text(&value.to_string()),
            (_, Attribute::Float(value)) => self.text(&float_repr(value)),
        }
    }

    fn text(&self, text: &str) -> String {
        self.pad(&text.chars().take(self.precision.unwrap_or(usize::MAX)).collect::<String>())
    }

    fn number(&self, digits: String) -> String {
        let plus = if digits.starts_with('-') { None } else { self.flags.chars().find(|flag| "+ ".contains(*flag)) };
        let signed = plus.map(String::from).unwrap_or_default() + &digits;
        if !self.flags.contains('0') || self.flags.contains('-') {
            return self.pad(&signed);
        }
        let (sign, digits) = leading(&signed, |c| "+- ".contains(c));
        format!("{sign}{digits:0>width$}", width = self.width.saturating_sub(sign.len()))
    }

    fn pad(&self, text: &str) -> String {
        let width = self.width;
        if self.flags.contains('-') { format!("{text:<width$}") } else { format!("{text:>width$}") }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn applied(format: &str, attribute: Attribute) -> String {
        field(format).unwrap().0.apply(attribute)
    }

    #[test]
    fn log_format_has_widths_flags_and_precisions() {
        assert_eq!(applied("%(levelname)-8s", Attribute::Text("INFO".into())), "INFO    ");
        assert_eq!(applied("%(levelname)8.2s", Attribute::Text("INFO".into())), "      IN");
        assert_eq!(applied("%(msecs)03d", Attribute::Float(7.9)), "007");
        assert_eq!(applied("%(levelno)+5d", Attribute::Int(20)), "  +20");
        assert_eq!(applied("%(levelno)+05d", Attribute::Int(20)), "+0020");
        assert_eq!(applied("%(created)f", Attribute::Float(1.5)), "1.500000");
        assert_eq!(applied("%(created).1f", Attribute::Float(1.25)), "1.2");
        assert_eq!(applied("%(msecs)s", Attribute::Float(7.0)), "7.0");
    }

    #[test]
    fn log_format_keeps_what_is_no_directive() {
        let plain = |format: &str| {
            let text = |part| match part {
                FormatPart::Literal(text) => text,
                FormatPart::Field(field) => format!("<{}>", field.name),
            };
            Format::new(format).0.into_iter().map(text).collect::<String>()
        };
        assert_eq!(plain("100%% %(message)s %(nope)s %(message) 5%"), "100% <message> %(nope)s %(message) 5%");
    }

    #[test]
    fn log_format_names_have_attributes() {
        assert!(NAMES.is_sorted());
        assert!(is_known("funcName") && !is_known("taskName"));
    }
}
