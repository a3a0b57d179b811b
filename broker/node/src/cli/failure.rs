//! Why a command did not do what it was asked for, in words that say what to do.

use client::ClientError;
use core::fmt;
use model::ErrorCode;
use std::process::ExitCode;

/// Ends a command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Failure {
    /// The arguments ask for what cannot be; nothing was sent.
    Usage(String),
    /// The cluster could not be reached, or refused.
    Client(ClientError),
    /// Anything else, as a sentence.
    Other(String),
    /// Some of several tasks failed; each reason was told when it came.
    Told,
}

impl Failure {
    pub(crate) fn exit_code(&self) -> ExitCode {
        match self {
            Self::Usage(_) => ExitCode::from(2),
            Self::Client(_) | Self::Other(_) | Self::Told => ExitCode::FAILURE,
        }
    }
}

impl From<ClientError> for Failure {
    fn from(error: ClientError) -> Self {
        Self::Client(error)
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Usage(text) | Self::Other(text) => f.write_str(text),
            Self::Client(error) => f.write_str(&explained(error)),
            Self::Told => f.write_str("not everything was done"),
        }
    }
}

/// The error with its remedy, where there is one that a person can take.
pub(crate) fn explained(error: &ClientError) -> String {
    match remedy(error) {
        Some(remedy) => format!("{error}\n  {remedy}"),
        None => error.to_string(),
    }
}

fn remedy(error: &ClientError) -> Option<&'static str> {
    match error {
        ClientError::Unreachable { .. } => {
            return Some("is a broker running there? Name another one with --bootstrap HOST:PORT");
        }
        ClientError::ClosedByBroker => {
            return Some("does this port speak Kafka's protocol without TLS?");
        }
        ClientError::TimedOut => return Some("wait longer with --timeout"),
        ClientError::Unsupported { .. } => return Some("the broker is older than this command"),
        ClientError::NoLeader { .. } => {
            return Some("its replicas are offline: `broker topic describe` names them");
        }
        ClientError::Connection(_)
        | ClientError::Encode(_)
        | ClientError::Decode(_)
        | ClientError::OutOfOrder { .. }
        | ClientError::Refused { .. }
        | ClientError::Address(_)
        | ClientError::NoBroker { .. } => {}
    }
    match error.code()? {
        ErrorCode::UnknownTopicOrPartition | ErrorCode::UnknownTopicId => {
            Some("`broker topic list` shows the topics there are, `broker topic create` makes one")
        }
        ErrorCode::TopicAlreadyExists => Some("--if-not-exists leaves it as it is"),
        ErrorCode::InvalidReplicationFactor => {
            Some("there are not that many brokers: `broker cluster brokers` lists them")
        }
        ErrorCode::NonEmptyGroup => {
            Some("stop its members first: `broker group describe --members` lists them")
        }
        ErrorCode::GroupSubscribedToTopic => Some("stop the members that read this topic first"),
        ErrorCode::GroupIdNotFound => Some("`broker group list` shows the groups there are"),
        ErrorCode::MessageTooLarge | ErrorCode::RecordListTooLarge => {
            Some("raise max.message.bytes of the topic: `broker topic alter`")
        }
        ErrorCode::NotEnoughReplicas | ErrorCode::NotEnoughReplicasAfterAppend => {
            Some("fewer replicas are in sync than min.insync.replicas asks for")
        }
        ErrorCode::FencedInstanceId => Some("another member uses this --instance"),
        ErrorCode::InvalidSessionTimeout => Some("the broker allows 6s to 30m, by default"),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_says_what_to_do() {
        let error = ClientError::refused("creating topic a", 36, Some("it exists".to_owned()));
        assert_eq!(
            Failure::from(error).to_string(),
            "creating topic a: TOPIC_ALREADY_EXISTS (36), it exists\n  \
             --if-not-exists leaves it as it is"
        );
    }

    #[test]
    fn an_error_without_a_remedy_stands_alone() {
        let error = ClientError::refused("Metadata", -1, None);
        assert_eq!(explained(&error), "Metadata: UNKNOWN_SERVER_ERROR (-1)");
    }
}
