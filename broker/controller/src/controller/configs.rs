//! AlterConfigs (the whole configuration of a resource) and IncrementalAlterConfigs (key by key).
//!
//! Source: Kafka `ConfigurationControlManager`, KIP-133, KIP-226, KIP-339.

use std::collections::BTreeSet;

use model::{ErrorCode, NodeId};
use wire::STRING_BYTES_MAX;
use wire::messages::alter_configs::{
    AlterConfigsRequest, AlterConfigsResourceResponse, AlterConfigsResponse,
};
use wire::messages::incremental_alter_configs::{
    self as incremental, IncrementalAlterConfigsRequest, IncrementalAlterConfigsResponse,
};
use wire::metadata::MetadataRecord;

use super::{Decision, View, repeated};
use crate::config::{
    self, BROKER, ConfigError, Key, Scope, Support, TOPIC, Values, broker_key, closest, list_items,
    parse, topic_key, validate_topic,
};
use crate::image::{CONFIG_BROKER, CONFIG_TOPIC, ConfigResource};
use crate::{AdminResponse, Refusal};

/// Replaces the configuration of each resource: what is not named is taken back.
pub(super) fn replace(view: View<'_>, request: &AlterConfigsRequest) -> Decision {
    let mut records = Vec::new();
    let mut responses = Vec::new();
    let resources = request.resources.iter();
    let repeated = repeated(resources.map(|it| (it.resource_type, it.resource_name.as_str())));
    for it in &request.resources {
        let resource =
            ConfigResource { resource_type: it.resource_type, name: it.resource_name.clone() };
        let replaced = check_once(&repeated, &resource)
            .and_then(|()| check_resource(view, &resource))
            .and_then(|()| {
                let mut values = Values::new();
                for config in &it.configs {
                    let Some(value) = &config.value else {
                        return Err(invalid(&ConfigError::Null { name: config.name.clone() }));
                    };
                    values.insert(config.name.clone(), value.clone());
                }
                change(view, &resource, values)
            });
        let (code, message) = outcome(replaced, &mut records);
        responses.push(AlterConfigsResourceResponse {
            error_code: code.code(),
            error_message: message,
            resource_type: it.resource_type,
            resource_name: it.resource_name.clone(),
        });
    }
    if request.validate_only {
        records.clear();
    }
    let response = AlterConfigsResponse { responses, ..Default::default() };
    Decision { records, response: AdminResponse::AlterConfigs(response) }
}

/// Changes single keys of each resource.
pub(super) fn alter(view: View<'_>, request: &IncrementalAlterConfigsRequest) -> Decision {
    let mut records = Vec::new();
    let mut responses = Vec::new();
    let resources = request.resources.iter();
    let repeated = repeated(resources.map(|it| (it.resource_type, it.resource_name.as_str())));
    for it in &request.resources {
        let resource =
            ConfigResource { resource_type: it.resource_type, name: it.resource_name.clone() };
        let altered = check_once(&repeated, &resource)
            .and_then(|()| check_resource(view, &resource))
            .and_then(|()| edited(view, &resource, &it.configs))
            .and_then(|values| change(view, &resource, values));
        let (code, message) = outcome(altered, &mut records);
        responses.push(incremental::AlterConfigsResourceResponse {
            error_code: code.code(),
            error_message: message,
            resource_type: it.resource_type,
            resource_name: it.resource_name.clone(),
        });
    }
    if request.validate_only {
        records.clear();
    }
    let response = IncrementalAlterConfigsResponse { responses, ..Default::default() };
    Decision { records, response: AdminResponse::IncrementalAlterConfigs(response) }
}

fn outcome(
    changed: Result<Vec<MetadataRecord>, Refusal>,
    records: &mut Vec<MetadataRecord>,
) -> (ErrorCode, Option<String>) {
    match changed {
        Ok(changed) => {
            records.extend(changed);
            (ErrorCode::None, None)
        }
        Err(refusal) => (refusal.code, Some(refusal.message)),
    }
}

fn invalid(error: &ConfigError) -> Refusal {
    Refusal::new(ErrorCode::InvalidConfig, error.to_string())
}

fn check_once(repeated: &BTreeSet<(i8, &str)>, resource: &ConfigResource) -> Result<(), Refusal> {
    if repeated.contains(&(resource.resource_type, resource.name.as_str())) {
        let why = "the request names this resource more than once";
        return Err(Refusal::new(ErrorCode::InvalidRequest, why));
    }
    Ok(())
}

/// The resource exists and can have a configuration.
fn check_resource(view: View<'_>, resource: &ConfigResource) -> Result<(), Refusal> {
    let name = &resource.name;
    match resource.resource_type {
        CONFIG_TOPIC if view.image.topic_by_name(name).is_some() => Ok(()),
        CONFIG_TOPIC => Err(Refusal::new(
            ErrorCode::UnknownTopicOrPartition,
            format!("topic {name} does not exist"),
        )),
        CONFIG_BROKER if name.is_empty() => Ok(()),
        CONFIG_BROKER => match name.parse().map(NodeId) {
            Ok(id) if view.image.broker(id).is_some() => Ok(()),
            Ok(id) => Err(Refusal::new(
                ErrorCode::BrokerIdNotRegistered,
                format!("broker {id} is not registered"),
            )),
            Err(_) => Err(Refusal::new(
                ErrorCode::InvalidRequest,
                format!("a broker is named by its number, not {name:?}"),
            )),
        },
        other => Err(Refusal::new(
            ErrorCode::InvalidRequest,
            format!("resources of type {other} have no configuration here"),
        )),
    }
}

fn key_of(resource: &ConfigResource, name: &str) -> Result<&'static Key, Refusal> {
    let (key, table) = match resource.resource_type {
        CONFIG_TOPIC => (topic_key(name), TOPIC),
        _ => (broker_key(name), BROKER),
    };
    key.ok_or_else(|| {
        let closest = closest(name, table);
        invalid(&ConfigError::UnknownKey { name: name.to_owned(), closest })
    })
}

/// The resource's values after the operations.
fn edited(
    view: View<'_>,
    resource: &ConfigResource,
    operations: &[incremental::AlterableConfig],
) -> Result<Values, Refusal> {
    let mut values = view.image.configs(resource).clone();
    if let Some(name) = repeated(operations.iter().map(|it| it.name.as_str())).first() {
        let why = format!("the request changes {name} more than once");
        return Err(Refusal::new(ErrorCode::InvalidRequest, why));
    }
    for operation in operations {
        let name = &operation.name;
        if operation.config_operation == DELETE {
            // Also for a key that this version no longer knows: how else would it go away?
            values.remove(name);
            continue;
        }
        let Some(text) = &operation.value else {
            let why = format!("{name} needs a value");
            return Err(Refusal::new(ErrorCode::InvalidRequest, why));
        };
        let text = match operation.config_operation {
            SET => text.clone(),
            APPEND | SUBTRACT => {
                let key = key_of(resource, name)?;
                let current = current_items(view, resource, key, &values)?;
                merged(current, text, operation.config_operation)
            }
            other => {
                let why = format!("there is no configuration operation {other}");
                return Err(Refusal::new(ErrorCode::InvalidRequest, why));
            }
        };
        values.insert(name.clone(), text);
    }
    Ok(values)
}

/// `config_operation` of IncrementalAlterConfigs.
const SET: i8 = 0;
const DELETE: i8 = 1;
const APPEND: i8 = 2;
const SUBTRACT: i8 = 3;

/// The list that a change starts from: the resource's own, else what the file or the table says.
fn current_items(
    view: View<'_>,
    resource: &ConfigResource,
    key: &'static Key,
    values: &Values,
) -> Result<Vec<String>, Refusal> {
    if !key.kind.is_list() {
        let why = format!("{} is no list: nothing can be appended or subtracted", key.name);
        return Err(Refusal::new(ErrorCode::InvalidConfig, why));
    }
    if let Some(own) = values.get(key.name) {
        return Ok(list_items(own));
    }
    let empty = Values::new();
    let layers = config::Layers {
        topic: &empty,
        broker: &empty,
        cluster_default: &empty,
        file: &view.settings.file,
    };
    let inherited = match resource.resource_type {
        CONFIG_TOPIC => layers.topic_value(key),
        _ => layers.broker_value(key),
    };
    Ok(inherited.value.map_or(Vec::new(), |text| list_items(&text)))
}

fn merged(mut items: Vec<String>, text: &str, operation: i8) -> String {
    for item in list_items(text) {
        if operation == SUBTRACT {
            items.retain(|kept| *kept != item);
        } else if !items.contains(&item) {
            items.push(item);
        }
    }
    items.join(",")
}

/// Checks the new values as a whole and says what has to be written to get there.
fn change(
    view: View<'_>,
    resource: &ConfigResource,
    values: Values,
) -> Result<Vec<MetadataRecord>, Refusal> {
    let current = view.image.configs(resource);
    let changed: Vec<_> =
        values.iter().filter(|(name, v)| current.get(*name) != Some(*v)).collect();
    // Appending can outgrow what a record of the metadata log holds.
    if let Some((name, text)) = changed.iter().find(|(_, text)| text.len() > STRING_BYTES_MAX) {
        let why = format!("{name} has {} bytes, the limit is {STRING_BYTES_MAX}", text.len());
        return Err(Refusal::new(ErrorCode::InvalidConfig, why));
    }
    match resource.resource_type {
        CONFIG_TOPIC => validate_topic(&values).map_err(|error| invalid(&error))?,
        _ => {
            for (name, text) in &changed {
                check_broker_value(resource, name, text)?;
            }
        }
    }
    let set = changed.into_iter().map(|(name, text)| (name, Some(text.clone())));
    let unset = current.keys().filter(|name| !values.contains_key(*name)).map(|name| (name, None));
    let records = set.chain(unset).map(|(name, value)| resource.record(name.clone(), value).into());
    Ok(records.collect())
}

fn check_broker_value(resource: &ConfigResource, name: &str, text: &str) -> Result<(), Refusal> {
    let key = key_of(resource, name)?;
    let refuse = |why: &str| Err(Refusal::new(ErrorCode::InvalidRequest, format!("{name} {why}")));
    let for_all = resource.name.is_empty();
    match key.scope {
        _ if key.support == Support::Refused => {
            return refuse("asks for security that this broker cannot give");
        }
        Scope::ReadOnly => return refuse("can only be set in the file, before a start"),
        Scope::PerBroker if for_all => return refuse("is set for each broker on its own"),
        Scope::PerBroker | Scope::ClusterWide | Scope::Topic => {}
    }
    parse(key, text).map(drop).map_err(|error| invalid(&error))
}
