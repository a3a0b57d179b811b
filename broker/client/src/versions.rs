//! Which version of each API both sides speak.

use model::Buf;
use std::collections::BTreeMap;
use wire::messages::api_versions::{ApiVersionsRequest, ApiVersionsResponse};
use wire::{APIS, ApiKey, DecodeError, Message, Reader};

use crate::ClientError;

/// Highest common version per API; an API without one is absent.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Versions(BTreeMap<ApiKey, i16>);

/// The first version that carries the client's name, and the one that old brokers answer to.
pub(crate) const ASK_FIRST: i16 = 3;
pub(crate) const ASK_OLD: i16 = 0;

const UNSUPPORTED_VERSION: i16 = 35;

pub(crate) fn request() -> ApiVersionsRequest {
    ApiVersionsRequest {
        client_software_name: "odradek-client".to_owned(),
        client_software_version: env!("CARGO_PKG_VERSION").to_owned(),
    }
}

/// What a broker said to an ApiVersions request.
pub(crate) enum Told {
    Versions(Versions),
    /// It knows only older requests: ask again with [`ASK_OLD`].
    AskOld,
}

/// Reads the answer to a request of `version`, the frame's length prefix removed.
///
/// A broker that does not know the version answers with a version 0 body (KIP-511), so the error
/// code is looked at before the layout is chosen.
pub(crate) fn read(frame: &Buf, version: i16) -> Result<Told, ClientError> {
    let mut reader = Reader::new(frame);
    let _correlation_id = reader.i32()?;
    let code = peek_code(frame)?;
    if code == UNSUPPORTED_VERSION && version != ASK_OLD {
        return Ok(Told::AskOld);
    }
    ClientError::check("ApiVersions", code, None)?;
    let response = ApiVersionsResponse::decode(&mut reader, version)?;
    Ok(Told::Versions(Versions::of(&response)))
}

fn peek_code(frame: &Buf) -> Result<i16, DecodeError> {
    let mut reader = Reader::new(frame);
    let _correlation_id = reader.i32()?;
    reader.i16()
}

impl Versions {
    fn of(response: &ApiVersionsResponse) -> Self {
        let common = |api: &wire::Api| {
            let told = response.api_keys.iter().find(|row| row.api_key == api.key as i16)?;
            let version = told.max_version.min(api.version_max);
            let floor = told.min_version.max(api.version_min);
            (version >= floor).then_some((api.key, version))
        };
        Self(APIS.iter().filter_map(common).collect())
    }

    /// The version to speak.
    ///
    /// # Errors
    /// [`ClientError::Unsupported`].
    pub fn of_api(&self, api: ApiKey) -> Result<i16, ClientError> {
        self.0.get(&api).copied().ok_or(ClientError::Unsupported { api })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use wire::messages::api_versions::ApiVersion;

    fn told(rows: &[(ApiKey, i16, i16)]) -> Versions {
        let api_keys = rows
            .iter()
            .map(|(key, min_version, max_version)| ApiVersion {
                api_key: *key as i16,
                min_version: *min_version,
                max_version: *max_version,
            })
            .collect();
        Versions::of(&ApiVersionsResponse { api_keys, ..ApiVersionsResponse::default() })
    }

    #[test]
    fn the_highest_common_version_is_spoken() {
        let versions = told(&[(ApiKey::Produce, 0, 9), (ApiKey::Fetch, 4, 99)]);
        assert_eq!(versions.of_api(ApiKey::Produce), Ok(9));
        assert_eq!(versions.of_api(ApiKey::Fetch), Ok(ApiKey::Fetch.api().version_max));
    }

    #[test]
    fn ranges_that_do_not_meet_are_unsupported() {
        let versions = told(&[(ApiKey::Produce, 0, 2)]);
        let unsupported = Err(ClientError::Unsupported { api: ApiKey::Produce });
        assert_eq!(versions.of_api(ApiKey::Produce), unsupported);
        assert!(versions.of_api(ApiKey::Metadata).is_err());
    }
}
