#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| store::s3::fuzz::bucket_answer(input));
