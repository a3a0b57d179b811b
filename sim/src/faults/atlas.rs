//! The fault atlas: the budget inside which no acknowledged record may be lost.
//!
//! For one broker: any process kills; power losses where every acknowledgement waited for the disk
//! (`flush.messages` 1), and none where it did not (Kafka's own default, which needs a replica that
//! stays up). A fault outside the budget is refused and stays in the schedule as `refused`.

use super::table::{Budget, KINDS};
use crate::plan::{Fault, Setup};

/// Why a fault may not strike in this run; `None` when it may.
pub(crate) fn refusal(fault: &Fault, setup: &Setup) -> Option<&'static str> {
    let kind = KINDS.iter().find(|kind| kind.name == fault.kind.name()).expect("a kind has a row");
    match kind.budget {
        Budget::Durable if !setup.is_durable() => {
            Some("acknowledgements do not wait for the disk: a power loss may take records back")
        }
        Budget::Durable | Budget::Always => None,
    }
}
