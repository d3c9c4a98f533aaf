//! Files with known contents, a metalink document that tells where they are, and a folder to put them into.

use std::collections::HashMap;
use std::fmt::Write;
use std::fs;
use std::path::PathBuf;

use anyhow::{Result, ensure};

use crate::fixtures::Home;
use crate::support::{Outcome, Rucio};

/// A folder of our own, and what is to be downloaded into it.
#[derive(Debug)]
pub(super) struct DownloadFixture {
    pub(super) home: Home,
    document: String,
    contents: HashMap<String, Vec<u8>>,
}

impl DownloadFixture {
    pub(super) fn new() -> Result<Self> {
        let home = Home::new()?;
        fs::create_dir(home.path().join("here"))?;
        Ok(Self { home, document: String::new(), contents: HashMap::new() })
    }

    /// A file `faults:name` of this content is at these places, the best first.
    pub(super) fn file(&mut self, name: &str, content: &[u8], pfns: &[&str]) {
        let hash = format!("<hash type=\"adler32\">{:08x}</hash>", adler32(content));
        self.described(name, &format!("<size>{}</size>{hash}", content.len()), pfns);
        self.contents.insert(name.to_owned(), content.to_vec());
    }

    /// A file of which the document says just this.
    pub(super) fn described(&mut self, name: &str, description: &str, pfns: &[&str]) {
        let _ = write!(self.document, "<file name=\"{name}\"><identity>faults:{name}</identity>{description}");
        for (priority, pfn) in pfns.iter().enumerate() {
            let _ = write!(self.document, "<url location=\"RSE{priority}\" priority=\"{priority}\">{pfn}</url>");
        }
        self.document.push_str("</file>\n");
    }

    /// Writes the document; gives its path.
    pub(super) fn document(&self) -> Result<PathBuf> {
        let path = self.home.path().join("all.meta4");
        let xml = "<?xml version=\"1.0\"?><metalink xmlns=\"urn:ietf:params:xml:ns:metalink\">";
        fs::write(&path, format!("{xml}\n{}</metalink>\n", self.document))?;
        Ok(path)
    }

    /// Our client, about to download it all into `here`; by the old command, whose exit codes say more.
    pub(super) fn rucio(&self, words: &[&str]) -> Result<Rucio> {
        self.document()?;
        let rucio = self.home.ours().config("userpass")?.folder(self.home.path());
        Ok(rucio.args(["get", "--metalink", "all.meta4", "--dir", "here"]).args(words))
    }

    /// Downloads it all.
    pub(super) fn download(&self, words: &[&str]) -> Result<Outcome> {
        self.rucio(words)?.run()
    }

    /// Where the file is going to be.
    pub(super) fn place(&self, name: &str) -> PathBuf {
        self.home.path().join("here/faults").join(name)
    }

    /// The names in the folder of the files, hidden ones too.
    pub(super) fn names(&self) -> Result<Vec<String>> {
        let folder = self.home.path().join("here/faults");
        let entries = fs::read_dir(folder).into_iter().flatten();
        let names = entries.map(|entry| Ok(entry?.file_name().to_string_lossy().into_owned()));
        let mut names: Vec<_> = names.collect::<Result<_>>()?;
        names.sort();
        Ok(names)
    }

    /// The file has arrived as it is.
    pub(super) fn arrived(&self, name: &str) -> Result<()> {
        let here = fs::read(self.place(name)).map_err(|error| anyhow::anyhow!("{name}: {error}"))?;
        ensure!(self.contents.get(name) == Some(&here), "{name} is wrong: {} bytes", here.len());
        Ok(())
    }
}

/// Bytes that are not like those of another seed.
pub(super) fn bytes(seed: usize, length: usize) -> Vec<u8> {
    let mut state = seed as u64 + 1;
    let next = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 56) as u8
    };
    std::iter::repeat_with(next).take(length).collect()
}

fn adler32(bytes: &[u8]) -> u32 {
    let (mut low, mut high) = (1_u32, 0_u32);
    // So many bytes cannot make the sums overflow.
    for block in bytes.chunks(5552) {
        for byte in block {
            low += u32::from(*byte);
            high += low;
        }
        (low, high) = (low % 65521, high % 65521);
    }
    high << 16 | low
}
