//! `rucio api` gives what curl gives; `rucio credential sign-url` what the official CredentialClient gives.

mod calls;
mod curl;
mod sign_url;
