//! Which partitions of a group are meant.

use client::{Cluster, NamedPartition};
use std::collections::BTreeSet;
use std::rc::Rc;
use std::str::FromStr;

use crate::cli::failure::Failure;
use crate::cli::session::Session;
use crate::cli::topic::{metadata, partitions_of};

/// `orders`, or `orders:0,2`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct TopicScope {
    topic: String,
    /// Empty: all of them.
    partitions: Vec<i32>,
}

impl FromStr for TopicScope {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let Some((topic, numbers)) = text.split_once(':') else {
            return Ok(Self { topic: text.to_owned(), partitions: Vec::new() });
        };
        let partitions: Result<Vec<i32>, _> = numbers.split(',').map(str::parse).collect();
        match partitions {
            Ok(partitions) if partitions.iter().all(|it| *it >= 0) => {
                Ok(Self { topic: topic.to_owned(), partitions })
            }
            _ => Err("write it as TOPIC or TOPIC:0,1,2".to_owned()),
        }
    }
}

/// The partitions of these topics, which must be there.
pub(super) async fn existing(
    session: &Session,
    scopes: &[TopicScope],
) -> Result<BTreeSet<NamedPartition>, Failure> {
    let topics: BTreeSet<String> = scopes.iter().map(|scope| scope.topic.clone()).collect();
    let topics: Vec<String> = topics.into_iter().collect();
    let cluster = Cluster::of(&metadata(session, &topics).await?);
    let known: BTreeSet<NamedPartition> = partitions_of(&cluster).collect();
    let mut chosen = BTreeSet::new();
    for scope in scopes {
        if scope.partitions.is_empty() {
            chosen.extend(known.iter().filter(|at| *at.topic == *scope.topic).cloned());
        }
        for at in scope.named() {
            if !known.contains(&at) {
                return Err(Failure::Usage(format!("there is no partition {at}")));
            }
            chosen.insert(at);
        }
    }
    Ok(chosen)
}

impl TopicScope {
    /// The partitions with a number.
    fn named(&self) -> impl Iterator<Item = NamedPartition> + '_ {
        let topic: Rc<str> = Rc::from(self.topic.as_str());
        self.partitions.iter().map(move |number| NamedPartition::new(&topic, *number))
    }

    /// Whether it means this partition.
    pub(super) fn includes(&self, at: &NamedPartition) -> bool {
        *self.topic == *at.topic
            && (self.partitions.is_empty() || self.partitions.contains(&at.partition.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scope_is_a_topic_or_some_of_its_partitions() {
        let at = |number| NamedPartition::new(&"orders".into(), number);
        let all: TopicScope = "orders".parse().unwrap();
        assert!(all.includes(&at(7)));
        let some: TopicScope = "orders:0,2".parse().unwrap();
        assert!(some.includes(&at(2)) && !some.includes(&at(1)));
        assert!(!some.includes(&NamedPartition::new(&"other".into(), 0)));
        for wrong in ["orders:", "orders:a", "orders:-1"] {
            assert!(wrong.parse::<TopicScope>().is_err(), "{wrong}");
        }
    }
}
