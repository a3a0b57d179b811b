//! DescribeConfigs: every key of a topic or broker with value, source and synonyms (KIP-133, KIP-226).

use std::rc::Rc;

use controller::config::{self, EffectiveValue, Key, Scope};
use controller::{CONFIG_BROKER, CONFIG_TOPIC, Image};
use model::{ErrorCode, NodeId};
use runtime::Runtime;
use wire::messages::describe_configs::{
    DescribeConfigsRequest, DescribeConfigsResource, DescribeConfigsResourceResult,
    DescribeConfigsResponse, DescribeConfigsResult, DescribeConfigsSynonym,
};

use crate::net::{Close, RequestContext};
use crate::shard::Shard;

/// `ConfigResource.Type` of client metrics: nothing is configured for them here.
const CONFIG_CLIENT_METRICS: i8 = 16;

pub(crate) async fn handle<R: Runtime>(
    shard: &Rc<Shard<R>>,
    _: &RequestContext<'_>,
    request: DescribeConfigsRequest,
) -> Result<DescribeConfigsResponse, Close> {
    let image = shard.image.borrow();
    let view = View { image: &image, node: shard.boot.node_id, file: &shard.boot.properties };
    let results = request.resources.iter().map(|resource| {
        let described = view.describe(resource, &request);
        let (error, message, configs) = match described {
            Ok(configs) => (ErrorCode::None, None, configs),
            Err((error, message)) => (error, Some(message), Vec::new()),
        };
        DescribeConfigsResult {
            error_code: error.code(),
            error_message: message,
            resource_type: resource.resource_type,
            resource_name: resource.resource_name.clone(),
            configs,
        }
    });
    Ok(DescribeConfigsResponse { results: results.collect(), ..DescribeConfigsResponse::default() })
}

struct View<'a> {
    image: &'a Image,
    node: NodeId,
    file: &'a config::Values,
}

type Described = Result<Vec<DescribeConfigsResourceResult>, (ErrorCode, String)>;

impl View<'_> {
    fn describe(
        &self,
        resource: &DescribeConfigsResource,
        request: &DescribeConfigsRequest,
    ) -> Described {
        let name = resource.resource_name.as_str();
        let asked = |key: &&Key| {
            let keys = resource.configuration_keys.as_ref();
            keys.is_none_or(|keys| keys.iter().any(|asked| asked == key.name))
        };
        let invalid = |message: String| Err((ErrorCode::InvalidRequest, message));
        match resource.resource_type {
            CONFIG_TOPIC => {
                self.check_topic(name)?;
                let layers = self.image.config_layers(Some(name), self.node, self.file);
                let keys = config::TOPIC.iter().filter(asked);
                Ok(keys.map(|key| entry(key, layers.topic_value(key), request)).collect())
            }
            CONFIG_BROKER if name.is_empty() => {
                let set = self.image.configs(&controller::ConfigResource::all_brokers());
                let layers = self.image.config_layers(None, self.node, self.file);
                let keys = config::BROKER.iter().filter(asked);
                let keys = keys.filter(|key| set.contains_key(key.name));
                Ok(keys.map(|key| entry(key, layers.broker_value(key), request)).collect())
            }
            CONFIG_BROKER if name == self.node.to_string() => {
                let layers = self.image.config_layers(None, self.node, self.file);
                let keys = config::BROKER.iter().filter(asked);
                Ok(keys.map(|key| entry(key, layers.broker_value(key), request)).collect())
            }
            CONFIG_BROKER => invalid(format!(
                "Unexpected broker id, expected {} or empty string, but received {name}",
                self.node
            )),
            CONFIG_CLIENT_METRICS => Ok(Vec::new()),
            other => invalid(format!("configurations of resource type {other} do not exist here")),
        }
    }

    fn check_topic(&self, name: &str) -> Result<(), (ErrorCode, String)> {
        if !controller::is_topic_name(name) {
            let message = format!("{name:?} is not a topic name");
            return Err((ErrorCode::InvalidTopicException, message));
        }
        if self.image.topic_by_name(name).is_none() {
            let message = format!("there is no topic named {name}");
            return Err((ErrorCode::UnknownTopicOrPartition, message));
        }
        Ok(())
    }
}

fn entry(
    key: &Key,
    effective: EffectiveValue,
    request: &DescribeConfigsRequest,
) -> DescribeConfigsResourceResult {
    let sensitive = key.kind.is_sensitive();
    let shown = |value: String| Some(value).filter(|_| !sensitive);
    let synonyms = effective.synonyms.into_iter().map(|synonym| DescribeConfigsSynonym {
        name: synonym.name.to_owned(),
        value: shown(synonym.value),
        source: synonym.source.code(),
    });
    DescribeConfigsResourceResult {
        name: key.name.to_owned(),
        value: effective.value.and_then(shown),
        read_only: key.scope == Scope::ReadOnly,
        config_source: effective.source.code(),
        is_sensitive: sensitive,
        synonyms: if request.include_synonyms { synonyms.collect() } else { Vec::new() },
        config_type: key.kind.code(),
        documentation: request.include_documentation.then(|| key.doc.to_owned()),
    }
}
