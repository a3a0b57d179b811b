//! A tool that keeps offsets in the name of a group without members, and looks at them.

use std::collections::BTreeMap;

use core::time::Duration;
use model::{Offset, TopicPartition};

use super::Seat;
use super::coordination::Coordination;
use crate::plan::{MemberPlan, Through};

/// Offsets that a tool makes up.
const OFFSET_MAX: u64 = 1_000_000;
/// How often the final look is tried.
const TRIES: u32 = 50;

/// Commits, deletes and reads single offsets.
pub(super) async fn keep_offsets(mut seat: Seat, plan: MemberPlan) {
    let mut rounds_left = plan.rounds_max.unwrap_or(u64::MAX);
    if rounds_left == 0 || !seat.wait(plan.starts_us).await {
        return;
    }
    let mut line = Coordination::new(&plan.group, plan.through, &mut seat);
    line.find(&seat).await;
    while rounds_left > 0 && seat.pause(plan.pause_us).await {
        rounds_left -= 1;
        let name = seat.dice.pick(&plan.topics);
        let Some(topic) = seat.shared.topic(&name) else { continue };
        let number = u16::try_from(seat.dice.index(topic.partitions.into())).expect("below a u16");
        let at = topic.partition(number);
        let answered = match seat.dice.within(0..=9) {
            0..=4 => {
                let offset = i64::try_from(seat.dice.within(0..=OFFSET_MAX)).expect("a million");
                let offsets = BTreeMap::from([(at, Offset(offset))]);
                let said = line.commit(&seat, None, &name, &offsets).await;
                said.values().all(|code| *code == Some(model::ErrorCode::None))
            }
            5 | 6 => {
                line.delete(&seat, &name, at).await;
                true
            }
            _ => line.offsets(&seat, &name, &[at]).await.is_some(),
        };
        if !answered {
            line.find(&seat).await;
        }
    }
}

/// Looks at a group's offsets once more, which the history is told; false when nobody answers.
pub(crate) async fn read_offsets(
    mut seat: Seat,
    group: String,
    topic: String,
    partitions: Vec<TopicPartition>,
) -> bool {
    let mut line = Coordination::new(&group, Through::Frames, &mut seat);
    for _ in 0..TRIES {
        line.find(&seat).await;
        if line.offsets(&seat, &topic, &partitions).await.is_some() {
            return true;
        }
        seat.sleep(Duration::from_millis(100)).await;
    }
    false
}
