//! `smtpd_*_restrictions` and `postscreen_*`: what is refused.

use super::main_cf::{Rows, table};
use super::{Reading, access};
use crate::migrate::Fate;
use gateway::directory::RecipientCheck;
use gateway::intake::ListSettings;
use gateway::intake::grey::Greylist;
use std::net::Ipv4Addr;

const LISTS: [&str; 7] = [
    "smtpd_client_restrictions",
    "smtpd_helo_restrictions",
    "smtpd_sender_restrictions",
    "smtpd_relay_restrictions",
    "smtpd_recipient_restrictions",
    "smtpd_data_restrictions",
    "smtpd_end_of_data_restrictions",
];

pub(super) fn all(reading: &mut Reading) -> anyhow::Result<()> {
    for name in LISTS {
        if reading.take(name).is_none() {
            continue;
        }
        let at = reading.main.at(name);
        let mut words = reading.main.list(name).into_iter();
        while let Some(word) = words.next() {
            let has_argument = word.starts_with("check_")
                || word.starts_with("reject_rbl")
                || word.starts_with("reject_rhsbl")
                || word.starts_with("permit_dnswl")
                || word.starts_with("permit_rhswl");
            let argument = if has_argument { words.next().unwrap_or_default() } else { String::new() };
            one(reading, (&at, name), &word, &argument)?;
        }
    }
    postscreen(reading);
    for name in
        ["smtpd_helo_required", "disable_vrfy_command", "strict_rfc821_envelopes", "smtpd_delay_reject", "smtpd_forbid_bare_newline"]
    {
        if reading.take(name).is_some() {
            reading.note(Fate::Taken, name, "So by itself.", "本来就是如此。");
        }
    }
    Ok(())
}

fn one(reading: &mut Reading, (at, list): (&str, &str), word: &str, argument: &str) -> anyhow::Result<()> {
    let shown = format!("{list}: {word} {argument}");
    let (fate, english, chinese) = match word {
        "permit_mynetworks"
        | "permit_sasl_authenticated"
        | "reject_unauth_destination"
        | "defer_unauth_destination"
        | "permit"
        | "reject_unauth_pipelining"
        | "permit_inet_interfaces"
        | "permit_tls_clientcerts" => (Fate::Taken, "So by itself.", "本来就是如此。"),
        "reject_non_fqdn_sender"
        | "reject_non_fqdn_recipient"
        | "reject_invalid_helo_hostname"
        | "reject_invalid_hostname"
        | "reject_multi_recipient_bounce" => {
            (Fate::Taken, "Malformed addresses and names are refused by themselves.", "格式错误的地址和名称本来就会被拒收。")
        }
        "reject_unknown_sender_domain"
        | "reject_unknown_client_hostname"
        | "reject_unknown_reverse_client_hostname"
        | "reject_unknown_helo_hostname"
        | "reject_non_fqdn_helo_hostname"
        | "reject_unknown_client"
        | "reject_unknown_hostname"
        | "reject_non_fqdn_hostname" => (
            Fate::Changed,
            "Not refused for this alone: it is weighed with everything else that is known of the mail.",
            "不会仅因此拒收：与邮件的其他迹象一起衡量。",
        ),
        "reject_unverified_recipient" | "reject_unlisted_recipient" | "reject_unknown_recipient_domain" => {
            if word == "reject_unverified_recipient" {
                for domain in reading.draft.settings.domain.iter_mut().filter(|domain| domain.recipients == RecipientCheck::Any) {
                    domain.recipients = RecipientCheck::CallOut;
                }
            }
            (Fate::Taken, "recipients of each [[domain]]", "各 [[domain]] 的 recipients")
        }
        "reject_rbl_client" | "permit_dnswl_client" => {
            dns_list(reading, at, word, argument);
            return Ok(());
        }
        "check_policy_service" => {
            policy_service(reading, at, argument);
            return Ok(());
        }
        _ if word.starts_with("check_") && word.ends_with("_access") => return lookups(reading, (at, word), argument),
        _ if word.starts_with("reject_rhsbl") => (
            Fate::Left,
            "Lists of domains are looked up by the content inspections; this one is not added.",
            "域名列表由内容检查查询；没有添加这一项。",
        ),
        "reject" | "warn_if_reject" | "defer_if_permit" | "sleep" => (Fate::Left, "No counterpart.", "没有对应设置。"),
        _ => (Fate::Left, "Not known to this migration.", "本迁移不认识该项。"),
    };
    reading.draft.note(fate, at, &shown, english, chinese);
    Ok(())
}

/// `zone` or `zone=127.0.0.[2..11]`.
fn dns_list(reading: &mut Reading, at: &str, word: &str, argument: &str) {
    let (zone, codes) = argument.split_once('=').unwrap_or((argument, ""));
    let shown = format!("{word} {argument}");
    if word == "permit_dnswl_client" || zone.contains("://") || zone.is_empty() {
        reading.draft.note(
            Fate::Left,
            at,
            &shown,
            "Lists that allow are not asked; allow entries do that.",
            "不查询允许列表；请用允许条目。",
        );
        return;
    }
    add_list(reading, zone, codes, true, 3.0);
    let english = "[[dns.list]] with refuse: look at the list's terms of use, many ask for a key.";
    reading.draft.note(Fate::Taken, at, &shown, english, "[[dns.list]]，设为拒收：请查看该列表的使用条款，很多列表需要密钥。");
}

fn add_list(reading: &mut Reading, zone: &str, codes: &str, refuse: bool, weight: f32) {
    let lists = &mut reading.draft.settings.dns.list;
    match lists.iter_mut().find(|list| list.zone == zone) {
        Some(there) => there.refuse |= refuse,
        None => lists.push(ListSettings { zone: zone.to_string(), codes: codes_of(codes), refuse, weight }),
    }
}

/// `127.0.0.[2;4..6]` (postconf(5), reject_rbl_client).
fn codes_of(text: &str) -> Vec<Ipv4Addr> {
    let Some((before, set)) = text.split_once('[') else { return text.parse().into_iter().collect() };
    let set = set.trim_end_matches(']');
    let mut found = Vec::new();
    for part in set.split([';', ',']) {
        let (first, last) = part.split_once("..").unwrap_or((part, part));
        let (Ok(first), Ok(last)) = (first.trim().parse::<u8>(), last.trim().parse::<u8>()) else { continue };
        found.extend((first..=last).filter_map(|last| format!("{before}{last}").parse::<Ipv4Addr>().ok()));
    }
    found
}

fn policy_service(reading: &mut Reading, at: &str, argument: &str) {
    let shown = format!("check_policy_service {argument}");
    if argument.contains("10023") || argument.contains("postgrey") || argument.contains("grey") {
        reading.draft.settings.intake.greylist = Greylist::Doubtful;
        let english = "[intake] greylist = \"doubtful\": only doubtful mail of senders without a record is asked to come again.";
        reading.draft.note(
            Fate::Changed,
            at,
            &shown,
            english,
            "[intake] greylist = \"doubtful\"：只对没有记录的发件人的可疑邮件要求稍后重发。",
        );
        return;
    }
    let what = ["spf", "12340"].iter().any(|part| argument.contains(part));
    let (fate, english, chinese) = match what {
        true => (Fate::Taken, "SPF is checked by itself.", "SPF 本来就会检查。"),
        false => (
            Fate::Left,
            "Policy services are not asked. What it decides may be a mail flow rule or an entry.",
            "不查询策略服务。它的决定也许可以写成邮件流规则或条目。",
        ),
    };
    reading.draft.note(fate, at, &shown, english, chinese);
}

fn lookups(reading: &mut Reading, (at, word): (&str, &str), argument: &str) -> anyhow::Result<()> {
    match table(&reading.main, argument)? {
        Rows::Text(rows) => rows.into_iter().for_each(|row| access::row(reading, word, &row)),
        Rows::Elsewhere(kind) => reading.draft.note(
            Fate::Left,
            at,
            &format!("{word} {argument}"),
            format!("A table of kind {kind} has no text to read."),
            format!("{kind} 类型的表没有文本可读。"),
        ),
        Rows::Missing(path) => reading.draft.note(
            Fate::Left,
            at,
            &format!("{word} {argument}"),
            format!("{} is not there.", path.display()),
            format!("{} 不存在。", path.display()),
        ),
    }
    Ok(())
}

/// postscreen's lists with weights: `zone=codes*weight`.
fn postscreen(reading: &mut Reading) {
    if reading.take("postscreen_dnsbl_sites").is_some() {
        let threshold: f32 = reading.main.get("postscreen_dnsbl_threshold").parse().unwrap_or(1.0);
        let at = reading.main.at("postscreen_dnsbl_sites");
        for word in reading.main.list("postscreen_dnsbl_sites") {
            let (list, weight) = word.split_once('*').unwrap_or((&word, "1"));
            let (zone, codes) = list.split_once('=').unwrap_or((list, ""));
            let weight: f32 = weight.parse().unwrap_or(1.0);
            match weight > 0.0 {
                true => {
                    // One that reaches the threshold alone refuses; several together weigh as much as one that does.
                    add_list(reading, zone, codes, weight >= threshold, 3.0 * (weight / threshold.max(1.0)).min(1.0));
                    reading.draft.note(
                        Fate::Changed,
                        &at,
                        &word,
                        "[[dns.list]]: it refuses when it reached the threshold alone, else it is weighed.",
                        "[[dns.list]]：单独达到阈值的设为拒收，否则计入权重。",
                    );
                }
                false => reading.draft.note(
                    Fate::Left,
                    &at,
                    &word,
                    "Lists that allow are not asked; allow entries do that.",
                    "不查询允许列表；请用允许条目。",
                ),
            }
        }
    }
    let others: Vec<String> =
        reading.main.parameters.keys().filter(|name| name.starts_with("postscreen_") && !reading.seen.contains(*name)).cloned().collect();
    for name in others {
        reading.seen.insert(name.clone());
        reading.note(
            Fate::Unneeded,
            &name,
            "Peers that talk before the greeting, pipeline unasked or send too much are refused by themselves.",
            "抢先发话、擅自流水线或连接过多的对端本来就会被拒绝。",
        );
    }
}
