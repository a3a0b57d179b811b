//! The `range` assignor: each topic's partitions in contiguous, nearly equal parts, in the order of the members.
//!
//! Source: Kafka `RangeAssignor` (without racks). Every member must come to the same result whoever leads, but only
//! the leader's counts, so nothing depends on it.

use std::collections::{BTreeMap, BTreeSet};

/// Its name among the protocols of JoinGroup.
pub(super) const NAME: &str = "range";

/// A member as its place in the order: static members by their instance, so that they keep their part when they
/// return under another member id.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Subscriber {
    pub(super) member_id: String,
    pub(super) instance_id: Option<String>,
    pub(super) topics: BTreeSet<String>,
}

/// The partitions of each member, by member id; members without any are there too.
pub(super) fn assign(
    members: &[Subscriber],
    partition_counts: &BTreeMap<String, i32>,
) -> BTreeMap<String, BTreeMap<String, Vec<i32>>> {
    let mut order: Vec<&Subscriber> = members.iter().collect();
    order.sort_by_key(|it| (it.instance_id.is_none(), it.instance_id.as_ref(), &it.member_id));
    let mut assigned: BTreeMap<String, BTreeMap<String, Vec<i32>>> =
        members.iter().map(|it| (it.member_id.clone(), BTreeMap::new())).collect();
    for (topic, count) in partition_counts {
        let readers: Vec<_> = order.iter().filter(|it| it.topics.contains(topic)).collect();
        let reader_count = i32::try_from(readers.len()).expect("a group has few members");
        let mut next = 0;
        for (at, reader) in (0..reader_count).zip(readers) {
            // The first of them take one more when it does not come out even.
            let length = count / reader_count + i32::from(at < count % reader_count);
            if length > 0 {
                let part = (next..next + length).collect();
                assigned.entry(reader.member_id.clone()).or_default().insert(topic.clone(), part);
            }
            next += length;
        }
    }
    assigned
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(members: &[(&str, Option<&str>, &[&str])], counts: &[(&str, i32)], expected: &str) {
        let member =
            |(member_id, instance_id, topics): &(&str, Option<&str>, &[&str])| Subscriber {
                member_id: (*member_id).to_owned(),
                instance_id: instance_id.map(str::to_owned),
                topics: topics.iter().map(|topic| (*topic).to_owned()).collect(),
            };
        let members: Vec<_> = members.iter().map(member).collect();
        let counts = counts.iter().map(|(topic, count)| ((*topic).to_owned(), *count)).collect();
        let mut text = String::new();
        for (member, parts) in assign(&members, &counts) {
            let parts: Vec<_> = parts.iter().map(|(topic, it)| format!("{topic}{it:?}")).collect();
            text += &format!("{member}: {}\n", parts.join(" "));
        }
        assert_eq!(text, expected);
    }

    #[test]
    fn parts_differ_by_at_most_one() {
        let members: &[(&str, Option<&str>, &[&str])] =
            &[("m2", None, &["t"]), ("m1", None, &["t"]), ("m3", None, &["t"])];
        check(members, &[("t", 7)], "m1: t[0, 1, 2]\nm2: t[3, 4]\nm3: t[5, 6]\n");
        check(members, &[("t", 2)], "m1: t[0]\nm2: t[1]\nm3: \n");
    }

    #[test]
    fn only_those_who_subscribed_to_a_topic_get_its_partitions() {
        let members: &[(&str, Option<&str>, &[&str])] =
            &[("m1", None, &["a", "b"]), ("m2", None, &["b"])];
        check(members, &[("a", 2), ("b", 2)], "m1: a[0, 1] b[0]\nm2: b[1]\n");
    }

    #[test]
    fn a_static_member_keeps_its_part_under_another_id() {
        let members = |id: &'static str| -> [(&str, Option<&str>, &[&str]); 2] {
            [(id, Some("one"), &["t"]), ("m", None, &["t"])]
        };
        check(&members("a"), &[("t", 2)], "a: t[0]\nm: t[1]\n");
        check(&members("z"), &[("t", 2)], "m: t[1]\nz: t[0]\n");
    }
}
