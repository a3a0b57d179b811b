//! Registration of brokers, and blocks of producer ids for them.
//!
//! Source: Kafka `ClusterControlManager`, `ProducerIdControlManager`.

use model::{BrokerEpoch, ErrorCode, NodeId, ProducerId};
use wire::metadata::{
    FeatureLevelRecord, MetadataRecord, PartitionChangeRecord, ProducerIdsRecord,
};

use super::{Decision, View};
use crate::image::BrokerImage;
use crate::{AdminResponse, Refusal, Registration};

/// Producer ids handed out at once.
const PRODUCER_IDS_PER_BLOCK: u32 = 1_000;

/// Feature levels that the first registration writes: those of Kafka 4.3 that work here.
const FEATURES: &[(&str, i16)] = &[("metadata.version", 30), ("group.version", 1)];

/// Registers a broker, unfenced at once: with one node there is nobody to wait for.
pub(super) fn register(view: View<'_>, registration: &Registration) -> Decision {
    let known = view.image.broker(registration.broker);
    if let Some(known) = known.filter(|it| it.incarnation_id == registration.incarnation_id) {
        // The same process asks again, because the first answer was lost.
        let response = AdminResponse::Registered { broker_epoch: known.epoch };
        return Decision { records: Vec::new(), response };
    }
    let newest = view.image.brokers().map(|broker| broker.epoch.0).max();
    let broker_epoch = BrokerEpoch(newest.map_or(0, |newest| newest + 1));
    let broker = BrokerImage {
        id: registration.broker,
        epoch: broker_epoch,
        incarnation_id: registration.incarnation_id,
        listeners: registration.listeners.clone(),
        rack: registration.rack.clone(),
        fenced: false,
        in_controlled_shutdown: false,
        directories: registration.directories.clone(),
    };
    let mut records: Vec<MetadataRecord> = Vec::new();
    if view.image.features().is_empty() {
        records.extend(FEATURES.iter().map(|(name, level)| {
            let name = (*name).to_owned();
            MetadataRecord::from(FeatureLevelRecord { name, feature_level: *level })
        }));
    }
    records.push(broker.record().into());
    records.extend(new_leader_epochs(view, registration.broker));
    Decision { records, response: AdminResponse::Registered { broker_epoch } }
}

/// Starts a new leader epoch wherever the broker leads, or could lead and nobody does.
///
/// A restart may have lost what was not durable; were the epoch the same, two different records
/// could share offset and epoch, and no reader could tell.
fn new_leader_epochs(view: View<'_>, broker: NodeId) -> Vec<MetadataRecord> {
    let mut records = Vec::new();
    for topic in view.image.topics() {
        for (partition, index) in topic.partitions.iter().zip(0..) {
            // A sole replica is the best there is, also where nobody is in sync: Kafka's controller
            // empties the in-sync set of a broker that stops (KIP-966).
            let sole = partition.replicas == [broker];
            let leads = partition.leader == Some(broker)
                || (partition.leader.is_none() && (sole || partition.isr.contains(&broker)));
            if leads {
                records.push(
                    PartitionChangeRecord {
                        partition_id: index,
                        topic_id: topic.id,
                        leader: broker.0,
                        isr: sole.then(|| vec![broker.0]),
                        ..Default::default()
                    }
                    .into(),
                );
            }
        }
    }
    records
}

/// Gives the next block of producer ids to a broker.
pub(super) fn allocate_producer_ids(
    view: View<'_>,
    broker: NodeId,
    broker_epoch: BrokerEpoch,
) -> Decision {
    match view.image.broker(broker) {
        None => {
            let why = format!("broker {broker} is not registered");
            return Decision::refused(Refusal::new(ErrorCode::BrokerIdNotRegistered, why));
        }
        Some(known) if known.epoch != broker_epoch => {
            let why = format!("broker {broker} is registered with epoch {}", known.epoch);
            return Decision::refused(Refusal::new(ErrorCode::StaleBrokerEpoch, why));
        }
        Some(_) => {}
    }
    let first = view.image.next_producer_id();
    let Some(next) = first.0.checked_add(PRODUCER_IDS_PER_BLOCK.into()) else {
        let why = "all producer ids are handed out";
        return Decision::refused(Refusal::new(ErrorCode::UnknownServerError, why));
    };
    let record = ProducerIdsRecord {
        broker_id: broker.0,
        broker_epoch: broker_epoch.0,
        next_producer_id: next,
    };
    Decision {
        records: vec![record.into()],
        response: AdminResponse::ProducerIds {
            first: ProducerId(first.0),
            count: PRODUCER_IDS_PER_BLOCK,
        },
    }
}
