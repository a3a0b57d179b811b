//! Which topics exist and by which rules their records may go.
//!
//! Promises: after a change of rules the weaker of both holds, since a cleaner that has started
//! finishes under the old ones.

use model::TopicId;
use std::collections::BTreeMap;

use super::event::{Fact, TopicRules};

#[derive(Debug, Default)]
pub(super) struct Topics {
    by_id: BTreeMap<TopicId, Topic>,
}

#[derive(Debug, Clone, Copy)]
struct Topic {
    rules: TopicRules,
    deleted: bool,
}

impl Topics {
    pub(super) fn take(&mut self, fact: &Fact) {
        match fact {
            Fact::TopicCreated { topic, rules, .. } => {
                self.by_id.insert(*topic, Topic { rules: *rules, deleted: false });
            }
            Fact::RulesChanged { topic, rules } => {
                let known =
                    self.by_id.entry(*topic).or_insert(Topic { rules: *rules, deleted: false });
                known.rules = weaker(known.rules, *rules);
            }
            Fact::TopicDeleted { topic } => {
                if let Some(topic) = self.by_id.get_mut(topic) {
                    topic.deleted = true;
                }
            }
            _ => {}
        }
    }

    /// The rules of a topic; the default ones if nobody announced it.
    pub(super) fn rules(&self, topic: TopicId) -> TopicRules {
        self.by_id.get(&topic).map(|topic| topic.rules).unwrap_or_default()
    }

    pub(super) fn is_deleted(&self, topic: TopicId) -> bool {
        self.by_id.get(&topic).is_some_and(|topic| topic.deleted)
    }
}

fn weaker(a: TopicRules, b: TopicRules) -> TopicRules {
    TopicRules {
        compacted: a.compacted || b.compacted,
        retained_for_a_while: a.retained_for_a_while || b.retained_for_a_while,
        delete_retention_ms: a.delete_retention_ms.min(b.delete_retention_ms),
        append_time: a.append_time || b.append_time,
        producers_expire: a.producers_expire || b.producers_expire,
    }
}
