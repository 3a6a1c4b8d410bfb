//! A filter that learns while it judges, as a mailbox would: at once or late, with right or wrong labels, from the model or from
//! nothing; every mail, or as the service learns reports.

use crate::classify::delta::{Delta, Digest, Lesson, Limits};
use crate::classify::dice::Dice;
use crate::classify::doubt::Doubt;
use crate::classify::learner::{Habits, Learner};
use crate::classify::trust::{Said, Trust};
use crate::classify::{Evidence, Label, Model, Namespaces, Scores};
use bytes::Bytes;
use mail::Message;
use mail::message::Budget;
use std::collections::VecDeque;

/// How feedback comes.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Online {
    /// Messages judged before the label of one is known.
    pub delay: usize,
    /// Share of labels that are wrong: ham called spam, junk called ham.
    pub noise: f64,
    pub seed: u64,
    /// Begin with nothing instead of the model's opinion.
    pub from_nothing: bool,
    /// Learn as the service learns reports: an organisation's delta on top of the model.
    pub reports: bool,
}

/// Lessons that came together are learned in this many rounds.
const ROUNDS: usize = 3;
/// Fewer lessons at once are learned as they came.
const TOGETHER_MIN: usize = 50;
/// People who report, where reports are learned: with the limit of a delta nobody holds more than his share of it.
const REPORTERS: usize = 40;

pub struct Filter<'a> {
    online: Online,
    model: Option<&'a Model>,
    local: Local,
    /// Not learned yet, oldest first.
    waiting: VecDeque<Waiting>,
    dice: Dice,
}

/// What is learned here.
enum Local {
    Mails { learner: Box<Learner>, doubt: Doubt, trust: Trust },
    Reports { delta: Delta, taken: usize },
}

/// A message, what was said of it, and the label to come.
struct Waiting {
    evidence: Evidence,
    said: Said,
    label: Label,
}

impl<'a> Filter<'a> {
    /// Reports are learned on top of a model: without one there is nothing to report to, and every mail is learned.
    pub fn new(online: Online, model: Option<&'a Model>) -> Filter<'a> {
        let model = model.filter(|_| !online.from_nothing);
        let mails =
            || Local::Mails { learner: Box::new(Learner::new(Habits::default())), doubt: Doubt::default(), trust: Trust::default() };
        let reports = || Local::Reports { delta: Delta::new(Limits::ORGANISATION), taken: 0 };
        Filter {
            online,
            model,
            local: if online.reports && model.is_some() { reports() } else { mails() },
            waiting: VecDeque::new(),
            dice: Dice(online.seed ^ 0x9e37_79b9_7f4a_7c15),
        }
    }

    /// What it thinks of a message before it is told; then the label is put in line to be learned.
    pub fn judge_then_learn(&mut self, octets: Bytes, label: Label) -> Scores {
        self.catch_up();
        let evidence = self.evidence(&Message::parse(octets, &Budget::default()));
        let said = self.said(&evidence);
        let scores = self.weighed(&evidence, &said);
        self.wait_for(evidence, said, label);
        scores
    }

    /// Learns what is due, then scores.
    pub fn judge(&mut self, message: &Message) -> Scores {
        self.catch_up();
        let evidence = self.evidence(message);
        let said = self.said(&evidence);
        self.weighed(&evidence, &said)
    }

    /// A label, right or (by chance, as `noise` says) wrong.
    pub fn tell(&mut self, message: &Message, label: Label) {
        let evidence = self.evidence(message);
        let said = self.said(&evidence);
        self.wait_for(evidence, said, label);
    }

    fn evidence(&self, message: &Message) -> Evidence {
        let own: Namespaces = Habits::default().namespaces();
        Evidence::of(message, self.model.map_or(own, |model| own.and(model.namespaces())))
    }

    fn said(&mut self, evidence: &Evidence) -> Said {
        let known = self.model.map(|model| model.score_evidence(evidence)).unwrap_or_default();
        let own = match &mut self.local {
            Local::Mails { learner, .. } => learner.score(evidence),
            Local::Reports { .. } => Scores::default(),
        };
        Said { known, own }
    }

    fn weighed(&self, evidence: &Evidence, said: &Said) -> Scores {
        match (&self.local, self.model) {
            (Local::Mails { trust, .. }, Some(_)) => trust.weigh(said),
            (Local::Mails { .. }, None) => said.own,
            (Local::Reports { delta, .. }, Some(model)) => model.score_evidence_with(evidence, &[delta]),
            (Local::Reports { .. }, None) => said.known,
        }
    }

    fn wait_for(&mut self, evidence: Evidence, said: Said, label: Label) {
        let is_wrong = self.online.noise > 0.0 && self.dice.share() < self.online.noise;
        let label = match (is_wrong, label.is_junk()) {
            (false, _) => label,
            (true, true) => Label::Ham,
            (true, false) => Label::Spam,
        };
        self.waiting.push_back(Waiting { evidence, said, label });
    }

    /// One lesson at a time as they fall due; many at once, such as an import, in rounds.
    fn catch_up(&mut self) {
        let due = self.waiting.len().saturating_sub(self.online.delay);
        let is_known = self.model.is_some();
        match &mut self.local {
            Local::Reports { delta, taken } => self.waiting.drain(..due).for_each(|waiting| report(delta, taken, &waiting)),
            Local::Mails { learner, trust, .. } if due >= TOGETHER_MIN => {
                let waiting: Vec<Waiting> = self.waiting.drain(..due).collect();
                learn_together(learner, is_known.then_some(trust), waiting, self.online.seed + 1);
            }
            Local::Mails { learner, doubt, trust } => {
                for Waiting { evidence, said, label } in self.waiting.drain(..due) {
                    trust.note(&said, label);
                    learner.learn_weighed(&evidence, label, |own| {
                        let now = if is_known { trust.weigh(&Said { own, ..said }) } else { own };
                        doubt.importance(now.spam_log_odds, label)
                    });
                }
            }
        }
    }
}

/// What was learned of the first half has to prove itself on the second, before all of it is learned.
fn learn_together(learner: &mut Learner, trust: Option<&mut Trust>, waiting: Vec<Waiting>, seed: u64) {
    let known: Vec<Scores> = waiting.iter().map(|waiting| waiting.said.known).collect();
    let lessons: Vec<(Evidence, Label)> = waiting.into_iter().map(|waiting| (waiting.evidence, waiting.label)).collect();
    if let Some(trust) = trust {
        let half = lessons.len() / 2;
        learner.learn_all(&lessons[..half], ROUNDS, seed);
        for ((evidence, label), known) in lessons[half..].iter().zip(&known[half..]) {
            trust.note(&Said { known: *known, own: learner.score(evidence) }, *label);
        }
    }
    learner.learn_all(&lessons, ROUNDS, seed);
}

/// Somebody reports it; all do in turn.
fn report(delta: &mut Delta, taken: &mut usize, waiting: &Waiting) {
    *taken += 1;
    let digest = |number: usize| -> Digest { (number as u128).wrapping_mul(0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835).to_le_bytes() };
    delta.learn(&Lesson {
        message: digest(*taken),
        reporter: digest(*taken % REPORTERS),
        label: waiting.label,
        evidence: &waiting.evidence,
        before: waiting.said.known,
    });
}
