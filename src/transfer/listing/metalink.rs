//! Parser for metalink files (RFC 5854) as the server writes them: files with checksums and replicas.

use std::io::BufRead;

use quick_xml::events::{BytesStart, Event};
use quick_xml::{Reader, XmlVersion};

use crate::error::{Error, Result};
use crate::exceptions::Exception;
use crate::types::{Did, ReplicaAttributes, ReplicaEntry};

/// Iterates over the files of a metalink document.
pub struct Metalink<R> {
    reader: Reader<R>,
    buffer: Vec<u8>,
    nesting: Nesting,
}

/// Nesting of elements, to detect a truncated document, which the XML reader does not report.
#[derive(Debug, Default)]
struct Nesting {
    depth: usize,
    /// Whether the root element has been closed.
    is_whole: bool,
}

/// A file whose element is being parsed.
#[derive(Debug, Default)]
struct FileBuilder {
    identity: Option<String>,
    bytes: Option<u64>,
    adler32: Option<String>,
    md5: Option<String>,
    pfns: Vec<(String, ReplicaAttributes)>,
}

/// The meaning of the text being parsed.
#[derive(Debug, Default)]
enum Element {
    #[default]
    Other,
    Identity,
    Size,
    Adler32,
    Md5,
    Url(ReplicaAttributes),
}

impl<R: BufRead> Metalink<R> {
    /// Creates a parser for this input.
    pub fn new(input: R) -> Self {
        let mut reader = Reader::from_reader(input);
        reader.config_mut().expand_empty_elements = true;
        Self { reader, buffer: Vec::new(), nesting: Nesting::default() }
    }

    /// Returns the input.
    pub fn input(&mut self) -> &mut R {
        self.reader.get_mut()
    }

    /// Returns the next file; `None` at the end. Errors: the document is malformed or truncated, or a file has no
    /// identity.
    pub fn next_file(&mut self) -> Result<Option<ReplicaEntry>> {
        let (mut builder, mut element, mut text) = (FileBuilder::default(), Element::Other, String::new());
        loop {
            self.buffer.clear();
            let event = self.reader.read_event_into(&mut self.buffer).map_err(malformed)?;
            self.nesting.follow(&event)?;
            match event {
                Event::Start(tag) if tag.local_name().as_ref() == "file" => builder = FileBuilder::default(),
                Event::Start(tag) => (element, text) = (Element::from_tag(&tag)?, String::new()),
                Event::Text(more) => text.push_str(&more),
                Event::CData(more) => text.push_str(&more),
                Event::GeneralRef(name) => text.push_str(&resolved(&name)?),
                Event::End(tag) if tag.local_name().as_ref() == "file" => return builder.finish().map(Some),
                Event::End(_) => builder.set(std::mem::take(&mut element), text.trim()),
                Event::Eof => return Ok(None),
                _ => {}
            }
        }
    }
}

impl Nesting {
    fn follow(&mut self, event: &Event<'_>) -> Result<()> {
        match event {
            Event::Start(_) if self.is_whole => return Err(malformed("it goes on behind its end")),
            Event::Eof if !self.is_whole => return Err(malformed("it breaks off")),
            Event::Start(_) => self.depth += 1,
            Event::End(_) => {
                self.depth = self.depth.saturating_sub(1);
                self.is_whole = self.depth == 0;
            }
            _ => {}
        }
        Ok(())
    }
}

impl Element {
    fn from_tag(tag: &BytesStart<'_>) -> Result<Self> {
        Ok(match tag.local_name().as_ref() {
            "identity" => Self::Identity,
            "size" => Self::Size,
            "hash" => match attribute(tag, "type")?.as_deref() {
                Some("adler32") => Self::Adler32,
                Some("md5") => Self::Md5,
                _ => Self::Other,
            },
            "url" => Self::Url(ReplicaAttributes {
                rse: attribute(tag, "location")?.unwrap_or_default(),
                // The order in the document decides.
                priority: None,
                domain: attribute(tag, "domain")?,
                client_extract: attribute(tag, "client_extract")?.is_some_and(|word| word.eq_ignore_ascii_case("true")),
            }),
            _ => Self::Other,
        })
    }
}

impl FileBuilder {
    fn set(&mut self, element: Element, text: &str) {
        match element {
            Element::Other => {}
            Element::Identity => self.identity = Some(text.to_owned()),
            Element::Size => self.bytes = text.parse().ok(),
            Element::Adler32 => self.adler32 = Some(text.to_owned()),
            Element::Md5 => self.md5 = Some(text.to_owned()),
            Element::Url(pfn) => self.pfns.push((text.to_owned(), pfn)),
        }
    }

    fn finish(self) -> Result<ReplicaEntry> {
        let identity = self.identity.ok_or_else(|| invalid("a file of the metalink document has no identity"))?;
        let (scope, name) =
            identity.split_once(':').ok_or_else(|| invalid(&format!("{identity:?} in the metalink file is no DID")))?;
        Ok(ReplicaEntry {
            did: Did::new(scope, name.strip_suffix('/').unwrap_or(name)),
            bytes: self.bytes,
            adler32: self.adler32,
            md5: self.md5,
            pfns: self.pfns,
            rses: Vec::new(),
            states: Default::default(),
            parents: Vec::new(),
        })
    }
}

fn attribute(tag: &BytesStart<'_>, name: &str) -> Result<Option<String>> {
    let found = tag.try_get_attribute(name).map_err(malformed)?;
    found.map(|value| Ok(value.normalized_value(XmlVersion::Implicit1_0).map_err(malformed)?.into_owned())).transpose()
}

/// Resolves an entity: the five predefined ones of XML, and character references.
fn resolved(name: &str) -> Result<String> {
    quick_xml::escape::unescape(&format!("&{name};")).map(|text| text.into_owned()).map_err(malformed)
}

fn malformed(error: impl std::fmt::Display) -> Error {
    Error::new(Exception::MetalinkJsonParsingError, format!("the metalink file: it is not well formed: {error}"))
}

fn invalid(what: &str) -> Error {
    Error::new(Exception::InputValidationError, what)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Vec<ReplicaEntry>> {
        let mut metalink = Metalink::new(text.as_bytes());
        std::iter::from_fn(|| metalink.next_file().transpose()).collect()
    }

    #[test]
    fn metalink_files_have_their_replicas_in_order() {
        let files = read(
            r#"<?xml version="1.0" encoding="UTF-8"?>
<metalink xmlns="urn:ietf:params:xml:ns:metalink">
 <file name="a&amp;b">
  <parents><did>s:set</did></parents>
  <identity>s:a&amp;b</identity>
  <hash type="adler32">5801fa2c</hash><hash type="md5">ba9a</hash><hash type="sha-256">0</hash>
  <size>1000</size>
  <glfn name="/x"></glfn>
  <url location="DAVS" domain="wan" priority="1" client_extract="false">https://h/a?x=1&amp;y=2</url>
  <url location="ZIP" domain="zip" priority="2" client_extract="True">https://h/z</url>
 </file>
 <file name="b"><identity>s:/b/</identity></file>
</metalink>"#,
        )
        .unwrap();
        assert_eq!(files.len(), 2);
        assert_eq!(files[0].did, Did::new("s", "a&b"));
        assert_eq!(
            (files[0].bytes, files[0].adler32.as_deref(), files[0].md5.as_deref()),
            (Some(1000), Some("5801fa2c"), Some("ba9a"))
        );
        let urls: Vec<_> =
            files[0].pfns.iter().map(|(pfn, at)| (pfn.as_str(), at.rse.as_str(), at.client_extract)).collect();
        assert_eq!(urls, [("https://h/a?x=1&y=2", "DAVS", false), ("https://h/z", "ZIP", true)]);
        assert_eq!((files[1].did.name.as_str(), files[1].bytes), ("/b", None));
    }

    #[test]
    fn metalink_that_is_malformed_is_refused() {
        for (text, class) in [
            ("<metalink><file></metalink>", Exception::MetalinkJsonParsingError),
            ("", Exception::MetalinkJsonParsingError),
            ("not found", Exception::MetalinkJsonParsingError),
            ("<metalink>", Exception::MetalinkJsonParsingError),
            ("<metalink></metalink><metalink>", Exception::MetalinkJsonParsingError),
            ("<metalink><file/></metalink>", Exception::InputValidationError),
            ("<metalink><file><size>1</size></file></metalink>", Exception::InputValidationError),
            ("<metalink><file><identity>nocolon</identity></file></metalink>", Exception::InputValidationError),
            (
                "<metalink><file><identity>s:&nonsense;</identity></file></metalink>",
                Exception::MetalinkJsonParsingError,
            ),
        ] {
            assert_eq!(read(text).unwrap_err().class(), Some(class), "{text}");
        }
        assert!(read("<metalink></metalink>\n").unwrap().is_empty() && read("<metalink/>").unwrap().is_empty());
    }

    #[test]
    fn metalink_that_breaks_off_is_refused() {
        let whole =
            "<?xml version=\"1.0\"?><m><file><identity>s:a</identity></file> <file><identity>s:b</identity></file></m>";
        assert_eq!(read(whole).unwrap().len(), 2);
        for end in 0..whole.len() {
            assert!(read(&whole[..end]).is_err(), "{}", &whole[..end]);
        }
    }
}
