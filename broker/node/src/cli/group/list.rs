//! `broker group list`.

use client::{ClientError, Cluster};
use model::NodeId;
use serde::Serialize;
use wire::messages::list_groups::{ListGroupsRequest, ListedGroup};

use crate::cli::failure::Failure;
use crate::cli::session::Session;
use crate::cli::table::{Table, or_dash};

#[derive(Debug, Clone, clap::Args)]
pub(super) struct Args {
    /// Only groups in these states, such as Stable or Empty.
    #[arg(long, value_name = "STATE", value_delimiter = ',')]
    state: Vec<String>,
}

#[derive(Debug, PartialEq, Eq, Serialize)]
pub(super) struct Row {
    pub(super) group: String,
    /// `classic`, `consumer` and others; empty from a broker that does not say.
    #[serde(rename = "type")]
    pub(super) kind: String,
    /// What the members are: `consumer`, `connect` …; empty without members.
    pub(super) protocol: String,
    pub(super) state: String,
    pub(super) coordinator: i32,
}

pub(super) async fn run(session: &Session, args: &Args) -> Result<(), Failure> {
    let (mut rows, outcome) = all(session).await?;
    rows.retain(|row| is_wanted(row, &args.state));
    session.format.print(&rows[..], table);
    outcome
}

/// The groups of every broker that answers, by name; an error when one did not.
pub(super) async fn all(session: &Session) -> Result<(Vec<Row>, Result<(), Failure>), Failure> {
    let router = &session.router;
    let metadata = router.retry(session.limit, async || router.metadata(Some(&[])).await).await?;
    let mut rows = Vec::new();
    let mut outcome = Ok(());
    for id in Cluster::of(&metadata).brokers.into_keys() {
        match of_broker(session, id).await {
            Ok(groups) => rows.extend(groups.into_iter().map(|group| row(group, id))),
            Err(error) => {
                session.note(&error);
                outcome = Err(Failure::Told);
            }
        }
    }
    rows.sort_by(|a, b| a.group.cmp(&b.group));
    Ok((rows, outcome))
}

async fn of_broker(session: &Session, id: NodeId) -> Result<Vec<ListedGroup>, ClientError> {
    let router = &session.router;
    let listed = router.retry(session.limit, async || {
        let request = ListGroupsRequest::default();
        let response = router.node(id).await?.call(&request, session.limit).await?;
        ClientError::check(&format!("groups of broker {id}"), response.error_code, None)?;
        Ok(response.groups)
    });
    listed.await
}

fn row(group: ListedGroup, coordinator: NodeId) -> Row {
    Row {
        group: group.group_id,
        kind: group.group_type.to_ascii_lowercase(),
        protocol: group.protocol_type,
        state: group.group_state,
        coordinator: coordinator.0,
    }
}

fn is_wanted(row: &Row, states: &[String]) -> bool {
    states.is_empty() || states.iter().any(|state| state.eq_ignore_ascii_case(&row.state))
}

fn table(rows: &[Row]) -> Table<5> {
    let mut table = Table::new(["GROUP", "TYPE", "PROTOCOL", "STATE", "COORDINATOR"]);
    for row in rows {
        table.row([
            row.group.clone(),
            or_dash(Some(&row.kind)),
            or_dash(Some(&row.protocol)),
            or_dash(Some(&row.state)),
            row.coordinator.to_string(),
        ]);
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;
    use expect_test::expect;

    fn listed(group_id: &str, group_type: &str, group_state: &str) -> ListedGroup {
        ListedGroup {
            group_id: group_id.to_owned(),
            group_type: group_type.to_owned(),
            group_state: group_state.to_owned(),
            ..ListedGroup::default()
        }
    }

    #[test]
    fn an_old_broker_says_less() {
        let rows =
            [row(listed("a", "Classic", "Stable"), NodeId(1)), row(listed("b", "", ""), NodeId(2))];
        expect![[r#"
            GROUP  TYPE     PROTOCOL  STATE   COORDINATOR
            a      classic  -         Stable            1
            b      -        -         -                 2
        "#]]
        .assert_eq(&table(&rows).to_string());
    }

    #[test]
    fn states_are_matched_whatever_their_case() {
        let row = row(listed("a", "", "PreparingRebalance"), NodeId(1));
        assert!(is_wanted(&row, &[]));
        assert!(is_wanted(&row, &["preparingrebalance".to_owned()]));
        assert!(!is_wanted(&row, &["Stable".to_owned()]));
    }
}
