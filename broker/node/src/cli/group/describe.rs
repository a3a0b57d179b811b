//! `broker group describe`.

use client::{CommittedOffset, ListedOffsets, NamedPartition, OffsetSpec};
use core::cell::RefCell;
use core::fmt::Write;
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};

use super::facts::{Group, Kind, Member, group, not_found};
use super::list::all as all_groups;
use crate::cli::failure::Failure;
use crate::cli::session::Session;
use crate::cli::table::{Table, list, or_dash};

#[derive(Debug, Clone, clap::Args)]
pub(super) struct Args {
    #[arg(value_name = "GROUP", required_unless_present = "all")]
    groups: Vec<String>,
    /// Every group of the cluster.
    #[arg(long, conflicts_with = "groups")]
    all: bool,
    /// Show members instead of partitions.
    #[arg(long, conflicts_with = "state")]
    members: bool,
    /// Show only the groups as a whole.
    #[arg(long)]
    state: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum View {
    Partitions,
    Members,
    State,
}

#[derive(Debug, Serialize)]
struct Described {
    group: String,
    #[serde(rename = "type")]
    kind: Kind,
    state: String,
    assignor: String,
    coordinator: i32,
    /// Of all partitions whose end is known.
    lag: i64,
    members: Vec<MemberRow>,
    partitions: Vec<PartitionRow>,
}

#[derive(Debug, Serialize)]
struct MemberRow {
    member: String,
    instance: Option<String>,
    client_id: String,
    host: String,
    partitions: Vec<String>,
}

#[derive(Debug, PartialEq, Eq, Serialize)]
struct PartitionRow {
    topic: String,
    partition: i32,
    /// The next record to process.
    committed: Option<i64>,
    end: Option<i64>,
    lag: Option<i64>,
    /// Who reads it now.
    member: Option<String>,
    host: Option<String>,
    client_id: Option<String>,
}

pub(super) async fn run(session: &Session, args: &Args) -> Result<(), Failure> {
    let view = match (args.members, args.state) {
        (true, _) => View::Members,
        (false, true) => View::State,
        (false, false) => View::Partitions,
    };
    let (names, mut outcome) = if args.all {
        let (rows, outcome) = all_groups(session).await?;
        (rows.into_iter().map(|row| row.group).collect(), outcome)
    } else {
        (args.groups.clone(), Ok(()))
    };
    let described = RefCell::new(Vec::new());
    let told = session
        .each(&names, async |name| {
            let group = group(session, name).await?.ok_or_else(|| not_found(name))?;
            let group = describe(session, group, view).await?;
            described.borrow_mut().push(group);
            Ok(())
        })
        .await;
    outcome = outcome.and(told);
    session.format.print(&described.into_inner()[..], |groups| text(groups, view));
    outcome
}

async fn describe(session: &Session, group: Group, view: View) -> Result<Described, Failure> {
    let partitions = match view {
        View::Partitions => partitions(session, &group).await?,
        View::Members | View::State => Vec::new(),
    };
    Ok(Described {
        lag: partitions.iter().filter_map(|row| row.lag).sum(),
        members: group.members.iter().map(member_row).collect(),
        partitions,
        group: group.group,
        kind: group.kind,
        state: group.state,
        assignor: group.assignor,
        coordinator: group.coordinator,
    })
}

/// Every partition that has a committed offset or a reader.
async fn partitions(session: &Session, group: &Group) -> Result<Vec<PartitionRow>, Failure> {
    let router = &session.router;
    let committed = router.committed_offsets(&group.group, None, session.limit).await?;
    let read = group.members.iter().flat_map(|member| &member.partitions);
    let all: BTreeSet<NamedPartition> = committed.keys().chain(read).cloned().collect();
    let wanted = all.iter().map(|at| (at.clone(), OffsetSpec::Latest)).collect();
    let ends = router.list_offsets(&wanted, session.limit).await;
    for error in ends.values().filter_map(|end| end.as_ref().err()) {
        session.note(error);
    }
    Ok(all.iter().map(|at| partition_row(at, &group.members, &committed, &ends)).collect())
}

fn partition_row(
    at: &NamedPartition,
    members: &[Member],
    committed: &BTreeMap<NamedPartition, CommittedOffset>,
    ends: &ListedOffsets,
) -> PartitionRow {
    let committed = committed.get(at).map(|it| it.offset.0);
    let end = match ends.get(at) {
        Some(Ok(Some(end))) => Some(end.0),
        _ => None,
    };
    let reader = members.iter().find(|member| member.partitions.contains(at));
    PartitionRow {
        topic: at.topic.to_string(),
        partition: at.partition.0,
        committed,
        end,
        // A commit may be ahead of what this look at the end saw.
        lag: committed.zip(end).map(|(committed, end)| (end - committed).max(0)),
        member: reader.map(|it| it.member_id.clone()),
        host: reader.map(|it| it.host.clone()),
        client_id: reader.map(|it| it.client_id.clone()),
    }
}

fn member_row(member: &Member) -> MemberRow {
    MemberRow {
        member: member.member_id.clone(),
        instance: member.instance_id.clone(),
        client_id: member.client_id.clone(),
        host: member.host.clone(),
        partitions: member.partitions.iter().map(ToString::to_string).collect(),
    }
}

fn text(groups: &[Described], view: View) -> String {
    let mut text = String::new();
    for (at, group) in groups.iter().enumerate() {
        if at > 0 && view != View::State {
            text.push('\n');
        }
        let _ = write!(
            text,
            "group {}  {}  {}  assignor {}  coordinator {}  members {}",
            group.group,
            group.kind.name(),
            group.state,
            or_dash(Some(&group.assignor)),
            group.coordinator,
            group.members.len(),
        );
        let _ = match view {
            View::Partitions => write!(text, "  lag {}\n{}", group.lag, partition_table(group)),
            View::Members => write!(text, "\n{}", member_table(group)),
            View::State => writeln!(text),
        };
    }
    text
}

fn partition_table(group: &Described) -> Table<8> {
    let mut table = Table::new([
        "TOPIC",
        "PARTITION",
        "COMMITTED",
        "END",
        "LAG",
        "MEMBER",
        "HOST",
        "CLIENT-ID",
    ]);
    for row in &group.partitions {
        table.row([
            row.topic.clone(),
            row.partition.to_string(),
            or_dash(row.committed),
            or_dash(row.end),
            or_dash(row.lag),
            or_dash(row.member.as_ref()),
            or_dash(row.host.as_ref()),
            or_dash(row.client_id.as_ref()),
        ]);
    }
    table
}

fn member_table(group: &Described) -> Table<5> {
    let mut table = Table::new(["MEMBER", "INSTANCE", "CLIENT-ID", "HOST", "PARTITIONS"]);
    for row in &group.members {
        table.row([
            row.member.clone(),
            or_dash(row.instance.as_ref()),
            or_dash(Some(&row.client_id)),
            or_dash(Some(&row.host)),
            list(&row.partitions),
        ]);
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;
    use expect_test::expect;
    use model::Offset;

    fn at(partition: i32) -> NamedPartition {
        NamedPartition::new(&"orders".into(), partition)
    }

    fn described() -> Described {
        let member = Member {
            member_id: "m-1".to_owned(),
            instance_id: None,
            client_id: "app".to_owned(),
            host: "10.0.0.1".to_owned(),
            partitions: BTreeSet::from([at(0), at(2)]),
        };
        let offset = |offset| CommittedOffset { offset: Offset(offset), metadata: String::new() };
        let committed = BTreeMap::from([(at(0), offset(90)), (at(1), offset(7))]);
        let lost = client::ClientError::NoLeader { topic: "orders".to_owned() };
        let ends = ListedOffsets::from([
            (at(0), Ok(Some(Offset(100)))),
            (at(1), Err(lost)),
            (at(2), Ok(Some(Offset(5)))),
        ]);
        let members = [member];
        let rows = (0..3).map(|it| partition_row(&at(it), &members, &committed, &ends));
        let partitions: Vec<PartitionRow> = rows.collect();
        Described {
            group: "billing".to_owned(),
            kind: Kind::Classic,
            state: "Stable".to_owned(),
            assignor: "range".to_owned(),
            coordinator: 1,
            lag: partitions.iter().filter_map(|row| row.lag).sum(),
            members: members.iter().map(member_row).collect(),
            partitions,
        }
    }

    #[test]
    fn a_partition_shows_its_lag_and_its_reader_as_far_as_they_are_known() {
        expect![[r#"
            group billing  classic  Stable  assignor range  coordinator 1  members 1  lag 10
            TOPIC   PARTITION  COMMITTED  END  LAG  MEMBER  HOST      CLIENT-ID
            orders          0         90  100   10  m-1     10.0.0.1  app
            orders          1          7    -    -  -       -         -
            orders          2          -    5    -  m-1     10.0.0.1  app
        "#]]
        .assert_eq(&text(&[described()], View::Partitions));
    }

    #[test]
    fn a_member_shows_what_it_reads() {
        expect![[r#"
            group billing  classic  Stable  assignor range  coordinator 1  members 1
            MEMBER  INSTANCE  CLIENT-ID  HOST      PARTITIONS
            m-1     -         app        10.0.0.1  orders-0,orders-2
        "#]]
        .assert_eq(&text(&[described()], View::Members));
    }

    #[test]
    fn a_state_is_a_line() {
        expect![[r#"
            group billing  classic  Stable  assignor range  coordinator 1  members 1
            group billing  classic  Stable  assignor range  coordinator 1  members 1
        "#]]
        .assert_eq(&text(&[described(), described()], View::State));
    }
}
