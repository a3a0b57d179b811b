//! `broker topic offsets`.

use client::{ClientError, Cluster, ListedOffsets, NamedPartition, OffsetSpec};
use model::Offset;
use serde::Serialize;

use super::{metadata, partitions_of};
use crate::cli::failure::Failure;
use crate::cli::instant::instant_ms;
use crate::cli::session::Session;
use crate::cli::table::{Table, or_dash};

#[derive(Debug, Clone, clap::Args)]
pub(super) struct Args {
    /// Topics to show; all when none is named.
    #[arg(value_name = "TOPIC")]
    topics: Vec<String>,
    /// Also show the first offset at or after this time: milliseconds since 1970, or
    /// `2026-01-31T12:00:00Z`.
    #[arg(long, value_name = "TIME", value_parser = instant_ms)]
    at: Option<i64>,
}

#[derive(Debug, Serialize)]
struct Row {
    topic: String,
    partition: i32,
    start: Option<i64>,
    end: Option<i64>,
    /// Offsets between start and end: as many records or, after compaction, more than that.
    count: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    at: Option<i64>,
}

pub(super) async fn run(session: &Session, args: &Args) -> Result<(), Failure> {
    let cluster = Cluster::of(&metadata(session, &args.topics).await?);
    let partitions: Vec<NamedPartition> = partitions_of(&cluster).collect();
    let ask = async |spec| {
        let wanted = partitions.iter().map(|at| (at.clone(), spec)).collect();
        session.router.list_offsets(&wanted, session.limit).await
    };
    let (starts, ends) = (ask(OffsetSpec::Earliest).await, ask(OffsetSpec::Latest).await);
    let at_time = match args.at {
        Some(at_ms) => ask(OffsetSpec::Timestamp(at_ms)).await,
        None => ListedOffsets::new(),
    };
    let rows: Vec<Row> = partitions.iter().map(|at| row(at, &starts, &ends, &at_time)).collect();
    session.format.print(&rows[..], |rows| table(rows, args.at.is_some()));
    let failed: Vec<&ClientError> = ends.values().filter_map(|it| it.as_ref().err()).collect();
    failed.iter().for_each(|error| session.note(error));
    if failed.is_empty() { Ok(()) } else { Err(Failure::Told) }
}

fn row(
    at: &NamedPartition,
    starts: &ListedOffsets,
    ends: &ListedOffsets,
    at_time: &ListedOffsets,
) -> Row {
    let offset = |listed: &ListedOffsets| match listed.get(at) {
        Some(Ok(Some(Offset(offset)))) => Some(*offset),
        _ => None,
    };
    let (start, end) = (offset(starts), offset(ends));
    Row {
        topic: at.topic.to_string(),
        partition: at.partition.0,
        start,
        end,
        count: start.zip(end).map(|(start, end)| end - start),
        at: offset(at_time),
    }
}

fn table(rows: &[Row], with_time: bool) -> String {
    if !with_time {
        let mut table = Table::new(["TOPIC", "PARTITION", "START", "END", "COUNT"]);
        rows.iter().for_each(|it| table.row(cells(it)));
        return table.to_string();
    }
    let mut table = Table::new(["TOPIC", "PARTITION", "START", "END", "COUNT", "AT"]);
    for it in rows {
        let [topic, partition, start, end, count] = cells(it);
        table.row([topic, partition, start, end, count, or_dash(it.at)]);
    }
    table.to_string()
}

fn cells(row: &Row) -> [String; 5] {
    let Row { topic, partition, start, end, count, .. } = row;
    [topic.clone(), partition.to_string(), or_dash(*start), or_dash(*end), or_dash(*count)]
}

#[cfg(test)]
mod tests {
    use super::*;
    use expect_test::expect;

    #[test]
    fn an_unknown_end_is_a_dash() {
        let row = |partition, end: Option<i64>| Row {
            topic: "orders".to_owned(),
            partition,
            start: Some(10),
            end,
            count: end.map(|end| end - 10),
            at: None,
        };
        let rows = [row(0, Some(1_000)), row(1, None)];
        expect![[r#"
            TOPIC   PARTITION  START   END  COUNT
            orders          0     10  1000    990
            orders          1     10     -      -
        "#]]
        .assert_eq(&table(&rows, false));
        expect![[r#"
            TOPIC   PARTITION  START   END  COUNT  AT
            orders          0     10  1000    990  -
            orders          1     10     -      -  -
        "#]]
        .assert_eq(&table(&rows, true));
    }
}
