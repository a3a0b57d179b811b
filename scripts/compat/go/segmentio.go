package main

import (
	"context"
	"errors"
	"strconv"
	"time"

	"github.com/segmentio/kafka-go"
)

// segmentio is kafka-go: Conn (old fixed versions) for the topic calls and for reading, Writer for
// producing, Client for configs.
type segmentio struct {
	bootstrap string
}

func newSegmentio(bootstrap string) (Client, error) {
	return &segmentio{bootstrap}, nil
}

func (c *segmentio) Create(ctx context.Context, topic string, partitions int32) error {
	conn, err := kafka.DialContext(ctx, "tcp", c.bootstrap)
	if err != nil {
		return err
	}
	defer conn.Close()
	err = conn.CreateTopics(
		kafka.TopicConfig{Topic: topic, NumPartitions: int(partitions), ReplicationFactor: 1})
	if err != nil {
		return err
	}
	// A Conn does not retry while a leader has not heard of its new partition.
	for partition := 0; partition < int(partitions); {
		if _, err := c.end(ctx, topic, partition); err == nil {
			partition++
			continue
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
		time.Sleep(20 * time.Millisecond)
	}
	return nil
}

func (c *segmentio) end(ctx context.Context, topic string, partition int) (int64, error) {
	conn, err := kafka.DialLeader(ctx, "tcp", c.bootstrap, topic, partition)
	if err != nil {
		return 0, err
	}
	defer conn.Close()
	return conn.ReadLastOffset()
}

func (c *segmentio) Partitions(ctx context.Context, topic string) (int, error) {
	conn, err := kafka.DialContext(ctx, "tcp", c.bootstrap)
	if err != nil {
		return 0, err
	}
	defer conn.Close()
	partitions, err := conn.ReadPartitions()
	count := 0
	for _, partition := range partitions {
		if partition.Topic == topic {
			count++
		}
	}
	return count, err
}

// chosen sends every message to one partition.
type chosen int

func (c chosen) Balance(kafka.Message, ...int) int { return int(c) }

func (c *segmentio) Produce(ctx context.Context, step Step) (int64, error) {
	codecs := map[string]kafka.Compression{
		"none": 0, "gzip": kafka.Gzip, "snappy": kafka.Snappy, "lz4": kafka.Lz4, "zstd": kafka.Zstd}
	// A Writer does not tell the offset of what it wrote.
	base, err := c.end(ctx, step.Topic, int(step.Partition))
	if err != nil {
		return 0, err
	}
	// The shared transport remembers for seconds which topics there were.
	transport := &kafka.Transport{}
	defer transport.CloseIdleConnections()
	writer := &kafka.Writer{
		Transport:    transport,
		Addr:         kafka.TCP(c.bootstrap),
		Topic:        step.Topic,
		Balancer:     chosen(step.Partition),
		Compression:  codecs[step.Codec],
		RequiredAcks: kafka.RequireAll,
		BatchTimeout: 50 * time.Millisecond,
	}
	defer writer.Close()
	var messages []kafka.Message
	for _, record := range step.Records {
		messages = append(messages, kafka.Message{
			Key:   []byte(record.Key),
			Value: []byte(record.Value),
			Time:  time.UnixMilli(record.Timestamp),
		})
	}
	return base, writer.WriteMessages(ctx, messages...)
}

func (c *segmentio) Fetch(ctx context.Context, step Step) ([]Record, error) {
	conn, err := kafka.DialLeader(ctx, "tcp", c.bootstrap, step.Topic, int(step.Partition))
	if err != nil {
		return nil, err
	}
	defer conn.Close()
	deadline, _ := ctx.Deadline()
	conn.SetDeadline(deadline)
	if _, err := conn.Seek(step.From, kafka.SeekAbsolute); err != nil {
		return nil, err
	}
	var records []Record
	for len(records) < step.Count {
		batch := conn.ReadBatchWith(
			kafka.ReadBatchConfig{MinBytes: 1, MaxBytes: 1 << 20, MaxWait: 500 * time.Millisecond})
		for {
			m, err := batch.ReadMessage()
			if err != nil {
				break
			}
			record := Record{m.Offset, string(m.Key), string(m.Value), m.Time.UnixMilli()}
			records = append(records, record)
		}
		// An empty answer after the longest wait is no failure.
		if err := batch.Close(); err != nil && !errors.Is(err, kafka.RequestTimedOut) {
			return nil, err
		}
	}
	return records, nil
}

func (c *segmentio) OffsetAt(ctx context.Context, step Step) (int64, error) {
	conn, err := kafka.DialLeader(ctx, "tcp", c.bootstrap, step.Topic, int(step.Partition))
	if err != nil {
		return 0, err
	}
	defer conn.Close()
	return conn.ReadOffset(time.UnixMilli(step.Timestamp))
}

func (c *segmentio) DeleteRecords(context.Context, Step) error {
	return errUnsupported
}

func (c *segmentio) client() *kafka.Client {
	return &kafka.Client{Addr: kafka.TCP(c.bootstrap), Timeout: patience}
}

func (c *segmentio) GetConfig(ctx context.Context, topic, name string) (string, error) {
	answer, err := c.client().DescribeConfigs(ctx, &kafka.DescribeConfigsRequest{
		Resources: []kafka.DescribeConfigRequestResource{{
			ResourceType: kafka.ResourceTypeTopic, ResourceName: topic, ConfigNames: []string{name}}},
	})
	if err != nil {
		return "", err
	}
	resource := answer.Resources[0]
	if resource.Error != nil || len(resource.ConfigEntries) == 0 {
		return "", errors.Join(resource.Error, errors.New("entries: "+strconv.Itoa(len(resource.ConfigEntries))))
	}
	return resource.ConfigEntries[0].ConfigValue, nil
}

func (c *segmentio) SetConfig(ctx context.Context, topic, name, value string) error {
	answer, err := c.client().IncrementalAlterConfigs(ctx, &kafka.IncrementalAlterConfigsRequest{
		Resources: []kafka.IncrementalAlterConfigsRequestResource{{
			ResourceType: kafka.ResourceTypeTopic,
			ResourceName: topic,
			Configs: []kafka.IncrementalAlterConfigsRequestConfig{{
				Name: name, Value: value, ConfigOperation: kafka.ConfigOperationSet}},
		}},
	})
	if err != nil {
		return err
	}
	return answer.Resources[0].Error
}

func (c *segmentio) Delete(ctx context.Context, topic string) error {
	conn, err := kafka.DialContext(ctx, "tcp", c.bootstrap)
	if err != nil {
		return err
	}
	defer conn.Close()
	return conn.DeleteTopics(topic)
}
