//! What only rows can tell: settings that fit the directory, files that rows name, the seal, the balance.

use super::{Case, EVIDENCE_MAX, Finding, folder, two};
use gateway::directory::ConnectorSettings;
use gateway::dkim::{Seal, context};
use gateway::trace::{self, balance};
use mail::id::IdMaker;
use std::collections::HashSet;
use std::sync::mpsc;
use store::{Db, DbSettings, Error, args};

const DAY_MS: i64 = 24 * 60 * 60 * 1000;
/// A copy older than this is a problem.
const BACKUP_DAYS_MAX: i64 = 8;
/// DKIM keys tried, and passwords of connectors.
const KEYS_TRIED_MAX: usize = 100;
/// Rolls a trial back; never shown.
const TRIAL: &str = "gatepost doctor: trial only";

/// Opens the database, which runs no step: `is_usable` says that none is missing.
pub async fn look(case: &Case, is_usable: bool) -> Vec<Finding> {
    let settings = DbSettings { url: case.chosen.store_url(), connections_max: 2, ..DbSettings::default() };
    let opened = match is_usable {
        true => Db::open(&settings, &web::migrations()).await.ok(),
        false => None,
    };
    let Some(db) = opened else {
        let said = two("Not looked at: the database cannot be used.", "未检查：数据库无法使用。");
        let ids = ["settings.fit", "bodies.files", "seal.fits", "balance", "queue.rows", "clock.rows"];
        return ids.into_iter().map(|id| Finding::cannot_tell(id, "database", said.clone())).chain([backup(case)]).collect();
    };
    let mut found = vec![fit(case, &db).await, files(case, &db).await, sealed(case, &db).await, adds_up(case, &db).await];
    found.extend([queued(&db).await, newest(case, &db).await]);
    found.extend(owned(case, &db).await);
    db.close();
    found.push(backup(case));
    found
}

/// Applies the settings as a start would, and rolls back.
async fn fit(case: &Case, db: &Db) -> Finding {
    let id = "settings.fit";
    if !case.left_out.is_empty() {
        let said = two("Not looked at: the settings are wrong.", "未检查：设置有误。");
        return Finding::cannot_tell(id, "settings", said);
    }
    let (file, ids, now_ms) = (case.chosen.settings.directory(), IdMaker::new(0), case.now_ms);
    let tried: Result<(), Error> = db
        .tx(move |tx| {
            Box::pin(async move {
                gateway::directory::sql::apply_file(tx, &file, &ids, now_ms).await?;
                Err(Error::Exists(TRIAL.into()))
            })
        })
        .await;
    match tried {
        Err(Error::Exists(text)) if text == TRIAL => {
            Finding::ok(id, "settings", two("Organisations, domains and connectors fit together.", "组织、域和连接器相互一致。"))
        }
        Ok(()) => Finding::cannot_tell(id, "settings", two("The trial brought no answer.", "试应用没有结果。")),
        Err(why) if why.is_passing() => Finding::cannot_tell(id, "settings", two("The database is busy.", "数据库正忙。")).seen(why),
        Err(why) => {
            let said = two("What the settings say cannot be applied; the service does not start.", "设置的内容无法应用，服务无法启动。");
            let todo = two("Correct the table that is named.", "请更正下面提到的设置。");
            Finding::problem(id, "settings", said, todo).seen(why)
        }
    }
}

async fn files(case: &Case, db: &Db) -> Finding {
    let (id, shown) = ("bodies.files", case.chosen.bodies().to_string());
    let names = match db.read(|tx| Box::pin(async move { trace::body_files(tx).await })).await {
        Ok(names) => names,
        Err(why) => {
            return Finding::cannot_tell(id, shown, two("The rows cannot be read.", "无法读取记录。")).seen::<Error>(why);
        }
    };
    let there = match there(case, &names).await {
        Ok(there) => there,
        Err(why) => {
            return Finding::cannot_tell(
                id,
                shown,
                two("They cannot be listed; see the findings about their place.", "无法列出，见关于存放位置的结果。"),
            )
            .seen(why);
        }
    };
    let mut gone: Vec<&String> = names.iter().filter(|name| !there.contains(*name)).collect();
    if gone.is_empty() {
        let said =
            two(format!("All {} bodies that rows name are there.", names.len()), format!("记录中提到的 {} 个正文都在。", names.len()));
        return Finding::ok(id, shown, said);
    }
    gone.sort();
    let said = two(
        format!("{} of {} bodies are gone; their mails can neither be delivered nor released.", gone.len(), names.len()),
        format!("{} 个正文中有 {} 个不见了；相应的邮件无法投递，也无法放行。", names.len(), gone.len()),
    );
    let todo = two(
        "Mount the right disk, name the right bucket, or restore them from your backup; gatepost trace balance names the mails.",
        "请挂载正确的磁盘、指定正确的存储桶，或从备份恢复；gatepost trace balance 会列出受影响的邮件。",
    );
    let found = Finding::problem(id, shown, said, todo);
    gone.iter().take(EVIDENCE_MAX).fold(found, Finding::seen)
}

/// Those of `names` that are there, and perhaps others. Files are looked at one by one: a walk would tidy up as it goes.
async fn there(case: &Case, names: &HashSet<String>) -> Result<HashSet<String>, Error> {
    if let Some(folder) = case.chosen.bodies_folder() {
        return Ok(names.iter().filter(|name| folder.join(name).is_file()).cloned().collect());
    }
    let (tell, told) = mpsc::channel();
    // Nobody listens any more once the walk has ended.
    case.chosen.bodies().open()?.each(move |name| drop(tell.send(name.to_string()))).await?;
    Ok(told.into_iter().collect())
}

/// Whether a bucket is ours to sweep; nothing where there is none.
async fn owned(case: &Case, db: &Db) -> Option<Finding> {
    if case.chosen.bodies_folder().is_some() {
        return None;
    }
    let (id, shown) = ("bodies.owner", case.chosen.bodies().to_string());
    let read = async { Ok::<_, Error>((case.chosen.bodies().open()?.owned_by().await?, crate::open::owner(db).await?)) };
    Some(match read.await {
        Ok((Some(owner), ours)) if owner != ours => {
            let said = two("The folder of the bucket belongs to another installation.", "存储桶中的这个文件夹属于另一套安装。");
            let todo = two(
                "Name a folder of its own in [store] bodies. If that installation is gone, or its database was moved here, remove the object gatepost-owner.",
                "请在 [store] bodies 中为本安装指定单独的文件夹。如果那套安装已不再使用，或其数据库已迁移到这里，请删除对象 gatepost-owner。",
            );
            Finding::problem(id, shown, said, todo).seen(owner)
        }
        Ok((Some(_), _)) => Finding::ok(id, shown, two("It is ours.", "属于本安装。")),
        Ok((None, _)) => Finding::ok(id, shown, two("Nobody's yet; the next start takes it.", "尚无归属，下次启动时归本安装使用。")),
        Err(why) => Finding::cannot_tell(id, shown, two("It cannot be read; see bodies.bucket.", "无法读取，见 bodies.bucket。")).seen(why),
    })
}

/// Whether the key in the seal file is the one that DKIM keys were sealed with.
async fn sealed(case: &Case, db: &Db) -> Finding {
    let (id, file) = ("seal.fits", case.chosen.seal_file());
    let keys = match db.read(|tx| Box::pin(async move { gateway::dkim::sql::open(tx).await })).await {
        Ok(keys) => keys,
        Err(why) => return Finding::cannot_tell(id, file.display(), two("The rows cannot be read.", "无法读取记录。")).seen::<Error>(why),
    };
    let connectors = sealed_connectors(db).await.unwrap_or_default();
    if keys.is_empty() && connectors.is_empty() {
        return Finding::cannot_tell(id, file.display(), two("Nothing is sealed yet to try it on.", "还没有封存的内容可供验证。"));
    }
    if !file.exists() && !folder::was_started(case) {
        // A PostgreSQL knows of secrets although nothing else here does.
        return folder::seal_gone(&file.display().to_string()).seen(format!(
            "{} DKIM keys and {} passwords of connectors are sealed with it",
            keys.len(),
            connectors.len()
        ));
    }
    // Only a file that is there: opening would make a missing one.
    let Some(seal) = file.exists().then(|| Seal::open_file(&file).ok()).flatten() else {
        return Finding::cannot_tell(
            id,
            file.display(),
            two("The seal file cannot be used; see seal.file.", "封存密钥文件无法使用，见 seal.file。"),
        );
    };
    let of_keys = keys
        .iter()
        .take(KEYS_TRIED_MAX)
        .filter(|key| seal.open(&key.sealed, &context(&key.domain, &key.selector)).is_none())
        .map(|key| format!("{}._domainkey.{}", key.selector, key.domain));
    let of_connectors = connectors.iter().filter(|one| one.password(Some(&seal)).is_err()).map(|one| format!("connector {}", one.name));
    let wrong: Vec<String> = of_keys.chain(of_connectors).collect();
    if wrong.is_empty() {
        return Finding::ok(id, file.display(), two("It opens what the database holds.", "可以打开数据库中封存的内容。"));
    }
    let said = two(
        "The key does not open what the database holds: it is of another installation, or was made anew.",
        "该密钥打不开数据库中封存的内容：它属于另一套安装，或是后来重新生成的。",
    );
    let todo = two(
        "Put the seal file back that belongs to this database; without it make new DKIM keys (domain page), publish them, and type the passwords of connectors again.",
        "请放回与该数据库配套的密钥文件；若已丢失，请在域页面生成新的 DKIM 密钥并发布，并重新输入连接器的密码。",
    );
    let found = Finding::problem(id, file.display(), said, todo);
    wrong.iter().take(EVIDENCE_MAX).fold(found, Finding::seen)
}

/// Connectors with a sealed password, as many as are tried.
async fn sealed_connectors(db: &Db) -> Result<Vec<ConnectorSettings>, Error> {
    let rows = db.read(|tx| {
        Box::pin(async move { tx.rows("SELECT name, settings FROM connector ORDER BY name LIMIT $1", args![KEYS_TRIED_MAX]).await })
    });
    let read = |row: &store::Row| {
        let settings: ConnectorSettings = serde_json::from_str(row.text(1).ok()?).ok()?;
        let settings = ConnectorSettings { name: row.text(0).ok()?.to_string(), ..settings };
        (!settings.password.is_empty() && !settings.is_open()).then_some(settings)
    };
    Ok(rows.await?.iter().filter_map(read).collect())
}

async fn adds_up(case: &Case, db: &Db) -> Finding {
    let (id, span) = ("balance", "the last day");
    match balance::check(db, None, case.now_ms - DAY_MS, case.now_ms).await {
        Ok(report) if report.adds_up => {
            let said = two("Every accepted mail is accounted for.", "每封已接收的邮件都有去向。");
            Finding::ok(id, span, said).seen(format!("{} mails", report.mails))
        }
        Ok(report) => {
            let said = two(
                format!("{} recipients of accepted mails are not accounted for.", report.problems_count),
                format!("有 {} 个已接收邮件的收件人去向不明。", report.problems_count),
            );
            let todo = two("gatepost trace balance names the mails.", "gatepost trace balance 会列出这些邮件。");
            Finding::problem(id, span, said, todo)
        }
        Err(why) => Finding::cannot_tell(id, span, two("The balance cannot be taken.", "无法核对。")).seen(why),
    }
}

/// Rows looked through, the longest due first.
const QUEUED_MAX: usize = 10_000;

/// Whether what waits to be delivered can be read: what cannot waits for ever.
async fn queued(db: &Db) -> Finding {
    let (id, queue) = ("queue.rows", "the queue");
    match db.read(|tx| Box::pin(async move { gateway::queue::unreadable(tx, QUEUED_MAX).await })).await {
        Ok(wrong) if wrong.is_empty() => Finding::ok(id, queue, two("What waits can be read.", "等待投递的邮件均可读取。")),
        Ok(wrong) => {
            let said = two(
                format!("{} rows of the queue cannot be read; they are not delivered.", wrong.len()),
                format!("队列中有 {} 行无法读取，相应的邮件不会被投递。", wrong.len()),
            );
            let todo = two(
                "They were written by a newer version, or the database was edited: start that version, or restore the copy from before.",
                "它们由更新的版本写入，或数据库被人改动过：请使用那个版本，或恢复之前的副本。",
            );
            wrong.iter().fold(Finding::problem(id, queue, said, todo), Finding::seen)
        }
        Err(why) => Finding::cannot_tell(id, queue, two("The rows cannot be read.", "无法读取记录。")).seen::<Error>(why),
    }
}

/// What lies farther ahead than clocks of two machines differ.
const AHEAD_MAX_MS: i64 = 60_000;

/// Identifiers hold the time at which they were made: mail of the future says that the clock was wrong, then or now.
async fn newest(case: &Case, db: &Db) -> Finding {
    let (id, shown) = ("clock.rows", "database");
    let asked: Result<Option<i64>, Error> = db
        .read(|tx| {
            Box::pin(async move {
                let row = tx.row("SELECT max(id) FROM mail", args![]).await?;
                Ok(row.map(|row| row.int_opt(0)).transpose()?.flatten())
            })
        })
        .await;
    let newest_ms = match asked {
        Ok(newest) => newest.map_or(0, |id| trace::time_of(mail::MailId(id))),
        Err(why) => return Finding::cannot_tell(id, shown, two("The rows cannot be read.", "无法读取记录。")).seen(why),
    };
    if newest_ms <= case.now_ms + AHEAD_MAX_MS {
        return Finding::ok(id, shown, two("No mail is of the future.", "没有来自“未来”的邮件。"));
    }
    let said = two(
        "Mail was taken in what is now the future: the clock is behind, or was ahead.",
        "有邮件的接收时间在“未来”：时钟现在偏慢，或曾经偏快。",
    );
    let todo =
        two("Set the clock, and let it be kept (chrony, systemd-timesyncd).", "请校准时钟，并启用时间同步（chrony、systemd-timesyncd）。");
    Finding::problem(id, shown, said, todo).seen(format!("the newest mail is of {}", crate::output::time(newest_ms)))
}

/// When the last copy was made, by the note that `gatepost backup` leaves.
fn backup(case: &Case) -> Finding {
    let (id, data) = ("backup.age", case.chosen.data.display());
    let Some(last) = crate::backup::last(&case.chosen.data) else {
        let said = two(
            "No copy was made with gatepost backup. Copies made by other means cannot be seen from here; try to restore one now and then.",
            "尚未用 gatepost backup 做过备份。用其他方式做的备份在这里看不到；请定期演练恢复。",
        );
        return Finding::cannot_tell(id, data, said);
    };
    let days = (case.now_ms - last.at_ms).max(0) / DAY_MS;
    if days <= BACKUP_DAYS_MAX {
        return Finding::ok(id, data, two("A copy was made lately.", "近期做过备份。")).seen(last.file.display());
    }
    let said = two("The last copy is old.", "最近一次备份已经很久。");
    let todo = two(
        "Make one with gatepost backup, and see why the one that should run by itself did not (systemctl list-timers).",
        "请用 gatepost backup 做一次备份，并查明定时备份为何没有运行（systemctl list-timers）。",
    );
    Finding::problem(id, data, said, todo).seen(format!("{days} days: {}", last.file.display()))
}
