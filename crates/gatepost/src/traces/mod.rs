//! Mails followed step by step, and requests, in a program that reads OpenTelemetry: Jaeger, Tempo, an OpenTelemetry Collector.
//!
//! In: spans of `gateway::follow`. Out: OTLP over HTTP in JSON, in batches, from a task of its own. Invariants: the mail path never
//! waits for it (what does not fit is dropped and counted in the log); everything about one mail, on every server, has one trace
//! identifier, which [`layer::trace_id`] makes of the mail's. Without `[traces] url` none of this exists.

mod layer;
mod otlp;
#[cfg(test)]
mod tests;

use layer::Follow;
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tracing_subscriber::filter::filter_fn;
use tracing_subscriber::{Layer, Registry};

/// `[traces]`: what happens to each mail, step by step, and to each request to the pages, for programs that read OpenTelemetry.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct TraceSettings {
    /// Where it is sent, as OTLP over HTTP in JSON, such as "http://127.0.0.1:4318/v1/traces". No address or content of a mail stands in it, nor who asked for which page. Empty: nowhere.
    pub url: String,
    /// Share of mails and of requests that are followed, in percent; a trace that a proxy of [web] began is followed as it says. Default 100.
    pub share_percent: u8,
}

impl Default for TraceSettings {
    fn default() -> TraceSettings {
        TraceSettings { url: String::new(), share_percent: 100 }
    }
}

impl TraceSettings {
    /// What is wrong although every key is right.
    pub fn complaint(&self) -> Option<String> {
        let is_url = |url: &str| reqwest::Url::parse(url).is_ok_and(|url| matches!(url.scheme(), "http" | "https") && url.has_host());
        if !self.url.is_empty() && !is_url(&self.url) {
            return Some("[traces] url: write an address such as \"http://127.0.0.1:4318/v1/traces\"".into());
        }
        (self.share_percent > 100).then(|| format!("[traces] share_percent: {} is more than 100", self.share_percent))
    }
}

/// Traces that wait to be sent; more are dropped.
const WAITING_MAX: usize = 4_096;
/// Traces of one request, and how long they are collected for it.
const BATCH_MAX: usize = 256;
const BATCH_EVERY: Duration = Duration::from_secs(2);
/// One request.
const SEND_MAX: Duration = Duration::from_secs(10);
/// At the end of the process.
const LAST_MAX: Duration = Duration::from_secs(3);

/// Following, as it is configured.
pub struct Following {
    url: String,
    share_percent: u8,
    /// Host name of this installation.
    host: String,
}

/// What was followed, on its way to be sent.
pub struct Spans {
    url: String,
    host: String,
    out: mpsc::Receiver<Vec<layer::Span>>,
    /// Spans that found no room on the way here.
    dropped: Arc<AtomicU64>,
}

impl Following {
    /// `None` when nothing is configured.
    pub fn of(settings: &TraceSettings, host: &str) -> Option<Following> {
        let is_on = !settings.url.is_empty() && settings.share_percent > 0;
        is_on.then(|| Following { url: settings.url.clone(), share_percent: settings.share_percent, host: host.into() })
    }

    /// The layer that follows, and what comes out of it.
    pub fn start(self) -> (Box<dyn Layer<Registry> + Send + Sync>, Spans) {
        let (into, out) = mpsc::channel(WAITING_MAX);
        let follow = Follow::new(into, &self.host, self.share_percent);
        let dropped = follow.dropped();
        let asked = filter_fn(|meta| meta.is_span() && meta.target() == gateway::follow::TARGET);
        (follow.with_filter(asked).boxed(), Spans { url: self.url, host: self.host, out, dropped })
    }
}

/// Sends what was followed, until nothing follows any more or the task is ended.
pub async fn send(mut spans: Spans) {
    let client = match reqwest::Client::builder().timeout(SEND_MAX).build() {
        Ok(client) => client,
        Err(why) => return tracing::warn!(%why, "traces are not sent"),
    };
    let (mut batch, mut lost) = (Vec::with_capacity(BATCH_MAX), 0_usize);
    while spans.out.recv_many(&mut batch, BATCH_MAX).await > 0 {
        let is_full = batch.len() == BATCH_MAX;
        let dropped = spans.dropped.swap(0, Ordering::Relaxed);
        if dropped > 0 {
            tracing::warn!(dropped, "spans were dropped: more is followed than can be sent; lower [traces] share_percent");
        }
        let all: Vec<layer::Span> = batch.drain(..).flatten().collect();
        let body = otlp::request(&all, &spans.host).to_string();
        let sent = posted(&client, &spans.url, body).await;
        // More are waiting, and somebody takes them: they go at once.
        let goes_on = is_full && sent.is_ok();
        match sent {
            Ok(()) if lost > 0 => {
                tracing::warn!(lost, "traces are sent again; those between were lost");
                lost = 0;
            }
            Ok(()) => {}
            Err(why) => {
                // Said once; mails go on, and so does the log.
                if lost == 0 {
                    tracing::warn!(%why, url = spans.url, "traces could not be sent; they are dropped until they can");
                }
                lost += all.len();
            }
        }
        if !goes_on {
            tokio::time::sleep(BATCH_EVERY).await;
        }
    }
}

async fn posted(client: &reqwest::Client, url: &str, body: String) -> Result<(), String> {
    let request = client.post(url).header("content-type", "application/json").body(body);
    let answer = request.send().await.map_err(|why| why.to_string())?;
    if answer.status().is_success() { Ok(()) } else { Err(format!("answered {}", answer.status())) }
}

/// Waits a little for what is on its way when the process ends.
pub async fn last(sending: Option<JoinHandle<()>>) {
    let Some(sending) = sending else { return };
    tokio::time::sleep(LAST_MAX.min(BATCH_EVERY + Duration::from_millis(500))).await;
    sending.abort();
}
