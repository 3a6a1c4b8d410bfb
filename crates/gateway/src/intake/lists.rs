//! Connection lists in DNS (RFC 5782): any list by zone, with the meaning of its return codes.
//!
//! In: the address that connects. Out: a refusal, or findings for the verdict. A list that does not answer is a finding of kind
//! `Unknown`: the mail flows on. 127.255.255.x never counts as listed: lists answer so to resolvers they do not serve.

use detect::connection::{DNS_LIST, DNS_LIST_UNAVAILABLE};
use detect::{Finding, Kind};
use futures_util::future::join_all;
use mail::dns::{Dns, DnsError, Record, RecordType, reverse_name};
use serde::{Deserialize, Serialize};
use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// `[[dns.list]]`: one connection list.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ListSettings {
    /// Zone, such as "zen.spamhaus.org".
    pub zone: String,
    /// Return addresses that mean "listed"; empty: every address in 127.0.0.0/8 but 127.255.255.0/24.
    pub codes: Vec<Ipv4Addr>,
    /// Refuse at RCPT. Default false: it counts as a finding.
    pub refuse: bool,
    /// Weight of the finding in log-odds. Default 3.
    pub weight: f32,
}

impl Default for ListSettings {
    fn default() -> ListSettings {
        ListSettings { zone: String::new(), codes: Vec::new(), refuse: false, weight: 3.0 }
    }
}

/// All lists of this installation.
pub struct Lists {
    dns: Arc<dyn Dns>,
    lists: Vec<ListSettings>,
}

/// Lists asked per connection.
const LISTS_MAX: usize = 20;
/// All lists are asked at once, and each may take this long.
const ANSWER_MAX: Duration = Duration::from_secs(5);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Answer {
    Listed(Ipv4Addr),
    NotListed,
    Unknown,
}

/// What one list says of an address, for those who ask about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listed {
    pub zone: String,
    /// Mail of listed addresses is refused; else it counts against it.
    pub refuses: bool,
    /// `None`: the list gave no usable answer.
    pub is_listed: Option<bool>,
}

impl Lists {
    pub fn new(dns: Arc<dyn Dns>, mut lists: Vec<ListSettings>) -> Lists {
        lists.truncate(LISTS_MAX);
        Lists { dns, lists }
    }

    /// The zone that says this address is to be refused. Answers are cached by the resolver, so asking at RCPT and again
    /// after DATA costs one question.
    pub async fn refusing(&self, ip: IpAddr) -> Option<String> {
        let refusing: Vec<&ListSettings> = self.lists.iter().filter(|list| list.refuse).collect();
        let answers = self.ask(ip, &refusing).await;
        let listed = refusing.iter().zip(answers).find(|(_, answer)| matches!(answer, Answer::Listed(_)));
        listed.map(|(list, _)| list.zone.clone())
    }

    /// What each list says of `ip`, in the order of the settings.
    pub async fn all(&self, ip: IpAddr) -> Vec<Listed> {
        let lists: Vec<&ListSettings> = self.lists.iter().collect();
        let answers = self.ask(ip, &lists).await;
        let listed = |(list, answer): (&&ListSettings, Answer)| {
            let is_listed = match answer {
                Answer::Listed(_) => Some(true),
                Answer::NotListed => Some(false),
                Answer::Unknown => None,
            };
            Listed { zone: list.zone.clone(), refuses: list.refuse, is_listed }
        };
        lists.iter().zip(answers).map(listed).collect()
    }

    /// Findings of the lists that only count.
    pub async fn answers(&self, ip: IpAddr) -> Vec<Finding> {
        let counting: Vec<&ListSettings> = self.lists.iter().filter(|list| !list.refuse).collect();
        let answers = self.ask(ip, &counting).await;
        counting.iter().zip(answers).filter_map(|(list, answer)| finding(list, answer, ip)).collect()
    }

    async fn ask(&self, ip: IpAddr, lists: &[&ListSettings]) -> Vec<Answer> {
        if lists.is_empty() {
            return Vec::new();
        }
        let reverse = reverse_name(ip);
        let host = reverse.strip_suffix(".in-addr.arpa").or_else(|| reverse.strip_suffix(".ip6.arpa")).unwrap_or(&reverse);
        let questions = lists.iter().map(|list| self.ask_one(format!("{host}.{}", list.zone), &list.codes));
        join_all(questions.map(in_time)).await
    }

    /// Asks each list for its test address (RFC 5782 §5): its zone, and how long a usable answer took.
    pub async fn look(&self) -> Vec<(String, Option<Duration>)> {
        let looks = self.lists.iter().map(|list| async move {
            let begun = Instant::now();
            let answer = in_time(self.ask_one(format!("2.0.0.127.{}", list.zone), &list.codes)).await;
            // Lists that keep no test address are fine: they answer.
            (list.zone.clone(), (answer != Answer::Unknown).then(|| begun.elapsed()))
        });
        join_all(looks).await
    }

    /// Lists that answer that they do not serve us: their zone, and the answer. 127.255.255.252 is a zone written wrongly, .254 a public
    /// or unnamed resolver, .255 too many questions; without a licence lists answer so to whoever asks more than a household does.
    pub async fn refusing_us(&self) -> Vec<(String, Ipv4Addr)> {
        let asked = self.lists.iter().map(|list| async move {
            let name = format!("2.0.0.127.{}", list.zone);
            let answer = tokio::time::timeout(ANSWER_MAX, self.dns.lookup(&name, RecordType::A)).await;
            let records = answer.ok().and_then(Result::ok)?;
            let code = records.iter().find_map(|record| match record {
                Record::A(address) if address.octets()[..3] == [127, 255, 255] => Some(*address),
                _ => None,
            })?;
            Some((list.zone.clone(), code))
        });
        join_all(asked).await.into_iter().flatten().collect()
    }

    async fn ask_one(&self, name: String, codes: &[Ipv4Addr]) -> Answer {
        match self.dns.lookup(&name, RecordType::A).await {
            Ok(records) => meaning(&records, codes),
            Err(DnsError::NoSuchName(_)) => Answer::NotListed,
            Err(DnsError::Temporary { .. } | DnsError::BadName(_)) => Answer::Unknown,
        }
    }
}

/// One list that is slow says nothing; the others do.
async fn in_time(question: impl Future<Output = Answer>) -> Answer {
    tokio::time::timeout(ANSWER_MAX, question).await.unwrap_or(Answer::Unknown)
}

fn meaning(records: &[Record], codes: &[Ipv4Addr]) -> Answer {
    let addresses = records.iter().filter_map(|record| match record {
        Record::A(address) => Some(*address),
        _ => None,
    });
    let mut answer = Answer::NotListed;
    for address in addresses {
        match address.octets() {
            [127, 255, 255, _] => return Answer::Unknown, // the list does not serve our resolver
            [127, ..] if codes.is_empty() || codes.contains(&address) => answer = Answer::Listed(address),
            _ => {} // not in 127/8: a wildcard of a hijacked or expired zone (RFC 5782 §5)
        }
    }
    answer
}

fn finding(list: &ListSettings, answer: Answer, ip: IpAddr) -> Option<Finding> {
    match answer {
        Answer::Listed(code) => Some(Finding::new(DNS_LIST, Kind::Spam, list.weight, format!("{ip} is listed in {} ({code})", list.zone))),
        Answer::Unknown => Some(Finding::new(DNS_LIST_UNAVAILABLE, Kind::Unknown, 0.0, format!("{} gave no usable answer", list.zone))),
        Answer::NotListed => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use mail::dns::Zone;

    fn lists(zone: Zone, refuse: bool) -> Lists {
        let list = ListSettings { zone: "list.example".into(), refuse, ..ListSettings::default() };
        Lists::new(Arc::new(zone), vec![list])
    }

    #[tokio::test]
    async fn return_codes_mean_what_rfc_5782_says() {
        let ip: IpAddr = "192.0.2.9".parse().expect("an address");
        for (answers, want, why) in [
            (vec![[127, 0, 0, 2]], true, "listed"),
            (vec![], false, "no such name"),
            (vec![[127, 255, 255, 254]], false, "the list refuses our resolver"),
            (vec![[127, 0, 0, 2], [127, 255, 255, 254]], false, "the list refuses our resolver, whatever else it says"),
            (vec![[203, 0, 113, 1]], false, "a wildcard of an expired zone"),
        ] {
            let mut zone = Zone::new();
            for answer in answers {
                zone.add("9.2.0.192.list.example", Record::A(answer.into()));
            }
            assert_eq!(lists(zone.clone(), true).refusing(ip).await.is_some(), want, "{why}");
            let counted = lists(zone, false).answers(ip).await.iter().any(|finding| finding.kind == Kind::Spam);
            assert_eq!(counted, want, "{why}");
        }
    }

    #[tokio::test]
    async fn a_list_that_is_away_is_unknown_not_listed() {
        let mut zone = Zone::new();
        zone.fails("9.2.0.192.list.example", RecordType::A);
        let findings = lists(zone.clone(), false).answers("192.0.2.9".parse().expect("an address")).await;
        assert_eq!(findings.iter().map(|finding| finding.kind).collect::<Vec<_>>(), [Kind::Unknown]);
        assert_eq!(lists(zone, true).refusing("192.0.2.9".parse().expect("an address")).await, None);
    }

    #[tokio::test]
    async fn a_look_says_which_list_answers() {
        let mut zone = Zone::new();
        zone.add("2.0.0.127.well.example", Record::A([127, 0, 0, 2].into()));
        zone.fails("2.0.0.127.away.example", RecordType::A);
        zone.add("2.0.0.127.closed.example", Record::A([127, 255, 255, 254].into()));
        let named = |zone: &str| ListSettings { zone: zone.into(), ..ListSettings::default() };
        let lists = Lists::new(Arc::new(zone), ["well", "away", "closed", "empty"].map(|name| named(&format!("{name}.example"))).to_vec());
        let looks = lists.look().await;
        let answers: Vec<(&str, bool)> = looks.iter().map(|(zone, took)| (zone.as_str(), took.is_some())).collect();
        assert_eq!(answers, [("well.example", true), ("away.example", false), ("closed.example", false), ("empty.example", true)]);
        assert_eq!(lists.refusing_us().await, [("closed.example".to_string(), Ipv4Addr::new(127, 255, 255, 254))]);
    }

    #[tokio::test]
    async fn addresses_of_ip_6_are_asked_by_nibble() {
        let mut zone = Zone::new();
        zone.add(&format!("1.{}8.b.d.0.1.0.0.2.list.example", "0.".repeat(23)), Record::A([127, 0, 0, 4].into()));
        let found = lists(zone, true).refusing("2001:db8::1".parse().expect("an address")).await;
        assert_eq!(found.as_deref(), Some("list.example"));
    }
}
