//! ListConfigResources: what has a configuration (KIP-714, KIP-1142).

use std::rc::Rc;

use controller::{CONFIG_BROKER, CONFIG_TOPIC, Image};
use model::ErrorCode;
use runtime::Runtime;
use wire::messages::list_config_resources::{
    ConfigResource, ListConfigResourcesRequest, ListConfigResourcesResponse,
};

use crate::net::{Close, RequestContext};
use crate::shard::Shard;

const CONFIG_BROKER_LOGGER: i8 = 8;
const CONFIG_CLIENT_METRICS: i8 = 16;
const CONFIG_GROUP: i8 = 32;

pub(crate) async fn handle<R: Runtime>(
    shard: &Rc<Shard<R>>,
    context: &RequestContext<'_>,
    request: ListConfigResourcesRequest,
) -> Result<ListConfigResourcesResponse, Close> {
    // Version 0 lists client metrics alone, and there are none.
    let types: &[i8] = if context.version == 0 {
        &[CONFIG_CLIENT_METRICS]
    } else if request.resource_types.is_empty() {
        &[CONFIG_TOPIC, CONFIG_BROKER, CONFIG_BROKER_LOGGER, CONFIG_CLIENT_METRICS, CONFIG_GROUP]
    } else {
        &request.resource_types
    };
    Ok(respond(types, &shard.image.borrow()))
}

fn respond(types: &[i8], image: &Image) -> ListConfigResourcesResponse {
    let mut response = ListConfigResourcesResponse::default();
    for &resource_type in types {
        let names: Vec<String> = match resource_type {
            CONFIG_TOPIC => image.topics().map(|topic| topic.name.clone()).collect(),
            CONFIG_BROKER | CONFIG_BROKER_LOGGER => {
                image.brokers().map(|broker| broker.id.to_string()).collect()
            }
            CONFIG_CLIENT_METRICS | CONFIG_GROUP => Vec::new(),
            _ => {
                return ListConfigResourcesResponse {
                    error_code: ErrorCode::UnsupportedVersion.code(),
                    ..ListConfigResourcesResponse::default()
                };
            }
        };
        let resources =
            names.into_iter().map(|resource_name| ConfigResource { resource_name, resource_type });
        response.config_resources.extend(resources);
    }
    response
}
