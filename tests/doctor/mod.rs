//! `rucio doctor`: all is well at a site that works; of one thing that is broken, exactly that line fails, with the
//! command that mends it, which is run where it can be; and no secret is ever shown.

mod configuration;
mod credentials;
mod output;
mod servers;
mod tls;
mod tokens;
