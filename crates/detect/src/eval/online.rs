//! A filter that learns while it judges, as a mailbox would: at once or late, with right or wrong labels, from the model or from
//! nothing; every mail, or as the service learns reports. Reports go the way of the service to the last bit: the same
//! [`Reading`], the same [`Delta`], the same sum (a test of the gateway compares the two).

use crate::classify::delta::{Delta, Limits, Reading, USUAL_MAX, Usual};
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
    /// Only junk is ever labelled, as where people report what annoys them and nothing else.
    pub junk_only: bool,
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
    Reports { delta: Delta, taken: usize, usual: VecDeque<Usual> },
}

/// A message, what was said of it, and the label to come.
struct Waiting {
    reading: Reading,
    said: Said,
    label: Label,
}

/// Who reports the message that is told as the `turn`th, from 1.
pub fn reporter(turn: usize) -> String {
    format!("reporter-{}@organisation.example", turn % REPORTERS)
}

impl<'a> Filter<'a> {
    /// Reports are learned on top of a model: without one there is nothing to report to, and every mail is learned.
    pub fn new(online: Online, model: Option<&'a Model>) -> Filter<'a> {
        let model = model.filter(|_| !online.from_nothing);
        let mails =
            || Local::Mails { learner: Box::new(Learner::new(Habits::default())), doubt: Doubt::default(), trust: Trust::default() };
        let reports = || Local::Reports { delta: Delta::new(Limits::ORGANISATION), taken: 0, usual: VecDeque::new() };
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
        let reading = self.read(&Message::parse(octets, &Budget::default()));
        let said = self.said(&reading);
        let scores = self.weighed(&reading, &said);
        self.see(&reading);
        self.wait_for(reading, said, label);
        scores
    }

    /// Learns what is due, then scores.
    pub fn judge(&mut self, message: &Message) -> Scores {
        self.catch_up();
        let reading = self.read(message);
        let said = self.said(&reading);
        self.weighed(&reading, &said)
    }

    /// A label, right or (by chance, as `noise` says) wrong.
    pub fn tell(&mut self, message: &Message, label: Label) {
        let reading = self.read(message);
        let said = self.said(&reading);
        self.wait_for(reading, said, label);
    }

    fn read(&self, message: &Message) -> Reading {
        match (&self.local, self.model) {
            (Local::Reports { .. }, Some(model)) => Reading::of(message, model),
            (_, model) => {
                let own: Namespaces = Habits::default().namespaces();
                let evidence = Evidence::of(message, model.map_or(own, |model| own.and(model.namespaces())));
                let before = model.map(|model| model.score_evidence(&evidence)).unwrap_or_default();
                Reading { message: [0; 16], evidence, before } // every mail is learned, however often it comes
            }
        }
    }

    fn said(&mut self, reading: &Reading) -> Said {
        let own = match &mut self.local {
            Local::Mails { learner, .. } => learner.score(&reading.evidence),
            Local::Reports { .. } => Scores::default(),
        };
        Said { known: reading.before, own }
    }

    fn weighed(&self, reading: &Reading, said: &Said) -> Scores {
        match (&self.local, self.model) {
            (Local::Mails { trust, .. }, Some(_)) => trust.weigh(said),
            (Local::Mails { .. }, None) => said.own,
            (Local::Reports { delta, .. }, Some(model)) => reading.scores(model, &[delta]),
            (Local::Reports { .. }, None) => said.known,
        }
    }

    /// What came last is what is usual: as in the service, if one mail came in each of its spans.
    fn see(&mut self, reading: &Reading) {
        if let Local::Reports { usual, .. } = &mut self.local {
            usual.push_back(Usual::of(reading));
            let beyond = usual.len().saturating_sub(USUAL_MAX);
            usual.drain(..beyond);
        }
    }

    fn wait_for(&mut self, reading: Reading, said: Said, label: Label) {
        if self.online.junk_only && !label.is_junk() {
            return;
        }
        let is_wrong = self.online.noise > 0.0 && self.dice.share() < self.online.noise;
        let label = match (is_wrong, label.is_junk()) {
            (false, _) => label,
            (true, true) => Label::Ham,
            (true, false) => Label::Spam,
        };
        self.waiting.push_back(Waiting { reading, said, label });
    }

    /// One lesson at a time as they fall due; many at once, such as an import, in rounds.
    fn catch_up(&mut self) {
        let due = self.waiting.len().saturating_sub(self.online.delay);
        let is_known = self.model.is_some();
        match &mut self.local {
            Local::Reports { delta, taken, usual } => self.waiting.drain(..due).for_each(|waiting| {
                delta.show(usual.make_contiguous());
                report(delta, taken, &waiting);
            }),
            Local::Mails { learner, trust, .. } if due >= TOGETHER_MIN => {
                let waiting: Vec<Waiting> = self.waiting.drain(..due).collect();
                learn_together(learner, is_known.then_some(trust), waiting, self.online.seed + 1);
            }
            Local::Mails { learner, doubt, trust } => {
                for Waiting { reading, said, label } in self.waiting.drain(..due) {
                    trust.note(&said, label);
                    learner.learn_weighed(&reading.evidence, label, |own| {
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
    let lessons: Vec<(Evidence, Label)> = waiting.into_iter().map(|waiting| (waiting.reading.evidence, waiting.label)).collect();
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
    delta.learn(&waiting.reading.lesson(&reporter(*taken), waiting.label));
}
