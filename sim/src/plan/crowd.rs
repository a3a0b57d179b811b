//! Clients that want connections and nothing else.

use serde::{Deserialize, Serialize};

use super::dice::Dice;
use super::{ClientPlan, Span};

/// One client that opens many connections, keeps them for a while, and closes them all.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CrowdPlan {
    /// More than a node may have, or it tests nothing.
    pub connections: u16,
    /// So many of them send the beginning of a large frame and never its rest.
    #[serde(default)]
    pub half_frames: u16,
    /// Begins so long after the faults did.
    #[serde(default)]
    pub starts_us: u64,
    /// From its begin to the close of all that it has opened.
    pub lasts_us: u64,
}

/// In one run of eight; it is gone before the faults are over, so that nobody is kept out for good.
pub(super) fn draw(dice: &mut Dice, span: Span) -> Option<ClientPlan> {
    let is_there = dice.one_in(8);
    let plan = CrowdPlan {
        // A shard of a simulated node has room for 64, and a node has one to three.
        connections: dice.pick(&[80, 160, 240]),
        starts_us: dice.within(0..=span.faults_us / 4 * 3),
        lasts_us: dice.log_uniform(500_000..=span.faults_us / 8),
        half_frames: dice.pick(&[0, 0, 8]),
    };
    is_there.then_some(ClientPlan::Crowd(plan))
}
