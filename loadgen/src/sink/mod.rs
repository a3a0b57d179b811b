//! A broker that does nothing: it acknowledges at once and serves fetches from memory.
//!
//! What a run against it measures is the harness itself: the floor under every result. It speaks
//! just enough of the protocol for this load generator, keeps one copy of recent records and forgets
//! the rest. Not for anything else.

mod log;
mod session;

use client::Frames;
use core::cell::RefCell;
use core::time::Duration;
use model::{Buf, TopicId};
use runtime::sync::{First, Notify, race};
use runtime::{Conn, Listener, More, Runtime, TaskClass};
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::rc::Rc;
use wire::frame::{REQUEST_BYTES_MAX, RequestHeader, decode_request_header, encode_response};
use wire::messages::api_versions::{ApiVersion, ApiVersionsResponse};
use wire::messages::create_topics::{
    CreatableTopicResult, CreateTopicsRequest, CreateTopicsResponse,
};
use wire::messages::delete_topics::{
    DeletableTopicResult, DeleteTopicsRequest, DeleteTopicsResponse,
};
use wire::messages::describe_configs::DescribeConfigsResponse;
use wire::messages::fetch::FetchRequest;
use wire::messages::init_producer_id::InitProducerIdResponse;
use wire::messages::list_offsets::{
    ListOffsetsPartitionResponse, ListOffsetsRequest, ListOffsetsResponse, ListOffsetsTopicResponse,
};
use wire::messages::metadata::{
    MetadataRequest, MetadataResponse, MetadataResponseBroker, MetadataResponsePartition,
    MetadataResponseTopic,
};
use wire::messages::produce::{
    PartitionProduceResponse, ProduceRequest, ProduceResponse, TopicProduceResponse,
};
use wire::messages::{APIS, ApiKey};
use wire::{Message, Reader, Response};

use log::Log;
use session::Session;

/// The one broker of this cluster.
const NODE_ID: i32 = 0;
const UNKNOWN_TOPIC_OR_PARTITION: i16 = 3;
const PARTITIONS_MAX: i32 = 10_000;

const SERVED: [ApiKey; 9] = [
    ApiKey::Produce,
    ApiKey::Fetch,
    ApiKey::ListOffsets,
    ApiKey::Metadata,
    ApiKey::ApiVersions,
    ApiKey::CreateTopics,
    ApiKey::DeleteTopics,
    ApiKey::InitProducerId,
    ApiKey::DescribeConfigs,
];

/// Everything the sink knows.
struct Sink {
    at: SocketAddr,
    topics: RefCell<BTreeMap<TopicId, Topic>>,
    next_topic: RefCell<u64>,
    /// Records were appended.
    appended: Notify,
}

struct Topic {
    name: String,
    logs: Vec<Log>,
}

/// Serves connections until the task is dropped.
pub async fn serve<R: Runtime>(rt: R, listener: R::Listener) {
    let sink = Rc::new(Sink {
        at: listener.local_addr(),
        topics: RefCell::default(),
        next_topic: RefCell::new(1),
        appended: Notify::new(),
    });
    while let Ok(conn) = listener.accept().await {
        let connection = answer_all(rt.clone(), Rc::clone(&sink), conn);
        rt.spawn("sink connection", TaskClass::Latency, connection);
    }
}

async fn answer_all<R: Runtime>(rt: R, sink: Rc<Sink>, conn: R::Conn) {
    let mut frames = Frames::new(rt.clone(), conn.clone(), REQUEST_BYTES_MAX);
    let mut session = Session::default();
    while let Ok(Some(frame)) = frames.next().await {
        let Some(answer) = sink.answer(&rt, &mut session, &frame).await else { break };
        if !answer.is_empty() && conn.send(answer, More::Done).await.is_err() {
            break;
        }
    }
    conn.shutdown();
}

impl Sink {
    /// The answer to one request: `None` closes the connection, no pieces is no answer.
    async fn answer<R: Runtime>(
        &self,
        rt: &R,
        session: &mut Session,
        frame: &Buf,
    ) -> Option<Vec<Buf>> {
        let (header, mut body) = decode_request_header(frame).ok()?;
        match header.api.key {
            ApiKey::Produce => {
                let request = ProduceRequest::decode(&mut body, header.version).ok()?;
                let acks = request.acks;
                let response = self.produce(request, header.version);
                if acks == 0 { Some(Vec::new()) } else { encode(&header, &response) }
            }
            ApiKey::Fetch => {
                let request = FetchRequest::decode(&mut body, header.version).ok()?;
                let wait = Duration::from_millis(u64::try_from(request.max_wait_ms).unwrap_or(0));
                session.take(&request);
                self.wait_for_records(rt, session, wait).await;
                encode(&header, &session.response(&self.topics.borrow()))
            }
            ApiKey::ApiVersions => encode(&header, &versions()),
            ApiKey::InitProducerId => {
                let response =
                    InitProducerIdResponse { producer_id: 1, ..InitProducerIdResponse::default() };
                encode(&header, &response)
            }
            ApiKey::DescribeConfigs => encode(&header, &DescribeConfigsResponse::default()),
            _ => self.admin(&header, &mut body),
        }
    }

    fn admin(&self, header: &RequestHeader<'_>, body: &mut Reader<'_>) -> Option<Vec<Buf>> {
        let version = header.version;
        match header.api.key {
            ApiKey::Metadata => {
                let request = MetadataRequest::decode(body, version).ok()?;
                encode(header, &self.metadata(request))
            }
            ApiKey::CreateTopics => {
                let request = CreateTopicsRequest::decode(body, version).ok()?;
                encode(header, &self.create(request)?)
            }
            ApiKey::DeleteTopics => {
                let request = DeleteTopicsRequest::decode(body, version).ok()?;
                encode(header, &self.delete(request))
            }
            ApiKey::ListOffsets => {
                let request = ListOffsetsRequest::decode(body, version).ok()?;
                encode(header, &self.ends(request))
            }
            _ => None,
        }
    }

    fn produce(&self, request: ProduceRequest, version: i16) -> ProduceResponse {
        let mut topics = self.topics.borrow_mut();
        let mut responses = Vec::with_capacity(request.topic_data.len());
        for data in request.topic_data {
            let id = if version >= 13 { Some(data.topic_id) } else { id_of(&topics, &data.name) };
            let mut topic = id.and_then(|id| topics.get_mut(&id));
            let mut partition_responses = Vec::with_capacity(data.partition_data.len());
            for partition in data.partition_data {
                let log = topic.as_mut().and_then(|topic| topic.log_mut(partition.index));
                let records = partition.records.unwrap_or_default();
                let base_offset = log.and_then(|log| log.append(records));
                partition_responses.push(PartitionProduceResponse {
                    index: partition.index,
                    error_code: if base_offset.is_some() { 0 } else { UNKNOWN_TOPIC_OR_PARTITION },
                    base_offset: base_offset.map_or(-1, |offset| offset.0),
                    ..PartitionProduceResponse::default()
                });
            }
            let (name, topic_id) = (data.name, data.topic_id);
            responses.push(TopicProduceResponse { name, topic_id, partition_responses });
        }
        self.appended.notify();
        ProduceResponse { responses, ..ProduceResponse::default() }
    }

    async fn wait_for_records<R: Runtime>(&self, rt: &R, session: &Session, wait: Duration) {
        let deadline = rt.now().mono + wait;
        while !session.has_records(&self.topics.borrow()) {
            match race(self.appended.notified(), rt.sleep_until(deadline)).await {
                First::Left(()) => {}
                First::Right(()) => return,
            }
        }
    }

    fn metadata(&self, request: MetadataRequest) -> MetadataResponse {
        let topics = self.topics.borrow();
        let asked: Option<Vec<String>> =
            request.topics.map(|names| names.into_iter().filter_map(|topic| topic.name).collect());
        let told = |(id, topic): (&TopicId, &Topic)| {
            let partitions =
                (0..).zip(&topic.logs).map(|(partition_index, _)| MetadataResponsePartition {
                    partition_index,
                    leader_id: NODE_ID,
                    leader_epoch: 0,
                    replica_nodes: vec![NODE_ID],
                    isr_nodes: vec![NODE_ID],
                    ..MetadataResponsePartition::default()
                });
            MetadataResponseTopic {
                name: Some(topic.name.clone()),
                topic_id: *id,
                partitions: partitions.collect(),
                ..MetadataResponseTopic::default()
            }
        };
        let wanted = |topic: &Topic| asked.as_ref().is_none_or(|names| names.contains(&topic.name));
        MetadataResponse {
            brokers: vec![MetadataResponseBroker {
                node_id: NODE_ID,
                host: self.at.ip().to_string(),
                port: self.at.port().into(),
                rack: None,
            }],
            controller_id: NODE_ID,
            topics: topics.iter().filter(|(_, topic)| wanted(topic)).map(told).collect(),
            ..MetadataResponse::default()
        }
    }

    fn create(&self, request: CreateTopicsRequest) -> Option<CreateTopicsResponse> {
        let mut response = CreateTopicsResponse::default();
        for topic in request.topics {
            let count =
                Some(topic.num_partitions).filter(|it| (1..=PARTITIONS_MAX).contains(it))?;
            let mut next = self.next_topic.borrow_mut();
            let topic_id = TopicId::from_random(0, *next);
            *next += 1;
            let logs = (0..count).map(|_| Log::new()).collect();
            let name = topic.name;
            self.topics.borrow_mut().insert(topic_id, Topic { name: name.clone(), logs });
            response.topics.push(CreatableTopicResult {
                name,
                topic_id,
                num_partitions: count,
                replication_factor: 1,
                configs: Some(Vec::new()),
                ..CreatableTopicResult::default()
            });
        }
        Some(response)
    }

    fn delete(&self, request: DeleteTopicsRequest) -> DeleteTopicsResponse {
        let named = request.topics.into_iter().filter_map(|topic| topic.name);
        let names: Vec<String> = named.chain(request.topic_names).collect();
        self.topics.borrow_mut().retain(|_, topic| !names.contains(&topic.name));
        let deleted =
            |name| DeletableTopicResult { name: Some(name), ..DeletableTopicResult::default() };
        let responses = names.into_iter().map(deleted).collect();
        DeleteTopicsResponse { throttle_time_ms: 0, responses }
    }

    fn ends(&self, request: ListOffsetsRequest) -> ListOffsetsResponse {
        let topics = self.topics.borrow();
        let answered = request.topics.into_iter().map(|asked| {
            let topic = id_of(&topics, &asked.name).and_then(|id| topics.get(&id));
            let partitions = asked.partitions.into_iter().map(|partition| {
                let log = topic.and_then(|topic| topic.log(partition.partition_index));
                ListOffsetsPartitionResponse {
                    partition_index: partition.partition_index,
                    error_code: if log.is_some() { 0 } else { UNKNOWN_TOPIC_OR_PARTITION },
                    offset: log.map_or(-1, |log| log.end().0),
                    ..ListOffsetsPartitionResponse::default()
                }
            });
            let partitions = partitions.collect();
            ListOffsetsTopicResponse { name: asked.name, partitions }
        });
        ListOffsetsResponse { throttle_time_ms: 0, topics: answered.collect() }
    }
}

impl Topic {
    fn log(&self, partition: i32) -> Option<&Log> {
        self.logs.get(usize::try_from(partition).ok()?)
    }

    fn log_mut(&mut self, partition: i32) -> Option<&mut Log> {
        self.logs.get_mut(usize::try_from(partition).ok()?)
    }
}

fn id_of(topics: &BTreeMap<TopicId, Topic>, name: &str) -> Option<TopicId> {
    topics.iter().find(|(_, topic)| topic.name == name).map(|(id, _)| *id)
}

fn versions() -> ApiVersionsResponse {
    let served = APIS.iter().filter(|api| SERVED.contains(&api.key));
    let row = |api: &wire::Api| ApiVersion {
        api_key: api.key as i16,
        min_version: api.version_min,
        max_version: api.version_max,
    };
    ApiVersionsResponse { api_keys: served.map(row).collect(), ..ApiVersionsResponse::default() }
}

fn encode<T: Response>(header: &RequestHeader<'_>, response: &T) -> Option<Vec<Buf>> {
    let limit = REQUEST_BYTES_MAX;
    let frame = encode_response(response, header.version, header.correlation_id, limit).ok()?;
    Some(frame.into_bufs())
}
