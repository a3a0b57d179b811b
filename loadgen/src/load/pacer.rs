//! The pacer: looks at the clock, places what is due, goes round again. It never waits for anything
//! but time.

use core::time::Duration;
use runtime::Runtime;
use std::rc::Rc;

use super::Load;
use super::lanes::Turn;
use crate::plan::Pace;

/// A turn of the loop that took less had next to no work besides looking at the clock.
const IDLE_TURN_NS: u64 = 4_000;

/// How the loop spent its time since the start of the run.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Busy {
    pub(super) idle_ns: u64,
    pub(super) total_ns: u64,
}

impl Busy {
    /// Share of the time since `earlier` in which the loop had work.
    pub(super) fn ratio_since(self, earlier: Self) -> f64 {
        let total = self.total_ns - earlier.total_ns;
        let idle = self.idle_ns - earlier.idle_ns;
        #[expect(clippy::cast_precision_loss, reason = "a ratio")]
        if total == 0 { 0.0 } else { 1.0 - idle as f64 / total as f64 }
    }
}

pub(super) async fn pace<R: Runtime>(load: Rc<Load<R>>) {
    let end_ns = load.window.end;
    let mut last_ns = load.now_ns();
    loop {
        let now = load.rt.now_exact();
        let now_ns = super::nanos(now.mono.since(load.start.get()));
        place(&load, now_ns, now.wall_ms);
        if now_ns >= end_ns {
            break;
        }
        account(&load, last_ns, now_ns);
        last_ns = now_ns;
        match load.plan.pace {
            Pace::Spin => load.rt.yield_now().await,
            Pace::Sleep => {
                let next_ns = load.lanes.borrow().next_event_ns().clamp(now_ns + 1, end_ns);
                let next = load.start.get() + Duration::from_nanos(next_ns);
                load.rt.sleep_until(next).await;
            }
        }
    }
    load.lanes.borrow_mut().flush();
    load.placed_all.set(true);
    load.work.iter().for_each(runtime::sync::Notify::notify);
}

fn place<R: Runtime>(load: &Load<R>, now_ns: u64, wall_ms: i64) {
    let mut lanes = load.lanes.borrow_mut();
    let mut arena = load.arena.borrow_mut();
    let mut tally = load.tally.borrow_mut();
    let (lag, not_sent) = tally.placing();
    let window = load.window.clone();
    let end_ns = window.end;
    let mut turn = Turn { now_ns, wall_ms, end_ns, run: load.run, arena: &mut arena };
    lanes.place_due(
        &mut turn,
        |due| {
            if due.at_ns >= window.start {
                lag.record((now_ns - due.at_ns) / 1_000, 1);
            }
        },
        |due| *not_sent += u64::from(due.at_ns >= window.start),
    );
    for (producer, work) in load.work.iter().enumerate() {
        if lanes.is_ready(producer, now_ns) {
            work.notify();
        }
    }
}

fn account<R: Runtime>(load: &Load<R>, last_ns: u64, now_ns: u64) {
    let turn_ns = now_ns - last_ns;
    let mut busy = load.pacer_busy.get();
    busy.total_ns += turn_ns;
    if turn_ns < IDLE_TURN_NS || load.plan.pace == Pace::Sleep {
        busy.idle_ns += turn_ns;
    }
    load.pacer_busy.set(busy);
}
