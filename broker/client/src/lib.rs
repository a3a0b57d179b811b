//! The Kafka client that loadgen, sim workloads and the CLI use; generic over the seam.
