//! Why an append is refused, and the code that tells the producer.

use core::fmt;

use model::{ErrorCode, LeaderEpoch, NodeId, ProducerEpoch, ProducerId};

/// An append that was not made. The log is unchanged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AppendError {
    /// Another node leads, if anybody does.
    NotLeader { leader: Option<NodeId> },
    /// The request was made for an earlier leader.
    FencedLeaderEpoch { current: LeaderEpoch, got: LeaderEpoch },
    /// The request knows a leader that this node has not heard of yet.
    UnknownLeaderEpoch { current: LeaderEpoch, got: LeaderEpoch },
    /// acks=all, and fewer replicas are in sync than `min.insync.replicas` asks for.
    NotEnoughReplicas { in_sync: u32, needed: u32 },
    /// A batch of this producer is missing before this one.
    OutOfOrderSequence { producer: ProducerId, expected: i32, got: i32 },
    /// A newer life of this producer has written already.
    FencedProducer { producer: ProducerId, current: ProducerEpoch, got: ProducerEpoch },
    /// A plain write by a producer whose transaction is open.
    OutsideTransaction { producer: ProducerId },
    /// An earlier write or sync failed.
    Offline,
}

impl AppendError {
    /// The code for a Produce response.
    #[must_use]
    pub fn code(self) -> ErrorCode {
        match self {
            Self::NotLeader { .. } => ErrorCode::NotLeaderOrFollower,
            Self::FencedLeaderEpoch { .. } => ErrorCode::FencedLeaderEpoch,
            Self::UnknownLeaderEpoch { .. } => ErrorCode::UnknownLeaderEpoch,
            Self::NotEnoughReplicas { .. } => ErrorCode::NotEnoughReplicas,
            Self::OutOfOrderSequence { .. } => ErrorCode::OutOfOrderSequenceNumber,
            Self::FencedProducer { .. } => ErrorCode::InvalidProducerEpoch,
            Self::OutsideTransaction { .. } => ErrorCode::InvalidTxnState,
            Self::Offline => ErrorCode::KafkaStorageError,
        }
    }
}

impl fmt::Display for AppendError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::NotLeader { leader: Some(leader) } => write!(f, "node {leader} is the leader"),
            Self::NotLeader { leader: None } => f.write_str("the partition has no leader"),
            Self::FencedLeaderEpoch { current, got } => {
                write!(f, "leader epoch {got} is over, the current one is {current}")
            }
            Self::UnknownLeaderEpoch { current, got } => {
                write!(f, "leader epoch {got} has not begun here, the current one is {current}")
            }
            Self::NotEnoughReplicas { in_sync, needed } => {
                write!(f, "{in_sync} replicas are in sync, acks=all needs {needed}")
            }
            Self::OutOfOrderSequence { producer, expected, got } => {
                write!(f, "producer {producer} sent sequence {got}, expected {expected}")
            }
            Self::FencedProducer { producer, current, got } => {
                write!(
                    f,
                    "producer {producer} writes with epoch {got}, the current one is {current}"
                )
            }
            Self::OutsideTransaction { producer } => {
                write!(f, "producer {producer} has an open transaction and wrote outside it")
            }
            Self::Offline => f.write_str("the log is offline after a failed write"),
        }
    }
}

impl core::error::Error for AppendError {}
