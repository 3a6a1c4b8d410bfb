mod actions;
mod conditions;
mod disclaimers;
mod stored;

use super::*;
use crate::directory::group::MemberRow;
use crate::directory::{Directory, Domain, DomainSettings, Groups, Organisation, OrganisationSettings};
use bytes::Bytes;
use detect::{Class, Verdict};
use mail::auth::*;
use mail::envelope::{BodyType, Envelope, EnvelopeRecipient, Notify, Peer, Reverse};
use mail::message::Budget;
use mail::{Address, Mail, Message, OrgId, RuleId};

const ORG: OrgId = OrgId(1);

/// One mail and everything a rule may ask about it.
struct Case {
    peer: Peer,
    envelope: Envelope,
    message: Message,
    directory: Directory,
    auth: AuthResults,
    verdict: Verdict,
}

fn address(text: &str) -> Address {
    Address::parse(text).expect("an address")
}

fn to(address_text: &str) -> EnvelopeRecipient {
    EnvelopeRecipient { address: address(address_text), notify: Notify::default(), orcpt: None }
}

impl Case {
    /// `text` with LF line ends, from a stranger to li@demo.example and an outsider.
    fn new(text: &str) -> Case {
        let mut directory = Directory::default();
        let settings = OrganisationSettings { name: "one".into(), ..Default::default() };
        directory.organisations.insert(ORG, Organisation { id: ORG, name: "one".into(), settings });
        let domain = Domain { name: "demo.example".into(), org: ORG, settings: DomainSettings::default() };
        directory.domains.insert("demo.example".into(), domain);
        let groups = ["All Staff", "sales", "Managers", "Partners"].iter().zip(1..).map(|(name, id)| (id, name.to_string())).collect();
        let member = |group, address: &str, inner| MemberRow { group, address: address.into(), inner };
        let members = vec![member(1, "", 2), member(2, "li@demo.example", 0), member(4, "ann@partner.example", 0)];
        directory.groups.insert(ORG, Groups::new(groups, members));
        Case {
            peer: Peer {
                ip: "192.0.2.9".parse().expect("an address"),
                port: 25,
                local: "192.0.2.1:25".parse().expect("an address"),
                reverse: Reverse::NotAsked,
                helo: "mx.partner.example".into(),
                esmtp: true,
                tls: None,
                authenticated: None,
                via: None,
            },
            envelope: Envelope {
                sender: Some(address("bounce@mail.partner.example")),
                recipients: vec![to("li@demo.example")],
                smtputf8: false,
                body: BodyType::SevenBit,
                require_tls: false,
                ret: None,
                envid: None,
            },
            message: Message::parse(Bytes::from(text.replace('\n', "\r\n")), &Budget::default()),
            directory,
            auth: no_auth(),
            verdict: Verdict {
                class: Class::Clean,
                runner_up: Class::Clean,
                scl: 1,
                bcl: 3,
                spam_probability: 0.1,
                phish_probability: 0.1,
                decided_by: None,
            },
        }
    }

    fn facts(&self) -> Facts<'_> {
        Facts {
            mail: Mail { peer: &self.peer, envelope: &self.envelope, message: &self.message, now_ms: 1_000 },
            directory: &self.directory,
            org: ORG,
            auth: &self.auth,
            verdict: &self.verdict,
            is_receipt_only: false,
            is_unjudged: false,
            is_outbound: false,
            octets: self.message.raw().len() as u64,
        }
    }

    async fn evaluated(&self, rules: Vec<RuleSettings>) -> Evaluated {
        let rule = |(n, settings)| std::sync::Arc::new(Rule::new(RuleId(n as i64 + 1), ORG, settings, "page"));
        let rules: Vec<_> = rules.into_iter().enumerate().map(rule).collect();
        evaluate(&rules, self.facts()).await
    }

    async fn outcome(&self, rule: RuleSettings) -> NoteOutcome {
        self.evaluated(vec![rule]).await.notes[0].outcome
    }
}

fn no_auth() -> AuthResults {
    let none = DkimResult::None;
    AuthResults {
        spf: Spf { result: SpfResult::Pass, domain: "partner.example".into(), by_helo: false, why: String::new() },
        dkim: Vec::new(),
        dmarc: Dmarc {
            result: DmarcResult::Fail,
            domain: "partner.example".into(),
            policy_domain: None,
            policy: DmarcPolicy::None,
            sampled_out: false,
            why: String::new(),
        },
        arc: mail::auth::Arc { result: none, instances: 0, sealer: None, trusted: false, why: String::new() },
        composite: Composite { result: CompositeResult::None, reason: 0 },
        dns_lookups: 0,
    }
}

fn condition(kind: ConditionKind, values: &[&str]) -> Condition {
    Condition { kind, header: String::new(), values: values.iter().map(|value| value.to_string()).collect() }
}

/// A rule that stops, with these conditions.
fn rule(conditions: Vec<Condition>) -> RuleSettings {
    RuleSettings { name: "r".into(), stop: true, conditions, ..Default::default() }
}

fn action(kind: ActionKind) -> Action {
    Action::new(kind)
}
