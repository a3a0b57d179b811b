//! Which topic names exist at all.
//!
//! Source: Kafka `Topic.validate`.

use model::ErrorCode;

use crate::Refusal;

/// Longest topic name: with a partition number it must still be a directory name.
const NAME_BYTES_MAX: usize = 249;

/// The metadata log's own name.
const METADATA_TOPIC: &str = "__cluster_metadata";

/// Whether a topic could have this name.
#[must_use]
pub fn is_topic_name(name: &str) -> bool {
    check(name).is_ok()
}

pub(super) fn check(name: &str) -> Result<(), Refusal> {
    let refuse = |why: &str| Err(Refusal::new(ErrorCode::InvalidTopicException, why));
    let is_allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
    match name {
        "" => refuse("a topic name must not be empty"),
        "." | ".." => refuse("a topic cannot be named . or .."),
        METADATA_TOPIC => Err(Refusal::new(
            ErrorCode::InvalidRequest,
            "__cluster_metadata is the cluster's own log and cannot be created",
        )),
        name if name.len() > NAME_BYTES_MAX => refuse(&format!(
            "a topic name has at most {NAME_BYTES_MAX} characters, this one {}",
            name.len()
        )),
        name if !name.chars().all(is_allowed) => {
            refuse("a topic name consists of ASCII letters, digits, '.', '_' and '-'")
        }
        _ => Ok(()),
    }
}
