//! The recovery assistant for the pages: the same looks as `gatepost doctor`, beside the running server.

use crate::doctor::{self, Finding, Outcome, bundle};
use crate::output;
use crate::settings::Chosen;
use futures_util::future::BoxFuture;
use std::path::PathBuf;
use std::sync::Arc;
use web::doctor::{Both, Bundle, Hands, Part};

/// What looks again each time: the settings file as it is now, which is what the next start reads.
#[derive(Clone)]
struct Place {
    chosen: Chosen,
    config: Option<PathBuf>,
    is_demo: bool,
}

pub fn hands(chosen: &Chosen, config: Option<PathBuf>, is_demo: bool) -> Hands {
    let place = Arc::new(Place { chosen: chosen.clone(), config, is_demo });
    let (also, third) = (place.clone(), place.clone());
    Hands {
        examine: Arc::new(move || {
            off_the_way(place.clone(), |place| async move { Ok(place.findings().await.iter().map(shown).collect()) })
        }),
        pack: Arc::new(move |shows_addresses| off_the_way(also.clone(), move |place| async move { place.packed(shows_addresses).await })),
        mend: Arc::new(move |id: String, at: String| off_the_way(third.clone(), move |place| async move { place.mended(&id, &at).await })),
    }
}

/// Looks wait for files, ports and answers, so they have a thread of their own.
fn off_the_way<T, F>(place: Arc<Place>, work: impl FnOnce(Arc<Place>) -> F + Send + 'static) -> BoxFuture<'static, Result<T, String>>
where
    T: Send + 'static,
    F: Future<Output = anyhow::Result<T>>,
{
    Box::pin(async move {
        let runtime = tokio::runtime::Handle::current();
        let done = tokio::task::spawn_blocking(move || runtime.block_on(work(place))).await;
        match done {
            Ok(done) => done.map_err(|why| format!("{why:#}")),
            Err(why) => Err(format!("looking at the installation ended early: {why}")),
        }
    })
}

impl Place {
    fn case(&self) -> doctor::Case {
        let mut case = doctor::open(self.config.clone(), self.chosen.data.clone(), output::now_ms());
        if self.is_demo {
            // What the demo adds stands in no file.
            case.chosen = self.chosen.clone();
        }
        case
    }

    async fn findings(&self) -> Vec<Finding> {
        doctor::examine(&self.case(), |_| ()).await
    }

    /// The repair is taken from what is found now, never from what somebody sent.
    async fn mended(&self, id: &str, at: &str) -> anyhow::Result<Option<Vec<web::doctor::Finding>>> {
        let case = self.case();
        let findings = doctor::examine(&case, |_| ()).await;
        let finding = findings.iter().find(|finding| finding.id == id && finding.looked_at == at);
        let Some(repair) = finding.and_then(|finding| finding.repair.as_ref()).filter(|repair| repair.fits_running()) else {
            return Ok(None);
        };
        repair.apply(&case.chosen).await?;
        Ok(Some(self.findings().await.iter().map(shown).collect()))
    }

    async fn packed(&self, shows_addresses: bool) -> anyhow::Result<Bundle> {
        let case = self.case();
        let findings = doctor::examine(&case, |_| ()).await;
        let wish = bundle::Wish { shows_addresses, log: None };
        let parts = bundle::parts(&case, &findings, &wish).await?;
        let packed = bundle::pack(Vec::new(), &parts, case.now_ms)?;
        let parts = parts.into_iter().map(|part| Part { name: part.name.into(), about: part.about.into(), text: part.text });
        Ok(Bundle { parts: parts.collect(), packed })
    }
}

fn shown(finding: &Finding) -> web::doctor::Finding {
    use gateway::receipt::Language::{Chinese, English};
    let both = |text: &doctor::Text| Both { english: text.say(English).into(), chinese: text.say(Chinese).into() };
    web::doctor::Finding {
        id: finding.id,
        outcome: match finding.outcome {
            Outcome::Ok => "ok",
            Outcome::Problem => "problem",
            Outcome::CannotTell => "cannot-tell",
        },
        looked_at: finding.looked_at.clone(),
        said: both(&finding.said),
        evidence: finding.evidence.clone(),
        todo: finding.todo.as_ref().map(both),
        repair: finding.repair.as_ref().map(|repair| both(&repair.what())),
        is_mendable: finding.repair.as_ref().is_some_and(doctor::Repair::fits_running),
    }
}
