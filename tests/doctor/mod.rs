//! `rucio doctor`: all is well at a site that works; of one thing that is broken, exactly that line fails, with the
//! command that fixes it, which is run if possible; no secret is shown.

mod configuration;
mod credentials;
mod output;
mod servers;
mod storages;
mod tls;
mod tokens;
