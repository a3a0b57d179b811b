//! `broker cluster brokers`.

use serde::Serialize;
use wire::messages::describe_cluster::DescribeClusterResponse;
use wire::messages::metadata::MetadataResponse;

use super::describe_cluster;
use crate::cli::failure::Failure;
use crate::cli::session::Session;
use crate::cli::table::{Table, or_dash};

#[derive(Debug, Serialize)]
struct Row {
    broker: i32,
    host: String,
    port: i32,
    rack: Option<String>,
    fenced: bool,
    controller: bool,
    leaders: usize,
    replicas: usize,
}

pub(super) async fn run(session: &Session) -> Result<(), Failure> {
    let cluster = describe_cluster(session).await?;
    let router = &session.router;
    let metadata = router.retry(session.limit, async || router.metadata(None).await).await?;
    session.format.print(&rows(cluster, &metadata)[..], table);
    Ok(())
}

fn rows(cluster: DescribeClusterResponse, metadata: &MetadataResponse) -> Vec<Row> {
    let controller = cluster.controller_id;
    let partitions = || metadata.topics.iter().flat_map(|topic| &topic.partitions);
    let row = |broker: wire::messages::describe_cluster::DescribeClusterBroker| {
        let id = broker.broker_id;
        Row {
            broker: id,
            host: broker.host,
            port: broker.port,
            rack: broker.rack,
            fenced: broker.is_fenced,
            controller: id == controller,
            leaders: partitions().filter(|it| it.leader_id == id).count(),
            replicas: partitions().filter(|it| it.replica_nodes.contains(&id)).count(),
        }
    };
    cluster.brokers.into_iter().map(row).collect()
}

fn table(rows: &[Row]) -> Table<6> {
    let mut table = Table::new(["BROKER", "ADDRESS", "RACK", "STATE", "LEADERS", "REPLICAS"]);
    for row in rows {
        let state = match (row.fenced, row.controller) {
            (true, _) => "fenced",
            (false, true) => "controller",
            (false, false) => "active",
        };
        table.row([
            row.broker.to_string(),
            address(&row.host, row.port),
            or_dash(row.rack.as_deref()),
            state.to_owned(),
            row.leaders.to_string(),
            row.replicas.to_string(),
        ]);
    }
    table
}

fn address(host: &str, port: i32) -> String {
    if host.contains(':') { format!("[{host}]:{port}") } else { format!("{host}:{port}") }
}

#[cfg(test)]
mod tests {
    use super::*;
    use expect_test::expect;

    #[test]
    fn a_broker_is_a_line() {
        let row = |broker, host: &str, fenced| Row {
            broker,
            host: host.to_owned(),
            port: 9092,
            rack: (broker == 2).then(|| "b".to_owned()),
            fenced,
            controller: broker == 1,
            leaders: 7,
            replicas: 12,
        };
        expect![[r#"
            BROKER  ADDRESS         RACK  STATE       LEADERS  REPLICAS
                 1  127.0.0.1:9092  -     controller        7        12
                 2  [::1]:9092      b     fenced            7        12
        "#]]
        .assert_eq(&table(&[row(1, "127.0.0.1", false), row(2, "::1", true)]).to_string());
    }
}
