//! Who we are, for which domains, and where mail goes.

use super::Reading;
use super::main_cf::{Rows, table, words};
use crate::migrate::{Fate, ROWS_MAX};
use gateway::directory::settings::{DomainSettings, RecipientSettings};
use gateway::directory::{ConnectorKind, ConnectorSettings, InboundSettings, Protocol, RecipientCheck, TlsLevel};
use serde::de::DeserializeOwned;
use std::net::IpAddr;

/// Domains that are this machine and not mail of people.
fn is_own_machine(domain: &str, host: &str) -> bool {
    domain == "localhost" || domain.starts_with("localhost.") || domain == host || !domain.contains('.')
}

/// A setting from its text or texts, if it is one.
pub(super) fn parsed<T: DeserializeOwned>(value: impl Into<toml::Value>) -> Option<T> {
    value.into().try_into().ok()
}

pub(super) fn name_and_limits(reading: &mut Reading) {
    if let Some(name) = reading.take("myhostname") {
        reading.draft.settings.listen.name = name;
        reading.note(Fate::Taken, "myhostname", "[listen] name", "[listen] name");
    }
    for name in ["mydomain", "myorigin"] {
        if reading.take(name).is_some() {
            reading.note(Fate::Unneeded, name, "Only names what other parameters are made of.", "仅供其他参数引用。");
        }
    }
    reading.draft.settings.listen.smtp = parsed(vec!["0.0.0.0:25", "[::]:25"]).unwrap_or_default();
    if let Some(size) = reading.take("message_size_limit") {
        match size.parse::<u64>() {
            Ok(size) if size > 0 => {
                reading.draft.settings.limits.message_octets_max = size;
                reading.note(Fate::Taken, "message_size_limit", "[limits] message_octets_max", "[limits] message_octets_max");
            }
            _ => reading.note(
                Fate::Changed,
                "message_size_limit",
                "No limit is not possible here: 35 MiB hold.",
                "这里不能没有上限：按 35 MiB 处理。",
            ),
        }
    }
    if let Some(count) = reading.take("smtpd_client_connection_count_limit").and_then(|count| count.parse().ok()) {
        reading.draft.settings.limits.connections_per_address_max = count;
        reading.note(
            Fate::Taken,
            "smtpd_client_connection_count_limit",
            "[limits] connections_per_address_max",
            "[limits] connections_per_address_max",
        );
    }
    if let Some(rate) =
        reading.take("smtpd_client_connection_rate_limit").and_then(|rate| rate.parse::<u32>().ok()).filter(|rate| *rate > 0)
    {
        reading.draft.settings.limits.connections_per_minute_max = rate;
        reading.note(
            Fate::Changed,
            "smtpd_client_connection_rate_limit",
            "[limits] connections_per_minute_max; the minute is what Postfix' anvil_rate_time_unit is by default.",
            "[limits] connections_per_minute_max；按 Postfix anvil_rate_time_unit 的默认值一分钟计。",
        );
    }
    if let Some(count) = reading.take("smtpd_recipient_limit").and_then(|count| count.parse().ok()) {
        reading.draft.settings.limits.recipients_max = count;
        reading.note(Fate::Taken, "smtpd_recipient_limit", "[limits] recipients_max", "[limits] recipients_max");
    }
}

pub(super) fn tls(reading: &mut Reading) {
    let chain = reading.take("smtpd_tls_chain_files");
    let files = match (reading.take("smtpd_tls_cert_file"), reading.take("smtpd_tls_key_file"), &chain) {
        (_, _, Some(chain)) => match words(chain).as_slice() {
            [key, certificate, ..] => Some((certificate.clone(), key.clone())),
            [one] => Some((one.clone(), one.clone())),
            [] => None,
        },
        (Some(certificate), key, None) => Some((certificate.clone(), key.unwrap_or(certificate))),
        _ => None,
    };
    for name in ["smtpd_tls_chain_files", "smtpd_tls_cert_file", "smtpd_tls_key_file"]
        .into_iter()
        .filter(|name| reading.main.parameters.contains_key(*name))
        .collect::<Vec<_>>()
    {
        reading.note(
            Fate::Taken,
            name,
            "[tls]; the account of the service must be able to read the key.",
            "[tls]；服务账户必须能读取密钥文件。",
        );
    }
    if let Some((certificate, key)) = files {
        reading.draft.settings.tls.certificate = certificate.into();
        reading.draft.settings.tls.key = key.into();
    }
    if let Some(level) = reading.take("smtpd_tls_security_level") {
        match level.as_str() {
            "may" => reading.note(Fate::Taken, "smtpd_tls_security_level", "STARTTLS is always offered.", "始终提供 STARTTLS。"),
            "encrypt" => reading.note(Fate::Changed, "smtpd_tls_security_level", "On a port for mail of others TLS cannot be demanded of all (RFC 3207 §4); demand it of partners with [[inbound]] require_tls.", "收取外部邮件的端口不能强制所有人使用 TLS（RFC 3207 §4）；可用 [[inbound]] require_tls 对合作方强制。"),
            _ => {
                reading.draft.settings.tls.off = level == "none";
                reading.note(Fate::Taken, "smtpd_tls_security_level", "[tls] off", "[tls] off");
            }
        }
    }
    let inside: Vec<String> = reading
        .main
        .parameters
        .keys()
        .filter(|name| {
            ["smtpd_tls_", "smtp_tls_CA", "smtp_tls_loglevel", "tls_"].iter().any(|start| name.starts_with(start))
                && !reading.seen.contains(*name)
        })
        .cloned()
        .collect();
    for name in inside {
        reading.seen.insert(name.clone());
        reading.note(
            Fate::Unneeded,
            &name,
            "TLS 1.2 and 1.3 with the usual ciphers and the public roots are built in.",
            "内置 TLS 1.2 与 1.3、常用加密套件和公共根证书。",
        );
    }
}

/// Domains that mail is taken for, with who knows their recipients.
pub(super) fn domains(reading: &mut Reading) -> anyhow::Result<()> {
    let host = reading.main.get("myhostname");
    for (domains, recipients) in [
        ("relay_domains", "relay_recipient_maps"),
        ("virtual_mailbox_domains", "virtual_mailbox_maps"),
        ("mydestination", "local_recipient_maps"),
        ("virtual_alias_domains", "virtual_alias_maps"),
    ] {
        if reading.take(domains).is_none() {
            continue;
        }
        let known = recipients_of(reading, recipients)?;
        let check = match (known, recipients) {
            (Known::All, _) => RecipientCheck::Any,
            (Known::Some(count), _) if count > 0 => RecipientCheck::Listed,
            _ => RecipientCheck::CallOut,
        };
        let mut added = 0;
        for word in reading.main.list(domains) {
            added += u32::from(domain(reading, &word, check, &host)?);
        }
        let (english, chinese) = match check {
            RecipientCheck::Listed => {
                (format!("{added} [[domain]], recipients as listed."), format!("{added} 个 [[domain]]，收件人按列表核对。"))
            }
            RecipientCheck::CallOut => (
                format!("{added} [[domain]]; which recipients exist is asked of the next hop, and remembered."),
                format!("{added} 个 [[domain]]；收件人是否存在向下一跳查询，并记住结果。"),
            ),
            RecipientCheck::Any => {
                (format!("{added} [[domain]]; every recipient is taken."), format!("{added} 个 [[domain]]；接受所有收件人。"))
            }
        };
        let fate = if added > 0 { Fate::Taken } else { Fate::Unneeded };
        reading.note(fate, domains, english, chinese);
    }
    Ok(())
}

/// One word of a list of domains: a domain, or a table whose keys are domains. How many were added cannot be more than they are: a domain counts once.
fn domain(reading: &mut Reading, word: &str, check: RecipientCheck, host: &str) -> anyhow::Result<bool> {
    if word.contains(':') || word.starts_with('/') {
        let mut any = false;
        match table(&reading.main, word)? {
            Rows::Text(rows) => {
                for row in rows {
                    any |= add_domain(reading, &row.key, check, host);
                }
            }
            Rows::Elsewhere(kind) => reading.draft.note(
                Fate::Left,
                "main.cf",
                word,
                format!("A table of kind {kind} has no text to read; add its domains by hand."),
                format!("{kind} 类型的表没有文本可读；请手工添加其中的域名。"),
            ),
            Rows::Missing(path) => reading.draft.note(
                Fate::Left,
                "main.cf",
                word,
                format!("{} is not there.", path.display()),
                format!("{} 不存在。", path.display()),
            ),
        }
        return Ok(any);
    }
    Ok(add_domain(reading, word, check, host))
}

fn add_domain(reading: &mut Reading, name: &str, check: RecipientCheck, host: &str) -> bool {
    let name = name.trim_start_matches('.').to_ascii_lowercase();
    let is_there = reading.draft.settings.domain.iter().any(|domain| domain.name == name);
    if is_own_machine(&name, host) || is_there || name.contains(['/', '*', '[']) || mail::address::domain_to_ascii(&name).is_none() {
        return false;
    }
    let organisation = reading.draft.organisation.clone();
    reading.draft.settings.domain.push(DomainSettings { name, organisation, recipients: check, ..DomainSettings::default() });
    true
}

enum Known {
    Some(usize),
    All,
    None,
}

fn recipients_of(reading: &mut Reading, parameter: &str) -> anyhow::Result<Known> {
    let Some(value) = reading.take(parameter) else { return Ok(Known::None) };
    let mut known = Known::None;
    for word in words(&value) {
        match table(&reading.main, &word)? {
            Rows::Text(rows) => {
                let mut count = 0;
                for row in rows {
                    if row.key.starts_with('@') {
                        known = Known::All;
                    } else if mail::Address::parse(&row.key).is_ok() && reading.draft.settings.recipient.len() < ROWS_MAX {
                        reading
                            .draft
                            .settings
                            .recipient
                            .push(RecipientSettings { address: row.key.to_ascii_lowercase(), name: String::new() });
                        count += 1;
                    }
                }
                if let (Known::Some(_) | Known::None, true) = (&known, count > 0) {
                    known = Known::Some(count);
                }
            }
            Rows::Elsewhere(kind) => reading.draft.note(
                Fate::Left,
                &reading.main.at(parameter),
                &word,
                format!(
                    "Recipients in {kind}: name the directory under Directory, or let them be asked of the next hop, as the draft does."
                ),
                format!("收件人在 {kind} 中：请在目录同步中设置，或像草稿那样向下一跳查询。"),
            ),
            Rows::Missing(path) => reading.draft.note(
                Fate::Left,
                &reading.main.at(parameter),
                &word,
                format!("{} is not there.", path.display()),
                format!("{} 不存在。", path.display()),
            ),
        }
    }
    match &known {
        Known::Some(count) => reading.note(Fate::Taken, parameter, format!("{count} [[recipient]]"), format!("{count} 个 [[recipient]]")),
        Known::All => reading.note(
            Fate::Changed,
            parameter,
            "It has a row for a whole domain: every recipient is taken.",
            "其中有整个域名的通配行：接受所有收件人。",
        ),
        Known::None => {}
    }
    Ok(known)
}

/// `relayhost`, `transport_maps`, and what TLS they ask for.
pub(super) fn next_hops(reading: &mut Reading) -> anyhow::Result<()> {
    let level = match reading.take("smtp_tls_security_level").as_deref() {
        Some("encrypt") => TlsLevel::Required,
        Some("verify" | "secure" | "fingerprint" | "dane-only") => TlsLevel::Verified,
        Some("none") => TlsLevel::Off,
        _ => TlsLevel::Opportunistic,
    };
    if reading.main.parameters.contains_key("smtp_tls_security_level") {
        let fate = if reading.main.get("smtp_tls_security_level").starts_with("dane") { Fate::Changed } else { Fate::Taken };
        reading.note(
            fate,
            "smtp_tls_security_level",
            "tls of the connectors; DANE and MTA-STS are followed where they are published.",
            "connector 的 tls；对方发布了 DANE 或 MTA-STS 时会遵循。",
        );
    }
    if let Some(relay) = reading.take("relayhost").filter(|relay| !relay.is_empty()) {
        let name = "relayhost";
        match hop(&relay, "smtp") {
            Some(host) => {
                let mut connector = connector(reading, name, ConnectorKind::Outbound, host, Protocol::Smtp);
                connector.tls = level;
                login(reading, &mut connector, &relay)?;
                reading.draft.settings.connector.push(connector);
                if let Some(organisation) = reading.draft.organisation() {
                    organisation.outbound_connector = name.into();
                }
                reading.note(
                    Fate::Taken,
                    "relayhost",
                    "[[connector]] “relayhost” for mail that goes out.",
                    "外发邮件使用 [[connector]] “relayhost”。",
                );
            }
            None => reading.note(Fate::Left, "relayhost", "No host and port that we understand.", "无法识别主机与端口。"),
        }
    }
    if let Some(maps) = reading.take("transport_maps") {
        for word in words(&maps) {
            transports(reading, &word, level)?;
        }
    }
    for name in ["relay_transport", "virtual_transport", "mailbox_transport", "local_transport", "default_transport"] {
        let Some(value) = reading.take(name).filter(|value| !value.is_empty()) else { continue };
        match to(&value) {
            Some((host, protocol)) => {
                let connector = connector(reading, name, ConnectorKind::Server, host, protocol);
                reading.draft.settings.connector.push(connector);
                if let Some(organisation) = reading.draft.organisation().filter(|one| one.connector.is_empty()) {
                    organisation.connector = name.into();
                }
                reading.note(Fate::Taken, name, format!("[[connector]] “{name}”"), format!("[[connector]] “{name}”"));
            }
            None => reading.note(
                Fate::Left,
                name,
                "Mail is handed over by SMTP or LMTP over the network only: name host and port in a [[connector]].",
                "只能通过网络以 SMTP 或 LMTP 交付：请在 [[connector]] 中填写主机与端口。",
            ),
        }
    }
    Ok(())
}

fn connector(reading: &Reading, name: &str, kind: ConnectorKind, host: String, protocol: Protocol) -> ConnectorSettings {
    let is_private =
        host.rsplit_once(':').and_then(|(host, _)| host.trim_matches(['[', ']']).parse::<IpAddr>().ok()).is_some_and(|ip| match ip {
            IpAddr::V4(ip) => ip.is_private() || ip.is_loopback() || ip.is_link_local(),
            IpAddr::V6(ip) => ip.is_loopback() || ip.is_unique_local(),
        });
    let allow_private = is_private || host.starts_with("localhost:");
    ConnectorSettings {
        name: name.into(),
        organisation: reading.draft.organisation.clone(),
        kind,
        hosts: vec![host],
        protocol,
        allow_private,
        ..ConnectorSettings::default()
    }
}

/// `[host]:port`, `host:port` or `host`, as ours. A name without brackets means its MX records in Postfix; that is the same only for a host of that name.
fn hop(written: &str, usual: &str) -> Option<String> {
    let written = written.trim();
    let (host, port) = match written.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        Some((host, after)) => (host.to_string(), after.strip_prefix(':').unwrap_or_default().to_string()),
        None => match written.rsplit_once(':') {
            Some((host, port)) => (host.to_string(), port.to_string()),
            None => (written.to_string(), String::new()),
        },
    };
    let port = match port.as_str() {
        "" if usual == "lmtp" => 24,
        "" | "smtp" => 25,
        "submission" => 587,
        "smtps" | "submissions" => 465,
        number => number.parse::<u16>().ok()?,
    };
    let host = host.strip_prefix("ipv6:").unwrap_or(&host);
    (!host.is_empty() && !host.contains('/'))
        .then(|| if host.contains(':') { format!("[{host}]:{port}") } else { format!("{host}:{port}") })
}

/// `transport:nexthop` with its protocol, if it goes over the network.
fn to(value: &str) -> Option<(String, Protocol)> {
    let (transport, next) = value.split_once(':')?;
    match transport {
        "smtp" | "relay" | "esmtp" | "smtp-amavis" => hop(next, "smtp").map(|host| (host, Protocol::Smtp)),
        "lmtp" if !next.starts_with("unix:") => hop(next.strip_prefix("inet:").unwrap_or(next), "lmtp").map(|host| (host, Protocol::Lmtp)),
        _ => None,
    }
}

fn transports(reading: &mut Reading, word: &str, level: TlsLevel) -> anyhow::Result<()> {
    let rows = match table(&reading.main, word)? {
        Rows::Text(rows) => rows,
        Rows::Elsewhere(kind) => {
            reading.draft.note(
                Fate::Left,
                &reading.main.at("transport_maps"),
                word,
                format!("A table of kind {kind} has no text to read."),
                format!("{kind} 类型的表没有文本可读。"),
            );
            return Ok(());
        }
        Rows::Missing(path) => {
            reading.draft.note(
                Fate::Left,
                &reading.main.at("transport_maps"),
                word,
                format!("{} is not there.", path.display()),
                format!("{} 不存在。", path.display()),
            );
            return Ok(());
        }
    };
    for row in rows {
        let Some((host, protocol)) = to(&row.value) else {
            let said = ("Only ways over the network by SMTP or LMTP can be taken.", "只能接收通过网络以 SMTP 或 LMTP 投递的去向。");
            reading.draft.note(Fate::Left, &row.at, &format!("{} {}", row.key, row.value), said.0, said.1);
            continue;
        };
        let name = format!("to-{}", host.trim_matches(['[', ']']).replace([':', '[', ']'], "-"));
        if !reading.draft.settings.connector.iter().any(|one| one.name == name) {
            let mut made = connector(reading, &name, ConnectorKind::Server, host, protocol);
            made.tls = level;
            reading.draft.settings.connector.push(made);
        }
        let served = reading.draft.settings.domain.iter_mut().find(|domain| domain.name == row.key.trim_start_matches('.'));
        let (fate, english, chinese) = match served {
            Some(domain) => {
                domain.connector.clone_from(&name);
                domain.subdomains |= row.key.starts_with('.');
                (Fate::Taken, format!("[[connector]] “{name}”"), format!("[[connector]] “{name}”"))
            }
            None if row.key == "*" => {
                if let Some(organisation) = reading.draft.organisation() {
                    organisation.connector.clone_from(&name);
                }
                (Fate::Taken, format!("[[connector]] “{name}” for all domains"), format!("所有域名使用 [[connector]] “{name}”"))
            }
            None if !row.key.contains('@') => {
                if let Some(connector) = reading.draft.settings.connector.iter_mut().find(|one| one.name == name) {
                    connector.kind = ConnectorKind::Partner;
                    connector.domains.push(row.key.trim_start_matches('.').to_string());
                }
                (Fate::Taken, format!("[[connector]] “{name}” of kind partner"), format!("[[connector]] “{name}”，类型为 partner"))
            }
            None => (
                Fate::Left,
                "A way for one address: write a mail flow rule with the action connector.".into(),
                "针对单个地址的去向：请用动作为 connector 的邮件流规则。".into(),
            ),
        };
        reading.draft.note(fate, &row.at, &format!("{} {}", row.key, row.value), english, chinese);
    }
    Ok(())
}

/// Login of the relay host.
fn login(reading: &mut Reading, connector: &mut ConnectorSettings, relay: &str) -> anyhow::Result<()> {
    for name in ["smtp_sasl_auth_enable", "smtp_sasl_security_options", "smtp_sasl_mechanism_filter"] {
        if reading.take(name).is_some() {
            reading.note(
                Fate::Unneeded,
                name,
                "A connector with a login uses it, over TLS only.",
                "设了登录名的 connector 会使用它，且只在 TLS 上使用。",
            );
        }
    }
    let Some(maps) = reading.take("smtp_sasl_password_maps") else { return Ok(()) };
    for word in words(&maps) {
        let Rows::Text(rows) = table(&reading.main, &word)? else { continue };
        let bare = |text: &str| text.trim_matches(['[', ']']).replace("]:", ":");
        if let Some((login, password)) = rows.iter().find(|row| bare(&row.key) == bare(relay)).and_then(|row| row.value.split_once(':')) {
            connector.login = login.to_string();
            connector.password = password.to_string();
        }
    }
    match connector.login.is_empty() {
        true => reading.note(
            Fate::Left,
            "smtp_sasl_password_maps",
            "No login for the relay host was found; write login and password into the connector.",
            "没有找到中继主机的登录名；请在 connector 中填写 login 与 password。",
        ),
        false => reading.note(
            Fate::Taken,
            "smtp_sasl_password_maps",
            "login and password of [[connector]] “relayhost”: keep the draft to yourself.",
            "[[connector]] “relayhost” 的 login 与 password：请妥善保管草稿。",
        ),
    }
    Ok(())
}

/// Who may send out without a login.
pub(super) fn networks(reading: &mut Reading) {
    if let Some(style) = reading.take("mynetworks_style") {
        let fate = if style == "host" { Fate::Unneeded } else { Fate::Changed };
        reading.note(
            fate,
            "mynetworks_style",
            "Networks are named, never guessed from the interfaces.",
            "网段需要明确写出，不会从网卡推测。",
        );
    }
    let Some(value) = reading.take("mynetworks") else { return };
    let mut addresses = Vec::new();
    for word in words(&value) {
        let plain = word.replace(['[', ']'], "");
        match parsed::<InboundSettings>(toml::Table::from_iter([("addresses".to_string(), toml::Value::from(vec![plain.clone()]))])) {
            Some(_) => addresses.push(plain),
            None => {
                let at = reading.main.at("mynetworks");
                reading.draft.note(Fate::Left, &at, &word, "No address or network.", "不是地址或网段。");
            }
        }
    }
    let organisation = reading.draft.organisation.clone();
    let table = toml::Table::from_iter([("addresses".to_string(), toml::Value::from(addresses))]);
    if let Some(made) = parsed::<InboundSettings>(table).filter(|made| !made.addresses.is_empty()) {
        reading.draft.settings.inbound.push(InboundSettings { name: "mynetworks".into(), organisation, relay: true, ..made });
        reading.note(
            Fate::Taken,
            "mynetworks",
            "[[inbound]] “mynetworks”: these may send out without a login.",
            "[[inbound]] “mynetworks”：这些地址无需登录即可外发。",
        );
    }
}
