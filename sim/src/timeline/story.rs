//! A report as lanes over time. Times are microseconds on the world's clock.

use serde::Serialize;

use super::claim::Claim;
use super::clients::{Client, clients};
use super::clock::{BEGINNING_US, us};
use super::faults::{FaultRow, rows};
use super::names::Names;
use super::nodes::{Node, nodes, phases};
use super::partitions::{Partition, partitions};
use crate::plan::Plan;
use crate::run::Report;

pub(super) struct Story {
    pub(super) end_us: u64,
    pub(super) phases: Vec<Stretch>,
    pub(super) nodes: Vec<Node>,
    pub(super) faults: Vec<FaultRow>,
    pub(super) partitions: Vec<Partition>,
    pub(super) clients: Vec<Client>,
    /// The first property that broke.
    pub(super) claim: Option<Claim>,
    pub(super) left_out: usize,
}

/// A bar.
pub(super) struct Stretch {
    pub(super) from_us: u64,
    pub(super) until_us: u64,
    /// A class of the style sheet.
    pub(super) style: &'static str,
    pub(super) label: String,
    pub(super) text: String,
}

/// An operation or a line of text: from, until, style, what hovering tells.
#[derive(Serialize)]
pub(super) struct Mark(pub(super) u64, pub(super) u64, pub(super) &'static str, pub(super) String);

impl Story {
    pub(super) fn of(plan: &Plan, report: &Report) -> Self {
        let names = Names::of(plan, report);
        let claim = Claim::of(report, &names);
        // A run ends with its first violation; another one within the millisecond after the last.
        let end_us = match (&claim, report.history.last()) {
            (Some(claim), last) => claim.at_us.max(last.map_or(0, |event| us(event.at_ns))),
            (None, _) => BEGINNING_US + (report.counters.virtual_ms + 1) * 1_000,
        };
        let (clients, left_out) = clients(report, claim.as_ref(), &names, end_us);
        Self {
            end_us,
            phases: phases(report, end_us),
            nodes: nodes(report, end_us),
            faults: rows(report, &names, end_us),
            partitions: partitions(report, claim.as_ref(), &names),
            clients,
            claim,
            left_out,
        }
    }
}
