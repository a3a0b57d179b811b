//! Time passes, forward only, and timers are never early.

use core::cell::RefCell;
use core::time::Duration;
use model::Instant;
use std::rc::Rc;

use super::{Case, Harness, LIMIT, Scratch, alone, pause};
use crate::sync::{First, channel, race};
use crate::{Runtime, TaskClass};

pub(super) fn cases<H: Harness>() -> Vec<Case<H>> {
    vec![
        Case { name: "the clock never goes back", run: |h| alone(h, never_goes_back) },
        Case { name: "a sleep is never early", run: |h| alone(h, never_early) },
        Case { name: "a time in the past has come", run: |h| alone(h, past_has_come) },
        Case { name: "timers come in the order of their deadlines", run: |h| alone(h, in_order) },
        Case { name: "the far end of time never comes", run: |h| alone(h, far_never_comes) },
        Case { name: "a dropped timer is forgotten", run: |h| alone(h, dropped_is_forgotten) },
    ]
}

async fn never_goes_back<R: Runtime>(rt: R, _: Scratch) {
    let mut last = rt.now().mono;
    for round in 0..50 {
        match round % 3 {
            0 => rt.yield_now().await,
            1 => pause(&rt, Duration::from_micros(round)).await,
            _ => rt.offload(|| ()).await.unwrap(),
        }
        let now = rt.now().mono;
        assert!(now >= last, "{now:?} after {last:?}");
        assert!(rt.now_exact().mono >= now);
        last = now;
    }
    assert!(rt.now().wall_ms > 1_500_000_000_000, "milliseconds since 1970");
}

async fn never_early<R: Runtime>(rt: R, _: Scratch) {
    for micros in [0, 1, 10, 100, 1_000, 5_000] {
        let at = rt.now().mono + Duration::from_micros(micros);
        rt.sleep_until(at).await;
        assert!(rt.now().mono >= at);
    }
}

async fn past_has_come<R: Runtime>(rt: R, _: Scratch) {
    let now = rt.now().mono;
    rt.sleep_until(Instant(0)).await;
    rt.sleep_until(now).await;
}

async fn in_order<R: Runtime>(rt: R, _: Scratch) {
    const DELAYS_MS: [u64; 8] = [14, 2, 10, 4, 16, 8, 6, 12];
    let fired = Rc::new(RefCell::new(Vec::new()));
    let (done, mut finished) = channel(DELAYS_MS.len());
    let start = rt.now().mono;
    for delay_ms in DELAYS_MS {
        let (timer, fired, done) = (rt.clone(), Rc::clone(&fired), done.clone());
        rt.spawn("timer", TaskClass::Latency, async move {
            timer.sleep_until(start + Duration::from_millis(delay_ms)).await;
            fired.borrow_mut().push(timer.now().mono);
            assert!(done.try_send(()).is_ok());
        });
    }
    drop(done);
    while finished.recv().await.is_some() {}
    let fired = fired.borrow();
    assert_eq!(fired.len(), DELAYS_MS.len());
    assert!(fired.is_sorted(), "{fired:?}");
}

async fn far_never_comes<R: Runtime>(rt: R, _: Scratch) {
    let far = rt.sleep_until(Instant::FAR);
    assert_eq!(race(far, pause(&rt, Duration::from_millis(2))).await, First::Right(()));
}

async fn dropped_is_forgotten<R: Runtime>(rt: R, _: Scratch) {
    let long = rt.now().mono + LIMIT;
    for _ in 0..1_000 {
        assert_eq!(race(rt.sleep_until(long), rt.yield_now()).await, First::Right(()));
    }
    pause(&rt, Duration::from_millis(1)).await;
}
