//! What only the start needs goes out of memory again.
//!
//! The program is large, and starting touches most of it once: making routes, rules, tables of words. Linux keeps what was touched mapped
//! until memory runs short. Given back, only what runs comes again.

use std::ops::Range;
use std::time::Duration;

/// Waits before giving back: first the listeners are open and the start is over, then every job ran once.
const AFTER: [Duration; 2] = [Duration::from_secs(1), Duration::from_secs(39)];
/// Lines of `/proc/self/smaps` that are read.
const LINES_MAX: usize = 100_000;

/// Waits for the start to be over and gives the code back. Ends by itself; wants a runtime.
pub async fn give_back_start() {
    for wait in AFTER {
        tokio::time::sleep(wait).await;
        give_back();
    }
}

fn give_back() {
    let Ok(maps) = std::fs::read_to_string("/proc/self/smaps") else { return };
    let Ok(program) = std::env::current_exe() else { return };
    for range in untouched(&maps, &program.to_string_lossy()) {
        // SAFETY: the range is code or constants of this program, mapped from its file, private and never written (it has no page of its own
        // memory, and may not be written now): after the call the kernel reads it from the file again when it is used (madvise(2),
        // MADV_DONTNEED). A failure leaves everything as it was.
        unsafe { libc::madvise(std::ptr::without_provenance_mut(range.start), range.len(), libc::MADV_DONTNEED) };
    }
}

/// The addresses in `/proc/self/smaps` (proc(5)) that are code or constants of `program`. What was written while it started, such as
/// relocated tables, is left alone though it may only be read now: it has anonymous pages.
fn untouched(maps: &str, program: &str) -> Vec<Range<usize>> {
    let (mut found, mut open) = (Vec::new(), None);
    for line in maps.lines().take(LINES_MAX) {
        if let Some(octets) = line.strip_prefix("Anonymous:") {
            found.extend(open.take().filter(|_| octets.trim() == "0 kB"));
        } else if !line.split(' ').next().is_some_and(|word| word.ends_with(':')) {
            open = of_program(line, program);
        }
    }
    found
}

/// The addresses of the first line of a mapping, if it is code or constants of `program`.
fn of_program(line: &str, program: &str) -> Option<Range<usize>> {
    let mut words = line.split_ascii_whitespace();
    let (range, rights) = (words.next()?, words.next()?);
    if !matches!(rights, "r-xp" | "r--p") || !line.ends_with(&format!(" {program}")) {
        return None;
    }
    let (start, end) = range.split_once('-')?;
    Some(usize::from_str_radix(start, 16).ok()?..usize::from_str_radix(end, 16).ok()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_the_program_never_wrote_is_given_back() {
        let of = |line: &str, anonymous: &str| -> Vec<Range<usize>> {
            let maps = format!(
                "{line}\nSize: 8 kB\nRss: 8 kB\nAnonymous: {anonymous}\nVmFlags: rd ex\n\
                 7f00-7f01 rw-p 00001000 fe:00 77  /usr/bin/gatepost\nAnonymous: 0 kB\n"
            );
            untouched(&maps, "/usr/bin/gatepost")
        };
        let whole = 0x55d0_a000..0x55d0_c000;
        for line in
            ["55d0a000-55d0c000 r-xp 00001000 fe:00 77  /usr/bin/gatepost", "55d0a000-55d0c000 r--p 00001000 fe:00 77  /usr/bin/gatepost"]
        {
            assert_eq!(of(line, "       0 kB"), std::slice::from_ref(&whole), "{line}");
            assert!(of(line, "       4 kB").is_empty(), "{line}: written once");
        }
        for line in [
            "55d0a000-55d0c000 rw-p 00001000 fe:00 77  /usr/bin/gatepost",
            "55d0a000-55d0c000 rwxp 00001000 fe:00 77  /usr/bin/gatepost",
            "55d0a000-55d0c000 r-xp 00001000 fe:00 77  /usr/lib/libc.so.6",
            "55d0a000-55d0c000 r-xp 00001000 fe:00 77  /usr/bin/gatepost (deleted)",
            "55d0a000-55d0c000 r-xp 00001000 fe:00 77  /evil/usr/bin/gatepost",
            "55d0a000 r-xp 00001000 fe:00 77  /usr/bin/gatepost",
            "zz-qq r-xp 0 0 0 /usr/bin/gatepost",
            "",
        ] {
            assert!(of(line, "0 kB").is_empty(), "{line}");
        }
    }

    #[test]
    fn the_program_runs_on() {
        static CONSTANT: [u8; 9] = *b"constants";
        give_back();
        assert_eq!((of_program("", ""), CONSTANT.len()), (None, 9));
    }
}
