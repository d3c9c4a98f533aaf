#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| rucio_fuzz::xrootd(data));
