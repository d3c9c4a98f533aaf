//! Limits on transfers: how many at a time, how fast, and how long they may wait.
//!
//! Only state and arithmetic of the limits. Applying them belongs to the callers, requests to `storage`.

pub mod attempt_timeout;
pub mod connection_budget;
pub(crate) mod host_limits;
pub mod rate;
pub(crate) mod throttle_time;
pub(crate) mod wait_budget;
