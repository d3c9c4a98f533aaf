//! What must hold for any bytes at all that strangers, or a slip of the hand, may hand to the client.
//!
//! Each function takes what a fuzzer made up and panics where a promise is broken. The fuzz targets are thin wrappers
//! around them; the tests of the program replay the corpus through the same functions.

mod config;
mod cuts;
mod did;
mod json_stream;
mod metalink;
mod range_answers;
mod xrootd;

pub use config::config;
pub use did::did;
pub use json_stream::json_stream;
pub use metalink::metalink;
pub use range_answers::range_answers;
pub use xrootd::xrootd;
