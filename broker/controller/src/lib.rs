//! Cluster metadata as a pure core: records, image and deltas, decisions.
