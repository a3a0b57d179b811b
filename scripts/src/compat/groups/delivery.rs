//! What a group's partitions hold, what was delivered of it, and to whom.
//!
//! Promises: a record that is skipped, delivered twice to one owner, or not as it was sent is an
//! error at once; the first record that a new owner gets must be the one at the committed offset.
//! Once owners may rejoin unseen, they may go back, but not behind what was committed before.

use crate::{Failed, Outcome};
use serde_json::Value;

/// One partition's records.
#[derive(Default)]
pub(super) struct Delivery {
    sent: Vec<Value>,
    committed: i64,
    /// One more than the offset that was delivered last.
    next: i64,
    /// Whoever got the last record; a member that comes back under its name is somebody else.
    last: Option<MemberNumber>,
    /// Records below this are in the digest.
    digested_end: i64,
    digest: u32,
    /// What was committed when owners began to rejoin unseen, if they do.
    rejoin_floor: Option<i64>,
}

/// Counts the members of a group in the order in which they joined.
pub(super) type MemberNumber = usize;

impl Delivery {
    pub(super) fn sent(&mut self, records: Vec<Value>) {
        self.sent.extend(records);
    }

    pub(super) fn sent_count(&self) -> usize {
        self.sent.len()
    }

    /// Whether `owner` has got the last record that was sent, or has none to get.
    pub(super) fn is_complete(&self, owner: MemberNumber) -> bool {
        self.due(owner) == self.end()
    }

    pub(super) fn next(&self) -> i64 {
        self.next
    }

    pub(super) fn committed(&mut self, offset: i64) {
        self.committed = offset;
    }

    /// From now on the owner may leave and join again between two polls. What it had fetched before
    /// can come once more after that, even when it has been committed meanwhile.
    pub(super) fn let_rejoin(&mut self) {
        self.rejoin_floor = Some(self.committed);
    }

    /// The offset that was committed last.
    pub(super) fn committed_offset(&self) -> i64 {
        self.committed
    }

    /// Takes one delivered record.
    ///
    /// # Errors
    /// When it is not the record that had to come, or not what was sent.
    pub(super) fn take(&mut self, member: MemberNumber, record: &Value) -> Outcome {
        let due = self.due(member);
        let offset = record["offset"].as_i64().unwrap_or(-1);
        let is_again = self.rejoin_floor.is_some_and(|floor| (floor..due).contains(&offset));
        if offset != due && !is_again {
            return Err(Failed(format!("offset {offset} instead of {due}")));
        }
        let sent = usize::try_from(offset).ok().and_then(|index| self.sent.get(index));
        for field in ["key", "value"] {
            let wanted = sent.map_or(&Value::Null, |sent| &sent[field]);
            if record[field] != *wanted {
                let got = &record[field];
                return Err(Failed(format!("offset {offset}: {field} {got} not {wanted}")));
            }
        }
        if offset == self.digested_end {
            let text = format!("{offset} {} {}", record["key"], record["value"]);
            self.digest = crc32c::crc32c_append(self.digest, text.as_bytes());
            self.digested_end = offset + 1;
        }
        self.last = Some(member);
        self.next = offset + 1;
        Ok(())
    }

    /// CRC-32C over every record as it was first delivered.
    pub(super) fn digest(&self) -> u32 {
        self.digest
    }

    /// Offset of the record that must come next if it comes to `member`.
    fn due(&self, member: MemberNumber) -> i64 {
        if self.last == Some(member) { self.next } else { self.committed }
    }

    fn end(&self) -> i64 {
        i64::try_from(self.sent.len()).unwrap_or(i64::MAX)
    }
}
