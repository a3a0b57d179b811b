//! The seam: traits only, a conformance suite every backend must pass, and the seeded `memory` backend.
