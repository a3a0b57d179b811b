//! What the controller hears and asks for.

use model::{BrokerEpoch, ErrorCode, NodeId, ProducerId, TopicId};
use wire::Uuid;
use wire::messages::alter_configs::{AlterConfigsRequest, AlterConfigsResponse};
use wire::messages::create_partitions::{CreatePartitionsRequest, CreatePartitionsResponse};
use wire::messages::create_topics::{CreateTopicsRequest, CreateTopicsResponse};
use wire::messages::delete_topics::{DeleteTopicsRequest, DeleteTopicsResponse};
use wire::messages::incremental_alter_configs::{
    IncrementalAlterConfigsRequest, IncrementalAlterConfigsResponse,
};
use wire::metadata::MetadataRecord;

use crate::image::Listener;

/// The driver's name for a request; comes back with the answer and means nothing here.
pub type Token = u64;

/// Names one proposal; counts up from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct Ticket(pub u64);

#[derive(Debug, Clone, PartialEq)]
pub enum Event {
    Request {
        token: Token,
        request: AdminRequest,
    },
    /// Every proposal up to this one is committed, and applied wherever the answer may be tested.
    Committed {
        ticket: Ticket,
    },
}

/// What to do, in this order.
#[derive(Debug, Clone, PartialEq)]
pub enum Effect {
    /// Append these records to the metadata log, after those of every earlier ticket.
    Propose {
        ticket: Ticket,
        records: Vec<MetadataRecord>,
    },
    Reply {
        token: Token,
        response: AdminResponse,
    },
}

/// A request that changes metadata. Its sender was allowed to make it.
#[derive(Debug, Clone, PartialEq)]
pub enum AdminRequest {
    CreateTopics {
        request: CreateTopicsRequest,
        /// One random id per topic of the request, in its order.
        topic_ids: Vec<TopicId>,
    },
    DeleteTopics {
        request: DeleteTopicsRequest,
        api_version: i16,
    },
    CreatePartitions(CreatePartitionsRequest),
    AlterConfigs(AlterConfigsRequest),
    IncrementalAlterConfigs(IncrementalAlterConfigsRequest),
    AllocateProducerIds {
        broker: NodeId,
        broker_epoch: BrokerEpoch,
    },
    RegisterBroker(Registration),
}

/// A broker that has just started.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Registration {
    pub broker: NodeId,
    /// Random, drawn by each process.
    pub incarnation_id: Uuid,
    pub listeners: Vec<Listener>,
    pub rack: Option<String>,
    pub directories: Vec<Uuid>,
}

#[derive(Debug, Clone, PartialEq)]
pub enum AdminResponse {
    CreateTopics(CreateTopicsResponse),
    DeleteTopics(DeleteTopicsResponse),
    CreatePartitions(CreatePartitionsResponse),
    AlterConfigs(AlterConfigsResponse),
    IncrementalAlterConfigs(IncrementalAlterConfigsResponse),
    /// Ids `first..first + count` belong to the broker alone.
    ProducerIds {
        first: ProducerId,
        count: u32,
    },
    Registered {
        broker_epoch: BrokerEpoch,
    },
    /// The request as a whole; for requests without a place for errors in their answer.
    Refused(Refusal),
}

/// An error code with the sentence that goes beside it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    pub code: ErrorCode,
    pub message: String,
}

impl Refusal {
    pub(crate) fn new(code: ErrorCode, message: impl Into<String>) -> Self {
        Self { code, message: message.into() }
    }
}
