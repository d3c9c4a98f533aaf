//! Errors of the Kerberos library.

/// Bits of a major status that mean failure (RFC 2744, section 3.9.1).
pub(super) const FAILED: u32 = 0xffff_0000;
const NO_CREDENTIALS: u32 = 7 << 16;
const CREDENTIALS_EXPIRED: u32 = 11 << 16;

/// An error of the library.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct GssFailure {
    pub(super) cause: Cause,
    /// The library's message.
    pub(super) text: String,
}

/// The cause of a failure, as far as it is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Cause {
    /// There is no ticket.
    NoTicket,
    /// The ticket has expired.
    Expired,
    /// The server is not in the Kerberos database.
    UnknownServer,
    /// No KDC answers, or none is known.
    NoKdc,
    /// This clock differs from that of the KDC or the server.
    Clock,
    /// The server reports the login as a replay.
    Replay,
    /// Something else.
    Other,
}

impl Cause {
    /// Derives the cause from the general status, else from the messages of MIT's and Heimdal's libraries: the
    /// mechanism's status is a number that SPNEGO assigns differently in each process. Messages are in English, because
    /// this program sets no locale.
    pub(super) fn from_status(major: u32, text: &str) -> Self {
        let says = |words: &[&str]| words.iter().any(|words| text.contains(words));
        match major & FAILED {
            NO_CREDENTIALS => Self::NoTicket,
            CREDENTIALS_EXPIRED => Self::Expired,
            _ if says(&["Ticket expired", "icket has expired"]) => Self::Expired,
            _ if says(&["not found in Kerberos database", "Server not found"]) => Self::UnknownServer,
            _ if says(&["KDC", "realm"]) => Self::NoKdc,
            _ if says(&["Clock skew", "clock skew"]) => Self::Clock,
            _ if says(&["a replay"]) => Self::Replay,
            _ => Self::Other,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gss_failure_causes_are_known_by_status_and_words() {
        const FAILURE: u32 = 13 << 16;
        for (major, text, cause) in [
            (NO_CREDENTIALS, "SPNEGO cannot find mechanisms to negotiate", Cause::NoTicket),
            (CREDENTIALS_EXPIRED, "", Cause::Expired),
            (FAILURE, "Ticket expired", Cause::Expired),
            (FAILURE, "Server HTTP/r@R not found in Kerberos database", Cause::UnknownServer),
            (FAILURE, "Cannot contact any KDC for realm 'R'", Cause::NoKdc),
            (FAILURE, "Cannot find KDC for realm \"R\"", Cause::NoKdc),
            (FAILURE, "Cannot determine realm for numeric host address", Cause::NoKdc),
            (FAILURE, "Clock skew too great", Cause::Clock),
            (FAILURE, "Request is a replay", Cause::Replay),
            (FAILURE, "Decrypt integrity check failed", Cause::Other),
        ] {
            assert_eq!(Cause::from_status(major, text), cause, "{text}");
        }
    }
}
