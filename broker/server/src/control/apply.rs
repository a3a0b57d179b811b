//! Every shard's side: committed records change the image, the image changes topics and partitions.

use std::collections::BTreeSet;
use std::rc::Rc;

use controller::{CONFIG_TOPIC, Image, TopicImage};
use model::TopicId;
use runtime::Runtime;
use wire::metadata::MetadataRecord;

use super::{Delta, driver};
use crate::settings::TopicSettings;
use crate::shard::{Shard, serve_ahead};
use crate::topics;

/// What a delta touches.
#[derive(Default)]
struct Touched {
    changed: BTreeSet<TopicId>,
    removed: BTreeSet<TopicId>,
    /// A broker's own value is a default of every topic.
    broker_configs: bool,
}

/// Brings this shard's image forward, then its topics and partitions, then serves who waited for them.
pub(crate) async fn apply<R: Runtime>(shard: &Rc<Shard<R>>, delta: &Delta) {
    let touched = {
        let mut image = shard.image.borrow_mut();
        let mut touched = Touched::default();
        for record in &delta.records {
            // Before it is applied: a removed topic is still there to be found.
            touched.note(record, &image);
            if let Err(error) = image.apply(record) {
                return driver::stop_node(shard, &error.to_string());
            }
        }
        image.advance_to(delta.end);
        shard.mesh.stamp_with(delta.end);
        touched
    };
    for id in &touched.removed {
        topics::topic_removed(shard, *id).await;
    }
    topics::topics_changed(shard, changed_topics(shard, &touched)).await;
    serve_ahead(shard, delta.end);
}

impl Touched {
    fn note(&mut self, record: &MetadataRecord, image: &Image) {
        match record {
            MetadataRecord::Topic(it) => {
                self.changed.insert(it.topic_id);
            }
            MetadataRecord::Partition(it) => {
                self.changed.insert(it.topic_id);
            }
            MetadataRecord::PartitionChange(it) => {
                self.changed.insert(it.topic_id);
            }
            MetadataRecord::RemoveTopic(it) => {
                self.changed.remove(&it.topic_id);
                self.removed.insert(it.topic_id);
            }
            MetadataRecord::Config(it) if it.resource_type == CONFIG_TOPIC => {
                self.changed.extend(image.topic_by_name(&it.resource_name).map(|topic| topic.id));
            }
            MetadataRecord::Config(_) => self.broker_configs = true,
            MetadataRecord::RegisterBroker(_)
            | MetadataRecord::UnregisterBroker(_)
            | MetadataRecord::BrokerRegistrationChange(_)
            | MetadataRecord::FeatureLevel(_)
            | MetadataRecord::ProducerIds(_)
            | MetadataRecord::NoOp(_)
            | MetadataRecord::BeginTransaction(_)
            | MetadataRecord::EndTransaction(_)
            | MetadataRecord::AbortTransaction(_) => {}
        }
    }
}

/// The topics to bring up to date, with the settings that hold for each now.
fn changed_topics<R: Runtime>(
    shard: &Shard<R>,
    touched: &Touched,
) -> Vec<(TopicImage, TopicSettings)> {
    let image = shard.image.borrow();
    let concerned = image
        .topics()
        .filter(|topic| touched.broker_configs || touched.changed.contains(&topic.id));
    let with_settings = concerned.map(|topic| {
        let layers =
            image.config_layers(Some(&topic.name), shard.boot.node_id, &shard.boot.properties);
        (topic.clone(), TopicSettings::new(layers))
    });
    with_settings.collect()
}
