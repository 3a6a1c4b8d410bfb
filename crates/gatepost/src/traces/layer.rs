//! Collects the spans of one mail, or of one request, and hands them on together when the outermost ends.

use gateway::follow::{REQUEST, Remote};
use std::collections::hash_map::RandomState;
use std::hash::BuildHasher;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::SystemTime;
use tokio::sync::mpsc;
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing_subscriber::Layer;
use tracing_subscriber::layer::Context;
use tracing_subscriber::registry::LookupSpan;

/// Spans inside one; more are left out.
const INSIDE_MAX: usize = 64;
/// Fields of one span.
const FIELDS_MAX: usize = 16;
const TEXT_CHARS_MAX: usize = 200;
/// Name of the span that all others of a mail hang under.
const FIRST: &str = "mail.receive";

/// What stands in a field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Value {
    Number(i64),
    Text(String),
    Flag(bool),
}

/// A span that has ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Span {
    pub trace: u128,
    pub id: u64,
    /// 0 is none.
    pub parent: u64,
    pub name: &'static str,
    pub began: SystemTime,
    pub ended: SystemTime,
    pub fields: Vec<(&'static str, Value)>,
}

/// One that has not.
struct Open {
    id: u64,
    began: SystemTime,
    fields: Fields,
    /// Those inside that have ended; of the outermost only.
    inside: Vec<Span>,
}

#[derive(Default)]
struct Fields(Vec<(&'static str, Value)>);

impl Fields {
    fn put(&mut self, field: &Field, value: Value) {
        match self.0.iter().position(|(name, _)| *name == field.name()) {
            Some(at) => self.0[at].1 = value,
            None if self.0.len() < FIELDS_MAX => self.0.push((field.name(), value)),
            None => {}
        }
    }

    /// What somebody before us said of a request; it is no attribute of its span.
    fn take_remote(&mut self) -> Option<Remote> {
        let at = self.0.iter().position(|(name, _)| *name == "remote")?;
        match self.0.swap_remove(at) {
            (_, Value::Text(text)) => Remote::parse(&text),
            _ => None,
        }
    }

    fn mail(&self) -> Option<i64> {
        self.0.iter().find_map(|(name, value)| match value {
            Value::Number(number) if *name == "mail" => Some(*number),
            _ => None,
        })
    }
}

impl Visit for Fields {
    fn record_i64(&mut self, field: &Field, value: i64) {
        self.put(field, Value::Number(value));
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.put(field, Value::Number(i64::try_from(value).unwrap_or(i64::MAX)));
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.put(field, Value::Flag(value));
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.put(field, Value::Text(value.chars().take(TEXT_CHARS_MAX).collect()));
    }

    fn record_debug(&mut self, field: &Field, value: &dyn std::fmt::Debug) {
        self.record_str(field, &format!("{value:?}"));
    }
}

/// Follows mails and requests.
pub struct Follow {
    out: mpsc::Sender<Vec<Span>>,
    host: String,
    share_percent: u8,
    /// Where identifiers of spans begin; another place in each process.
    seed: u64,
    count: AtomicU64,
    /// Spans that found no room.
    dropped: Arc<AtomicU64>,
}

/// The same on every server of an installation, so that what came in here and went out there is one trace.
pub fn trace_id(host: &str, mail: i64) -> u128 {
    let upper = fnv(host.as_bytes());
    (u128::from(upper) << 64) | u128::from(mail.cast_unsigned())
}

/// Of the span that all others of the mail hang under.
fn first_id(mail: i64) -> u64 {
    spread(mail.cast_unsigned())
}

/// FNV-1a.
fn fnv(octets: &[u8]) -> u64 {
    octets.iter().fold(0xcbf2_9ce4_8422_2325, |hash, octet| (hash ^ u64::from(*octet)).wrapping_mul(0x0100_0000_01b3))
}

/// SplitMix64's last steps: neighbours become strangers. Never 0, which OpenTelemetry takes for none.
fn spread(number: u64) -> u64 {
    let number = (number ^ (number >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let number = (number ^ (number >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    (number ^ (number >> 31)).max(1)
}

impl Follow {
    pub fn new(out: mpsc::Sender<Vec<Span>>, host: &str, share_percent: u8) -> Follow {
        let seed = RandomState::new().hash_one(0);
        Follow { out, host: host.into(), share_percent, seed, count: AtomicU64::new(0), dropped: Arc::default() }
    }

    /// Counts spans that found no room, for as long as anybody looks.
    pub fn dropped(&self) -> Arc<AtomicU64> {
        self.dropped.clone()
    }

    fn fresh_id(&self) -> u64 {
        spread(self.seed.wrapping_add(self.count.fetch_add(1, Ordering::Relaxed)))
    }

    /// The same mails on every server, and every part of one trace or none.
    fn is_wanted(&self, number: u64) -> bool {
        spread(number) % 100 < u64::from(self.share_percent)
    }

    /// Trace, identifier and parent of an outermost span; `None` is not followed.
    fn place(&self, name: &'static str, open: &mut Open) -> Option<(u128, u64, u64)> {
        if name == REQUEST {
            let remote = open.fields.take_remote();
            return match remote {
                // Whoever began the trace has chosen.
                Some(remote) => remote.is_kept.then_some((remote.trace, open.id, remote.parent)),
                None => {
                    let (upper, lower) = (self.fresh_id(), self.fresh_id());
                    self.is_wanted(lower).then_some(((u128::from(upper) << 64) | u128::from(lower), open.id, 0))
                }
            };
        }
        let mail = open.fields.mail().filter(|mail| self.is_wanted(mail.cast_unsigned()))?;
        let (id, parent) = if name == FIRST { (first_id(mail), 0) } else { (open.id, first_id(mail)) };
        Some((trace_id(&self.host, mail), id, parent))
    }

    /// The outermost ended: everything inside gets its trace, what hangs directly under it its parent.
    fn end(&self, name: &'static str, mut open: Open, ended: SystemTime) {
        let Some((trace, id, parent)) = self.place(name, &mut open) else { return };
        let mut all = vec![Span { trace, id, parent, name, began: open.began, ended, fields: open.fields.0 }];
        let inside =
            open.inside.into_iter().map(|span| Span { trace, parent: if span.parent == open.id { id } else { span.parent }, ..span });
        all.extend(inside);
        // Full: whoever reads them is slow or gone, and mail is not to wait for that.
        if let Err(mpsc::error::TrySendError::Full(all)) = self.out.try_send(all) {
            self.dropped.fetch_add(all.len() as u64, Ordering::Relaxed);
        }
    }
}

impl<S: tracing::Subscriber + for<'a> LookupSpan<'a>> Layer<S> for Follow {
    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        let Some(span) = context.span(id) else { return };
        let mut fields = Fields::default();
        attributes.record(&mut fields);
        span.extensions_mut().insert(Open { id: self.fresh_id(), began: SystemTime::now(), fields, inside: Vec::new() });
    }

    fn on_record(&self, id: &Id, values: &Record<'_>, context: Context<'_, S>) {
        let Some(span) = context.span(id) else { return };
        if let Some(open) = span.extensions_mut().get_mut::<Open>() {
            values.record(&mut open.fields);
        }
    }

    fn on_close(&self, id: Id, context: Context<'_, S>) {
        let ended = SystemTime::now();
        let Some(span) = context.span(&id) else { return };
        let Some(open) = span.extensions_mut().remove::<Open>() else { return };
        let Some(parent) = span.parent() else { return self.end(span.name(), open, ended) };
        let parent_id = parent.extensions().get::<Open>().map_or(0, |parent| parent.id);
        let Some(outermost) = span.scope().from_root().next() else { return };
        let mut extensions = outermost.extensions_mut();
        if let Some(outermost) = extensions.get_mut::<Open>().filter(|outermost| outermost.inside.len() < INSIDE_MAX) {
            let done =
                Span { trace: 0, id: open.id, parent: parent_id, name: span.name(), began: open.began, ended, fields: open.fields.0 };
            outermost.inside.push(done);
        }
    }
}
