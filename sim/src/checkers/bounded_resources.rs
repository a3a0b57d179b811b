//! C13: what a node uses stays within its limits, and is given back when every client has gone.

use super::{Checker, Event, Fact, Violation};

const NAME: &str = "c13-bounded-resources";

#[derive(Debug, Default)]
pub(super) struct BoundedResources {
    evaluations: u64,
}

impl Checker for BoundedResources {
    fn name(&self) -> &'static str {
        NAME
    }

    fn check(&mut self, event: &Event) -> Result<(), Violation> {
        let Fact::Resources { node, drained, uses } = &event.fact else { return Ok(()) };
        for it in uses {
            self.evaluations += 1;
            if it.used > it.limit {
                let text = format!(
                    "node {node} uses {} of {}, its limit is {}",
                    it.used, it.name, it.limit
                );
                return Err(Violation::new(NAME, "above-limit", event.at_ns, text));
            }
            if *drained && it.zero_after_drain && it.used > 0 {
                let text =
                    format!("node {node} still uses {} of {} after a drain", it.used, it.name);
                return Err(Violation::new(NAME, "leak", event.at_ns, text));
            }
        }
        Ok(())
    }

    fn evaluations(&self) -> u64 {
        self.evaluations
    }
}

#[cfg(test)]
mod tests {
    use super::super::event::{Event, Fact, ResourceUse};
    use super::super::testing::{NODE, check, event};
    use super::BoundedResources;
    use expect_test::expect;

    fn uses(used: u64, drained: bool) -> Event {
        let uses = [("open operations", true), ("descriptors", false)];
        let of = |(name, zero_after_drain)| ResourceUse { name, used, limit: 8, zero_after_drain };
        event(5, Fact::Resources { node: NODE, drained, uses: uses.map(of).to_vec() })
    }

    #[test]
    fn use_within_the_limits_is_fine() {
        let events = [uses(8, false), uses(0, true)];
        check(BoundedResources::default(), &events, expect!["4 evaluations"]);
    }

    #[test]
    fn use_above_a_limit_and_a_leak_are_found() {
        check(
            BoundedResources::default(),
            &[uses(9, false)],
            expect![[r#"
            above-limit: node 1 uses 9 of open operations, its limit is 8
            1 evaluations"#]],
        );
        check(
            BoundedResources::default(),
            &[uses(1, true)],
            expect![[r#"
            leak: node 1 still uses 1 of open operations after a drain
            1 evaluations"#]],
        );
    }
}
