//! Checks whether a certificate is valid now, with hints.

use super::{Certificate, Link, first_to_end, last_to_begin};
use crate::error::{Error, Result};
use crate::exceptions::Exception;
use crate::hint::{Hint, Parameter, shell_path};
use crate::time::{date, unix_time};

impl Certificate {
    /// Checks that the certificate, and all of its owner's behind it, are valid now. The CAs behind those are left to
    /// the server, which may know newer ones.
    ///
    /// # Errors
    /// `CannotAuthenticate` if one has expired or is not valid yet, with its name, the date and a hint.
    pub(crate) fn require_good(&self) -> Result<()> {
        self.good_at(unix_time())
    }

    pub(super) fn good_at(&self, now: i64) -> Result<()> {
        let own = self.chain.iter().position(|link| !link.kind.is_proxy()).map_or(self.chain.len(), |end| end + 1);
        let first = first_to_end(&self.chain[..own]);
        let last = last_to_begin(&self.chain[..own]);
        if first.not_after < now {
            Err(self.expired(first, now))
        } else if last.not_before > now {
            Err(self.early(last, now))
        } else {
            Ok(())
        }
    }

    /// Returns the hint to create a proxy in the place of this one.
    pub(crate) fn new_proxy(&self) -> Hint {
        Hint::run("Create a new proxy", format!("voms-proxy-init -out {}", shell_path(&self.file)))
    }

    /// Returns the hints for a renewal.
    pub(crate) fn renewal(&self) -> Vec<Hint> {
        if self.is_proxy() {
            return vec![self.new_proxy(), Hint::LogIn { force: false }];
        }
        let advice = format!("Renew the certificate of {} at the CA that signed it ({}).", self.identity, self.issuer);
        vec![advice.into(), Hint::parameters("Or use another one", [Parameter::Certificate])]
    }

    fn expired(&self, link: &Link, now: i64) -> Error {
        let hints = if link.kind.is_proxy() == self.is_proxy() {
            self.renewal()
        } else {
            // A new proxy of an expired certificate does not help.
            vec!["Renew that certificate.".into(), self.new_proxy(), Hint::LogIn { force: false }]
        };
        let what = self.name_of(link);
        let end = date(link.not_after);
        let now = date(now);
        Error::new(Exception::CannotAuthenticate, format!("{what} expired on {end} (it is {now} now)."))
            .with_hints(hints)
    }

    fn early(&self, link: &Link, now: i64) -> Error {
        let what = self.name_of(link);
        let start = date(link.not_before);
        let now = date(now);
        Error::new(Exception::CannotAuthenticate, format!("{what} is not valid before {start} (it is {now} now)."))
            .with_hint("Check the clock of this machine (`date`): few certificates begin in the future.")
    }

    /// Returns `The proxy in FILE`, or a name for the certificate behind it.
    fn name_of(&self, link: &Link) -> String {
        let kind = if link.kind.is_proxy() { "proxy" } else { "certificate" };
        let file = self.file.display();
        if *link == self.chain[0] {
            format!("The {kind} in {file}")
        } else {
            format!("The {kind} of {} behind the one in {file}", link.subject)
        }
    }
}
