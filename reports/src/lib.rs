//! What a measurement leaves behind: a schema with stable field names, and the same run as one
//! HTML page, as Markdown and as tables for a terminal.
//!
//! Promises: a report that was written can be read and rendered again by a later version; the HTML
//! page is one file that loads nothing. Does not: measure, judge, or touch files.

mod schema;

pub mod histogram;

mod chart;
mod format;
mod html;
mod markdown;
mod summary;
mod terminal;

#[cfg(test)]
mod sample;

pub use format::{bytes, count, duration_us, rate, utc};
pub use html::page;
pub use markdown::markdown;
pub use schema::{
    Floor, Interval, Labels, Latency, Metric, PERCENTILES, Percentile, Records, Report, Resources,
    SCHEMA, Target, Throughput, Verdict, Verify, VerifyExample,
};
pub use terminal::{latency_table, verdict_lines};
