//! What counting the use of allow and block entries costs the mail path: nanoseconds for one mail, beside the decision itself.
//!
//! `cargo run -p gateway --example entry_usage`

use gateway::directory::{Directory, Effect, Entries, Entry, EntryKind, Organisation, OrganisationSettings, Subject};
use gateway::entry::Usage;
use gateway::policy::{Question, decide};
use mail::auth::*;
use mail::{Address, OrgId};
use std::time::Instant;
use store::{Db, DbSettings};

const MAILS: u32 = 200_000;
const ORG: OrgId = OrgId(1);

fn directory(value: &str) -> Directory {
    let mut directory = Directory::default();
    directory.organisations.insert(ORG, Organisation { id: ORG, name: "one".into(), settings: OrganisationSettings::default() });
    let mut entries = Entries::default();
    let kind = EntryKind::Domain;
    entries.add(Entry {
        id: 1,
        effect: Effect::Allow,
        kind,
        value: value.into(),
        scope: String::new(),
        expires_ms: None,
        note: String::new(),
    });
    directory.entries.insert(ORG, entries);
    directory
}

fn auth() -> AuthResults {
    let text = String::new;
    AuthResults {
        spf: Spf { result: SpfResult::Pass, domain: text(), by_helo: false, why: text() },
        dkim: Vec::new(),
        dmarc: Dmarc {
            result: DmarcResult::Pass,
            domain: text(),
            policy_domain: None,
            policy: DmarcPolicy::None,
            sampled_out: false,
            why: text(),
        },
        arc: Arc { result: DkimResult::None, instances: 0, sealer: None, trusted: false, why: text() },
        composite: Composite { result: CompositeResult::Pass, reason: 100 },
        dns_lookups: 0,
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let folder = tempfile::tempdir().expect("a folder");
    let url = format!("sqlite:{}", folder.path().join("one.db").display());
    let db = Db::open(&DbSettings { url, ..DbSettings::default() }, gateway::MIGRATIONS).await.expect("a database");
    let usage = Usage::start(db);
    let (verdict, auth) = (detect::verdict::judge(&[], 3.0, -9.0, 0, &Default::default()), auth());
    let recipient = Address::parse("li@demo.example").expect("an address");
    let sender = Address::parse("tom@partner.example").expect("an address");
    let subject = Subject::of_receipt("192.0.2.9".parse().expect("an address"), &[(sender, true)]);
    for (what, value) in [("no entry speaks", "other.example"), ("an entry speaks", "partner.example")] {
        let directory = directory(value);
        let question =
            Question { verdict: &verdict, evidence: None, auth: &auth, subject: &subject, org: ORG, recipient: &recipient, now_ms: 0 };
        let started = Instant::now();
        let decisions: Vec<_> = (0..MAILS).map(|_| decide(&directory, question)).collect();
        let deciding = started.elapsed();
        let started = Instant::now();
        decisions.chunks(1).for_each(|decision| usage.note(ORG, decision, 1));
        let counting = started.elapsed();
        println!("{what}: decide {} ns, count {} ns a mail", (deciding / MAILS).as_nanos(), (counting / MAILS).as_nanos());
    }
}
