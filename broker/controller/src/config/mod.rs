//! Configuration: one declarative table gives parsing, defaults, bounds, documentation and what
//! DescribeConfigs answers.
//!
//! Names, types, defaults and ranges are those of Kafka 4.3 (`TopicConfig`, `ServerConfigs`,
//! `ServerLogConfigs`, `CleanerConfig`, `SocketServerConfigs`), but for one default:
//! `log.flush.interval.messages` is 1, because an acknowledgement means "on disk" here.

mod broker;
mod definition;
mod effective;
mod properties;
mod topic;
mod value;

pub use broker::{BROKER, broker_definition};
pub use definition::{Bounds, Definition, Effect, Kind, Scope};
pub use effective::{Entry, Layers, Source, Synonym, describe_broker, describe_topic};
pub use properties::{PropertiesError, parse_properties, suggestion};
pub use topic::{TOPIC, TopicDefinition, topic_definition};
pub use value::{Invalid, boolean, integer, list};
