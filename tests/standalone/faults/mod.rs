//! Faults in downloads: storages that break off, send wrong data, reject or stop, full disks, a server that goes
//! away. Every fault is a real one on a real socket or file system, and hits the real program.
//!
//! | fault | test |
//! |---|---|
//! | cut bodies, heads and connections; resets | `storage::storage_responses...` (`cut...`, `reset...`), in TLS `tls::tls_that_breaks...` |
//! | silence | `storage::storage_that_stalls...` |
//! | slower than `--transfer-speed-timeout` | `clock::storage_below_the_minimum_speed...` |
//! | 401, 403, 404, 416, 429, 5xx; redirections without end | `storage::storage_responses...` |
//! | few concurrent requests accepted; all rejected | `crowd::...` |
//! | `Retry-After`: seconds, dates, many in a row, too long | `busy::...` |
//! | wrong length, with and without Content-Length; wrong bytes | `storage::storage_responses...` (`longer...`, `shorter...`, `wrong`) |
//! | wrong answers to Range | `storage::storage_responses...` (`part-...`, `unasked-part`) |
//! | large files in byte ranges: slow, silent, wrong and rejecting sources; Ctrl-C, SIGKILL and damaged ranges | `ranges::...` |
//! | no such host, closed port, no TLS, a stranger's certificate | `storage::storage_without_a_connection...` |
//! | a full disk, a read-only folder, a name that cannot be written | `disk::...`, tests/faults `disk::...` |
//! | a file system without locks | `disk::...` |
//! | the clock jumps, or is wrong by hours or years | `clock::...`, tests/faults `clock::...` |
//! | the server goes away while it lists; files take hours | `listing::...` |
//! | any other list ends early and looks whole | `lists::...` |
//! | the server goes away in the middle of a command | `outage::...` |
//! | the server is killed while it lists, and its answer looks whole | tests/faults `killed::...`, `listing::...` |
//! | Ctrl-C, SIGTERM, SIGKILL at any moment; damaged partial files | `resume::...` |
//! | a server that refuses lists of traces | `traces::...` |
//! | the reader of the events goes away | `events::download_events_reader_that_goes_away...` |

mod bars;
mod busy;
mod clock;
mod crowd;
mod disk;
mod events;
mod limits;
mod listing;
mod lists;
mod outage;
mod ranges;
mod rate;
mod resume;
mod storage;
mod tls;
mod traces;
