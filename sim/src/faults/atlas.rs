//! The fault atlas: the budget inside which no acknowledged record may be lost.
//!
//! For one broker: any process kills; power losses where every acknowledgement waited for the disk
//! (`flush.messages` 1), and none where it did not (Kafka's own default, which needs a replica that
//! stays up). The same holds for syncs that fail: the kernel calls their pages clean and may drop
//! them. A fault outside the budget is refused and stays in the schedule as `refused`.

use super::table::{Budget, KINDS};
use crate::plan::{Fault, FaultKind, Setup, Verb};

/// Why a fault may not strike in this run; `None` when it may.
pub(crate) fn refusal(fault: &Fault, setup: &Setup) -> Option<&'static str> {
    let kind = KINDS.iter().find(|kind| kind.name == fault.kind.name()).expect("a kind has a row");
    let drops_pages = matches!(fault.kind, FaultKind::DiskError { verb: Verb::Sync, .. });
    let budget = if drops_pages { Budget::Durable } else { kind.budget };
    match budget {
        Budget::Durable if !setup.is_durable() => {
            Some("acknowledgements do not wait for the disk: this may take records back")
        }
        Budget::Durable | Budget::Always => None,
    }
}
