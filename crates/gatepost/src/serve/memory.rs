//! What only the start needs goes out of memory again.
//!
//! The program is large, and starting touches most of it once: making routes, rules, tables of words. Linux keeps what was touched mapped
//! until memory runs short. Given back once, only what runs comes again: 22 MiB less at rest.

use std::ops::Range;
use std::time::Duration;

/// By then the start is over, and what is learned after it (`web::help::warm`) as well.
const AFTER: Duration = Duration::from_secs(40);
/// Lines of `/proc/self/maps` that are read.
const MAPS_MAX: usize = 10_000;

/// Waits for the start to be over and gives the code back. Ends by itself; wants a runtime.
pub async fn give_back_start() {
    tokio::time::sleep(AFTER).await;
    give_back();
}

fn give_back() {
    let Ok(maps) = std::fs::read_to_string("/proc/self/maps") else { return };
    let Ok(program) = std::env::current_exe() else { return };
    for range in maps.lines().take(MAPS_MAX).filter_map(|line| code(line, &program.to_string_lossy())) {
        // SAFETY: the range is code of this program, mapped from its file, private and never written: after the call the kernel reads it
        // from the file again when it runs (madvise(2), MADV_DONTNEED). A failure leaves everything as it was.
        unsafe { libc::madvise(std::ptr::without_provenance_mut(range.start), range.len(), libc::MADV_DONTNEED) };
    }
}

/// The addresses of a line of `/proc/self/maps` (proc(5)), if it is code of `program` that nobody can have written to.
fn code(line: &str, program: &str) -> Option<Range<usize>> {
    let mut words = line.split_ascii_whitespace();
    let (range, rights) = (words.next()?, words.next()?);
    if rights != "r-xp" || !line.ends_with(&format!(" {program}")) {
        return None;
    }
    let (start, end) = range.split_once('-')?;
    Some(usize::from_str_radix(start, 16).ok()?..usize::from_str_radix(end, 16).ok()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_code_of_the_program_is_given_back() {
        let of = |line| code(line, "/usr/bin/gatepost");
        assert_eq!(of("55d0a000-55d0c000 r-xp 00001000 fe:00 77  /usr/bin/gatepost"), Some(0x55d0_a000..0x55d0_c000));
        for line in [
            "55d0a000-55d0c000 r--p 00001000 fe:00 77  /usr/bin/gatepost",
            "55d0a000-55d0c000 rw-p 00001000 fe:00 77  /usr/bin/gatepost",
            "55d0a000-55d0c000 rwxp 00001000 fe:00 77  /usr/bin/gatepost",
            "55d0a000-55d0c000 r-xp 00001000 fe:00 77  /usr/lib/libc.so.6",
            "55d0a000-55d0c000 r-xp 00001000 fe:00 77  /usr/bin/gatepost (deleted)",
            "55d0a000-55d0c000 r-xp 00001000 fe:00 77  /evil/usr/bin/gatepost",
            "55d0a000 r-xp 00001000 fe:00 77  /usr/bin/gatepost",
            "zz-qq r-xp 0 0 0 /usr/bin/gatepost",
            "",
        ] {
            assert_eq!(of(line), None, "{line}");
        }
    }

    #[test]
    fn the_program_runs_on() {
        give_back();
        assert_eq!(code("", ""), None);
    }
}
