//! Open-loop load generator for any Kafka-compatible broker.
//!
//! Reading order: `plan` (what is asked), `schedule` (when each record is due), `load` (the run),
//! `timeline` and `bins` (latencies), `judge` (what may be concluded), `report` (the result).
//!
//! The rules of measurement, in words, are in the README of this folder.

pub mod args;
pub mod bins;
pub mod child;
pub mod command;
pub mod interval;
pub mod judge;
pub mod load;
pub mod machine;
pub mod null;
pub mod number;
pub mod payload;
pub mod plan;
pub mod progress;
pub mod ranges;
pub mod report;
pub mod schedule;
pub mod sink;
pub mod timeline;
