//! Kafka protocol: schemas to typed messages, framing, record batch v2, CRC, compression. Bytes in, values out; no I/O.
