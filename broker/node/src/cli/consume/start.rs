//! Where reading begins.

use client::{Cluster, NamedPartition, OffsetSpec, Positions};
use core::str::FromStr;
use model::{Offset, PartitionIndex};
use std::collections::BTreeMap;

use super::super::failure::Failure;
use super::super::instant::instant_ms;
use super::super::session::Session;
use super::super::topic::partitions_of;

/// A place in each partition.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Start {
    Earliest,
    Latest,
    Offset(i64),
    /// So many offsets before the end.
    BeforeEnd(i64),
    /// The first record at or after this time.
    Time(i64),
}

impl FromStr for Start {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "earliest" => return Ok(Self::Earliest),
            "latest" => return Ok(Self::Latest),
            _ => {}
        }
        if let Some(time) = text.strip_prefix('@') {
            return instant_ms(time).map(Self::Time);
        }
        match text.parse::<i64>() {
            Ok(offset) if offset >= 0 => Ok(Self::Offset(offset)),
            Ok(before) => Ok(Self::BeforeEnd(before.saturating_neg())),
            Err(_) => Err("write earliest, latest, 123 (an offset), -10 (before the end) or @2026-01-31T12:00Z".to_owned()),
        }
    }
}

/// The partitions that were asked for.
pub(super) fn chosen(
    cluster: &Cluster,
    topic: &str,
    asked: &[i32],
) -> Result<Vec<NamedPartition>, Failure> {
    let all: Vec<NamedPartition> = partitions_of(cluster).collect();
    if let Some(unknown) = asked.iter().find(|it| all.iter().all(|at| at.partition.0 != **it)) {
        let last = all.len().saturating_sub(1);
        return Err(Failure::Usage(format!("no partition {unknown}: {topic} has 0 to {last}")));
    }
    let wanted = |at: &NamedPartition| {
        let PartitionIndex(number) = at.partition;
        asked.is_empty() || asked.contains(&number)
    };
    Ok(all.into_iter().filter(wanted).collect())
}

/// An offset for each partition.
pub(super) async fn positions(
    session: &Session,
    partitions: &[NamedPartition],
    start: Start,
) -> Result<Positions, Failure> {
    let spec = match start {
        Start::Earliest => OffsetSpec::Earliest,
        Start::Latest | Start::BeforeEnd(_) => OffsetSpec::Latest,
        Start::Time(at_ms) => OffsetSpec::Timestamp(at_ms),
        Start::Offset(offset) => {
            return Ok(partitions.iter().map(|at| (at.clone(), Offset(offset))).collect());
        }
    };
    let found = offsets(session, partitions, spec).await?;
    let missing: Vec<NamedPartition> =
        partitions.iter().filter(|at| !found.contains_key(*at)).cloned().collect();
    // No record is that young: whatever comes next is.
    let ends = offsets(session, &missing, OffsetSpec::Latest).await?;
    let back = if let Start::BeforeEnd(count) = start { count } else { 0 };
    let placed = found.into_iter().chain(ends);
    Ok(placed.map(|(at, offset)| (at, Offset((offset.0 - back).max(0)))).collect())
}

/// An offset for each partition that has a fitting one.
pub(crate) async fn offsets(
    session: &Session,
    partitions: &[NamedPartition],
    spec: OffsetSpec,
) -> Result<Positions, Failure> {
    let wanted: BTreeMap<_, _> = partitions.iter().map(|at| (at.clone(), spec)).collect();
    let mut offsets = Positions::new();
    if wanted.is_empty() {
        return Ok(offsets);
    }
    for (at, offset) in session.router.list_offsets(&wanted, session.limit).await {
        if let Some(offset) = offset? {
            offsets.insert(at, offset);
        }
    }
    Ok(offsets)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_start_is_a_word_a_number_or_a_time() {
        assert_eq!("earliest".parse(), Ok(Start::Earliest));
        assert_eq!("42".parse(), Ok(Start::Offset(42)));
        assert_eq!("-10".parse(), Ok(Start::BeforeEnd(10)));
        assert_eq!("@1000".parse(), Ok(Start::Time(1_000)));
        assert_eq!("@1970-01-01T00:00:01Z".parse(), Ok(Start::Time(1_000)));
        assert!("soon".parse::<Start>().is_err());
    }
}
