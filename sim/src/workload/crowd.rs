//! A client that holds as many connections as it gets.

use core::time::Duration;

use runtime::Clock;

use super::Seat;
use super::frames::FrameConnection;
use crate::plan::CrowdPlan;

/// A frame below the smallest bound of a simulated node.
const FRAME_BYTES: u32 = 100 * 1024;
/// More than a node takes before it looks for room for the whole.
const BEGUN_BYTES: usize = 20 * 1024;

/// Opens one connection after the other, each with a first exchange, and closes all of them together.
/// Those that are refused are not tried again.
pub(super) async fn hold(seat: Seat, plan: CrowdPlan) {
    if !seat.wait(plan.starts_us).await {
        return;
    }
    let until = seat.rt.now().mono + Duration::from_micros(plan.lasts_us);
    let mut held = Vec::new();
    for number in 0..plan.connections {
        if seat.shared.stop.get() || seat.rt.now().mono >= until {
            break;
        }
        seat.performs();
        let Ok(opened) = FrameConnection::open(&seat.rt, seat.shared.address, 0).await else {
            continue;
        };
        if number < plan.half_frames {
            opened.begin(FRAME_BYTES, BEGUN_BYTES, until).await;
        }
        held.push(opened);
    }
    seat.pause_until(until).await;
}
