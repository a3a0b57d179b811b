//! What the committed offset of one partition may be, by the attempts to change it.
//!
//! Promises: a value is possible as long as some order of the attempts explains it, each at a moment
//! between its request and its answer; an attempt without an answer may take effect at any time, or
//! never. Does not: know groups.

use model::Offset;

/// `None` is no committed offset.
type Value = Option<Offset>;

#[derive(Debug, Clone, Copy)]
struct Write {
    value: Value,
    invoked_ns: u64,
    /// By then it had happened. `None`: nobody knows that it did.
    done_ns: Option<u64>,
}

/// What was overwritten so long ago is asked for by nobody any more.
const FORGOTTEN_AFTER_NS: u64 = 120_000_000_000;

/// The attempts that may still decide what a reader finds.
#[derive(Debug)]
pub(super) struct Commits(Vec<Write>);

impl Default for Commits {
    /// Nothing is committed in the beginning.
    fn default() -> Self {
        Self(vec![Write { value: None, invoked_ns: 0, done_ns: Some(0) }])
    }
}

impl Commits {
    /// It is on its way, and may happen from now on.
    pub(super) fn sent(&mut self, value: Value, invoked_ns: u64) {
        self.0.push(Write { value, invoked_ns, done_ns: None });
    }

    /// What was sent has happened.
    pub(super) fn acked(&mut self, value: Value, invoked_ns: u64, at_ns: u64) {
        let done_ns = self.take(value, invoked_ns).and_then(|it| it.done_ns);
        let done_ns = done_ns.map_or(at_ns, |done_ns| done_ns.min(at_ns));
        self.0.push(Write { value, invoked_ns, done_ns: Some(done_ns) });
        let long_ago_ns = at_ns.saturating_sub(FORGOTTEN_AFTER_NS);
        let newest = self.0.iter().filter(|it| it.done_ns.is_some_and(|it| it < long_ago_ns));
        let horizon_ns = newest.map(|it| it.invoked_ns).max().unwrap_or_default();
        self.0.retain(|it| it.done_ns.is_none_or(|done_ns| done_ns >= horizon_ns));
    }

    /// What was sent has not happened and will not.
    pub(super) fn refused(&mut self, value: Value, invoked_ns: u64) {
        self.take(value, invoked_ns);
    }

    fn take(&mut self, value: Value, invoked_ns: u64) -> Option<Write> {
        let is_meant = |it: &Write| it.value == value && it.invoked_ns == invoked_ns;
        let place = self.0.iter().position(is_meant)?;
        Some(self.0.remove(place))
    }

    /// Whether a reader who asked at `invoked_ns` and was answered at `at_ns` can have found `value`.
    /// What it found has happened.
    pub(super) fn explains(&mut self, value: Value, invoked_ns: u64, at_ns: u64) -> bool {
        let writes = self.0.clone();
        let is_overwritten = |it: &Write| {
            let after = |other: &Write| {
                let done_before_it_began = it.done_ns.is_some_and(|done| done < other.invoked_ns);
                done_before_it_began && other.done_ns.is_some_and(|done| done < invoked_ns)
            };
            writes.iter().any(after)
        };
        let fits = |it: &Write| it.value == value && it.invoked_ns < at_ns && !is_overwritten(it);
        let fitting: Vec<usize> = (0..writes.len()).filter(|index| fits(&writes[*index])).collect();
        if let [only] = fitting[..] {
            let done_ns = &mut self.0[only].done_ns;
            *done_ns = Some(done_ns.map_or(at_ns, |done| done.min(at_ns)));
        }
        !fitting.is_empty()
    }

    /// What may be committed, for the texts.
    pub(super) fn possible(&mut self, invoked_ns: u64, at_ns: u64) -> String {
        let values: Vec<Value> = self.0.iter().map(|it| it.value).collect();
        let possible = values.into_iter().filter(|value| {
            let mut copy = Self(self.0.clone());
            copy.explains(*value, invoked_ns, at_ns)
        });
        let texts = possible.map(|it| it.map_or("none".to_owned(), |offset| offset.to_string()));
        texts
            .collect::<std::collections::BTreeSet<_>>()
            .into_iter()
            .collect::<Vec<_>>()
            .join(" or ")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn offset(value: i64) -> Value {
        Some(Offset(value))
    }

    #[test]
    fn an_acknowledged_commit_is_read_until_a_later_one() {
        let mut commits = Commits::default();
        commits.acked(offset(5), 10, 20);
        assert!(commits.explains(offset(5), 30, 40));
        assert!(!commits.explains(None, 30, 40));
        commits.acked(offset(3), 50, 60);
        assert!(commits.explains(offset(3), 70, 80));
        assert!(!commits.explains(offset(5), 70, 80));
        assert_eq!(commits.possible(70, 80), "3");
    }

    #[test]
    fn commits_that_overlap_leave_either_order() {
        let mut commits = Commits::default();
        commits.acked(offset(5), 10, 30);
        commits.acked(offset(6), 20, 40);
        assert!(commits.explains(offset(5), 50, 60));
        assert_eq!(commits.possible(50, 60), "5 or 6");
    }

    #[test]
    fn an_unanswered_commit_may_come_late_and_stays_once_it_was_seen() {
        let mut commits = Commits::default();
        commits.sent(offset(5), 10);
        assert!(commits.explains(None, 20, 30));
        assert!(commits.explains(offset(5), 40, 50));
        assert!(!commits.explains(None, 60, 70));
    }

    #[test]
    fn a_refused_commit_never_comes() {
        let mut commits = Commits::default();
        commits.sent(offset(5), 10);
        commits.refused(offset(5), 10);
        assert!(!commits.explains(offset(5), 20, 30));
    }

    #[test]
    fn what_was_overwritten_long_ago_is_forgotten() {
        let mut commits = Commits::default();
        for second in 0..1_000 {
            let at_ns = second * 1_000_000_000;
            commits.acked(offset(i64::try_from(second).unwrap()), at_ns + 1, at_ns + 2);
        }
        assert!(commits.0.len() < 200, "{}", commits.0.len());
        assert!(commits.explains(offset(999), 2_000_000_000_000, 2_000_000_000_001));
    }
}
