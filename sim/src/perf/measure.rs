//! One counted run: boot, warm up, count for a while.

use core::time::Duration;
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use client::{Client, NewTopic, Options};
use runtime::memory::{CostTable, Counters, WorldOptions};

use super::Figures;
use super::clients::{Counted, Place, Tally, consume, produce};
use super::scenario::Scenario;
use crate::cluster::Cluster;

const BOOT_LIMIT: Duration = Duration::from_secs(60);
const WARM_UP: Duration = Duration::from_secs(1);
/// How long is counted.
const SPAN: Duration = Duration::from_secs(4);
const SEED: u64 = 1;
const COSTS: CostTable = CostTable::V1_FREE_POLLS;

/// The machine's figures at one moment.
struct Moment {
    world: Counters,
    copied_bytes: u64,
    appended_bytes: u64,
}

impl Moment {
    fn of(cluster: &Cluster) -> Self {
        Self {
            world: cluster.world.counters(),
            copied_bytes: cluster.probe.copied_bytes(),
            appended_bytes: cluster.world.disk_stats(cluster.node()).appended_bytes,
        }
    }
}

/// Runs a scenario.
///
/// # Errors
/// Anything fails, although nothing was made to.
pub(super) fn measure(scenario: Scenario) -> Result<Figures, String> {
    let options = WorldOptions { costs: COSTS, unneeded_polls: false };
    let mut cluster = Cluster::with_options(&scenario.plan(SEED), BTreeSet::new(), options);
    cluster.start()?;
    let Cluster { world, lines, .. } = &mut cluster;
    if !world.run_until(BOOT_LIMIT, |world| lines.read(world.now())) {
        return Err("the node does not start".to_owned());
    }
    let to = cluster.address();
    let rt = cluster.world.client();
    let topic = scenario.topic();
    let own = rt.clone();
    let created = cluster.world.block_on(&rt, async move {
        let client = Client::connect(&own, &[to.to_string()], Options::default()).await?;
        let new = NewTopic {
            name: topic.name.clone(),
            partition_count: topic.partitions.into(),
            replication_factor: None,
            configs: BTreeMap::new(),
        };
        client.create_topic(new).await?;
        let known = client.metadata(&[&topic.name]).await?;
        Ok::<_, client::ClientError>(known.topics.get(&topic.name).map(|topic| topic.id))
    });
    let created = created.map_err(|error| error.to_string())?;
    let topic = created.ok_or("the topic is not there after its creation")?;
    let tally = Rc::new(Tally::default());
    let place = |cluster: &mut Cluster, number| Place {
        rt: cluster.world.client(),
        to,
        scenario,
        topic,
        number,
        tally: Rc::clone(&tally),
    };
    (0..scenario.producers).for_each(|number| produce(place(&mut cluster, number)));
    let consumers: Vec<Place> =
        (0..scenario.consumers).map(|number| place(&mut cluster, number)).collect();
    if scenario.catches_up {
        cluster.world.run_for(SPAN);
        tally.producers_stop.set(true);
        cluster.world.run_for(WARM_UP);
    } else {
        consumers.iter().cloned().for_each(consume);
        cluster.world.run_for(WARM_UP);
    }
    tally.begin();
    let before = Moment::of(&cluster);
    if scenario.catches_up {
        consumers.into_iter().for_each(consume);
        let all = tally.acked.get() * u64::from(scenario.consumers);
        if !cluster.world.run_until(SPAN, |_| tally.read.get() >= all) {
            return Err(format!("{} of {all} records were read", tally.read.get()));
        }
    } else {
        cluster.world.run_for(SPAN);
    }
    let (after, counted) = (Moment::of(&cluster), tally.counted());
    if let Some(failure) = cluster.world.failures().first() {
        return Err(format!("{failure:?}"));
    }
    match tally.failed.take() {
        Some(reason) => Err(reason),
        None => Ok(figures(&before, &after, counted)),
    }
}

fn figures(before: &Moment, after: &Moment, mut counted: Counted) -> Figures {
    let mut figures = Figures::new();
    let mut set = |name: &str, value: u64| {
        figures.insert(name.to_owned(), value);
    };
    let since = |of: fn(&Counters) -> u64| of(&after.world) - of(&before.world);
    let requests = counted.batches + counted.fetches;
    let per_1000 = |count: u64, of: u64| (count * 1_000).checked_div(of).unwrap_or(0);

    set("cost_table", COSTS.version.into());
    set("batches", counted.batches);
    set("records", counted.records);
    set("fetches", counted.fetches);
    set("fetched_records", counted.fetched_records);
    set("produced_bytes", counted.produced_bytes);
    set("fetched_bytes", counted.fetched_bytes);

    let syncs = since(|it| it.disk_syncs);
    set("syncs", syncs);
    set("syncs_per_1000_records", per_1000(syncs, counted.records));
    set("sends", since(|it| it.sends));
    set("segments", since(|it| it.segments));
    set("mesh_hops", since(|it| it.mesh_hops));
    set("mesh_hops_per_1000_requests", per_1000(since(|it| it.mesh_hops), requests));
    set("polls", since(|it| it.polls));
    set("polls_per_1000_requests", per_1000(since(|it| it.polls), requests));
    set("idle_polls", since(|it| it.idle_polls));
    set("tasks_spawned", since(|it| it.tasks_spawned));
    set("timers_armed", since(|it| it.timers_armed));
    set("timers_fired", since(|it| it.timers_fired));

    let copied = after.copied_bytes - before.copied_bytes;
    let appended = after.appended_bytes - before.appended_bytes;
    set("record_bytes_copied", copied);
    set("network_bytes_copied", since(|it| it.network_copied_bytes));
    set("copied_per_1000_produced_bytes", per_1000(copied, counted.produced_bytes));
    set("copied_per_1000_fetched_bytes", per_1000(copied, counted.fetched_bytes));
    set("appended_bytes", appended);
    set("appended_per_1000_produced_bytes", per_1000(appended, counted.produced_bytes));

    for (name, values) in [
        ("produce", &mut counted.produce_ns),
        ("fetch", &mut counted.fetch_ns),
        ("delivery", &mut counted.delivery_ns),
    ] {
        values.sort_unstable();
        set(&format!("{name}_p50_virtual_us"), percentile(values, 50) / 1_000);
        set(&format!("{name}_p99_virtual_us"), percentile(values, 99) / 1_000);
    }
    figures
}

/// Nearest rank, of sorted values; 0 of none.
fn percentile(sorted: &[u64], percent: usize) -> u64 {
    let rank = (sorted.len() * percent).div_ceil(100);
    sorted.get(rank.saturating_sub(1)).copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::percentile;

    #[test]
    fn a_percentile_is_a_value_that_occurred() {
        let values: Vec<u64> = (1..=200).collect();
        assert_eq!((percentile(&values, 50), percentile(&values, 99)), (100, 198));
        assert_eq!((percentile(&[7], 99), percentile(&[], 99)), (7, 0));
    }
}
