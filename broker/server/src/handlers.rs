//! One file per API. A handler gets a decoded request and returns the response; `net::dispatch`
//! names them all.

pub(crate) mod api_versions;
