//! How a server is told to stop, and how its parts learn of it.

use tokio::sync::watch;

/// The hand that stops a server. Dropping it stops the server as well.
#[derive(Debug)]
pub struct Stopper(watch::Sender<bool>);

/// Tells when to stop; cheap to clone.
#[derive(Debug, Clone)]
pub struct Stop(watch::Receiver<bool>);

/// A stopper and what hears it.
pub fn stop() -> (Stopper, Stop) {
    let (stopper, stop) = watch::channel(false);
    (Stopper(stopper), Stop(stop))
}

impl Stopper {
    pub fn stop(&self) {
        self.0.send_replace(true);
    }
}

impl Stop {
    /// Comes back once it is time to stop.
    pub async fn reached(&mut self) {
        let _ = self.0.wait_for(|is_time| *is_time).await; // without a stopper there is nobody to serve for
    }

    pub fn is_reached(&self) -> bool {
        *self.0.borrow() || self.0.has_changed().is_err()
    }
}
