//! The clock: against the times of files and of this program, and, when allowed, against a web server.

use super::engine::{connect, exchange};
use super::{Case, Finding, two};
use std::path::Path;
use std::time::SystemTime;

/// Farther off than this, signatures in time, certificates and links go wrong.
const OFF_MAX_MS: i64 = 60_000;
/// Files looked at.
const FILES_MAX: usize = 1_000;
const HTTP_PORT: u16 = 80;

pub fn look(case: &Case) -> Vec<Finding> {
    let mut found = vec![against_files(case)];
    found.extend(case.ask_time.as_ref().map(|host| against_server(host)));
    found
}

fn todo() -> crate::doctor::Text {
    two("Set the clock, and let it be kept (chrony, systemd-timesyncd).", "请校准时钟，并启用时间同步（chrony、systemd-timesyncd）。")
}

fn against_files(case: &Case) -> Finding {
    let id = "clock.files";
    let program = std::env::current_exe().ok().and_then(|file| time_of(&file));
    if let Some(built_ms) = program.filter(|built_ms| case.now_ms + OFF_MAX_MS < *built_ms) {
        let said = two("The clock stands before this program was made.", "时钟早于本程序的生成时间。");
        let found = Finding::problem(id, crate::output::time(case.now_ms), said, todo());
        return found.seen(format!("the program is of {}", crate::output::time(built_ms)));
    }
    let future = newest(&case.chosen.data).filter(|(at_ms, _)| case.now_ms + OFF_MAX_MS < *at_ms);
    if let Some((at_ms, name)) = future {
        let said = two(
            "Files of the service were written in what is now the future: the clock was or is wrong.",
            "服务的文件写于“未来”：时钟曾经或现在不准。",
        );
        return Finding::problem(id, crate::output::time(case.now_ms), said, todo())
            .seen(format!("{name} is of {}", crate::output::time(at_ms)));
    }
    let said = two(
        "Nothing speaks against it; only a comparison with a server (--ask-time HOST) can tell that it is right.",
        "没有发现异常；但只有与服务器比对（--ask-time HOST）才能确认时钟准确。",
    );
    Finding::cannot_tell(id, crate::output::time(case.now_ms), said)
}

fn time_of(file: &Path) -> Option<i64> {
    let since = std::fs::metadata(file).ok()?.modified().ok()?.duration_since(SystemTime::UNIX_EPOCH).ok()?;
    i64::try_from(since.as_millis()).ok()
}

/// The newest file right in the folder.
fn newest(folder: &Path) -> Option<(i64, String)> {
    let entries = std::fs::read_dir(folder).ok()?.flatten().take(FILES_MAX);
    entries.filter_map(|entry| Some((time_of(&entry.path())?, entry.path().display().to_string()))).max()
}

/// `Date` of an HTTP answer (RFC 9110 §6.6.1), good to a second.
fn against_server(host: &str) -> Finding {
    let id = "clock.server";
    let name = host.rsplit_once(':').map_or(host, |(name, _)| name);
    let question = format!("HEAD / HTTP/1.1\r\nHost: {name}\r\nConnection: close\r\nUser-Agent: gatepost-doctor\r\n\r\n");
    let began_ms = crate::output::now_ms();
    let answered = connect(host, Some(HTTP_PORT)).and_then(|stream| exchange(stream, question.as_bytes(), 0));
    let ours_ms = began_ms.midpoint(crate::output::now_ms());
    let cannot = two("The server did not say what time it is.", "该服务器没有给出时间。");
    let answer = match answered {
        Ok(answer) => answer,
        Err(why) => return Finding::cannot_tell(id, host, cannot).seen(why),
    };
    let Some(theirs_ms) = date_of(&answer) else { return Finding::cannot_tell(id, host, cannot) };
    let off_ms = ours_ms - theirs_ms;
    let seen = format!("here {}, there {}", crate::output::time(ours_ms), crate::output::time(theirs_ms));
    if off_ms.abs() <= OFF_MAX_MS {
        return Finding::ok(id, host, two("Both clocks agree.", "两边时钟一致。")).seen(seen);
    }
    let seconds = off_ms.abs() / 1000;
    let said = match off_ms > 0 {
        true => two(format!("Our clock is {seconds} s ahead."), format!("本机时钟快了 {seconds} 秒。")),
        false => two(format!("Our clock is {seconds} s behind."), format!("本机时钟慢了 {seconds} 秒。")),
    };
    Finding::problem(id, host, said, todo()).seen(seen)
}

pub(super) fn date_of(answer: &str) -> Option<i64> {
    let mut fields = answer.lines().filter_map(|line| line.split_once(':'));
    let (_, value) = fields.find(|(name, _)| name.eq_ignore_ascii_case("date"))?;
    let parsed = jiff::fmt::rfc2822::DateTimeParser::new().parse_timestamp(value.trim()).ok()?;
    Some(parsed.as_millisecond())
}
