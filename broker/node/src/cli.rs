//! What people ask of a running cluster: `broker topic|group|cluster|produce|consume …`, over the shared client.
//!
//! Promises: results go to standard output, as a table or as JSON, and everything else to standard error; the exit
//! code is 0 only when everything that was asked for was done, 1 when something was not, 2 for bad usage.
//! Does not: listen, or touch a data directory.

pub(crate) mod cluster;
mod completions;
mod config_args;
pub(crate) mod consume;
mod duration;
mod failure;
pub(crate) mod group;
mod instant;
mod json_record;
mod output;
pub(crate) mod produce;
mod session;
mod stdin;
mod table;
pub(crate) mod topic;

pub(crate) use cluster::ClusterArgs;
pub(crate) use completions::completions;
pub(crate) use consume::ConsumeArgs;
pub(crate) use group::GroupArgs;
pub(crate) use produce::ProduceArgs;
pub(crate) use topic::TopicArgs;
