//! Private keys of every kind, made with the `openssl` program once and kept in cargo's folder for test data.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

use anyhow::{Context, Result, ensure};
use openssl::pkey::{PKey, Private};

/// The keys by name, with the arguments of `openssl`. The large ones have more than two primes: the other side cannot see
/// that, and they are found in a fraction of the time.
const KEYS: &[(&str, &str)] = &[
    ("rsa-1024", "genrsa 1024"),
    ("rsa-2048", "genrsa 2048"),
    ("rsa-2048-other", "genrsa 2048"),
    ("rsa-3072", "genrsa 3072"),
    ("rsa-4096", "genrsa 4096"),
    ("rsa-8192", "genrsa -primes 4 8192"),
    ("rsa-pss", "genpkey -algorithm RSA-PSS -pkeyopt rsa_keygen_bits:2048"),
    (
        "rsa-pss-restricted",
        "genpkey -algorithm RSA-PSS -pkeyopt rsa_keygen_bits:2048 -pkeyopt rsa_pss_keygen_md:sha256 \
         -pkeyopt rsa_pss_keygen_mgf1_md:sha256 -pkeyopt rsa_pss_keygen_saltlen:32",
    ),
    ("p-224", "genpkey -algorithm EC -pkeyopt ec_paramgen_curve:secp224r1"),
    ("p-256", "genpkey -algorithm EC -pkeyopt ec_paramgen_curve:prime256v1"),
    ("p-256-other", "genpkey -algorithm EC -pkeyopt ec_paramgen_curve:prime256v1"),
    ("p-384", "genpkey -algorithm EC -pkeyopt ec_paramgen_curve:secp384r1"),
    ("p-521", "genpkey -algorithm EC -pkeyopt ec_paramgen_curve:secp521r1"),
    ("secp256k1", "genpkey -algorithm EC -pkeyopt ec_paramgen_curve:secp256k1"),
    ("brainpool-256", "genpkey -algorithm EC -pkeyopt ec_paramgen_curve:brainpoolP256r1"),
    ("p-256-explicit", "genpkey -algorithm EC -pkeyopt ec_paramgen_curve:prime256v1 -pkeyopt ec_param_enc:explicit"),
    ("ed25519", "genpkey -algorithm ED25519"),
    ("ed448", "genpkey -algorithm ED448"),
];

/// The keys.
#[derive(Debug, Clone)]
pub(super) struct Keys(Arc<BTreeMap<&'static str, PKey<Private>>>);

impl Keys {
    /// Reads all keys; makes those that are missing, on all processors.
    pub(super) fn get() -> Result<Self> {
        static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());
        let _guard = ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);
        let folder = folder()?;
        let missing: Vec<_> = KEYS.iter().filter(|(name, _)| !path(&folder, name).exists()).collect();
        let queue = Mutex::new(missing);
        let processors = thread::available_parallelism().map_or(1, usize::from);
        thread::scope(|scope| {
            let work = || -> Result<()> {
                loop {
                    // The large ones are at the end of their kind and take longest.
                    let next = queue.lock().unwrap_or_else(PoisonError::into_inner).pop();
                    let Some((name, arguments)) = next else { return Ok(()) };
                    make(&folder, name, arguments)?;
                }
            };
            let workers: Vec<_> = (0..processors).map(|_| scope.spawn(work)).collect();
            workers.into_iter().try_for_each(|worker| worker.join().expect("a worker panicked"))
        })?;
        let read = |(name, _): &(&'static str, &str)| {
            Ok((*name, PKey::private_key_from_pem(&fs::read(path(&folder, name))?)?))
        };
        Ok(Self(Arc::new(KEYS.iter().map(read).collect::<Result<_>>()?)))
    }

    /// The key of this name.
    pub(super) fn key(&self, name: &str) -> Result<PKey<Private>> {
        self.0.get(name).cloned().with_context(|| format!("no key {name}"))
    }
}

/// The folder of the laboratory's files.
pub(super) fn folder() -> Result<PathBuf> {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("tls-laboratory");
    fs::create_dir_all(&folder)?;
    Ok(folder)
}

fn path(folder: &Path, name: &str) -> PathBuf {
    folder.join(format!("{name}.pem"))
}

/// Several test processes may do this at the same time: the file appears when it is complete.
fn make(folder: &Path, name: &str, arguments: &str) -> Result<()> {
    let made = Command::new("openssl").args(arguments.split_whitespace()).output().context("running openssl")?;
    ensure!(made.status.success(), "{name}: {}", String::from_utf8_lossy(&made.stderr));
    let file = tempfile::NamedTempFile::new_in(folder)?;
    fs::write(file.path(), made.stdout)?;
    file.persist(path(folder, name))?;
    Ok(())
}
