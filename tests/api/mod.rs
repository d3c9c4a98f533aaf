//! `rucio api` prints the same as curl, `rucio credential sign-url` the same as the official CredentialClient.

mod calls;
mod curl;
mod sign_url;
