//! The protocols of storage, one by one, against the servers of the testbed.

mod implementations;
mod signed;
mod ssh;
mod xrootd;
mod xrootd_logins;
mod xrootd_writes;
