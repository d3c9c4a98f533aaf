//! `rucio doctor` where no server is needed, or one that answers what a test wants.

mod answers;
mod configuration;
mod tls;
