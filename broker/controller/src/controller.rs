//! The active controller: requests in, records out, answers once the records are committed.
//!
//! Promises: decisions are made on the image *with* everything already proposed, so two requests
//! in flight cannot create the same topic; answers leave in the order of their proposals, and an
//! answer without records of its own waits for those it may have seen.
//! Does not: survive a lost proposal. If the log loses one, the driver starts a new controller from
//! the committed image.
//! Source: Kafka `QuorumController`, `ReplicationControlManager`, `ConfigurationControlManager`.

mod brokers;
mod configs;
mod deletion;
mod names;
mod partitions;
mod placement;
mod topics;

pub use names::is_topic_name;

use std::collections::{BTreeSet, VecDeque};

use model::{Limits, NodeId};
use wire::metadata::MetadataRecord;

use crate::config::{Layers, Values};
use crate::{AdminRequest, AdminResponse, Effect, Event, Image, Refusal, Ticket, Token};

/// What a controller knows beside the metadata.
#[derive(Debug, Clone)]
pub struct Settings {
    pub node: NodeId,
    /// The keys of this node's properties file.
    pub file: Values,
    /// Most topics of the cluster.
    pub topics_max: usize,
    /// Most partitions of the cluster.
    pub partitions_max: usize,
}

impl Settings {
    #[must_use]
    pub fn new(node: NodeId, file: Values, limits: &Limits) -> Self {
        Self { node, file, topics_max: limits.topics, partitions_max: limits.partitions }
    }
}

#[derive(Debug)]
pub struct Controller {
    settings: Settings,
    /// Committed records and, on top, those that are proposed.
    image: Image,
    last: Ticket,
    /// Answers that wait for their ticket, in ticket order. Bounded by the requests that the driver
    /// lets in.
    waiting: VecDeque<(Ticket, Token, AdminResponse)>,
}

/// What a request comes to.
struct Decision {
    records: Vec<MetadataRecord>,
    response: AdminResponse,
}

/// What decisions are made from.
#[derive(Clone, Copy)]
struct View<'a> {
    settings: &'a Settings,
    image: &'a Image,
}

impl<'a> View<'a> {
    fn config(self, topic: Option<&str>) -> Layers<'a> {
        self.image.config_layers(topic, self.settings.node, &self.settings.file)
    }
}

impl Controller {
    /// A controller over everything that is committed.
    #[must_use]
    pub fn new(settings: Settings, image: Image) -> Self {
        Self { settings, image, last: Ticket::default(), waiting: VecDeque::new() }
    }

    /// Takes one event and appends what must be done, in order, to `effects`.
    pub fn step(&mut self, event: Event, effects: &mut Vec<Effect>) {
        match event {
            Event::Request { token, request } => self.request(token, request, effects),
            Event::Committed { ticket } => self.committed(ticket, effects),
        }
    }

    /// The metadata as it will be once every proposal is committed.
    #[must_use]
    pub fn image(&self) -> &Image {
        &self.image
    }

    fn request(&mut self, token: Token, request: AdminRequest, effects: &mut Vec<Effect>) {
        let Decision { records, response } = self.decide(request);
        if records.is_empty() {
            match self.waiting.back() {
                Some((ticket, ..)) => self.waiting.push_back((*ticket, token, response)),
                None => effects.push(Effect::Reply { token, response }),
            }
            return;
        }
        for record in &records {
            let applied = self.image.apply(record);
            assert_eq!(applied, Ok(()), "a decision contradicts its own image: {record:?}");
        }
        self.last.0 += 1;
        self.waiting.push_back((self.last, token, response));
        effects.push(Effect::Propose { ticket: self.last, records });
    }

    fn decide(&self, request: AdminRequest) -> Decision {
        let view = View { settings: &self.settings, image: &self.image };
        match request {
            AdminRequest::CreateTopics { request, topic_ids } => {
                topics::create(view, &request, &topic_ids)
            }
            AdminRequest::DeleteTopics { request, api_version } => {
                deletion::delete(view, &request, api_version)
            }
            AdminRequest::CreatePartitions(request) => partitions::create(view, &request),
            AdminRequest::AlterConfigs(request) => configs::replace(view, &request),
            AdminRequest::IncrementalAlterConfigs(request) => configs::alter(view, &request),
            AdminRequest::AllocateProducerIds { broker, broker_epoch } => {
                brokers::allocate_producer_ids(view, broker, broker_epoch)
            }
            AdminRequest::RegisterBroker(registration) => brokers::register(view, &registration),
        }
    }

    fn committed(&mut self, ticket: Ticket, effects: &mut Vec<Effect>) {
        assert!(ticket <= self.last, "{ticket:?} was never proposed, the last was {:?}", self.last);
        while let Some((_, token, response)) = self.waiting.pop_front_if(|it| it.0 <= ticket) {
            effects.push(Effect::Reply { token, response });
        }
    }
}

/// The keys that occur more than once. Not quadratic: the sender chooses how many there are.
fn repeated<K: Ord>(keys: impl Iterator<Item = K>) -> BTreeSet<K> {
    let mut sorted: Vec<K> = keys.collect();
    sorted.sort();
    let mut repeated = BTreeSet::new();
    let mut sorted = sorted.into_iter().peekable();
    while let Some(key) = sorted.next() {
        if sorted.peek() == Some(&key) {
            repeated.insert(key);
        }
    }
    repeated
}

impl Decision {
    fn refused(refusal: Refusal) -> Self {
        Self { records: Vec::new(), response: AdminResponse::Refused(refusal) }
    }
}

#[cfg(test)]
mod tests;
