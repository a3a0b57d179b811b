//! `broker topic list`.

use serde::Serialize;
use wire::messages::metadata::MetadataResponseTopic;

use super::{metadata, name};
use crate::cli::failure::Failure;
use crate::cli::session::Session;
use crate::cli::table::Table;

#[derive(Debug, Clone, clap::Args)]
pub(super) struct Args {
    /// Leave out topics that the cluster keeps for itself, such as `__consumer_offsets`.
    #[arg(long)]
    exclude_internal: bool,
}

#[derive(Debug, Serialize)]
struct Row {
    topic: String,
    partitions: usize,
    replication_factor: usize,
    internal: bool,
}

pub(super) async fn run(session: &Session, args: &Args) -> Result<(), Failure> {
    let response = metadata(session, &[]).await?;
    let wanted = |topic: &&MetadataResponseTopic| !(topic.is_internal && args.exclude_internal);
    let rows: Vec<Row> = response.topics.iter().filter(wanted).map(row).collect();
    session.format.print(&rows[..], table);
    Ok(())
}

fn row(topic: &MetadataResponseTopic) -> Row {
    Row {
        topic: name(topic).to_owned(),
        partitions: topic.partitions.len(),
        replication_factor: topic.partitions.first().map_or(0, |it| it.replica_nodes.len()),
        internal: topic.is_internal,
    }
}

fn table(rows: &[Row]) -> Table<4> {
    let mut table = Table::new(["TOPIC", "PARTITIONS", "REPLICATION-FACTOR", "KIND"]);
    for row in rows {
        let kind = if row.internal { "internal" } else { "user" };
        table.row([
            row.topic.clone(),
            row.partitions.to_string(),
            row.replication_factor.to_string(),
            kind.to_owned(),
        ]);
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::output::json;
    use expect_test::expect;

    fn rows() -> Vec<Row> {
        let row = |topic: &str, partitions, internal| Row {
            topic: topic.to_owned(),
            partitions,
            replication_factor: 1,
            internal,
        };
        vec![row("__consumer_offsets", 50, true), row("orders", 3, false)]
    }

    #[test]
    fn a_topic_is_a_line() {
        expect![[r#"
            TOPIC               PARTITIONS  REPLICATION-FACTOR  KIND
            __consumer_offsets          50                   1  internal
            orders                       3                   1  user
        "#]]
        .assert_eq(&table(&rows()).to_string());
    }

    #[test]
    fn json_keeps_every_field() {
        expect![[r#"
            [
              {
                "topic": "orders",
                "partitions": 3,
                "replication_factor": 1,
                "internal": false
              }
            ]"#]]
        .assert_eq(&json(&rows()[1..]));
    }
}
