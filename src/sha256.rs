//! SHA-256 of short texts and files.
//!
//! Not OpenSSL's: its function for this registers a clean-up that runs while the program ends, and threads that still
//! use OpenSSL then crash ("double free or corruption"). It also reads openssl.cnf, which costs each command a
//! millisecond.

use sha2::{Digest, Sha256};

/// Returns the digest in 64 lower-case hexadecimal digits.
pub fn hex(content: impl AsRef<[u8]>) -> String {
    Sha256::digest(content).iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    #[test]
    fn sha256_of_a_text_is_that_of_the_standard() {
        // FIPS 180-2, appendix B.1.
        assert_eq!(super::hex("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    }
}
