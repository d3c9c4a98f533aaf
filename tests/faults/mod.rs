//! Downloads where the real server is killed, where root mounts the disks, and by wrong clocks. The table in
//! `tests/standalone/faults` has all faults.

mod clock;
mod disk;
mod killed;
