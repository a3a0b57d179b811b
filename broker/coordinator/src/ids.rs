//! Names of groups and their parts: one type per meaning, cheap to clone.

use core::fmt;
use std::sync::Arc;

/// Text that is kept for long: shared, and without the frame it came in.
pub type Text = Arc<str>;

/// Opaque bytes of a client's protocol: shared, and without the frame they came in.
pub type Bytes = Arc<[u8]>;

/// A topic by name, as `__consumer_offsets` records carry it.
pub type TopicName = Text;

macro_rules! name {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(pub Text);

        impl $name {
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl From<&str> for $name {
            fn from(text: &str) -> Self {
                Self(Text::from(text))
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

name! {
    /// A consumer group, `group.id`. Not empty where a group is joined.
    GroupId
}
name! {
    /// One life of one member. The wire's empty string is `Option::None` here.
    MemberId
}
name! {
    /// A static member's name, `group.instance.id` (KIP-345).
    InstanceId
}

impl MemberId {
    /// Kafka's form: the instance or client id, a dash, and 128 random bits as a UUID.
    #[must_use]
    pub fn from_random(prefix: &str, random: u128) -> Self {
        let r = random;
        let uuid = format!(
            "{:08x}-{:04x}-{:04x}-{:04x}-{:012x}",
            r >> 96,
            (r >> 80) & 0xffff,
            (r >> 64) & 0xffff,
            (r >> 48) & 0xffff,
            r & 0xffff_ffff_ffff
        );
        Self(Text::from(format!("{prefix}-{uuid}")))
    }
}

/// Counts the rebalances of one classic group. The wire's -1 is `Option::None` here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct GenerationId(pub i32);

impl GenerationId {
    /// The next one; starts again at 0 rather than becoming negative.
    #[must_use]
    pub(crate) fn next(self) -> Self {
        Self(self.0.checked_add(1).unwrap_or(0))
    }
}

impl fmt::Display for GenerationId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_member_id_is_a_prefix_and_a_uuid() {
        let id = MemberId::from_random("app", 0x0123_4567_89ab_cdef_0123_4567_89ab_cdef);
        assert_eq!(id.as_str(), "app-01234567-89ab-cdef-0123-456789abcdef");
    }

    #[test]
    fn generations_never_become_negative() {
        assert_eq!(GenerationId(i32::MAX).next(), GenerationId(0));
    }
}
