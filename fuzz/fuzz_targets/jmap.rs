#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| mail::fuzz::jmap_answer(input));
