//! Room: disk, inodes, file descriptors.

use super::{Case, Finding, two};
use std::path::{Path, PathBuf};

/// Below this a large mail and the database's log do not fit any more.
const FREE_MIN: u64 = 128 << 20;
/// Below this share of the disk it is time to act, unless much is free all the same.
const FREE_PERCENT_MIN: u64 = 3;
const FREE_PLENTY: u64 = 2 << 30;
/// The database's shared memory does not fit in less.
const NOTHING_FITS: u64 = 1 << 20;
const INODES_MIN: u64 = 500;
/// Descriptors besides those of connections: listeners, database, bodies, DNS.
const DESCRIPTORS_ASIDE: u64 = 200;

pub fn look(case: &Case) -> Vec<Finding> {
    let mut folders = vec![case.chosen.data.clone()];
    if case.knows("store") {
        folders.extend(case.chosen.bodies_folder());
        let file = case.chosen.store_url().strip_prefix("sqlite:").map(PathBuf::from);
        folders.extend(file.and_then(|file| file.parent().map(Path::to_path_buf)));
    }
    let mut seen = Vec::new();
    let mut found = Vec::new();
    for folder in folders {
        let Ok(disk) = rustix::fs::statvfs(&folder) else { continue };
        if seen.contains(&disk.f_fsid) {
            continue; // the same disk
        }
        seen.push(disk.f_fsid);
        found.push(space(&folder, disk.f_bavail * disk.f_frsize, disk.f_blocks * disk.f_frsize));
        found.push(inodes(&folder, disk.f_favail, disk.f_files));
    }
    if found.is_empty() {
        let said = two("There is no folder yet whose disk could be looked at.", "还没有可以检查磁盘的文件夹。");
        found.push(Finding::cannot_tell("disk.space", case.chosen.data.display(), said));
    }
    found.push(descriptors(case));
    found
}

/// Nothing at all fits any more.
pub fn is_full(folder: &Path) -> bool {
    rustix::fs::statvfs(folder).is_ok_and(|disk| disk.f_bavail * disk.f_frsize < NOTHING_FITS)
}

fn space(folder: &Path, free: u64, total: u64) -> Finding {
    let percent = free.saturating_mul(100).checked_div(total).unwrap_or(100);
    let seen = format!("{} MiB of {} MiB free ({percent} %)", free >> 20, total >> 20);
    let is_short = free < FREE_MIN || (percent < FREE_PERCENT_MIN && free < FREE_PLENTY);
    if !is_short {
        return Finding::ok("disk.space", folder.display(), two("Enough room.", "空间充足。")).seen(seen);
    }
    let said =
        two("The disk is full or nearly so; mail is put off until there is room.", "磁盘已满或即将写满；腾出空间之前，邮件会被推迟接收。");
    let todo = two(
        "Make room or enlarge the disk: old logs and copies first; held mail and trace go by themselves ([store] trace_days). Never delete gatepost.db-wal.",
        "请清理或扩容磁盘：先清理旧日志和副本；隔离邮件与跟踪记录会按 [store] trace_days 自动清理。切勿删除 gatepost.db-wal。",
    );
    Finding::problem("disk.space", folder.display(), said, todo).seen(seen)
}

fn inodes(folder: &Path, free: u64, total: u64) -> Finding {
    let seen = format!("{free} of {total} inodes free");
    // Some file systems count none.
    if total == 0 || free >= INODES_MIN {
        return Finding::ok("disk.inodes", folder.display(), two("New files can be made.", "可以创建新文件。")).seen(seen);
    }
    let said = two("The disk has room but no inodes for new files.", "磁盘仍有空间，但没有可用于新文件的 inode。");
    let todo = two(
        "Remove many small files you do not need, or make a file system with more inodes.",
        "请删除大量不需要的小文件，或改用 inode 更多的文件系统。",
    );
    Finding::problem("disk.inodes", folder.display(), said, todo).seen(seen)
}

/// What a service started from here could open. A service manager may give it more.
fn descriptors(case: &Case) -> Finding {
    let id = "limit.descriptors";
    let limits = std::fs::read_to_string("/proc/self/limits").unwrap_or_default();
    let line = limits.lines().find_map(|line| line.strip_prefix("Max open files"));
    let mut words = line.unwrap_or_default().split_whitespace().map(|word| word.parse::<u64>().unwrap_or(u64::MAX));
    let (Some(soft), Some(hard)) = (words.next(), words.next()) else {
        return Finding::cannot_tell(id, "/proc/self/limits", two("The limit cannot be read here.", "无法读取该限制。"));
    };
    if !case.knows("limits") {
        return case.unknown(id, "limits");
    }
    let needed = case.chosen.settings.limits.connections_max as u64 + DESCRIPTORS_ASIDE;
    let seen = format!("{soft} allowed (up to {hard}); {needed} needed for [limits] connections_max");
    if soft >= needed {
        return Finding::ok(id, "open files", two("Enough open files are allowed.", "允许打开的文件数足够。")).seen(seen);
    }
    if hard >= needed {
        let said = two(
            "This shell allows fewer than needed; the service's own limit cannot be seen from here.",
            "当前终端允许的数量不足；从这里看不到服务自身的限制。",
        );
        return Finding::cannot_tell(id, "open files", said).seen(seen);
    }
    let said = two("Too few open files are allowed for the connections of the settings.", "允许打开的文件数少于设置中的连接数所需。");
    let todo = two(
        "Raise the limit (LimitNOFILE= of the systemd unit, or ulimit -n), or lower [limits] connections_max.",
        "请提高限制（systemd 单元的 LimitNOFILE= 或 ulimit -n），或降低 [limits] connections_max。",
    );
    Finding::problem(id, "open files", said, todo).seen(seen)
}
