//! The first milliseconds and the last: what works without configuration and network, and how commands end.

mod endings;
mod help;
