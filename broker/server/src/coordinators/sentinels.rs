//! What requests of consumer groups say with empty strings and negative numbers, and other forms that
//! several of them share.

use core::time::Duration;
use std::net::SocketAddr;

use coordinator::consumer::Refusal;
use coordinator::{GenerationId, InstanceId, MemberId, MemberIdentity, Text};
use model::ErrorCode;

/// Empty: no member id yet.
pub(crate) fn member_id(text: &str) -> Option<MemberId> {
    (!text.is_empty()).then(|| MemberId::from(text))
}

pub(crate) fn instance_id(text: Option<&str>) -> Option<InstanceId> {
    text.map(InstanceId::from)
}

/// Negative: the sender belongs to no generation.
pub(crate) fn generation_id(number: i32) -> Option<GenerationId> {
    (number >= 0).then_some(GenerationId(number))
}

/// A negative time is none.
pub(crate) fn millis(number: i32) -> Duration {
    Duration::from_millis(u64::try_from(number).unwrap_or(0))
}

/// A member that speaks for itself.
pub(crate) fn identity(
    group: &str,
    generation: i32,
    member: &str,
    instance: Option<&str>,
) -> MemberIdentity {
    MemberIdentity {
        group: group.into(),
        generation_id: GenerationId(generation),
        member_id: member.into(),
        instance_id: instance_id(instance),
    }
}

/// Groups with members have a name; offsets without members may be committed under an empty one.
pub(crate) fn check_group_id(group: &str) -> Result<(), ErrorCode> {
    if group.is_empty() { Err(ErrorCode::InvalidGroupId) } else { Ok(()) }
}

/// A client's address as Java writes one.
pub(crate) fn client_host(peer: SocketAddr) -> Text {
    Text::from(format!("/{}", peer.ip()))
}

/// The sentence beside an error code; the code's name where it says it all.
pub(crate) fn sentence(refusal: &Refusal) -> String {
    if refusal.message.is_empty() {
        refusal.code.name().to_owned()
    } else {
        refusal.message.clone()
    }
}
