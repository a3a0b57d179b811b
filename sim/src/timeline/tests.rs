//! What must be on the page.

use std::collections::BTreeSet;

use super::page;
use crate::plan::{Plan, Span};
use crate::run::{Options, run};

fn page_of(plan: &Plan, bugs: BTreeSet<model::Bug>) -> String {
    let options = Options { records: true, bugs, ..Options::default() };
    let report = run(plan, &options).expect("a drawn plan can be run");
    page(plan, &report, "sim replay --seed 1 --commit <&>")
}

/// A short plan of the first seeds.
fn short() -> Plan {
    let span = Span { faults_us: 3_000_000, liveness_us: 3_000_000, ..Span::MINUTE };
    Plan { span, ..Plan::from_seed(3) }
}

#[test]
fn a_page_loads_nothing_and_escapes_what_it_is_told() {
    let page = page_of(&short(), BTreeSet::new());
    for forbidden in ["http://", "https://", "@import", "src=", "url("] {
        assert!(!page.contains(forbidden), "{forbidden}");
    }
    assert!(page.contains("--commit &lt;&amp;&gt;"));
    assert_eq!(page.matches("</script>").count(), 2, "data cannot end its element");
}

#[test]
fn nodes_partitions_and_clients_have_lanes() {
    let page = page_of(&short(), BTreeSet::new());
    for expected in ["node 1", "topic-0-0", "producer 1", "high watermark", "passed", ">up<"] {
        assert!(page.contains(expected), "{expected}");
    }
}

#[test]
fn the_first_violation_is_pinned_with_its_text() {
    let bugs = BTreeSet::from([model::Bug::WrongBaseOffsetTold]);
    let fails = |plan: &Plan| {
        let options = Options { bugs: bugs.clone(), ..Options::default() };
        let violation = run(plan, &options).expect("a drawn plan can be run").violation;
        violation.is_some_and(|violation| violation.checker == "c1-acked-stays")
    };
    let plan = (0..).map(Plan::from_seed).find(fails).expect("the bug is common");
    let page = page_of(&plan, bugs.clone());
    for expected in ["id=\"pin\"", "id=\"flag\"", "c1-acked-stays", "failed"] {
        assert!(page.contains(expected), "{expected}");
    }
}
