//! A partition as people and most requests name it.

use core::fmt;
use model::PartitionIndex;
use std::rc::Rc;

/// A topic's name and a partition of it, in the order of lists: by topic, then by number.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct NamedPartition {
    pub topic: Rc<str>,
    pub partition: PartitionIndex,
}

impl NamedPartition {
    #[must_use]
    pub fn new(topic: &Rc<str>, partition: i32) -> Self {
        Self { topic: Rc::clone(topic), partition: PartitionIndex(partition) }
    }
}

impl fmt::Display for NamedPartition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.topic, self.partition)
    }
}
