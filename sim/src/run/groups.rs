//! What is asked of the groups of a run once its faults are over.

use std::collections::BTreeSet;

use model::TopicPartition;

use super::conduct::{Conduct, Step};
use super::phases::{DRAIN_LIMIT, known_partitions, own_client};
use crate::plan::{ClientPlan, MemberPlan, Protocol, Through};
use crate::workload;

/// Every partition that a group with members reads from now on.
pub(super) fn expected(run: &Conduct<'_>) -> Vec<(String, TopicPartition)> {
    let known = known_partitions(run);
    let mut expected = BTreeSet::new();
    for member in members(run).filter(|it| it.protocol != Protocol::Tool) {
        // One that ends by itself may have done so.
        if member.rounds_max.is_some() {
            continue;
        }
        let read = known.iter().filter(|(topic, _)| reads(member, topic));
        expected.extend(read.map(|(_, at)| (member.group.clone(), *at)));
    }
    expected.into_iter().collect()
}

/// A pattern matches every topic of a run. Frames may be too old for it and name topics instead.
fn reads(member: &MemberPlan, topic: &String) -> bool {
    let by_pattern = member.pattern.is_some() && member.through == Through::Client;
    by_pattern || member.topics.contains(topic)
}

fn members<'a>(run: &'a Conduct<'_>) -> impl Iterator<Item = &'a MemberPlan> {
    run.plan.clients.iter().filter_map(|client| match client {
        ClientPlan::Member(member) => Some(member),
        _ => None,
    })
}

/// What every group has committed in the end.
pub(super) fn read_offsets(run: &mut Conduct<'_>) -> Step {
    let groups: BTreeSet<String> = members(run).map(|it| it.group.clone()).collect();
    let topics = run.shared.topics.borrow().clone();
    for group in groups {
        for (name, topic) in &topics {
            let (group, name) = (group.clone(), name.clone());
            let partitions: Vec<TopicPartition> = topic.partitions().collect();
            let text = format!("the offsets of group {group} cannot be read");
            let done = own_client(run, async move |seat| {
                workload::read_offsets(seat, group, name, partitions).await
            });
            run.wait(DRAIN_LIMIT, |_| done.get().is_some())?;
            if done.get() != Some(true) {
                return run.wrong("final-offsets", &text);
            }
        }
    }
    Step::Continue(())
}
