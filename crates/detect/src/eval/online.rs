//! A filter that learns while it judges, as a mailbox would: at once or late, with right or wrong labels, from nothing or
//! from a model.

use crate::classify::dice::Dice;
use crate::classify::learner::{Habits, Learner};
use crate::classify::{Evidence, Label, Model, Scores};
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
    /// Begin with the model's opinion, which counts less the more was learned.
    pub from_model: bool,
}

/// The model's opinion counts half once this many messages were learned.
const MODEL_LESSONS: f32 = 200.0;
/// Lessons that came together are learned in this many rounds.
const ROUNDS: usize = 3;
/// Fewer lessons at once are learned as they came.
const TOGETHER_MIN: usize = 50;

/// A label contradicts an opinion of this many log-odds or more.
const CONTRADICTION_LOG_ODDS: f32 = 1.5;
/// Where more than this share of recent labels contradict, some must be wrong, and those that do count little. With honest
/// labels it stays below one in a hundred.
const CONTRADICTIONS_MAX: f32 = 0.015;
const DOUBTED_IMPORTANCE: f32 = 0.02;
/// Among doubtful labels those that agree count more: they have to make up for what the wrong ones did before.
const TRUSTED_IMPORTANCE: f32 = 2.0;
/// Share of each label in the running mean, and where that begins.
const CONTRADICTION_STEP: f32 = 0.004;
const CONTRADICTIONS_FIRST: f32 = 0.005;

pub struct Filter<'a> {
    online: Online,
    model: Option<&'a Model>,
    learner: Learner,
    /// Not learned yet, oldest first.
    waiting: VecDeque<(Evidence, Label)>,
    learned: usize,
    /// Share of recent labels that contradicted an opinion.
    contradictions: f32,
    dice: Dice,
}

impl<'a> Filter<'a> {
    pub fn new(online: Online, model: Option<&'a Model>) -> Filter<'a> {
        let dice = Dice(online.seed ^ 0x9e37_79b9_7f4a_7c15);
        Filter {
            online,
            model: model.filter(|_| online.from_model),
            learner: Learner::new(Habits::default()),
            waiting: VecDeque::new(),
            learned: 0,
            contradictions: CONTRADICTIONS_FIRST,
            dice,
        }
    }

    /// What it thinks of a message before it is told; then the label is put in line to be learned.
    pub fn judge_then_learn(&mut self, octets: Bytes, label: Label) -> Scores {
        let message = Message::parse(octets, &Budget::default());
        let scores = self.judge(&message);
        self.tell(&message, label);
        scores
    }

    /// Learns what is due, then scores.
    pub fn judge(&mut self, message: &Message) -> Scores {
        self.catch_up();
        let mut scores = self.learner.score(&Evidence::of(message, self.learner.habits().namespaces()));
        if let Some(model) = self.model {
            let share = MODEL_LESSONS / (MODEL_LESSONS + self.learned as f32);
            let known = model.score(message);
            scores.spam_log_odds += share * known.spam_log_odds;
            scores.phish_log_odds += share * known.phish_log_odds;
        }
        scores
    }

    /// A label, right or (by chance, as `noise` says) wrong.
    pub fn tell(&mut self, message: &Message, label: Label) {
        let is_wrong = self.online.noise > 0.0 && self.dice.share() < self.online.noise;
        let label = match (is_wrong, label.is_junk()) {
            (false, _) => label,
            (true, true) => Label::Ham,
            (true, false) => Label::Spam,
        };
        self.waiting.push_back((Evidence::of(message, self.learner.habits().namespaces()), label));
    }

    /// One lesson at a time as they fall due; many at once, such as an import, in rounds.
    fn catch_up(&mut self) {
        let due = self.waiting.len().saturating_sub(self.online.delay);
        if due >= TOGETHER_MIN {
            let lessons: Vec<(Evidence, Label)> = self.waiting.drain(..due).collect();
            self.learner.learn_all(&lessons, ROUNDS, self.online.seed + 1);
            self.learned += lessons.len();
            return;
        }
        for (evidence, label) in self.waiting.drain(..due) {
            let mean = &mut self.contradictions;
            self.learner.learn_weighed(&evidence, label, |before| {
                let against = if label.is_junk() { -before.spam_log_odds } else { before.spam_log_odds };
                let contradicts = against > CONTRADICTION_LOG_ODDS;
                *mean += CONTRADICTION_STEP * (f32::from(u8::from(contradicts)) - *mean);
                match (*mean > CONTRADICTIONS_MAX, contradicts) {
                    (false, _) => 1.0,
                    (true, true) => DOUBTED_IMPORTANCE * TRUSTED_IMPORTANCE,
                    (true, false) => TRUSTED_IMPORTANCE,
                }
            });
            self.learned += 1;
        }
    }
}
