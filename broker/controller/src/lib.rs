//! Cluster metadata as a pure core: records, image and deltas, decisions; and the configuration table.

pub mod config;
