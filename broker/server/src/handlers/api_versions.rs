//! ApiVersions: what this broker speaks. Answered first, on every connection, before login.

use std::rc::Rc;

use model::ErrorCode;
use runtime::Runtime;
use wire::messages::api_versions::{
    ApiVersion, ApiVersionsRequest, ApiVersionsResponse, FinalizedFeatureKey, SupportedFeatureKey,
};
use wire::{Api, ApiKey};

use crate::advertised::ADVERTISED;
use crate::net::{Close, RequestContext};
use crate::shard::Shard;

/// A feature of the cluster (KIP-584). Both ends are inclusive.
struct Feature {
    name: &'static str,
    level_min: i16,
    level_max: i16,
}

/// Levels as in Kafka 4.3. Features without code behind them are absent, not at level 0.
const FEATURES: &[Feature] = &[
    Feature { name: GROUP_VERSION, level_min: 0, level_max: GROUP_VERSION_LEVEL },
    Feature { name: "kraft.version", level_min: 0, level_max: 1 },
    Feature { name: METADATA_VERSION, level_min: 7, level_max: METADATA_VERSION_LEVEL },
];

pub(crate) const METADATA_VERSION: &str = "metadata.version";
/// Groups of KIP-848.
const GROUP_VERSION: &str = "group.version";
const GROUP_VERSION_LEVEL: i16 = 1;
/// 4.3-IV0.
pub(crate) const METADATA_VERSION_LEVEL: i16 = 30;

const FINALIZED: &[(&str, i16)] =
    &[(GROUP_VERSION, GROUP_VERSION_LEVEL), (METADATA_VERSION, METADATA_VERSION_LEVEL)];

pub(crate) async fn handle<R: Runtime>(
    shard: &Rc<Shard<R>>,
    context: &RequestContext<'_>,
    request: ApiVersionsRequest,
) -> Result<ApiVersionsResponse, Close> {
    Ok(respond(&request, context.version, shard.image.borrow().end().0))
}

/// Answers a request of a version that we speak.
///
/// `image_epoch` is the offset of the metadata image that the finalized features come from.
fn respond(request: &ApiVersionsRequest, version: i16, image_epoch: i64) -> ApiVersionsResponse {
    let names_valid = is_software_name(&request.client_software_name)
        && is_software_name(&request.client_software_version);
    if version >= 3 && !names_valid {
        return ApiVersionsResponse {
            error_code: ErrorCode::InvalidRequest.code(),
            ..ApiVersionsResponse::default()
        };
    }
    ApiVersionsResponse {
        api_keys: ADVERTISED
            .iter()
            .map(|row| ApiVersion {
                api_key: row.key as i16,
                min_version: row.version_min,
                max_version: row.version_max,
            })
            .collect(),
        // Clients before v4 take a minimum of 0 for a malformed feature (KAFKA-17011).
        supported_features: FEATURES
            .iter()
            .filter(|feature| version >= 4 || feature.level_min > 0)
            .map(|feature| SupportedFeatureKey {
                name: feature.name.to_owned(),
                min_version: feature.level_min,
                max_version: feature.level_max,
            })
            .collect(),
        finalized_features_epoch: image_epoch,
        finalized_features: FINALIZED
            .iter()
            .map(|(name, level)| FinalizedFeatureKey {
                name: (*name).to_owned(),
                max_version_level: *level,
                min_version_level: *level,
            })
            .collect(),
        ..ApiVersionsResponse::default()
    }
}

/// Answers a request of a version above ours, in the layout of version 0 (KIP-511): the client reads
/// our range and asks again.
pub(crate) fn respond_too_new() -> ApiVersionsResponse {
    let own: &Api = ApiKey::ApiVersions.api();
    ApiVersionsResponse {
        error_code: ErrorCode::UnsupportedVersion.code(),
        api_keys: vec![ApiVersion {
            api_key: own.key as i16,
            min_version: own.version_min,
            max_version: own.version_max,
        }],
        ..ApiVersionsResponse::default()
    }
}

/// `[a-zA-Z0-9](?:[a-zA-Z0-9\-.]*[a-zA-Z0-9])?` (KIP-511).
fn is_software_name(text: &str) -> bool {
    let bytes = text.as_bytes();
    let ends = [bytes.first(), bytes.last()];
    ends.iter().all(|end| end.is_some_and(u8::is_ascii_alphanumeric))
        && bytes.iter().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.'))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(name: &str) -> ApiVersionsRequest {
        ApiVersionsRequest {
            client_software_name: name.to_owned(),
            client_software_version: "1.0".to_owned(),
        }
    }

    #[test]
    fn a_malformed_software_name_is_refused_from_version_3_on() {
        for (name, valid) in
            [("a", true), ("apache-kafka.java", true), ("", false), ("-a", false), ("a b", false)]
        {
            let error = respond(&request(name), 3, 0).error_code;
            assert_eq!(error == ErrorCode::None.code(), valid, "{name:?}");
        }
        assert_eq!(respond(&request(""), 2, 0).error_code, ErrorCode::None.code());
    }

    #[test]
    fn features_that_start_at_zero_are_shown_from_version_4_on() {
        let names = |version| {
            let response = respond(&request("a"), version, 0);
            response.supported_features.into_iter().map(|f| f.name).collect::<Vec<_>>()
        };
        assert_eq!(names(3), ["metadata.version"]);
        assert_eq!(names(4), ["group.version", "kraft.version", "metadata.version"]);
    }

    #[test]
    fn a_version_above_ours_learns_our_range() {
        let response = respond_too_new();
        assert_eq!(response.error_code, ErrorCode::UnsupportedVersion.code());
        assert_eq!(response.api_keys.len(), 1);
    }
}
