//! Open-loop load generator for any Kafka-compatible broker.
