use super::entry::*;
use super::settings::*;
use super::*;
use mail::Address;

fn address(text: &str) -> Address {
    Address::parse(text).expect("an address")
}

fn directory() -> Directory {
    let mut directory = Directory::default();
    for (id, name, relay) in [(1, "one", "192.0.2.0/24"), (2, "two", "198.51.100.7")] {
        let settings = OrganisationSettings {
            name: name.into(),
            connector: format!("{name}-server"),
            relay_from: crate::settings::Networks(vec![relay.parse().expect("a network")]),
            ..Default::default()
        };
        directory.organisations.insert(OrgId(id), Organisation { id: OrgId(id), name: name.into(), settings });
    }
    for (name, org, recipients) in [
        ("listed.example", 1, RecipientCheck::Listed),
        ("any.example", 1, RecipientCheck::Any),
        ("asked.example", 2, RecipientCheck::CallOut),
    ] {
        let settings = DomainSettings { name: name.into(), recipients, ..Default::default() };
        directory.domains.insert(name.into(), Domain { name: name.into(), org: OrgId(org), settings });
    }
    directory.recipients.insert("alice@listed.example".into(), KnownRecipient { org: OrgId(1), name: "Alice".into(), main: String::new() });
    directory
}

#[test]
fn recipients_stand_as_their_domain_says() {
    let directory = directory();
    for (text, want, why) in [
        ("alice@listed.example", Standing::Ours("listed.example", OrgId(1)), "listed"),
        ("ALICE@LISTED.example", Standing::Ours("listed.example", OrgId(1)), "case does not make another mailbox"),
        ("bob@listed.example", Standing::Unknown(OrgId(1)), "not listed"),
        ("postmaster@listed.example", Standing::Ours("listed.example", OrgId(1)), "postmaster always exists"),
        ("bob@any.example", Standing::Ours("any.example", OrgId(1)), "any"),
        ("bob@asked.example", Standing::AskNextHop("asked.example", OrgId(2)), "call-out"),
        ("bob@sub.any.example", Standing::Foreign, "a subdomain is another domain"),
    ] {
        assert_eq!(directory.standing(&address(text)), want, "{text}: {why}");
    }
}

#[test]
fn sending_out_is_for_named_networks_and_own_logins() {
    let directory = directory();
    let ip = |text: &str| text.parse().expect("an address");
    let name = |ip, login| directory.relays_for(ip, login).map(|organisation| organisation.name.as_str());
    assert_eq!(name(ip("192.0.2.77"), None), Some("one"));
    assert_eq!(name(ip("198.51.100.7"), None), Some("two"));
    assert_eq!(name(ip("198.51.100.8"), None), None);
    assert_eq!(name(ip("203.0.113.1"), Some("bob@asked.example")), Some("two"));
    assert_eq!(name(ip("192.0.2.77"), Some("bob@elsewhere.example")), None, "a login of nobody here does not fall back to the network");
}

#[test]
fn routes_fall_back_from_domain_to_organisation_to_mx() {
    let mut directory = directory();
    assert_eq!(directory.inbound_route("any.example"), "one-server");
    directory.domains.get_mut("any.example").expect("there").settings.connector = "special".into();
    assert_eq!(directory.inbound_route("any.example"), "special");
    assert_eq!(directory.inbound_route("elsewhere.example"), "");
}

#[test]
fn ways_out_go_by_partner_then_organisation_then_kind() {
    let mut directory = directory();
    let out = |directory: &Directory, domain: &str| directory.outbound_route(OrgId(1), domain).to_string();
    assert_eq!(out(&directory, "elsewhere.example"), "", "MX");
    directory.outbound.insert(OrgId(1), "relay".into());
    assert_eq!(out(&directory, "elsewhere.example"), "relay");
    directory.organisations.get_mut(&OrgId(1)).expect("there").settings.outbound_connector = "named".into();
    assert_eq!(out(&directory, "elsewhere.example"), "named");
    directory.partners.insert(OrgId(1), vec![("partner.example".into(), "tunnel".into())]);
    assert_eq!((out(&directory, "partner.example"), out(&directory, "elsewhere.example")), ("tunnel".into(), "named".into()));
    assert_eq!(directory.outbound_route(OrgId(2), "partner.example"), "", "another organisation's partner");
}

#[test]
fn sub_domains_are_taken_where_that_is_switched_on() {
    let mut directory = directory();
    assert_eq!(directory.standing(&address("bob@sub.any.example")), Standing::Foreign);
    directory.domains.get_mut("any.example").expect("there").settings.subdomains = true;
    assert_eq!(directory.standing(&address("bob@a.sub.any.example")), Standing::Ours("any.example", OrgId(1)));
    assert_eq!(directory.standing(&address("bob@evilany.example")), Standing::Foreign, "a suffix is no parent");
}

fn entry(effect: Effect, kind: EntryKind, value: &str, scope: &str, expires_ms: Option<i64>) -> Entry {
    Entry { id: 1, effect, kind, value: value.into(), scope: scope.into(), expires_ms, note: String::new() }
}

#[test]
fn entries_match_by_kind_scope_and_time() {
    use Effect::{Allow, Block};
    use EntryKind::{Address, Domain, Ip};
    let subject = Subject::of_senders("192.0.2.9".parse().expect("an address"), &[("ann@mail.partner.example", true)]);
    for (entry, want, why) in [
        (entry(Allow, Address, "ann@mail.partner.example", "", None), true, "the address"),
        (entry(Allow, Address, "ANN@mail.partner.example", "", None), true, "in any case"),
        (entry(Allow, Address, "bob@mail.partner.example", "", None), false, "another address"),
        (entry(Allow, Domain, "partner.example", "", None), true, "a parent domain"),
        (entry(Allow, Domain, "artner.example", "", None), false, "a suffix is no parent"),
        (entry(Block, Ip, "192.0.2.0/28", "", None), true, "the network"),
        (entry(Block, Ip, "192.0.2.16/28", "", None), false, "another network"),
        (entry(Allow, Domain, "partner.example", "li@demo.example", None), true, "scope of this recipient"),
        (entry(Allow, Domain, "partner.example", "bo@demo.example", None), false, "scope of another recipient"),
        (entry(Allow, Domain, "partner.example", "", Some(1_000)), false, "expired at that moment"),
        (entry(Allow, Domain, "partner.example", "", Some(1_001)), true, "not yet"),
    ] {
        let mut entries = Entries::default();
        entries.add(entry);
        assert_eq!(!entries.matching(&subject, "li@demo.example", 1_000).is_empty(), want, "{why}");
    }
}

#[test]
fn an_allowed_name_that_anybody_could_write_does_not_count() {
    let mut entries = Entries::default();
    entries.add(entry(Effect::Allow, EntryKind::Address, "ceo@partner.example", "", None));
    entries.add(entry(Effect::Block, EntryKind::Domain, "partner.example", "", None));
    let forged = Subject::of_senders("192.0.2.9".parse().expect("an address"), &[("ceo@partner.example", false)]);
    let told: Vec<(Effect, bool)> =
        entries.matching(&forged, "li@demo.example", 0).iter().map(|(entry, may)| (entry.effect, *may)).collect();
    assert_eq!(told, [(Effect::Allow, false), (Effect::Block, true)]);
}

#[test]
fn an_entry_about_envelope_and_author_is_one_and_safe_when_either_is() {
    let mut entries = Entries::default();
    entries.add(entry(Effect::Allow, EntryKind::Domain, "partner.example", "", None));
    let senders = [("tom@partner.example", false), ("bounce@mail.partner.example", true)];
    let subject = Subject::of_senders("192.0.2.9".parse().expect("an address"), &senders);
    let told: Vec<bool> = entries.matching(&subject, "li@demo.example", 0).iter().map(|(_, may)| *may).collect();
    assert_eq!(told, [true]);
}

#[test]
fn entries_in_settings_are_checked() {
    let checked = |kind, value: &str, expires: &str| {
        EntrySettings { kind, value: value.into(), expires: expires.into(), ..Default::default() }.checked()
    };
    assert_eq!(checked(EntryKind::Domain, "Bücher.example", "").map(|(value, ..)| value), Ok("xn--bcher-kva.example".into()));
    assert_eq!(
        checked(EntryKind::Address, "A@B.example", "1970-01-01").map(|(value, _, end)| (value, end)),
        Ok(("a@b.example".into(), Some(86_399_999)))
    );
    assert!(checked(EntryKind::Address, "nobody", "").is_err());
    assert!(checked(EntryKind::Ip, "192.0.2.300", "").is_err());
    assert!(checked(EntryKind::Domain, "a.example", "soon").is_err());
}

#[tokio::test]
async fn passwords_that_stood_open_are_sealed_once() {
    use crate::dkim::Seal;
    use crate::mailbox::MailboxSettings;
    for database in testkit::postgres::databases() {
        let engine = database.engine;
        let db = crate::delivery::tests::open_db(&database).await;
        let seal = std::sync::Arc::new(Seal::new(&[7; 32]).expect("a key"));
        let texts = |db: store::Db| async move {
            let found: Result<_, store::Error> =
                db.read(|tx| Box::pin(async move { tx.rows("SELECT settings FROM connector ORDER BY name", store::args![]).await })).await;
            found.expect("rows").iter().map(|row| row.text(0).expect("text").to_string()).collect::<Vec<_>>()
        };
        let open = |name: &str| ConnectorSettings {
            name: name.into(),
            login: "gate".into(),
            password: "open sesame".into(),
            mailbox: MailboxSettings { user: "master".into(), password: "open sesame".into(), ..MailboxSettings::default() },
            ..ConnectorSettings::default()
        };
        let (plain, of_seal) =
            ([open("a"), open("b"), ConnectorSettings { name: "c".into(), ..ConnectorSettings::default() }], seal.clone());
        let done: Result<_, store::Error> = db
            .tx(move |tx| {
                Box::pin(async move {
                    let organisation = OrganisationSettings { name: "one".into(), ..Default::default() };
                    sql::put_organisation(tx, &organisation, sql::FROM_COMMAND, 1).await?;
                    for connector in &plain {
                        sql::put_connector(tx, connector, sql::FROM_PAGE).await?;
                    }
                    sql::seal_connectors(tx, &of_seal).await
                })
            })
            .await;
        assert_eq!(done.expect("sealed"), 2, "{engine}");
        let first = texts(db.clone()).await;
        assert!(first.iter().all(|text| !text.contains("sesame")), "{engine}: {first:?}");
        let read: ConnectorSettings = serde_json::from_str(&first[0]).expect("settings");
        assert_eq!(read.password(Some(&seal)).expect("ours"), "open sesame", "{engine}");
        let of_seal = seal.clone();
        let again: Result<_, store::Error> = db.tx(move |tx| Box::pin(async move { sql::seal_connectors(tx, &of_seal).await })).await;
        assert_eq!((again.expect("read"), texts(db.clone()).await), (0, first), "{engine}: nothing is left to do");
        // Sealed for one connector, it is nothing under another's name.
        let moved = ConnectorSettings { name: "b".into(), ..read.clone() };
        assert!(moved.password(Some(&seal)).is_err() && moved.sealed(&seal).is_err(), "{engine}");
        assert_eq!(read.clone().sealed(&seal).expect("it stays").password, read.password, "{engine}");
    }
}
