// Driver of the Go clients; the steps are described in ../README.md.
package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"time"
)

// patience bounds every step.
const patience = 20 * time.Second

// Record is one record of a step or of an answer.
type Record struct {
	Offset    int64  `json:"offset"`
	Key       string `json:"key"`
	Value     string `json:"value"`
	Timestamp int64  `json:"timestamp"`
}

// Step is one line of input.
type Step struct {
	Do         string   `json:"do"`
	Topic      string   `json:"topic"`
	Partition  int32    `json:"partition"`
	Partitions int32    `json:"partitions"`
	Codec      string   `json:"codec"`
	Records    []Record `json:"records"`
	From       int64    `json:"from"`
	Count      int      `json:"count"`
	Timestamp  int64    `json:"timestamp"`
	Before     int64    `json:"before"`
	Name       string   `json:"name"`
	Value      string   `json:"value"`

	Group       string            `json:"group"`
	Member      string            `json:"member"`
	Assignor    string            `json:"assignor"`
	Instance    string            `json:"instance"`
	SessionMs   int               `json:"session_ms"`
	HeartbeatMs int               `json:"heartbeat_ms"`
	Offsets     []PartitionOffset `json:"offsets"`
}

// Answer is one line of output.
type Answer map[string]any

// Client does steps with one client library.
type Client interface {
	Create(ctx context.Context, topic string, partitions int32) error
	Partitions(ctx context.Context, topic string) (int, error)
	Produce(ctx context.Context, step Step) (int64, error)
	Fetch(ctx context.Context, step Step) ([]Record, error)
	OffsetAt(ctx context.Context, step Step) (int64, error)
	DeleteRecords(ctx context.Context, step Step) error
	GetConfig(ctx context.Context, topic, name string) (string, error)
	SetConfig(ctx context.Context, topic, name, value string) error
	Delete(ctx context.Context, topic string) error
	Join(ctx context.Context, step Step) (Member, error)
	Committed(ctx context.Context, step Step) ([]int64, error)
}

// unsupported says what the client lacks.
type unsupported string

func (u unsupported) Error() string { return string(u) }

// errUnsupported says that the client has no such call.
const errUnsupported = unsupported("the client has no such call")

// driver does the steps of one client, which is at most one member.
type driver struct {
	client Client
	member Member
}

func (d *driver) do(step Step) (Answer, error) {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	client := d.client
	switch step.Do {
	case "codecs":
		return Answer{"codecs": []string{"none", "gzip", "snappy", "lz4", "zstd"}}, nil
	case "create":
		return Answer{}, client.Create(ctx, step.Topic, step.Partitions)
	case "partitions":
		count, err := client.Partitions(ctx, step.Topic)
		return Answer{"count": count}, err
	case "produce":
		base, err := client.Produce(ctx, step)
		return Answer{"base_offset": base}, err
	case "fetch":
		records, err := client.Fetch(ctx, step)
		return Answer{"records": records}, err
	case "offset_at":
		offset, err := client.OffsetAt(ctx, step)
		return Answer{"offset": offset}, err
	case "delete_records":
		return Answer{}, client.DeleteRecords(ctx, step)
	case "get_config":
		value, err := client.GetConfig(ctx, step.Topic, step.Name)
		return Answer{"value": value}, err
	case "set_config":
		return Answer{}, client.SetConfig(ctx, step.Topic, step.Name, step.Value)
	case "delete":
		return Answer{}, client.Delete(ctx, step.Topic)
	case "committed":
		offsets, err := client.Committed(ctx, step)
		return Answer{"offsets": offsets}, err
	case "join":
		member, err := client.Join(ctx, step)
		d.member = member
		return Answer{}, err
	case "poll":
		polled, err := d.member.Poll(ctx)
		return Answer{"owned": polled.Owned, "records": polled.Records,
			"revoked": polled.Revoked, "rebalances": polled.Rebalances}, err
	case "commit":
		return Answer{}, d.member.Commit(ctx, step.Offsets)
	case "leave":
		return Answer{}, d.member.Leave()
	}
	return nil, errUnsupported
}

func main() {
	makers := map[string]func(string) (Client, error){
		"franz-go": newFranz,
		"sarama":   newSarama,
		"kafka-go": newSegmentio,
	}
	client, startErr := makers[os.Args[1]](os.Args[2])
	driver := &driver{client: client}
	lines := bufio.NewScanner(os.Stdin)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var step Step
		err := json.Unmarshal(lines.Bytes(), &step)
		var answer Answer
		if err == nil {
			err = startErr
		}
		if err == nil {
			answer, err = driver.do(step)
		}
		var lacking unsupported
		switch {
		case errors.As(err, &lacking):
			answer = Answer{"unsupported": lacking.Error() + ": " + step.Do}
		case err != nil:
			answer = Answer{"error": err.Error()}
		default:
			answer["ok"] = true
		}
		text, _ := json.Marshal(answer)
		fmt.Println(string(text))
	}
}
