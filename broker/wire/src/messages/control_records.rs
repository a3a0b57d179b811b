//! Values of the control records that the quorum writes into its log. Every body is flexible.
//! Source: Kafka 4.3 raft schemas, KIP-595 (leader change), KIP-630 (snapshot), KIP-853 (version, voters).
//!
//! Generated from `schemas/control_records.schema` by `cargo x codegen`.

#![allow(clippy::field_reassign_with_default, reason = "one statement per field")]

use crate::api::{Form, Message, Uuid};
use crate::error::{DecodeError, EncodeError};
use crate::{Reader, Writer};

/// Kafka's `LeaderChangeMessage`, versions 0 to 1.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct LeaderChangeMessage {
    pub version: i16,
    pub leader_id: i32,
    pub voters: Vec<Voter>,
    pub granting_voters: Vec<Voter>,
}

impl Message for LeaderChangeMessage {
    const NAME: &'static str = "LeaderChangeMessage";
    const VERSION_MIN: i16 = 0;
    const VERSION_MAX: i16 = 1;

    fn decode(r: &mut Reader<'_>, version: i16) -> Result<Self, DecodeError> {
        if !(0..=1).contains(&version) {
            return Err(DecodeError::UnsupportedVersion { api_key: -1, version });
        }
        let form = Form::Flexible;
        let mut it = Self::default();
        it.version = r.i16()?;
        it.leader_id = r.i32()?;
        it.voters = r.array(form, 4, |r| Voter::decode(r, version))?;
        it.granting_voters = r.array(form, 4, |r| Voter::decode(r, version))?;
        r.skip_tagged_fields()?;
        Ok(it)
    }

    fn encode(&self, w: &mut Writer, version: i16) -> Result<(), EncodeError> {
        if !(0..=1).contains(&version) {
            return Err(EncodeError::Version { message: Self::NAME, version });
        }
        let form = Form::Flexible;
        w.i16(self.version);
        w.i32(self.leader_id);
        w.array(&self.voters, form, |w, it| it.encode(w, version))?;
        w.array(&self.granting_voters, form, |w, it| it.encode(w, version))?;
        w.unsigned_varint(0);
        Ok(())
    }
}

/// Kafka's `Voter`.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Voter {
    pub voter_id: i32,
    /// From version 1.
    pub voter_directory_id: Uuid,
}

impl Voter {
    pub(crate) fn decode(r: &mut Reader<'_>, version: i16) -> Result<Self, DecodeError> {
        let mut it = Self::default();
        it.voter_id = r.i32()?;
        if version >= 1 {
            it.voter_directory_id = r.uuid()?;
        }
        r.skip_tagged_fields()?;
        Ok(it)
    }

    pub(crate) fn encode(&self, w: &mut Writer, version: i16) -> Result<(), EncodeError> {
        w.i32(self.voter_id);
        if version >= 1 {
            w.uuid(self.voter_directory_id);
        } else if self.voter_directory_id != [0; 16] {
            return Err(EncodeError::NotInVersion { field: "Voter.voter_directory_id", version });
        }
        w.unsigned_varint(0);
        Ok(())
    }
}

/// Kafka's `SnapshotHeaderRecord`, version 0.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct SnapshotHeaderRecord {
    pub version: i16,
    pub last_contained_log_timestamp: i64,
}

impl Message for SnapshotHeaderRecord {
    const NAME: &'static str = "SnapshotHeaderRecord";
    const VERSION_MIN: i16 = 0;
    const VERSION_MAX: i16 = 0;

    fn decode(r: &mut Reader<'_>, version: i16) -> Result<Self, DecodeError> {
        if !(0..=0).contains(&version) {
            return Err(DecodeError::UnsupportedVersion { api_key: -1, version });
        }
        let mut it = Self::default();
        it.version = r.i16()?;
        it.last_contained_log_timestamp = r.i64()?;
        r.skip_tagged_fields()?;
        Ok(it)
    }

    fn encode(&self, w: &mut Writer, version: i16) -> Result<(), EncodeError> {
        if !(0..=0).contains(&version) {
            return Err(EncodeError::Version { message: Self::NAME, version });
        }
        w.i16(self.version);
        w.i64(self.last_contained_log_timestamp);
        w.unsigned_varint(0);
        Ok(())
    }
}

/// Kafka's `SnapshotFooterRecord`, version 0.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct SnapshotFooterRecord {
    pub version: i16,
}

impl Message for SnapshotFooterRecord {
    const NAME: &'static str = "SnapshotFooterRecord";
    const VERSION_MIN: i16 = 0;
    const VERSION_MAX: i16 = 0;

    fn decode(r: &mut Reader<'_>, version: i16) -> Result<Self, DecodeError> {
        if !(0..=0).contains(&version) {
            return Err(DecodeError::UnsupportedVersion { api_key: -1, version });
        }
        let mut it = Self::default();
        it.version = r.i16()?;
        r.skip_tagged_fields()?;
        Ok(it)
    }

    fn encode(&self, w: &mut Writer, version: i16) -> Result<(), EncodeError> {
        if !(0..=0).contains(&version) {
            return Err(EncodeError::Version { message: Self::NAME, version });
        }
        w.i16(self.version);
        w.unsigned_varint(0);
        Ok(())
    }
}

/// Kafka's `KRaftVersionRecord`, version 0.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct KRaftVersionRecord {
    pub version: i16,
    pub kraft_version: i16,
}

impl Message for KRaftVersionRecord {
    const NAME: &'static str = "KRaftVersionRecord";
    const VERSION_MIN: i16 = 0;
    const VERSION_MAX: i16 = 0;

    fn decode(r: &mut Reader<'_>, version: i16) -> Result<Self, DecodeError> {
        if !(0..=0).contains(&version) {
            return Err(DecodeError::UnsupportedVersion { api_key: -1, version });
        }
        let mut it = Self::default();
        it.version = r.i16()?;
        it.kraft_version = r.i16()?;
        r.skip_tagged_fields()?;
        Ok(it)
    }

    fn encode(&self, w: &mut Writer, version: i16) -> Result<(), EncodeError> {
        if !(0..=0).contains(&version) {
            return Err(EncodeError::Version { message: Self::NAME, version });
        }
        w.i16(self.version);
        w.i16(self.kraft_version);
        w.unsigned_varint(0);
        Ok(())
    }
}

/// Kafka's `VotersRecord`, version 0.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct VotersRecord {
    pub version: i16,
    pub voters: Vec<QuorumVoter>,
}

impl Message for VotersRecord {
    const NAME: &'static str = "VotersRecord";
    const VERSION_MIN: i16 = 0;
    const VERSION_MAX: i16 = 0;

    fn decode(r: &mut Reader<'_>, version: i16) -> Result<Self, DecodeError> {
        if !(0..=0).contains(&version) {
            return Err(DecodeError::UnsupportedVersion { api_key: -1, version });
        }
        let form = Form::Flexible;
        let mut it = Self::default();
        it.version = r.i16()?;
        it.voters = r.array(form, 25, |r| QuorumVoter::decode(r, version))?;
        r.skip_tagged_fields()?;
        Ok(it)
    }

    fn encode(&self, w: &mut Writer, version: i16) -> Result<(), EncodeError> {
        if !(0..=0).contains(&version) {
            return Err(EncodeError::Version { message: Self::NAME, version });
        }
        let form = Form::Flexible;
        w.i16(self.version);
        w.array(&self.voters, form, |w, it| it.encode(w, version))?;
        w.unsigned_varint(0);
        Ok(())
    }
}

/// Kafka's `QuorumVoter`.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct QuorumVoter {
    pub voter_id: i32,
    pub voter_directory_id: Uuid,
    pub endpoints: Vec<VoterEndpoint>,
    pub kraft_version_feature: KRaftVersionFeature,
}

impl QuorumVoter {
    pub(crate) fn decode(r: &mut Reader<'_>, version: i16) -> Result<Self, DecodeError> {
        let form = Form::Flexible;
        let mut it = Self::default();
        it.voter_id = r.i32()?;
        it.voter_directory_id = r.uuid()?;
        it.endpoints = r.array(form, 4, |r| VoterEndpoint::decode(r, version))?;
        it.kraft_version_feature = KRaftVersionFeature::decode(r, version)?;
        r.skip_tagged_fields()?;
        Ok(it)
    }

    pub(crate) fn encode(&self, w: &mut Writer, version: i16) -> Result<(), EncodeError> {
        let form = Form::Flexible;
        w.i32(self.voter_id);
        w.uuid(self.voter_directory_id);
        w.array(&self.endpoints, form, |w, it| it.encode(w, version))?;
        self.kraft_version_feature.encode(w, version)?;
        w.unsigned_varint(0);
        Ok(())
    }
}

/// Kafka's `VoterEndpoint`.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct VoterEndpoint {
    pub name: String,
    pub host: String,
    pub port: u16,
}

impl VoterEndpoint {
    pub(crate) fn decode(r: &mut Reader<'_>, _version: i16) -> Result<Self, DecodeError> {
        let form = Form::Flexible;
        let mut it = Self::default();
        it.name = r.string(form)?;
        it.host = r.string(form)?;
        it.port = r.u16()?;
        r.skip_tagged_fields()?;
        Ok(it)
    }

    pub(crate) fn encode(&self, w: &mut Writer, _version: i16) -> Result<(), EncodeError> {
        let form = Form::Flexible;
        w.string(&self.name, form)?;
        w.string(&self.host, form)?;
        w.u16(self.port);
        w.unsigned_varint(0);
        Ok(())
    }
}

/// Kafka's `KRaftVersionFeature`.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct KRaftVersionFeature {
    pub min_supported_version: i16,
    pub max_supported_version: i16,
}

impl KRaftVersionFeature {
    pub(crate) fn decode(r: &mut Reader<'_>, _version: i16) -> Result<Self, DecodeError> {
        let mut it = Self::default();
        it.min_supported_version = r.i16()?;
        it.max_supported_version = r.i16()?;
        r.skip_tagged_fields()?;
        Ok(it)
    }

    pub(crate) fn encode(&self, w: &mut Writer, _version: i16) -> Result<(), EncodeError> {
        w.i16(self.min_supported_version);
        w.i16(self.max_supported_version);
        w.unsigned_varint(0);
        Ok(())
    }
}
