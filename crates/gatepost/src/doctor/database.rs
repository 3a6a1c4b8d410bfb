//! The database: reachable, whole, not locked, of a version this program knows.

use super::{Case, EVIDENCE_MAX, Finding, Repair, folder, room, two};
use crate::open::without_password;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use store::Error;
use store::look::{Seen, look as look_at};

/// The findings, and whether rows can be read as this program reads them.
pub async fn look(case: &Case) -> (Vec<Finding>, bool) {
    if !case.knows("store") {
        return (vec![case.unknown("database.opens", "store")], false);
    }
    let url = case.chosen.store_url();
    let shown = without_password(&url);
    if let Some(file) = url.strip_prefix("sqlite:") {
        if let Some(found) = missing(case, file) {
            return (vec![found], false);
        }
        if let Some(found) = mode(Path::new(file)) {
            return (vec![found], false);
        }
    }
    let seen = match look_at(&url, &web::migrations()).await {
        Ok(seen) => seen,
        Err(why) => {
            let folder = url.strip_prefix("sqlite:").and_then(|file| Path::new(file).parent());
            let found = match folder {
                Some(folder) if room::is_full(folder) => {
                    Finding::cannot_tell("database.opens", &shown, two("It cannot be opened on a full disk.", "磁盘已满，无法打开。"))
                        .seen(&why)
                }
                _ => closed(&shown, &why, folder.is_some()),
            };
            return (vec![found], false);
        }
    };
    let mut found = vec![Finding::ok("database.opens", &shown, two("It opens.", "可以打开。")).seen(&seen.engine)];
    let is_file = url.starts_with("sqlite:");
    if is_file {
        found.push(whole(&shown, &seen));
        found.push(lock(&shown, &seen));
    }
    found.push(steps(&shown, &seen, is_file));
    let is_usable = seen.damage.is_empty() && !seen.is_locked && seen.missing.is_empty() && seen.unfit.is_none();
    (found, is_usable)
}

fn missing(case: &Case, file: &str) -> Option<Finding> {
    if Path::new(file).exists() {
        return None;
    }
    let has_key = case.chosen.seal_file().exists();
    if !has_key && !folder::was_started(case) {
        let said = two("There is none yet; the first start makes it.", "尚无数据库，首次启动时会自动创建。");
        return Some(Finding::cannot_tell("database.opens", file, said));
    }
    let said = two("The database is gone, although the service ran here before.", "数据库不见了，而服务曾在此运行过。");
    let todo = two(
        "Mount its disk, correct [store] url, or restore it from your backup BEFORE the service starts: it would begin with an empty one.",
        "请在启动服务之前挂载它所在的磁盘、更正 [store] url，或从备份恢复：否则服务会从空数据库开始。",
    );
    Some(Finding::problem("database.opens", file, said, todo))
}

const OWNER_BOTH: u32 = 0o600;

fn mode(file: &Path) -> Option<Finding> {
    let mode = std::fs::metadata(file).ok()?.permissions().mode() & 0o777;
    if mode & OWNER_BOTH == OWNER_BOTH && mode & 0o002 == 0 {
        return None;
    }
    let said = match mode & OWNER_BOTH == OWNER_BOTH {
        true => two("Everybody on this machine can write the database.", "这台机器上的任何人都能写入数据库。"),
        false => two("Its owner may not read and write it.", "数据库文件的所有者没有读写权限。"),
    };
    let found = Finding::problem("database.mode", file.display(), said, two("Correct its mode (chmod).", "请更正权限（chmod）。"));
    let wanted = (mode | OWNER_BOTH) & !0o002;
    Some(found.seen(format!("mode {mode:03o}")).repaired_by(Repair::Mode { path: file.to_path_buf(), mode: wanted }))
}

fn closed(shown: &str, why: &Error, is_file: bool) -> Finding {
    let (id, said, todo) = match (why, is_file) {
        (Error::Busy(_), true) => return locked(shown).seen(why),
        (Error::Full(_), _) => (
            "disk.space",
            two("There is no room for the database.", "没有空间供数据库使用。"),
            two("Make room on its disk.", "请清理它所在的磁盘。"),
        ),
        (Error::Gone(text) | Error::Statement(text), true) if text.contains("unable to open") || text.contains("readonly") => (
            "database.mode",
            two("The file, or the files it needs beside it, cannot be opened for writing.", "无法以可写方式打开该文件或它旁边所需的文件。"),
            two(
                "Give file and folder to the account of the service, and mount the disk for writing.",
                "请把文件和文件夹交给运行服务的账户，并以可写方式挂载磁盘。",
            ),
        ),
        (Error::Gone(text) | Error::Statement(text), true) if text.contains("I/O error") => (
            "database.disk",
            two("The disk gives errors when the database is read.", "读取数据库时磁盘报错。"),
            two(
                "Look in the system log for errors of the disk; copy what can be read to another one.",
                "请在系统日志中查看磁盘错误，并把还能读出的内容复制到另一块磁盘。",
            ),
        ),
        (_, true) => ("database.whole", two("The file is not a database, or it is damaged.", "该文件不是数据库，或已损坏。"), restore()),
        (Error::Gone(text), false) if is_refusal(text) => (
            "database.sign-in",
            two("The server is there and refuses us.", "服务器可以连接，但拒绝了我们的登录。"),
            two("Correct account, password or name of the database in [store] url.", "请更正 [store] url 中的账户、密码或数据库名。"),
        ),
        (Error::Busy(_), false) => (
            "database.opens",
            two("The server has no connection left for us, or is still starting.", "服务器没有可用的连接，或仍在启动。"),
            two(
                "Raise max_connections of the server, or lower [store] connections_max.",
                "请提高服务器的 max_connections，或降低 [store] connections_max。",
            ),
        ),
        _ => (
            "database.opens",
            two("The database server cannot be reached.", "无法连接数据库服务器。"),
            two(
                "Start it, let its port through the firewall, or correct [store] url.",
                "请启动它、在防火墙中放行其端口，或更正 [store] url。",
            ),
        ),
    };
    Finding::problem(id, shown, said, todo).seen(why)
}

/// PostgreSQL's words for a wrong password, an account or database that is not there, and pg_hba.conf.
fn is_refusal(text: &str) -> bool {
    ["password", "role \"", "database \"", "pg_hba.conf", "authentication"].iter().any(|word| text.contains(word))
}

fn restore() -> super::Text {
    two(
        "Stop the service, keep a copy of the file with its -wal and -shm, and restore your backup; sqlite3 FILE .recover saves what can be read.",
        "请停止服务，保留该文件及其 -wal、-shm 的副本，然后从备份恢复；sqlite3 FILE .recover 可以抢救能读出的内容。",
    )
}

fn whole(shown: &str, seen: &Seen) -> Finding {
    if seen.damage.is_empty() {
        return Finding::ok("database.whole", shown, two("Every page was read and is right.", "已读取所有页面，均正确。"));
    }
    let found = Finding::problem("database.whole", shown, two("The file is damaged.", "文件已损坏。"), restore());
    seen.damage.iter().take(EVIDENCE_MAX).fold(found, Finding::seen)
}

fn locked(shown: &str) -> Finding {
    let said = two("Another program holds the database locked; nothing can be written.", "另一个程序锁住了数据库，无法写入。");
    let todo = two(
        "End the program that has the file open (fuser FILE, lsof FILE), such as a forgotten sqlite3 or a copy that hangs.",
        "请结束打开该文件的程序（用 fuser FILE 或 lsof FILE 查找），例如忘记关闭的 sqlite3 或卡住的备份。",
    );
    Finding::problem("database.lock", shown, said, todo)
}

fn lock(shown: &str, seen: &Seen) -> Finding {
    if seen.is_locked {
        return locked(shown);
    }
    if seen.is_read_only {
        let said = two("It can be read and not written.", "数据库只能读取，无法写入。");
        let todo = two(
            "Give the file to the account of the service, and mount its disk for writing.",
            "请把文件交给运行服务的账户，并以可写方式挂载磁盘。",
        );
        return Finding::problem("database.mode", shown, said, todo);
    }
    Finding::ok("database.lock", shown, two("Nobody holds it locked.", "没有被锁住。"))
}

fn steps(shown: &str, seen: &Seen, is_file: bool) -> Finding {
    let id = "database.steps";
    if let Some(why) = &seen.unfit {
        let said = two("This program does not fit the database.", "本程序与数据库不匹配。");
        let todo = two(
            "Start the version of Gatepost that made it, or restore the copy from before that version.",
            "请使用创建该数据库的 Gatepost 版本，或恢复升级之前的副本。",
        );
        return Finding::problem(id, shown, said, todo).seen(why);
    }
    if seen.missing.is_empty() {
        return Finding::ok(id, shown, two("Up to date.", "结构为最新。")).seen(format!("{} steps", seen.ran));
    }
    let count = seen.missing.len();
    if seen.ran == 0 && !is_file {
        let said = two("It is empty; the first start fills it.", "数据库为空，首次启动时会自动建立。");
        return Finding::cannot_tell(id, shown, said);
    }
    let said = two(
        format!("{count} steps of the schema are missing: it is of an older version, or restored from an old copy."),
        format!("缺少 {count} 个结构更新步骤：它来自旧版本，或恢复自旧的备份。"),
    );
    let todo = two("They run at the next start of the service, or with --fix now.", "下次启动服务时会自动执行，也可以现在用 --fix 执行。");
    let found = Finding::problem(id, shown, said, todo).repaired_by(Repair::Migrate);
    seen.missing.iter().fold(found, |found, (number, name)| found.seen(format!("{number:04} {name}")))
}
