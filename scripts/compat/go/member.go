package main

import (
	"context"
	"sync"
	"time"
)

// pollWait is how long a poll lasts when nothing comes.
const pollWait = 100 * time.Millisecond

// Member is one member of a consumer group.
type Member interface {
	// Poll tells what has happened since the last one.
	Poll(ctx context.Context) (Polled, error)
	Commit(ctx context.Context, offsets []PartitionOffset) error
	Leave() error
}

// PartitionOffset is an offset to commit.
type PartitionOffset struct {
	Partition int32 `json:"partition"`
	Offset    int64 `json:"offset"`
}

// Delivered is a record that a member got.
type Delivered struct {
	Partition int32  `json:"partition"`
	Offset    int64  `json:"offset"`
	Key       string `json:"key"`
	Value     string `json:"value"`
}

// Polled is the answer to a poll.
type Polled struct {
	Owned      []int32
	Records    []Delivered
	Revoked    []int32
	Rebalances int
}

// collector gathers what a client tells at any time, until a poll asks for it.
type collector struct {
	mutex      sync.Mutex
	owned      map[int32]bool
	records    []Delivered
	revoked    []int32
	rebalances int
}

func newCollector() *collector {
	return &collector{owned: map[int32]bool{}}
}

func (c *collector) assigned(partitions []int32) {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	c.rebalances++
	for _, partition := range partitions {
		c.owned[partition] = true
	}
}

func (c *collector) revoke(partitions []int32) {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	c.rebalances++
	for _, partition := range partitions {
		delete(c.owned, partition)
	}
	c.revoked = append(c.revoked, partitions...)
}

func (c *collector) deliver(record Delivered) {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	c.records = append(c.records, record)
}

// take empties the collector, except for what is owned.
func (c *collector) take() Polled {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	polled := Polled{[]int32{}, c.records, c.revoked, c.rebalances}
	for partition := range c.owned {
		polled.Owned = append(polled.Owned, partition)
	}
	c.records, c.revoked, c.rebalances = nil, nil, 0
	return polled
}
