//! What the tests of this crate share: a seeded source of arbitrary values, and the walk over all
//! messages.

use model::{Buf, splitmix};

use crate::api::{Message, Request, Response};
use crate::group_records::GroupRecord;
use crate::{Uuid, Writer};

/// A message with arbitrary content in the fields of one version.
pub(crate) trait Sample {
    fn sample(source: &mut Source, version: i16) -> Self;
}

/// Called once per message type by [`visit_all`](crate::messages::sample::visit_all).
pub(crate) trait Visit {
    fn message<M: Message + Sample>(&mut self);
    fn request<R: Request + Sample>(&mut self) {
        self.message::<R>();
    }
    fn response<R: Response + Sample>(&mut self) {
        self.message::<R>();
    }
}

/// A small seeded generator: the same seed gives the same messages for ever.
pub(crate) struct Source {
    state: u64,
    /// Deep messages would grow without end: lists shrink as more of them are made.
    lists: u32,
}

impl Source {
    pub(crate) fn new(seed: u64) -> Self {
        Self { state: seed, lists: 0 }
    }

    pub(crate) fn next(&mut self) -> u64 {
        splitmix::next(&mut self.state)
    }

    pub(crate) fn below(&mut self, end: usize) -> usize {
        usize::try_from(self.next() % end as u64).unwrap()
    }

    pub(crate) fn bool(&mut self) -> bool {
        self.next() & 1 == 1
    }

    /// Small numbers, extremes and anything between, so that every varint length occurs.
    pub(crate) fn number(&mut self) -> i64 {
        let shift = self.next() % 65;
        self.next().cast_signed().checked_shr(u32::try_from(shift).unwrap()).unwrap_or(0)
    }

    pub(crate) fn uuid(&mut self) -> Uuid {
        let mut uuid = [0; 16];
        uuid[..8].copy_from_slice(&self.next().to_be_bytes());
        uuid[8..].copy_from_slice(&self.next().to_be_bytes());
        uuid
    }

    pub(crate) fn string(&mut self) -> String {
        const TEXTS: [&str; 6] = ["", "a", "orders.v1", "grüße", "日本語", "client-id-7"];
        let times = if self.below(16) == 0 { 20 } else { 1 };
        TEXTS[self.below(TEXTS.len())].repeat(times)
    }

    pub(crate) fn buf(&mut self) -> Buf {
        let size = self.below(300);
        (0..size).map(|_| self.next().to_le_bytes()[0]).collect::<Vec<u8>>().into()
    }

    pub(crate) fn list<T>(&mut self, mut element: impl FnMut(&mut Self) -> T) -> Vec<T> {
        self.lists += 1;
        let most = if self.lists > 40 { 2 } else { 4 };
        let count = self.below(most);
        (0..count).map(|_| element(self)).collect()
    }

    pub(crate) fn nullable<T>(
        &mut self,
        null_allowed: bool,
        value: impl FnOnce(&mut Self) -> T,
    ) -> Option<T> {
        if null_allowed && self.below(4) == 0 { None } else { Some(value(self)) }
    }
}

/// Any record in the version that is written; one in four is a tombstone.
impl Sample for GroupRecord {
    fn sample(source: &mut Source, _version: i16) -> Self {
        fn key<K: Sample>(source: &mut Source) -> K {
            K::sample(source, 0)
        }
        fn value<V: Sample>(source: &mut Source, version: i16) -> Option<V> {
            source.nullable(true, |source| V::sample(source, version))
        }
        match source.below(10) {
            0 => Self::OffsetCommit(key(source), value(source, 1)),
            1 => Self::OffsetCommit(key(source), value(source, 4)),
            2 => Self::GroupMetadata(key(source), value(source, 3)),
            3 => Self::ConsumerGroupMetadata(key(source), value(source, 0)),
            4 => Self::ConsumerGroupPartitionMetadata(key(source), value(source, 0)),
            5 => Self::ConsumerGroupMemberMetadata(key(source), value(source, 0)),
            6 => Self::ConsumerGroupTargetAssignmentMetadata(key(source), value(source, 0)),
            7 => Self::ConsumerGroupTargetAssignmentMember(key(source), value(source, 0)),
            8 => Self::ConsumerGroupCurrentMemberAssignment(key(source), value(source, 0)),
            _ => Self::ConsumerGroupRegularExpression(key(source), value(source, 0)),
        }
    }
}

/// The body alone, in one piece.
pub(crate) fn encode<M: Message>(message: &M, version: i16) -> Buf {
    let mut writer = Writer::new(64 << 20);
    writer.reserve_i32();
    message.encode(&mut writer, version).unwrap();
    Buf::from(writer.finish().unwrap().into_vec()).slice(4..)
}

/// The words of each line of a golden file.
pub(crate) fn lines(text: &str) -> impl Iterator<Item = Vec<&str>> {
    text.lines().filter(|line| !line.starts_with('#')).map(|line| line.split(' ').collect())
}

pub(crate) fn from_hex(text: &str) -> Buf {
    let digit = |at: usize| u8::from_str_radix(&text[at..at + 2], 16).unwrap();
    (0..text.len()).step_by(2).map(digit).collect::<Vec<u8>>().into()
}
