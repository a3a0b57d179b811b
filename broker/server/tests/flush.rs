//! `flush.messages` and `flush.ms` of a topic, from its configuration to what a power loss leaves.

mod support;

use core::time::Duration;

use runtime::memory::PowerLoss;
use support::*;

/// Produces a record, lets time pass, cuts the power; the values that are there after the next start.
fn survivors(configs: &[(&str, &str)], life: Duration) -> Vec<String> {
    let mut broker = Broker::started(60, 1);
    broker.create_topic(TOPIC, 1, configs);
    let answers = broker.run(async |rt, at| {
        let connection = connection(&rt, at).await;
        produce(&connection, TOPIC, &[(0, batch(&["a"], None))]).await.unwrap()
    });
    assert_eq!(answers[0].error_code, 0);
    broker.world.run_for(life);
    broker.world.power_loss(broker.node, PowerLoss::KeepsNothing);
    broker.start();
    values(&mut broker, 0)
}

#[test]
fn a_topic_that_does_not_wait_for_the_disk_loses_what_flush_ms_has_not_reached() {
    let lazy = ("flush.messages", "1000");
    let life = Duration::from_secs(10);
    assert_eq!(survivors(&[], life), ["a"]);
    assert_eq!(survivors(&[lazy], life), [""; 0]);
    assert_eq!(survivors(&[lazy, ("flush.ms", "60000")], life), [""; 0]);
    assert_eq!(survivors(&[lazy, ("flush.ms", "5000")], life), ["a"]);
}
