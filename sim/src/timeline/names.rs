//! What topics, partitions and clients are called on every part of the page.

use std::collections::{BTreeMap, BTreeSet};

use model::{Observation, TopicId, TopicPartition};

use crate::checkers::Fact;
use crate::plan::{ClientPlan, Machine, Plan, Protocol, Target, Through};
use crate::run::Report;

/// Clients with numbers from here on are the harness's own.
const OWN_CLIENTS: u32 = 1_000;

pub(super) struct Names<'p> {
    plan: &'p Plan,
    topics: BTreeMap<TopicId, String>,
}

impl<'p> Names<'p> {
    pub(super) fn of(plan: &'p Plan, report: &Report) -> Self {
        let mut topics = BTreeMap::from([(TopicId::METADATA, "__cluster_metadata".to_owned())]);
        let mut lives: BTreeMap<&str, u32> = BTreeMap::new();
        let mut written = BTreeSet::new();
        for event in &report.history {
            match &event.fact {
                Fact::TopicCreated { topic, name, .. } if !topics.contains_key(topic) => {
                    let life = lives.entry(name).or_default();
                    *life += 1;
                    // A topic that was deleted and created again is another topic.
                    let name = match life {
                        1 => name.clone(),
                        life => format!("{name} (life {life})"),
                    };
                    topics.insert(*topic, name);
                }
                Fact::Observed { observation: Observation::Appended { at, .. }, .. } => {
                    written.insert(at.topic);
                }
                _ => {}
            }
        }
        // No client created it, and it holds records: the broker made it for its groups.
        let mut unknown = written.into_iter().filter(|topic| !topics.contains_key(topic));
        if let (Some(topic), None) = (unknown.next(), unknown.next()) {
            topics.insert(topic, "__consumer_offsets".to_owned());
        }
        Self { plan, topics }
    }

    pub(super) fn topic(&self, topic: TopicId) -> String {
        self.topics.get(&topic).cloned().unwrap_or_else(|| topic.to_string())
    }

    pub(super) fn partition(&self, at: TopicPartition) -> String {
        format!("{}-{}", self.topic(at.topic), at.partition)
    }

    /// Partitions by topic: `topic-0: 0 1, topic-2: 2`.
    pub(super) fn partitions(&self, all: &[TopicPartition]) -> String {
        let mut topics: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for at in all {
            topics.entry(self.topic(at.topic)).or_default().push(at.partition.to_string());
        }
        let each = topics.iter().map(|(topic, numbers)| format!("{topic}: {}", numbers.join(" ")));
        each.collect::<Vec<_>>().join(", ")
    }

    /// The lane in which a client is shown: the harness's own share one.
    pub(super) fn lane(number: u32) -> u32 {
        number.min(OWN_CLIENTS)
    }

    pub(super) fn client(&self, number: u32) -> String {
        let role = match self.planned(number) {
            Some(ClientPlan::Producer(_)) => "producer",
            Some(ClientPlan::Consumer(_)) => "consumer",
            Some(ClientPlan::Member(member)) if member.protocol == Protocol::Tool => "tool",
            Some(ClientPlan::Member(_)) => "member",
            Some(ClientPlan::Admin(_)) => "admin",
            Some(ClientPlan::Crowd(_)) => "crowd",
            None => return "harness".to_owned(),
        };
        format!("{role} {number}")
    }

    /// What a client was planned to be.
    pub(super) fn about(&self, number: u32) -> String {
        let through = |through: &Through| match through {
            Through::Client => "client crate",
            Through::Frames => "raw frames",
        };
        match self.planned(number) {
            Some(ClientPlan::Producer(client)) => {
                let kind = if client.idempotent { ", idempotent" } else { "" };
                let through = through(&client.through);
                format!("{}, acks {}{kind}, {through}", client.topic, client.acks)
            }
            Some(ClientPlan::Consumer(client)) => {
                let kind = if client.sessions { ", session" } else { "" };
                format!("{}{kind}, {}", client.topic, through(&client.through))
            }
            Some(ClientPlan::Member(client)) => {
                let kind = match client.protocol {
                    Protocol::Classic => ", classic",
                    Protocol::Consumer => ", KIP-848",
                    Protocol::Tool => "",
                };
                format!("{}{kind}, {}", client.group, through(&client.through))
            }
            Some(ClientPlan::Admin(_)) => "topics".to_owned(),
            Some(ClientPlan::Crowd(client)) => format!("{} connections", client.connections),
            None => "signs of life, final reads".to_owned(),
        }
    }

    pub(super) fn target(&self, target: Target) -> String {
        match target {
            Target::At(machine) => self.machine(machine),
            Target::Link { from, to } => {
                format!("{} → {}", self.machine(from), self.machine(to))
            }
        }
    }

    fn machine(&self, machine: Machine) -> String {
        match machine {
            Machine::Node(number) => format!("node {number}"),
            Machine::Client(number) => self.client(number.into()),
        }
    }

    fn planned(&self, number: u32) -> Option<&'p ClientPlan> {
        let index = usize::try_from(number).ok()?.checked_sub(1)?;
        self.plan.clients.get(index)
    }

    /// The partition that a checker wrote as `topic id-number`.
    pub(super) fn written_as(&self, text: &str) -> Option<TopicPartition> {
        let (topic, number) = text.rsplit_once('-')?;
        let partition = model::PartitionIndex(number.parse().ok()?);
        let is = |it: &(&TopicId, &String)| it.0.to_string() == topic || it.1 == topic;
        let (topic, _) = self.topics.iter().find(is)?;
        Some(TopicPartition { topic: *topic, partition })
    }
}
