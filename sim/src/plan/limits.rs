//! The broker's bounds, by name: a plan says which of them differ from `Limits::tiny()`.

use std::collections::BTreeMap;

use model::Limits;

use super::dice::Dice;

/// A bound that a plan may change, and the values that a run may get. Small values make rare paths
/// common: a full queue, a journal that wraps, a segment that must be opened again.
struct Bound {
    name: &'static str,
    field: fn(&mut Limits) -> &mut usize,
    choices: &'static [u64],
}

const KIB: u64 = 1024;

const BOUNDS: &[Bound] = &[
    Bound { name: "mesh_queue_len", field: |it| &mut it.mesh_queue_len, choices: &[1, 2, 64] },
    Bound {
        name: "requests_in_flight",
        field: |it| &mut it.requests_in_flight,
        choices: &[1, 2, 16],
    },
    Bound {
        name: "receive_bytes",
        field: |it| &mut it.receive_bytes,
        choices: &[128 * KIB, 256 * KIB],
    },
    Bound {
        name: "frame_unreserved_bytes",
        field: |it| &mut it.frame_unreserved_bytes,
        choices: &[128, 16 * KIB],
    },
    Bound {
        name: "unsynced_bytes",
        field: |it| &mut it.unsynced_bytes,
        choices: &[16 * KIB, 128 * KIB, KIB * KIB],
    },
    Bound {
        name: "response_bytes",
        field: |it| &mut it.response_bytes,
        choices: &[128 * KIB, KIB * KIB],
    },
    Bound { name: "waiters", field: |it| &mut it.waiters, choices: &[4, 32, 256] },
    Bound { name: "fetch_sessions", field: |it| &mut it.fetch_sessions, choices: &[1, 2, 16] },
    Bound {
        name: "fetch_session_partitions",
        field: |it| &mut it.fetch_session_partitions,
        choices: &[2, 8, 256],
    },
    Bound {
        name: "producers_per_partition",
        field: |it| &mut it.producers_per_partition,
        choices: &[64, 256],
    },
    Bound {
        name: "journal_bytes",
        field: |it| &mut it.journal_bytes,
        choices: &[512 * KIB, KIB * KIB],
    },
    Bound { name: "tail_positions", field: |it| &mut it.tail_positions, choices: &[1, 4, 128] },
    Bound { name: "open_segments", field: |it| &mut it.open_segments, choices: &[2, 4, 64] },
    Bound {
        name: "receive_buffer_bytes",
        field: |it| &mut it.receive_buffer_bytes,
        choices: &[256, 4 * KIB],
    },
    Bound { name: "operations", field: |it| &mut it.operations, choices: &[128, 1024] },
];

/// Each bound differs from the default in one run of four.
pub(super) fn draw(dice: &mut Dice) -> BTreeMap<String, u64> {
    let mut drawn = BTreeMap::new();
    for bound in BOUNDS {
        let value = dice.pick(bound.choices);
        if dice.one_in(4) {
            drawn.insert(bound.name.to_owned(), value);
        }
    }
    drawn
}

/// `Limits::tiny()` with the plan's changes.
///
/// # Errors
/// A name that is no bound, or bounds that contradict each other.
pub(super) fn limits(changes: &BTreeMap<String, u64>) -> Result<Limits, String> {
    let mut limits = Limits::tiny();
    for (name, value) in changes {
        let bound = BOUNDS.iter().find(|bound| bound.name == name);
        let bound = bound.ok_or_else(|| format!("`{name}` is no bound that a plan may change"))?;
        let value = usize::try_from(*value).map_err(|_| format!("{name}: {value} is too large"))?;
        *(bound.field)(&mut limits) = value;
    }
    limits.validate().map_err(str::to_owned)?;
    Ok(limits)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_drawn_set_of_bounds_is_consistent() {
        for seed in 0..500 {
            let drawn = draw(&mut Dice::new(seed, "limits"));
            assert!(limits(&drawn).is_ok(), "{drawn:?}: {:?}", limits(&drawn));
        }
    }

    #[test]
    fn an_unknown_bound_is_refused_by_name() {
        let changes = BTreeMap::from([("mesh_queue".to_owned(), 1)]);
        assert!(limits(&changes).unwrap_err().contains("`mesh_queue`"));
    }
}
