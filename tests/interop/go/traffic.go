// Writes with one hand and reads with the other: the reader follows the shards' lineage, parents
// before children, while the stream is resharded under it.
package main

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kinesis"
	"github.com/aws/aws-sdk-go-v2/service/kinesis/types"
)

const roundPause = 2 * time.Millisecond

var notText = []byte{0x00, 0xff, 0xfe, 0x80}

func keys() []string {
	all := []string{"ключ-🔑-é"}
	for index := range 20 {
		all = append(all, fmt.Sprintf("key-%d", index))
	}
	return all
}

func allShards(ctx context.Context, client *kinesis.Client, stream string) []types.Shard {
	var shards []types.Shard
	request := &kinesis.ListShardsInput{StreamName: &stream, MaxResults: aws.Int32(1)}
	for {
		page := must(client.ListShards(ctx, request))
		shards = append(shards, page.Shards...)
		if page.NextToken == nil {
			return shards
		}
		request = &kinesis.ListShardsInput{NextToken: page.NextToken, MaxResults: aws.Int32(1)}
	}
}

// record is one record at its place.
type record struct{ shard, number, key, data string }

func sorted(records []record) []record {
	return slices.SortedFunc(slices.Values(records), func(a, b record) int {
		return strings.Compare(a.shard+"/"+a.number, b.shard+"/"+b.number)
	})
}

// writer puts each key's numbers 0, 1, 2, ... until told to stop.
type writer struct {
	client *kinesis.Client
	stream string
	put    []record
	rounds atomic.Int64
	stop   atomic.Bool
}

func (w *writer) one(ctx context.Context, request *kinesis.PutRecordInput) string {
	request.StreamName = &w.stream
	answer := must(w.client.PutRecord(ctx, request))
	placed := record{*answer.ShardId, *answer.SequenceNumber, *request.PartitionKey, string(request.Data)}
	w.put = append(w.put, placed)
	return *answer.ShardId
}

func (w *writer) run(ctx context.Context) {
	for !w.stop.Load() {
		var batch []types.PutRecordsRequestEntry
		for _, key := range keys() {
			data := fmt.Appendf(slices.Clone(notText), "%s#%d", key, w.rounds.Load())
			batch = append(batch, types.PutRecordsRequestEntry{PartitionKey: aws.String(key), Data: data})
		}
		w.one(ctx, &kinesis.PutRecordInput{PartitionKey: batch[0].PartitionKey, Data: batch[0].Data})
		batch = batch[1:]
		answer := must(w.client.PutRecords(ctx, &kinesis.PutRecordsInput{StreamName: &w.stream, Records: batch}))
		if *answer.FailedRecordCount != 0 {
			that("put-records", false, answer.Records)
		}
		for at, placed := range answer.Records {
			entry := batch[at]
			w.put = append(w.put, record{*placed.ShardId, *placed.SequenceNumber, *entry.PartitionKey, string(entry.Data)})
		}
		w.rounds.Add(1)
		time.Sleep(roundPause)
	}
}

// more waits until some more rounds have been put.
func (w *writer) more(rounds int64) {
	goal := w.rounds.Load() + rounds
	until(fmt.Sprintf("round %d", goal), func() bool { return w.rounds.Load() >= goal })
}

// reader reads a stream to its end, whatever becomes of its shards.
type reader struct {
	client    *kinesis.Client
	stream    string
	found     []record
	iterators map[string]*string
	ended     map[string]bool
	expected  atomic.Int64
}

func (r *reader) start(ctx context.Context, shard string) {
	answer := must(r.client.GetShardIterator(ctx, &kinesis.GetShardIteratorInput{
		StreamName: &r.stream, ShardId: &shard, ShardIteratorType: types.ShardIteratorTypeTrimHorizon,
	}))
	r.iterators[shard] = answer.ShardIterator
}

func (r *reader) run(ctx context.Context) {
	for _, shard := range allShards(ctx, r.client, r.stream) {
		if shard.ParentShardId == nil {
			r.start(ctx, *shard.ShardId)
		}
	}
	until("the reader to have read everything", func() bool {
		r.sweep(ctx)
		expected := r.expected.Load()
		return expected > 0 && int64(len(r.found)) >= expected
	})
	r.sweep(ctx)
}

// sweep reads one page of every shard that is being read.
func (r *reader) sweep(ctx context.Context) {
	reading := make(map[string]*string)
	for shard, iterator := range r.iterators {
		reading[shard] = iterator
	}
	for shard, iterator := range reading {
		page := must(r.client.GetRecords(ctx, &kinesis.GetRecordsInput{ShardIterator: iterator}))
		for _, one := range page.Records {
			if !recent(one.ApproximateArrivalTimestamp) {
				that("an arrival time is about now", false, one.ApproximateArrivalTimestamp)
			}
			r.found = append(r.found, record{shard, *one.SequenceNumber, *one.PartitionKey, string(one.Data)})
		}
		if page.NextShardIterator != nil {
			r.iterators[shard] = page.NextShardIterator
		} else {
			r.end(ctx, shard, page.ChildShards)
		}
	}
}

// end follows a closed shard to its children; one is read when all its parents have been.
func (r *reader) end(ctx context.Context, shard string, children []types.ChildShard) {
	that(shard+" ends and names its children", len(children) > 0, children)
	delete(r.iterators, shard)
	r.ended[shard] = true
	for _, child := range children {
		if !slices.Contains(child.ParentShards, shard) {
			that(shard+" is a parent of its child", false, child)
		}
		ready := !slices.ContainsFunc(child.ParentShards, func(parent string) bool { return !r.ended[parent] })
		if _, reading := r.iterators[*child.ShardId]; ready && !reading && !r.ended[*child.ShardId] {
			r.start(ctx, *child.ShardId)
		}
	}
}

// compare wants what was put, each record once, and each key's records in order.
func (r *reader) compare(put []record, rounds int) {
	equal("polling: as many records as were put", len(r.found), len(put))
	found, expected := sorted(r.found), sorted(put)
	for at := range expected {
		if found[at] != expected[at] {
			that("polling: places, keys and bytes", false, []record{found[at], expected[at]})
		}
	}
	that("polling: places, keys and bytes", true, nil)
	next := make(map[string]int)
	for _, one := range r.found {
		text, numbered := strings.CutPrefix(one.data, string(notText))
		if !numbered {
			continue
		}
		if text != fmt.Sprintf("%s#%d", one.key, next[one.key]) {
			that("polling: order of "+one.key, false, text)
		}
		next[one.key]++
	}
	for _, key := range keys() {
		if next[key] != rounds {
			that("polling: all of "+key, false, next[key])
		}
	}
	that(fmt.Sprintf("polling: order of %d keys across reshards, %d records each", len(next), rounds), true, nil)
	that("polling: every arrival time is about now", true, nil)
}
