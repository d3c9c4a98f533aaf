//! Post-handshake authentication (RFC 8446, 4.6.2), which the crate `openssl` does not offer.

#![allow(unsafe_code)]

use openssl::ssl::SslContextBuilder;

/// Announces to servers that they may request our certificate after the handshake.
pub(super) fn enable(context: &mut SslContextBuilder) {
    // SAFETY: the pointer is that of a living context, which nothing else uses; the function sets a flag in it.
    unsafe { openssl_sys::SSL_CTX_set_post_handshake_auth(context.as_ptr(), 1) }
}
