//! Time.

use model::{Instant, Now};

pub trait Clock: Clone + 'static {
    /// The loop's time: both clocks, read once per batch of completions, free to call.
    fn now(&self) -> Now;

    /// A fresh reading of both clocks, for measurements that must not lag behind a long poll.
    fn now_exact(&self) -> Now;

    /// Completes at `at` or a little later, never earlier. `Instant::FAR` never completes.
    async fn sleep_until(&self, at: Instant);
}
