use std::collections::{BTreeMap, BTreeSet};

use model::{PartitionIndex, TopicId, TopicPartition};
use proptest::prelude::*;

use super::{Assignor, AssignorInput, AssignorMember};
use crate::consumer::record::Partitions;
use crate::{InstanceId, MemberId};

fn topic(number: u8) -> TopicId {
    TopicId([number; 16])
}

/// Plain data behind an input: the subscription of each member, the size of each topic.
#[derive(Debug, Clone)]
struct Case {
    members: BTreeMap<MemberId, BTreeSet<u8>>,
    topics: BTreeMap<u8, i32>,
}

type Assignment = BTreeMap<MemberId, Partitions>;

impl Case {
    fn assign(&self, assignor: Assignor, previous: &Assignment) -> Assignment {
        let nothing = Partitions::new();
        let members = self.members.iter().map(|(id, topics)| {
            let member = AssignorMember {
                instance_id: None,
                topics: topics.iter().map(|it| topic(*it)).collect(),
                previous: previous.get(id).unwrap_or(&nothing),
            };
            (id.clone(), member)
        });
        let topics = self.topics.iter().map(|(it, count)| (topic(*it), *count)).collect();
        assignor.assign(&AssignorInput { members: members.collect(), topics })
    }

    /// Complete, no partition twice, nobody gets what it does not subscribe to.
    fn assert_valid(&self, assignment: &Assignment) {
        assert!(assignment.keys().eq(self.members.keys()));
        let mut owners: BTreeMap<TopicPartition, &MemberId> = BTreeMap::new();
        for (id, partitions) in assignment {
            for partition in partitions {
                assert!(self.members[id].contains(&partition.topic.0[0]), "{id} has {partition:?}");
                assert_eq!(owners.insert(*partition, id), None, "{partition:?} has two owners");
            }
        }
        for (number, count) in &self.topics {
            let subscribed = self.members.values().any(|it| it.contains(number));
            for partition in (0..*count).map(PartitionIndex) {
                let at = TopicPartition { topic: topic(*number), partition };
                assert_eq!(owners.contains_key(&at), subscribed, "{at:?}");
            }
        }
    }

    /// Nobody could take over a partition and still own less than its owner.
    fn assert_even(&self, assignment: &Assignment) {
        for (id, partitions) in assignment {
            for (other, topics) in &self.members {
                let takes = partitions.iter().any(|it| topics.contains(&it.topic.0[0]));
                let gap = partitions.len().saturating_sub(assignment[other].len());
                assert!(!takes || gap <= 1, "{id} owns {gap} more than {other}");
            }
        }
    }
}

fn moved(before: &Assignment, after: &Assignment) -> usize {
    let kept = |(id, it): (&MemberId, &Partitions)| {
        after.get(id).map_or(0, |now| now.intersection(it).count())
    };
    let total: usize = before.values().map(BTreeSet::len).sum();
    total - before.iter().map(kept).sum::<usize>()
}

fn member(number: u8) -> MemberId {
    MemberId(format!("m{number:02}").into())
}

fn equal_case(members: core::ops::Range<u8>, topics: &[i32]) -> Case {
    let topics: BTreeMap<u8, i32> = (0..).zip(topics.iter().copied()).collect();
    let all: BTreeSet<u8> = topics.keys().copied().collect();
    Case { members: members.map(|it| (member(it), all.clone())).collect(), topics }
}

prop_compose! {
    fn any_case()(
        topics in prop::collection::btree_map(0_u8..6, 0_i32..9, 0..6),
        members in prop::collection::btree_map(0_u8..10, prop::collection::btree_set(0_u8..7, 0..6), 0..8),
    ) -> Case {
        let members = members.into_iter().map(|(id, topics)| (member(id), topics)).collect();
        Case { members, topics }
    }
}

proptest! {
    #[test]
    fn uniform_is_complete_and_even_after_any_change(first in any_case(), second in any_case()) {
        let before = first.assign(Assignor::Uniform, &Assignment::new());
        first.assert_valid(&before);
        first.assert_even(&before);
        let after = second.assign(Assignor::Uniform, &before);
        second.assert_valid(&after);
        second.assert_even(&after);
    }

    #[test]
    fn uniform_moves_nothing_when_nothing_changed(case in any_case()) {
        let before = case.assign(Assignor::Uniform, &Assignment::new());
        prop_assert_eq!(&case.assign(Assignor::Uniform, &before), &before);
    }

    #[test]
    fn uniform_differs_by_at_most_one_and_moves_only_the_share_of_who_comes(
        count in 1_u8..12, topics in prop::collection::vec(0_i32..20, 1..5),
    ) {
        let before = equal_case(0..count, &topics).assign(Assignor::Uniform, &Assignment::new());
        let larger = equal_case(0..count + 1, &topics);
        let after = larger.assign(Assignor::Uniform, &before);
        let loads = || after.values().map(BTreeSet::len);
        prop_assert!(loads().max().unwrap() - loads().min().unwrap() <= 1);
        prop_assert_eq!(moved(&before, &after), after[&member(count)].len());
    }

    #[test]
    fn uniform_moves_only_the_partitions_of_who_leaves(
        count in 2_u8..12, topics in prop::collection::vec(0_i32..20, 1..5),
    ) {
        let before = equal_case(0..count, &topics).assign(Assignor::Uniform, &Assignment::new());
        let after = equal_case(1..count, &topics).assign(Assignor::Uniform, &before);
        prop_assert_eq!(moved(&before, &after), before[&member(0)].len());
    }

    #[test]
    fn range_is_complete_and_even_within_each_topic(case in any_case()) {
        let assignment = case.assign(Assignor::Range, &Assignment::new());
        case.assert_valid(&assignment);
        for number in case.topics.keys() {
            let of_topic = |it: &Partitions| -> Vec<i32> {
                let mine = it.iter().filter(|at| at.topic == topic(*number));
                mine.map(|at| at.partition.0).collect()
            };
            let subscribers = case.members.iter().filter(|(_, topics)| topics.contains(number));
            let ranges: Vec<Vec<i32>> = subscribers.map(|(id, _)| of_topic(&assignment[id])).collect();
            let loads = || ranges.iter().map(Vec::len);
            prop_assert!(loads().max().unwrap_or(0) - loads().min().unwrap_or(0) <= 1);
            for range in ranges {
                prop_assert!(range.windows(2).all(|it| it[0] + 1 == it[1]), "{range:?} has a gap");
            }
        }
    }

    #[test]
    fn range_spreads_equal_topics_alike(count in 1_u8..8, partitions in 1_i32..20) {
        let case = equal_case(0..count, &[partitions, partitions]);
        for owned in case.assign(Assignor::Range, &Assignment::new()).values() {
            let numbers = |of: u8| owned.iter().filter(move |it| it.topic == topic(of));
            let numbers = |of| numbers(of).map(|it| it.partition.0).collect::<Vec<_>>();
            prop_assert_eq!(numbers(0), numbers(1));
        }
    }
}

#[test]
fn a_static_member_keeps_its_range_under_another_member_id() {
    let nothing = Partitions::new();
    let instances = ["first", "second"].map(InstanceId::from);
    let input = |ids: [&str; 2]| {
        let member = |instance| AssignorMember {
            instance_id: Some(instance),
            topics: [topic(1)].into(),
            previous: &nothing,
        };
        let members =
            [(ids[0].into(), member(&instances[0])), (ids[1].into(), member(&instances[1]))].into();
        AssignorInput { members, topics: [(topic(1), 4)].into() }
    };
    let before = Assignor::Range.assign(&input(["a", "b"]));
    let after = Assignor::Range.assign(&input(["z", "b"]));
    assert_eq!(before[&"a".into()], after[&"z".into()]);
    assert_eq!(before[&"b".into()], after[&"b".into()]);
}
