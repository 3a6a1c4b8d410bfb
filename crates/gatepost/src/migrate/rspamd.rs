//! rspamd: `local.d/*.conf` and `override.d/*.conf`, named after the section they are put into, and the maps they name.

use super::ucl::{self, Value};
use super::{Draft, Fate, file};
use detect::settings::ClamdSettings;
use gateway::directory::{Effect, EntryKind};
use gateway::intake::ListSettings;
use std::path::{Path, PathBuf};

/// Files of one folder that are read.
const FILES_MAX: usize = 500;

/// Reads the folder of rspamd's settings.
/// # Errors
/// It has neither `local.d` nor `override.d`, or a file cannot be read.
pub fn read(folder: &Path, organisation: &str) -> anyhow::Result<Draft> {
    let mut draft = Draft::new(organisation);
    let mut is_there = false;
    for part in ["local.d", "override.d"] {
        let Ok(entries) = std::fs::read_dir(folder.join(part)) else { continue };
        is_there = true;
        let mut paths: Vec<PathBuf> = entries.take(FILES_MAX).flatten().map(|entry| entry.path()).collect();
        paths.sort();
        for path in paths {
            let ending = path.extension().and_then(|ending| ending.to_str()).unwrap_or_default();
            if ["conf", "inc"].contains(&ending) {
                section(&mut draft, folder, &path)?;
            }
        }
    }
    anyhow::ensure!(is_there, "{} has neither local.d nor override.d; name the folder of rspamd's settings", folder.display());
    Ok(draft)
}

fn section(draft: &mut Draft, folder: &Path, path: &Path) -> anyhow::Result<()> {
    let name = path.file_stem().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let at = format!(
        "{}/{}",
        path.parent().and_then(|above| above.file_name()).map(|name| name.to_string_lossy()).unwrap_or_default(),
        path.file_name().map(|name| name.to_string_lossy()).unwrap_or_default()
    );
    let (whole, odd) = ucl::read(&file(path)?.unwrap_or_default());
    for line in odd {
        draft.note(Fate::Left, &format!("{at}:{line}"), "", "This line was not understood.", "无法理解这一行。");
    }
    match name.as_str() {
        "multimap" => return multimap(draft, folder, &at, &whole),
        "rbl" => lists(draft, &at, &whole),
        "antivirus" => antivirus(draft, &at, &whole),
        "dkim_signing" | "arc" => signing(draft, &at, &name, &whole),
        "greylist" => {
            draft.settings.intake.greylist =
                if whole.is_off("enabled") { gateway::intake::grey::Greylist::Off } else { gateway::intake::grey::Greylist::Doubtful };
            draft.note(
                Fate::Changed,
                &at,
                "greylist",
                "[intake] greylist: only doubtful mail of senders without a record is asked to come again.",
                "[intake] greylist：只对没有记录的发件人的可疑邮件要求稍后重发。",
            );
        }
        "options" => options(draft, &at, &whole),
        "actions" => {
            for (action, value) in whole.table() {
                draft.note(
                    Fate::Changed,
                    &at,
                    &format!("{action} = {}", value.text().unwrap_or_default()),
                    "Thresholds here are probabilities, [detect.thresholds]; the defaults fit. Try a change with gatepost replay.",
                    "这里的阈值是概率，见 [detect.thresholds]；默认值即可。改动前可用 gatepost replay 试算。",
                );
            }
        }
        _ => {
            let (fate, english, chinese) = other(&name);
            draft.note(fate, &at, &name, english, chinese);
        }
    }
    Ok(())
}

fn other(name: &str) -> (Fate, &'static str, &'static str) {
    match name {
        "classifier-bayes" | "neural" | "statistic" => (
            Fate::Changed,
            "The classifier is trained already and learns from reports; train it on your own mail with gatepost train.",
            "分类器已训练好，并从举报中学习；也可用 gatepost train 以您自己的邮件训练。",
        ),
        "milter_headers" => (
            Fate::Changed,
            "Authentication-Results and X-Gatepost-Report are written by themselves; other headers are a policy's.",
            "Authentication-Results 与 X-Gatepost-Report 自动写入；其他邮件头由策略决定。",
        ),
        "dmarc" | "spf" | "dkim" | "phishing" | "mime_types" | "mx_check" | "hfilter" | "url_redirector" | "replies" | "reputation"
        | "fuzzy_check" => (Fate::Taken, "Looked at by itself.", "本来就会检查。"),
        "redis" | "logging" | "history_redis" | "metric_exporter" | "worker-normal" | "worker-proxy" | "worker-fuzzy" | "modules"
        | "composites" | "statistics_group" => (Fate::Unneeded, "Concerns the inside of rspamd.", "只与 rspamd 内部有关。"),
        "worker-controller" => (
            Fate::Changed,
            "Pages and API have people who sign in, with roles; gatepost person invites them.",
            "页面与 API 由有角色的人员登录使用；用 gatepost person 邀请他们。",
        ),
        "ratelimit" => (
            Fate::Changed,
            "What one sender may send in an hour and a day has limits by itself.",
            "每个发件人每小时、每天的发送量本来就有上限。",
        ),
        "groups" | "headers_group" | "policies_group" | "rbl_group" | "force_actions" | "settings" | "whitelist" => (
            Fate::Left,
            "Weights are learned here, none is set by hand; what decides alone may be an entry, a policy or a mail flow rule.",
            "这里的权重由训练得出，不手工设定；能单独决定结果的可写成条目、策略或邮件流规则。",
        ),
        _ => (Fate::Left, "Not known to this migration.", "本迁移不认识该项。"),
    }
}

/// Lists of senders, addresses and hosts become entries.
fn multimap(draft: &mut Draft, folder: &Path, at: &str, whole: &Value) -> anyhow::Result<()> {
    for (name, map) in whole.table() {
        let text = |key: &str| map.get(key).and_then(Value::text).unwrap_or_default();
        let score: f64 = text("score").parse().unwrap_or(0.0);
        let effect = match text("action") {
            "accept" => Some(Effect::Allow),
            "reject" | "discard" | "soft reject" => Some(Effect::Block),
            _ if score <= -5.0 => Some(Effect::Allow),
            _ if score >= 5.0 => Some(Effect::Block),
            _ => None,
        };
        let kind = match (text("type"), text("filter")) {
            ("ip", _) => Some(EntryKind::Ip),
            ("from", "" | "email" | "email:addr" | "email:domain" | "email:domain:tld") => Some(EntryKind::Domain),
            ("url", _) if effect == Some(Effect::Block) => Some(EntryKind::Host),
            _ => None,
        };
        let (Some(effect), Some(kind)) = (effect, kind) else {
            let english = "Only lists of senders, addresses and hosts that decide alone can be entries; a mail flow rule may say the rest.";
            draft.note(Fate::Left, at, name, english, "只有能单独决定结果的发件人、地址、主机列表能成为条目；其余也许可以写成邮件流规则。");
            continue;
        };
        let (mut taken, mut left) = (0, 0);
        for value in values(folder, map)? {
            let plain = value.trim_start_matches("*@").trim_start_matches("*.").trim_start_matches('@').trim_start_matches('.');
            let kind = if kind == EntryKind::Domain && plain.contains('@') { EntryKind::Address } else { kind };
            match !value.starts_with('/') && draft.entry(effect, kind, plain, &format!("rspamd {name}")) {
                true => taken += 1,
                false => left += 1,
            }
        }
        let fate = if taken == 0 {
            Fate::Left
        } else if effect == Effect::Allow {
            Fate::Changed
        } else {
            Fate::Taken
        };
        let english = format!(
            "{taken} [[entry]], {left} not taken (patterns, or files that are not there). Allowing asks for proof of the sender, and never lets malware through."
        );
        draft.note(
            fate,
            at,
            name,
            english,
            format!("{taken} 个 [[entry]]，{left} 个未接收（模式，或文件不存在）。放行需要发件人证明身份，且绝不放行恶意软件。"),
        );
    }
    Ok(())
}

/// What stands in the maps: the settings name files, or hold the values.
fn values(folder: &Path, map: &Value) -> anyhow::Result<Vec<String>> {
    let mut found = Vec::new();
    for source in map.get("map").into_iter().chain(map.get("maps")).flat_map(Value::texts) {
        let written = source.trim_start_matches("file://");
        let is_file = written.starts_with(['/', '$']);
        if !is_file {
            found.push(written.to_string());
            continue;
        }
        let inside =
            written.replace("$LOCAL_CONFDIR", "").replace("${LOCAL_CONFDIR}", "").replace("$CONFDIR", "").replace("/etc/rspamd/", "/");
        let path = if written.starts_with('$') || written.starts_with("/etc/rspamd/") {
            folder.join(inside.trim_start_matches('/'))
        } else {
            PathBuf::from(written)
        };
        let text = file(&path)?.unwrap_or_default();
        let lines = text.lines().map(|line| line.split('#').next().unwrap_or_default().trim()).filter(|line| !line.is_empty());
        found.extend(lines.filter_map(|line| line.split_whitespace().next()).take(super::ROWS_MAX).map(str::to_string));
    }
    Ok(found)
}

fn lists(draft: &mut Draft, at: &str, whole: &Value) {
    for (name, list) in whole.get("rbls").into_iter().flat_map(|rbls| rbls.table().collect::<Vec<_>>()) {
        let zone = list.get("rbl").and_then(Value::text).unwrap_or_default();
        if zone.is_empty() || list.is_off("enabled") {
            draft.note(
                Fate::Unneeded,
                at,
                name,
                "Switched off, or changes a list that rspamd ships.",
                "已关闭，或只是修改 rspamd 自带的列表。",
            );
            continue;
        }
        let zone = zone.trim_end_matches('.').to_string();
        if !draft.settings.dns.list.iter().any(|there| there.zone == zone) {
            draft.settings.dns.list.push(ListSettings { zone, ..ListSettings::default() });
        }
        draft.note(
            Fate::Taken,
            at,
            name,
            "[[dns.list]], weighed. Look at the list's terms of use.",
            "[[dns.list]]，计入权重。请查看该列表的使用条款。",
        );
    }
}

fn antivirus(draft: &mut Draft, at: &str, whole: &Value) {
    for (name, engine) in whole.table() {
        let text = |key: &str| engine.get(key).and_then(Value::text).unwrap_or_default();
        let servers = text("servers").trim_start_matches("unix:").to_string();
        match text("type") {
            "clamav" if !servers.is_empty() => {
                draft.settings.detect.clamd =
                    toml::Table::from_iter([("address".to_string(), toml::Value::from(servers))]).try_into::<ClamdSettings>().ok();
                draft.note(Fate::Taken, at, name, "[detect.clamd] address", "[detect.clamd] address");
            }
            _ if engine.table().next().is_none() => {}
            _ => draft.note(
                Fate::Left,
                at,
                name,
                "Scanners are asked as clamd, or over ICAP ([detect.icap]).",
                "通过 clamd 或 ICAP（[detect.icap]）调用扫描引擎。",
            ),
        }
    }
}

/// One key for one domain can be taken; for more, each domain has its own page.
fn signing(draft: &mut Draft, at: &str, name: &str, whole: &Value) {
    let text = |value: &Value, key: &str| value.get(key).and_then(Value::text).unwrap_or_default().to_string();
    let domains: Vec<(String, String, String)> = whole
        .get("domain")
        .into_iter()
        .flat_map(|all| all.table().map(|(domain, one)| (domain.to_string(), text(one, "selector"), text(one, "path"))).collect::<Vec<_>>())
        .collect();
    let first = domains.first().cloned().unwrap_or((String::new(), text(whole, "selector"), text(whole, "path")));
    let path = first.2.replace("$domain", &first.0).replace("$selector", &first.1);
    if name == "dkim_signing" && !first.1.is_empty() && !path.contains('$') && !path.is_empty() && domains.len() <= 1 {
        if let Some(organisation) = draft.organisation() {
            organisation.dkim_selector = first.1;
            organisation.dkim_key = path;
        }
        draft.note(
            Fate::Taken,
            at,
            name,
            "dkim_selector and dkim_key of the organisation; the account of the service must be able to read the file.",
            "组织的 dkim_selector 与 dkim_key；服务账户必须能读取该文件。",
        );
        return;
    }
    draft.note(
        Fate::Left,
        at,
        name,
        "Make a key on the page of each domain: it is published beside the old one, and replaces it when it is seen.",
        "请在各域名的页面上生成密钥：与旧密钥并存发布，确认生效后再替换。",
    );
}

fn options(draft: &mut Draft, at: &str, whole: &Value) {
    for (key, value) in whole.table() {
        let servers: Vec<String> = value
            .get("nameserver")
            .into_iter()
            .flat_map(Value::texts)
            .map(|server| {
                server.split_once(':').filter(|(_, rest)| rest.matches(':').count() > 0).map_or(server, |(server, _)| server).to_string()
            })
            .collect();
        match (key, toml::Value::from(servers.clone()).try_into()) {
            ("dns", Ok(parsed)) if !servers.is_empty() => {
                draft.settings.dns.servers = parsed;
                draft.note(Fate::Taken, at, "dns.nameserver", "[dns] servers", "[dns] servers");
            }
            ("local_addrs" | "local_networks", _) => {
                draft.note(Fate::Left, at, key, "Name servers of your own under [[inbound]].", "请在 [[inbound]] 中填写自己的服务器。")
            }
            _ => draft.note(Fate::Unneeded, at, key, "Concerns the inside of rspamd.", "只与 rspamd 内部有关。"),
        }
    }
}
