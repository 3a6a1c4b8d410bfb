//! Data folder, seal file, folder of bodies, folders of connectors: there, ours, usable, closed to others.

use super::{Case, EVIDENCE_MAX, Finding, Repair, two};
use gateway::directory::Protocol;
use std::io::ErrorKind;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

/// Entries of the data folder whose owner is looked at.
const ENTRIES_MAX: usize = 10_000;
/// Folders below the data folder are followed this deep.
const DEPTH_MAX: usize = 4;
const OWNER_ALL: u32 = 0o700;
const OTHERS_WRITE: u32 = 0o002;

pub fn look(case: &Case) -> Vec<Finding> {
    let data = &case.chosen.data;
    let mut found = vec![folder("data.folder", data)];
    if found[0].outcome == super::Outcome::Ok {
        found.push(writable(data));
        found.push(owners(data));
    }
    match case.knows("store") {
        true => {
            found.push(seal(case));
            found.extend(case.chosen.bodies_folder().map(|folder| bodies(case, folder)));
        }
        false => found.extend([case.unknown("seal.file", "store"), case.unknown("bodies.folder", "store")]),
    }
    found.extend(case.chosen.settings.connector.iter().filter(|one| one.protocol == Protocol::Folder).map(|connector| {
        let path = Path::new(&connector.folder);
        match path.exists() {
            true => folder("connector.folder", path),
            false => Finding::ok(
                "connector.folder",
                &connector.folder,
                two("Not made yet; the first mail makes it.", "尚未创建，收到第一封邮件时会自动创建。"),
            ),
        }
    }));
    found
}

/// A folder that must be there: a folder, its owner may do everything in it, others may not write.
fn folder(id: &'static str, path: &Path) -> Finding {
    let facts = match std::fs::metadata(path) {
        Ok(facts) => facts,
        Err(why) => {
            let (said, todo) = match why.kind() {
                ErrorKind::NotFound => (
                    two("The folder is not there.", "文件夹不存在。"),
                    two(
                        "Name the right folder (--data, or [store] in the settings), mount its disk, or, on a new installation, start the service once.",
                        "请指定正确的文件夹（--data 或设置中的 [store]），或挂载它所在的磁盘；如果是全新安装，先启动一次服务即可。",
                    ),
                ),
                _ => (
                    two("The folder cannot be looked at.", "无法查看该文件夹。"),
                    two("Run this as the account of the service, or as root.", "请用运行服务的账户或 root 执行本命令。"),
                ),
            };
            return Finding::problem(id, path.display(), said, todo).seen(why);
        }
    };
    if !facts.is_dir() {
        let said = two("There is a file where a folder must be.", "这里应当是文件夹，却是一个文件。");
        return Finding::problem(id, path.display(), said, two("Move the file away.", "请把这个文件移走。"));
    }
    let mode = facts.permissions().mode() & 0o7777;
    let sticky = mode & 0o1000 != 0;
    let wanted = if sticky { mode | OWNER_ALL } else { (mode | OWNER_ALL) & !OTHERS_WRITE };
    if wanted != mode {
        let said = match mode & OWNER_ALL == OWNER_ALL {
            true => two("Everybody on this machine can write in it.", "这台机器上的任何人都能写入该文件夹。"),
            false => two("Its owner may not read, write and enter it.", "所有者对它没有完整的读、写、进入权限。"),
        };
        let todo = two("Correct its mode (chmod).", "请更正权限（chmod）。");
        let found = Finding::problem(id, path.display(), said, todo).seen(format!("mode {mode:03o}"));
        return found.repaired_by(Repair::Mode { path: path.to_path_buf(), mode: wanted });
    }
    let said = two("There, with the right mode.", "存在，且权限正确。");
    Finding::ok(id, path.display(), said).seen(format!("mode {mode:03o}, owner {}:{}", facts.uid(), facts.gid()))
}

/// Tries it, as modes do not tell everything: file systems mounted read-only, quotas, access lists.
fn writable(data: &Path) -> Finding {
    let probe = data.join(format!(".doctor-{}", std::process::id()));
    let written = std::fs::write(&probe, b"gatepost doctor\n");
    let _ = std::fs::remove_file(&probe);
    let id = "data.writable";
    match written {
        Ok(()) => Finding::ok(id, data.display(), two("A file could be written.", "可以写入文件。")),
        Err(why) => {
            let todo = match why.kind() {
                ErrorKind::ReadOnlyFilesystem => two(
                    "Mount the file system for writing; look in the system log why it became read-only (a failing disk is the usual reason).",
                    "请以可写方式重新挂载文件系统，并在系统日志中查明它为何变为只读（最常见的原因是磁盘故障）。",
                ),
                ErrorKind::StorageFull | ErrorKind::QuotaExceeded => two("Make room on the disk.", "请清理磁盘空间。"),
                _ => two(
                    "Run this as the account of the service, or give the folder to it.",
                    "请用运行服务的账户执行本命令，或把文件夹交给该账户。",
                ),
            };
            Finding::problem(id, data.display(), two("Nothing can be written there.", "无法写入。"), todo).seen(why)
        }
    }
}

/// A command run as root leaves files that the service cannot open afterwards.
fn owners(data: &Path) -> Finding {
    let id = "data.owner";
    let Ok(facts) = std::fs::metadata(data) else {
        return Finding::cannot_tell(id, data.display(), two("It cannot be looked at.", "无法查看。"));
    };
    let (uid, gid) = (facts.uid(), facts.gid());
    let strangers = strangers(data, uid);
    if !strangers.is_empty() {
        let said = two(
            format!("{} files do not belong to the owner of the data folder; the service may not be able to open them.", strangers.len()),
            format!("有 {} 个文件不属于数据文件夹的所有者，服务可能无法打开它们。", strangers.len()),
        );
        let todo = two("Give them to the owner of the folder (chown).", "请把它们交给文件夹的所有者（chown）。");
        let found = Finding::problem(id, data.display(), said, todo).seen(format!("the folder belongs to {uid}:{gid}"));
        let found = strangers.iter().take(EVIDENCE_MAX).fold(found, |found, path| found.seen(path.display()));
        return found.repaired_by(Repair::Owner { paths: strangers, uid, gid });
    }
    let me = std::fs::metadata("/proc/self").map(|facts| facts.uid()).unwrap_or(uid);
    if me != uid && me != 0 {
        let said = two("It belongs to another account than the one that runs this.", "它属于另一个账户，而不是当前执行本命令的账户。");
        let todo = two("Run this, and the service, as the account that owns the folder.", "请用拥有该文件夹的账户运行本命令和服务。");
        return Finding::problem(id, data.display(), said, todo).seen(format!("owner {uid}, we are {me}"));
    }
    Finding::ok(id, data.display(), two("Everything in it belongs to one account.", "其中所有文件属于同一账户。"))
        .seen(format!("{uid}:{gid}"))
}

fn strangers(data: &Path, uid: u32) -> Vec<PathBuf> {
    let (mut found, mut open, mut seen) = (Vec::new(), vec![(data.to_path_buf(), 0)], 0);
    while let Some((folder, depth)) = open.pop() {
        let Ok(entries) = std::fs::read_dir(&folder) else { continue };
        for entry in entries.flatten() {
            seen += 1;
            if seen > ENTRIES_MAX {
                return found;
            }
            let Ok(facts) = entry.path().symlink_metadata() else { continue };
            if facts.uid() != uid {
                found.push(entry.path());
            }
            if facts.is_dir() && depth < DEPTH_MAX {
                open.push((entry.path(), depth + 1));
            }
        }
    }
    found
}

/// The key that seals secrets. It is looked at here without [`gateway::dkim::Seal::open_file`], which would make a missing one.
fn seal(case: &Case) -> Finding {
    let path = case.chosen.seal_file();
    let shown = path.display().to_string();
    let facts = match std::fs::metadata(&path) {
        Ok(facts) => facts,
        Err(why) if why.kind() == ErrorKind::NotFound && !was_started(case) => {
            return Finding::ok("seal.file", shown, two("Not made yet; the first start makes it.", "尚未创建，首次启动时会自动创建。"));
        }
        Err(why) => return seal_gone(&shown).seen(why),
    };
    let mode = facts.permissions().mode() & 0o777;
    if mode & 0o077 != 0 || mode & 0o400 == 0 {
        let said =
            two("Others can read the key that seals secrets, or its owner cannot.", "封存机密的密钥可被他人读取，或其所有者无法读取。");
        let found = Finding::problem(
            "seal.mode",
            &shown,
            said,
            two("Make it readable for its owner alone (chmod 600).", "请设为仅所有者可读（chmod 600）。"),
        );
        return found.seen(format!("mode {mode:03o}")).repaired_by(Repair::Mode { path, mode: 0o600 });
    }
    let text = std::fs::read_to_string(&path).unwrap_or_default();
    let is_key = text.trim().len() == 64 && text.trim().bytes().all(|octet| octet.is_ascii_hexdigit());
    match is_key {
        true => Finding::ok("seal.file", shown, two("A key that only its owner reads.", "密钥有效，且只有所有者能读取。")),
        false => {
            let said = two("The file is not a key of 64 hex digits.", "该文件不是 64 位十六进制密钥。");
            let todo = two(
                "Put the right file back from your backup; without it DKIM keys, authenticator apps and secrets of sign-in providers are lost.",
                "请从备份中恢复正确的文件；没有它，DKIM 密钥、身份验证器和登录提供方的机密都将丢失。",
            );
            Finding::problem("seal.file", shown, said, todo).seen(format!("{} octets", facts.len()))
        }
    }
}

pub fn seal_gone(shown: &str) -> Finding {
    let said = two("The key that seals secrets is gone.", "用于封存机密的密钥不见了。");
    let todo = two(
        "Put it back from your backup BEFORE the service starts: it would make a new key, and DKIM keys, authenticator apps and secrets of sign-in providers would be lost.",
        "请在启动服务之前从备份中恢复它：否则服务会生成新密钥，已有的 DKIM 密钥、身份验证器和登录提供方的机密都将无法使用。",
    );
    Finding::problem("seal.file", shown, said, todo)
}

/// There is something on this machine that only a start can have made; a PostgreSQL is not asked here.
pub fn was_started(case: &Case) -> bool {
    let is_file = case.chosen.store_url().strip_prefix("sqlite:").is_some_and(|file| Path::new(file).exists());
    let has_bodies = |folder: PathBuf| std::fs::read_dir(folder).is_ok_and(|mut entries| entries.next().is_some());
    is_file || case.chosen.bodies_folder().is_some_and(has_bodies)
}

fn bodies(case: &Case, path: PathBuf) -> Finding {
    if path.exists() {
        return folder("bodies.folder", &path);
    }
    if !was_started(case) {
        return Finding::ok(
            "bodies.folder",
            path.display(),
            two("Not made yet; the first start makes it.", "尚未创建，首次启动时会自动创建。"),
        );
    }
    let said = two("The folder of large bodies is gone.", "存放大邮件正文的文件夹不见了。");
    let todo = two(
        "Mount its disk or restore it from your backup. Make it anew only when nothing was in it.",
        "请挂载它所在的磁盘或从备份恢复；只有确定其中没有内容时才重新创建。",
    );
    Finding::problem("bodies.folder", path.display(), said, todo).repaired_by(Repair::Folder { path })
}
