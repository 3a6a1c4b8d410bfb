//! Tests on whole folders of settings, as people have them.

use crate::migrate::{Draft, Fate, postfix, rspamd, spamassassin};
use gateway::directory::{ConnectorKind, Effect, EntryKind, Protocol, RecipientCheck, TlsLevel};
use gateway::intake::grey::Greylist;
use gateway::rules::{ActionKind, ConditionKind};
use std::path::Path;
use tempfile::TempDir;

fn folder(files: &[(&str, &str)]) -> TempDir {
    let folder = TempDir::new().expect("a folder");
    for (name, text) in files {
        let path = folder.path().join(name);
        std::fs::create_dir_all(path.parent().expect("a parent")).expect("a folder");
        std::fs::write(path, text).expect("a file");
    }
    folder
}

/// The draft, which must be a settings file that the service takes.
fn right(draft: anyhow::Result<Draft>) -> Draft {
    let draft = draft.expect("it reads");
    let text = draft.toml().expect("a right settings file");
    assert!(!text.is_empty());
    draft
}

fn fates(draft: &Draft, what: &str) -> Vec<Fate> {
    let of =
        |is_it: &dyn Fn(&str) -> bool| -> Vec<Fate> { draft.notes.iter().filter(|note| is_it(&note.what)).map(|note| note.fate).collect() };
    let exact = of(&|shown| shown == what);
    if exact.is_empty() { of(&|shown| shown.contains(what)) } else { exact }
}

const MAIN: &str = r"
smtpd_banner = $myhostname ESMTP $mail_name (Debian/GNU)
biff = no
compatibility_level = 3.6
myhostname = mx1.shop.example
mydomain = shop.example
mydestination = $myhostname, localhost.$mydomain, localhost
relay_domains = shop.example, hash:/etc/postfix/relay_domains
relay_recipient_maps = hash:/etc/postfix/relay_recipients
transport_maps = hash:/etc/postfix/transport
relayhost = [smtp.provider.example]:587
smtp_sasl_auth_enable = yes
smtp_sasl_password_maps = hash:/etc/postfix/sasl
smtp_tls_security_level = encrypt
mynetworks = 127.0.0.0/8 [::1]/128 10.1.0.0/16 !10.1.2.3
message_size_limit = 52428800
smtpd_tls_cert_file = /etc/ssl/mx1.pem
smtpd_tls_key_file = /etc/ssl/mx1.key
smtpd_tls_security_level = may
smtpd_recipient_restrictions = permit_mynetworks, reject_unauth_destination,
    check_sender_access hash:/etc/postfix/senders,
    check_client_access cidr:/etc/postfix/clients,
    reject_rbl_client zen.list.example=127.0.0.[2..4],
    reject_rhsbl_sender dbl.list.example,
    check_policy_service inet:127.0.0.1:10023,
    reject_unknown_sender_domain
header_checks = pcre:/etc/postfix/header_checks
body_checks = regexp:/etc/postfix/body_checks
virtual_alias_maps = hash:/etc/postfix/virtual
smtpd_milters = inet:localhost:8891, unix:/run/other.sock
always_bcc = archive@shop.example
my_own_list = a b
strange_setting = 7
";

/// A relay in front of two servers of an organisation.
fn relay() -> Draft {
    let files = folder(&[
        ("main.cf", MAIN),
        ("relay_domains", "branch.example OK\n"),
        ("relay_recipients", "# people\nann@shop.example OK\nbo@branch.example OK\n"),
        (
            "transport",
            "shop.example  smtp:[10.1.0.5]:25\nbranch.example lmtp:inet:mail.branch.example:2424\n.partner.example relay:[mx.partner.example]\nprinter@shop.example  pipe:print\n",
        ),
        ("sasl", "[smtp.provider.example]:587 shop:s3cret\n"),
        ("senders", "bad@spam.example REJECT\n.good.example OK\nspam.example 550 no\nx@y.example DUNNO\n"),
        ("clients", "192.0.2.0/24 REJECT\n198.51.100.7 OK\n"),
        (
            "header_checks",
            "/^Subject:.*cheap pills/ REJECT no pills\n/^X-Mailer: Bulk/i DISCARD\n/^(From|To):/ REJECT\n/^Subject: (?=x)/ REJECT\n/^List-Id:.*news/ PREPEND X-List: yes\n",
        ),
        ("body_checks", "/evil\\.example\\/x/ HOLD\n"),
    ]);
    right(postfix::read(files.path(), "shop"))
}

#[test]
fn a_relay_of_an_organisation_becomes_a_draft() {
    let draft = relay();
    let settings = &draft.settings;
    assert_eq!(settings.listen.name, "mx1.shop.example");
    let domains: Vec<_> =
        settings.domain.iter().map(|domain| (domain.name.as_str(), domain.recipients, domain.connector.as_str())).collect();
    assert_eq!(
        domains,
        [
            ("shop.example", RecipientCheck::Listed, "to-10.1.0.5-25"),
            ("branch.example", RecipientCheck::Listed, "to-mail.branch.example-2424")
        ]
    );
    assert_eq!(settings.recipient.len(), 2);
    let connectors: Vec<_> =
        settings.connector.iter().map(|one| (one.name.as_str(), one.kind, one.protocol, one.tls, one.allow_private)).collect();
    assert_eq!(
        connectors,
        [
            ("relayhost", ConnectorKind::Outbound, Protocol::Smtp, TlsLevel::Required, false),
            ("to-10.1.0.5-25", ConnectorKind::Server, Protocol::Smtp, TlsLevel::Required, true),
            ("to-mail.branch.example-2424", ConnectorKind::Server, Protocol::Lmtp, TlsLevel::Required, false),
            ("to-mx.partner.example-25", ConnectorKind::Partner, Protocol::Smtp, TlsLevel::Required, false),
        ]
    );
    assert_eq!((settings.connector[0].login.as_str(), settings.connector[0].password.as_str()), ("shop", "s3cret"));
    assert_eq!(settings.organisation[0].outbound_connector, "relayhost");
    assert_eq!(settings.limits.message_octets_max, 52_428_800);
    assert_eq!(settings.tls.certificate, Path::new("/etc/ssl/mx1.pem"));
    assert_eq!(settings.inbound[0].addresses.0.len(), 3);
    assert!(settings.inbound[0].relay);
    assert_eq!(settings.dns.list[0].codes.len(), 3);
    assert_eq!(settings.intake.greylist, Greylist::Doubtful);
}

#[test]
fn what_a_relay_refused_becomes_entries_and_rules() {
    let draft = relay();
    let settings = &draft.settings;
    let entries: Vec<_> = settings.entry.iter().map(|entry| (entry.effect, entry.kind, entry.value.as_str())).collect();
    assert_eq!(
        entries,
        [
            (Effect::Block, EntryKind::Address, "bad@spam.example"),
            (Effect::Allow, EntryKind::Domain, "good.example"),
            (Effect::Block, EntryKind::Domain, "spam.example"),
            (Effect::Block, EntryKind::Ip, "192.0.2.0/24"),
            (Effect::Allow, EntryKind::Ip, "198.51.100.7"),
        ]
    );
    let rules: Vec<_> = settings
        .rule
        .iter()
        .map(|rule| (rule.conditions.first().map(|one| (one.kind, one.values[0].as_str())), rule.actions[0].kind))
        .collect();
    assert_eq!(
        rules,
        [
            (Some((ConditionKind::HeaderPatterns, "(?i)cheap pills")), ActionKind::Reject),
            (Some((ConditionKind::HeaderPatterns, "^Bulk")), ActionKind::Delete),
            (Some((ConditionKind::HeaderPatterns, "(?i)news")), ActionKind::SetHeader),
            (Some((ConditionKind::TextPatterns, r"(?i)evil\.example/x")), ActionKind::Quarantine),
            (None, ActionKind::Bcc),
        ]
    );
}

#[test]
fn nothing_of_a_relay_is_passed_over_in_silence() {
    let draft = relay();
    for (what, fate) in [
        ("virtual_alias_maps", Fate::Left),
        ("reject_rhsbl_sender", Fate::Left),
        ("printer@shop.example", Fate::Left),
        ("x@y.example", Fate::Left),
        ("(From|To)", Fate::Left),
        ("(?=x)", Fate::Left),
        ("!10.1.2.3", Fate::Left),
        ("strange_setting", Fate::Left),
        ("smtpd_milters", Fate::Taken),
        ("biff", Fate::Unneeded),
        ("check_policy_service", Fate::Changed),
        ("reject_unknown_sender_domain", Fate::Changed),
        (".good.example", Fate::Changed),
    ] {
        assert_eq!(fates(&draft, what), [fate], "{what}");
    }
    for name in MAIN.lines().filter(|line| !line.starts_with([' ', '\t'])).filter_map(|line| line.split_once(" =").map(|(name, _)| name)) {
        let is_named = draft.notes.iter().any(|note| note.what.starts_with(name))
            || ["transport_maps", "header_checks", "body_checks"].contains(&name)
            || draft.notes.iter().any(|note| note.what.starts_with(&format!("{name}:")));
        assert!(is_named, "{name} has no note");
    }
}

#[test]
fn settings_as_debian_ships_them_are_read() {
    for (read, path) in [
        (postfix::read as fn(&Path, &str) -> anyhow::Result<Draft>, "/etc/postfix"),
        (rspamd::read, "/etc/rspamd"),
        (spamassassin::read, "/etc/spamassassin"),
    ] {
        // Only where the package is installed and set up; the test machine has some of them.
        if let Ok(draft) = read(Path::new(path), "shop") {
            draft.toml().unwrap_or_else(|why| panic!("{path}: {why:#}"));
        }
    }
}

#[test]
fn a_folder_without_settings_is_a_mistake_and_no_draft() {
    let empty = folder(&[]);
    assert!(postfix::read(empty.path(), "shop").is_err());
    assert!(rspamd::read(empty.path(), "shop").is_err());
    assert!(spamassassin::read(empty.path(), "shop").is_err());
}

#[test]
fn hostile_files_end_in_notes() {
    let long = format!("relay_domains = {}\n", "a.example ".repeat(5000));
    for text in [
        "a = $a$b${c\nb=$a\n",
        "=\n = =\n\u{0}\n",
        "mynetworks = [[[\nrelayhost = [\n",
        "header_checks = pcre:/nowhere\nbody_checks=mysql:/x\n",
        "relay_domains = /etc\n",
        &long,
    ] {
        let files = folder(&[("main.cf", text)]);
        right(postfix::read(files.path(), "shop"));
    }
}

#[test]
fn rspamd_maps_lists_and_scanners_become_settings() {
    let files = folder(&[
        ("local.d/actions.conf", "reject = 15;\nadd_header = 6;\n"),
        (
            "local.d/multimap.conf",
            "WHITE { type = \"from\"; map = \"$LOCAL_CONFDIR/local.d/white.map\"; action = \"accept\"; }\nBADIP { type = \"ip\"; map = [\"192.0.2.1\", \"198.51.100.0/24\"]; score = 8.0; }\nLINKS { type = \"url\"; filter = \"host\"; map = \"/etc/rspamd/links.map\"; score = 10; }\nSOFT { type = \"from\"; map = [\"x.example\"]; score = 2; }\nNAMES { type = \"filename\"; map = [\"a\"]; score = 9; }\n",
        ),
        ("local.d/white.map", "# partners\n*@good.example\nann@partner.example # she\n/regex/i\n"),
        ("links.map", "evil.example\n"),
        ("local.d/rbl.conf", "rbls { mine { rbl = \"bl.shop.example\"; ipv4 = true; } off { enabled = false; rbl = \"x.example\"; } }\n"),
        ("local.d/antivirus.conf", "clamav { type = \"clamav\"; servers = \"127.0.0.1:3310\"; }\n"),
        ("local.d/dkim_signing.conf", "selector = \"s1\";\npath = \"/var/lib/rspamd/dkim/$domain.$selector.key\";\n"),
        ("override.d/dkim_signing.conf", "domain { shop.example { selector = \"mail\"; path = \"/keys/shop.key\"; } }\n"),
        ("local.d/options.inc", "dns { nameserver = [\"10.0.0.53\"]; }\nlocal_addrs = [10.0.0.0/8];\n"),
        ("local.d/greylist.conf", "enabled = false;\n"),
        ("local.d/odd.conf", "a = = b;\n}}\n"),
    ]);
    let draft = right(rspamd::read(files.path(), "shop"));
    let entries: Vec<_> = draft.settings.entry.iter().map(|entry| (entry.effect, entry.kind, entry.value.as_str())).collect();
    assert_eq!(
        entries,
        [
            (Effect::Block, EntryKind::Ip, "192.0.2.1"),
            (Effect::Block, EntryKind::Ip, "198.51.100.0/24"),
            (Effect::Block, EntryKind::Host, "evil.example"),
            (Effect::Allow, EntryKind::Domain, "good.example"),
            (Effect::Allow, EntryKind::Address, "ann@partner.example"),
        ]
    );
    assert_eq!(draft.settings.dns.list.iter().map(|list| list.zone.as_str()).collect::<Vec<_>>(), ["bl.shop.example"]);
    assert_eq!(draft.settings.detect.clamd.as_ref().map(|clamd| clamd.address.as_str()), Some("127.0.0.1:3310"));
    assert_eq!(draft.settings.organisation[0].dkim_selector, "mail");
    assert_eq!(draft.settings.intake.greylist, Greylist::Off);
    assert_eq!(fates(&draft, "SOFT"), [Fate::Left]);
    assert_eq!(fates(&draft, "NAMES"), [Fate::Left]);
}

#[test]
fn spamassassin_lists_and_deciding_rules_become_settings() {
    let files = folder(&[(
        "local.cf",
        "# mine\nrequired_score 6.5\nrewrite_header Subject *****SPAM*****\nwhitelist_from *@good.example boss@partner.example a*@x.example\nblacklist_from *@bad.example\nblocklist_uri_host evil.example\n\
         trusted_networks 10.2.0.0/16 !10.2.9.9\nscore BAYES_99 6\nheader MY_PILLS Subject =~ /cheap pills/i\nscore MY_PILLS 7.5\nbody MY_WORD /lottery winner/\nheader __SUB From =~ /x/\n\
         meta MY_META MY_PILLS && MY_WORD\nuse_bayes 1\nsome_new_thing on\n",
    )]);
    let draft = right(spamassassin::read(files.path(), "shop"));
    let entries: Vec<_> = draft.settings.entry.iter().map(|entry| (entry.effect, entry.kind, entry.value.as_str())).collect();
    assert_eq!(
        entries,
        [
            (Effect::Allow, EntryKind::Domain, "good.example"),
            (Effect::Allow, EntryKind::Address, "boss@partner.example"),
            (Effect::Block, EntryKind::Domain, "bad.example"),
            (Effect::Block, EntryKind::Host, "evil.example"),
        ]
    );
    assert_eq!(draft.settings.rule.len(), 1);
    assert_eq!(draft.settings.rule[0].conditions[0].values, ["(?i)cheap pills"]);
    assert_eq!(draft.settings.rule[0].actions[0].kind, ActionKind::SetScl);
    assert_eq!(draft.settings.inbound[0].addresses.0.len(), 1);
    for (what, fate) in [
        ("BAYES_99", Fate::Left),
        ("MY_WORD /", Fate::Left),
        ("meta MY_META", Fate::Left),
        ("a*@x.example", Fate::Left),
        ("required_score", Fate::Changed),
        ("some_new_thing", Fate::Left),
    ] {
        assert_eq!(fates(&draft, what), [fate], "{what}");
    }
}
