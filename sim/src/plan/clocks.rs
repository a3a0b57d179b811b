//! What the wall clocks of a run do to guarantees that rest on time.
//!
//! A broker compares its own wall clock with timestamps that clients and earlier lives of it wrote.

use super::{FaultKind, Plan};

/// `producer.id.expiration.ms`.
const PRODUCER_EXPIRATION_MS: u64 = 86_400_000;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Clocks {
    /// Some fault sets a wall clock: a tombstone's time may end at any moment.
    pub step: bool,
    /// A producer's last batch may look older than `producer.id.expiration.ms`.
    pub producers_expire: bool,
}

impl Plan {
    #[must_use]
    pub fn clocks(&self) -> Clocks {
        let steps = || {
            self.schedule.iter().filter_map(|fault| match fault.kind {
                FaultKind::WallStep { by_ms } => Some(by_ms),
                _ => None,
            })
        };
        // Clients have the right time, and the monotonic clock is never twice as fast.
        let ahead_ms = self.setup.wall_offset_ms + steps().filter(|by_ms| *by_ms > 0).sum::<i64>();
        let run_ms = (self.span.faults_us + self.span.liveness_us) / 1_000;
        let age_ms = u64::try_from(ahead_ms).unwrap_or(0) + 2 * run_ms;
        let set = self.setup.properties.get("producer.id.expiration.ms");
        let expiration_ms = set.and_then(|it| it.parse().ok()).unwrap_or(PRODUCER_EXPIRATION_MS);
        Clocks { step: steps().next().is_some(), producers_expire: age_ms >= expiration_ms }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A plan of a minute without faults, on a node whose clock is so far ahead.
    fn plan(wall_offset_ms: i64, expiration_ms: &str) -> Plan {
        let drawn = Plan::from_seed(1);
        let name = "producer.id.expiration.ms".to_owned();
        let properties = [(name, expiration_ms.to_owned())].into();
        let setup = crate::plan::Setup { wall_offset_ms, properties, ..drawn.setup };
        Plan { span: crate::plan::Span::MINUTE, setup, schedule: Vec::new(), ..drawn }
    }

    #[test]
    fn a_clock_that_is_ahead_makes_producers_look_old() {
        assert_eq!(plan(0, "3600000").clocks(), Clocks::default());
        assert!(plan(3_600_000, "3600000").clocks().producers_expire);
        assert!(!plan(-3_600_000, "3600000").clocks().producers_expire);
        assert!(plan(0, "60000").clocks().producers_expire);
    }
}
