//! What is downloaded: the requested DIDs ([`resolve`]) and the files to be selected from their content ([`selection`]).
//!
//! Which replicas the files have belongs to `listing`, their sources and destinations to `plan`.

pub mod resolve;
pub mod selection;
