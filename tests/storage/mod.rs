//! The protocols of storage, one by one, against the servers of the testbed.

mod signed;
mod ssh;
