//! The web listener: binds first, so that a port in use is known before anything else starts, then serves until told to stop.

use crate::App;
use crate::app::router;
use axum::serve::ListenerExt;
use gateway::connection::ListenError;
use gateway::connection::stop::Stop;
use std::net::SocketAddr;
use std::time::Duration;
use tokio::task::JoinHandle;

/// How long open answers may go on after we were told to stop.
const STOP_WITHIN: Duration = Duration::from_secs(5);

/// Listeners that are being served.
pub struct Serving {
    pub addresses: Vec<SocketAddr>,
    tasks: Vec<JoinHandle<()>>,
}

/// Listens on each address and serves the pages there. Without an address no page is made.
/// # Errors
/// An address cannot be had.
pub async fn serve(app: App, addresses: &[SocketAddr], stop: Stop) -> Result<Serving, ListenError> {
    let mut serving = Serving { addresses: Vec::new(), tasks: Vec::new() };
    if addresses.is_empty() {
        return Ok(serving);
    }
    let routes = router(app.clone());
    for &address in addresses {
        let listener = gateway::connection::open(address, "web")?;
        serving.addresses.push(listener.local_addr().unwrap_or(address));
        app.listens_on(listener.local_addr().unwrap_or(address));
        // Answers are written whole; else the last part of one waits until the browser acknowledges the rest. A failure only costs time.
        let listener = listener.tap_io(|stream| {
            let _ = stream.set_nodelay(true);
        });
        let (routes, mut heard, mut hard) = (routes.clone(), stop.clone(), stop.clone());
        serving.tasks.push(tokio::spawn(async move {
            let service = routes.into_make_service_with_connect_info::<SocketAddr>();
            let served = axum::serve(listener, service).with_graceful_shutdown(async move { heard.reached().await });
            // Streams of events stay open as long as a page does: after a while they are cut.
            let cut = async move {
                hard.reached().await;
                tokio::time::sleep(STOP_WITHIN).await;
            };
            tokio::select! {
                done = served => if let Err(why) = done { tracing::error!("pages on {address} are no longer served: {why}") },
                () = cut => {}
            }
        }));
    }
    Ok(serving)
}

impl Serving {
    /// Comes back once every listener has ended; it ends after the stop.
    pub async fn finished(self) {
        for task in self.tasks {
            let _ = task.await;
        }
    }
}
