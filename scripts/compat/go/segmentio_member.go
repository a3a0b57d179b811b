package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/segmentio/kafka-go"
)

// segmentioMember is a Reader of kafka-go with a group.
type segmentioMember struct {
	*collector
	reader *kafka.Reader
	topic  string
}

func (c *segmentio) Join(_ context.Context, step Step) (Member, error) {
	if step.Instance != "" {
		return nil, unsupported("the client has no static members")
	}
	if step.Assignor != "range" {
		return nil, unsupported("the client has no " + step.Assignor)
	}
	member := &segmentioMember{collector: newCollector(), topic: step.Topic}
	member.reader = kafka.NewReader(kafka.ReaderConfig{
		Brokers:           []string{c.bootstrap},
		GroupID:           step.Group,
		Topic:             step.Topic,
		Dialer:            &kafka.Dialer{ClientID: step.Member, Timeout: patience},
		GroupBalancers:    []kafka.GroupBalancer{kafka.RangeGroupBalancer{}},
		SessionTimeout:    time.Duration(step.SessionMs) * time.Millisecond,
		HeartbeatInterval: time.Duration(step.HeartbeatMs) * time.Millisecond,
		JoinGroupBackoff:  200 * time.Millisecond,
		StartOffset:       kafka.FirstOffset,
		MaxWait:           200 * time.Millisecond,
		Logger:            kafka.LoggerFunc(member.onLog),
	})
	go member.fetch()
	return member, nil
}

var partitionInLog = regexp.MustCompile(`partition:(\d+)`)

// onLog learns from the log what a Reader tells nowhere else: the partitions of each generation.
func (m *segmentioMember) onLog(format string, arguments ...any) {
	text := fmt.Sprintf(format, arguments...)
	if !strings.HasPrefix(text, "subscribed to topics and partitions") {
		return
	}
	var partitions []int32
	for _, match := range partitionInLog.FindAllStringSubmatch(text, -1) {
		partition, _ := strconv.Atoi(match[1])
		partitions = append(partitions, int32(partition))
	}
	m.mutex.Lock()
	for partition := range m.owned {
		m.revoked = append(m.revoked, partition)
	}
	clear(m.owned)
	m.mutex.Unlock()
	m.assigned(partitions)
}

func (m *segmentioMember) fetch() {
	for {
		r, err := m.reader.FetchMessage(context.Background())
		if errors.Is(err, io.EOF) {
			return // The Reader is closed.
		}
		if err != nil {
			// The Reader goes on; it tells this way that the broker is away.
			time.Sleep(pollWait)
			continue
		}
		m.deliver(Delivered{int32(r.Partition), r.Offset, string(r.Key), string(r.Value)})
	}
}

func (m *segmentioMember) Poll(context.Context) (Polled, error) {
	// The Reader works between the polls; this only keeps them from coming too fast.
	time.Sleep(pollWait)
	return m.take(), nil
}

func (m *segmentioMember) Commit(ctx context.Context, offsets []PartitionOffset) error {
	var messages []kafka.Message
	for _, it := range offsets {
		// A Reader commits the offset after a message.
		messages = append(messages,
			kafka.Message{Topic: m.topic, Partition: int(it.Partition), Offset: it.Offset - 1})
	}
	return m.reader.CommitMessages(ctx, messages...)
}

func (m *segmentioMember) Leave() error {
	return m.reader.Close()
}

func (c *segmentio) Committed(ctx context.Context, step Step) ([]int64, error) {
	var partitions []int
	for partition := 0; partition < int(step.Partitions); partition++ {
		partitions = append(partitions, partition)
	}
	answer, err := c.client().OffsetFetch(ctx, &kafka.OffsetFetchRequest{
		GroupID: step.Group, Topics: map[string][]int{step.Topic: partitions}})
	if err != nil {
		return nil, err
	}
	if answer.Error != nil {
		return nil, answer.Error
	}
	offsets := make([]int64, step.Partitions)
	for _, it := range answer.Topics[step.Topic] {
		if it.Error != nil {
			return nil, it.Error
		}
		if it.Partition >= len(offsets) {
			return nil, errors.New("a partition too many")
		}
		offsets[it.Partition] = it.CommittedOffset
	}
	return offsets, nil
}
