// Writes with one hand and reads with the other: the reader follows the shards' lineage, parents
// before children, while the stream is resharded under it.
import {
  GetRecordsCommand,
  GetShardIteratorCommand,
  ListShardsCommand,
  PutRecordCommand,
  PutRecordsCommand,
} from "@aws-sdk/client-kinesis";
import { equal, pause, recent, that, until, Failed } from "./checks.mjs";

const KEYS = ["ключ-🔑-é", ...Array.from({ length: 20 }, (_, index) => `key-${index}`)];
const ROUND_PAUSE_MS = 2;
const NOT_TEXT = Buffer.from([0x00, 0xff, 0xfe, 0x80]);

export async function allShards(client, stream) {
  const shards = [];
  let more = { StreamName: stream };
  for (;;) {
    const page = await client.send(new ListShardsCommand({ ...more, MaxResults: 1 }));
    shards.push(...page.Shards);
    if (!page.NextToken) return shards;
    more = { NextToken: page.NextToken };
  }
}

/** Everything that was put, by its place. */
export class Put {
  places = new Map();

  add(answer, key, data) {
    const place = `${answer.ShardId}/${answer.SequenceNumber}`;
    if (this.places.has(place)) throw new Failed(`two records at ${place}`);
    this.places.set(place, { key, data: Buffer.from(data).toString("base64") });
  }
}

/** Puts each key's numbers 0, 1, 2, ... until told to stop. */
export class Writer {
  rounds = 0;
  stopping = false;

  constructor(client, stream, put) {
    Object.assign(this, { client, stream, put });
  }

  async run() {
    while (!this.stopping) {
      const [single, ...batch] = KEYS.map((key) => ({
        PartitionKey: key,
        Data: Buffer.concat([NOT_TEXT, Buffer.from(`${key}#${this.rounds}`)]),
      }));
      const one = await this.client.send(
        new PutRecordCommand({ StreamName: this.stream, ...single }),
      );
      this.put.add(one, single.PartitionKey, single.Data);
      const many = await this.client.send(
        new PutRecordsCommand({ StreamName: this.stream, Records: batch }),
      );
      if (many.FailedRecordCount !== 0) throw new Failed(`puts failed: ${JSON.stringify(many)}`);
      many.Records.forEach((answer, at) =>
        this.put.add(answer, batch[at].PartitionKey, batch[at].Data),
      );
      this.rounds += 1;
      await pause(ROUND_PAUSE_MS);
    }
  }

  /** Some more rounds have been put. */
  async more(rounds) {
    const goal = this.rounds + rounds;
    await until(`round ${goal}`, () => this.rounds >= goal);
  }
}

/** Reads a stream to its end, whatever becomes of its shards. */
export class Reader {
  found = [];
  iterators = new Map();
  ended = new Set();
  expected = Infinity;

  constructor(client, stream) {
    Object.assign(this, { client, stream });
  }

  async start(shard) {
    const { ShardIterator } = await this.client.send(
      new GetShardIteratorCommand({
        StreamName: this.stream,
        ShardId: shard,
        ShardIteratorType: "TRIM_HORIZON",
      }),
    );
    this.iterators.set(shard, ShardIterator);
  }

  async run() {
    for (const shard of await allShards(this.client, this.stream)) {
      if (!shard.ParentShardId) await this.start(shard.ShardId);
    }
    await until("the reader to have read everything", async () => {
      await this.sweep();
      return this.found.length >= this.expected;
    });
    await this.sweep();
  }

  /** One page of every shard that is being read. */
  async sweep() {
    for (const [shard, iterator] of [...this.iterators]) {
      const page = await this.client.send(new GetRecordsCommand({ ShardIterator: iterator }));
      for (const record of page.Records) {
        if (!recent(record.ApproximateArrivalTimestamp)) {
          throw new Failed(`arrived at ${record.ApproximateArrivalTimestamp}`);
        }
        this.found.push({ shard, ...record });
      }
      if (page.NextShardIterator) {
        this.iterators.set(shard, page.NextShardIterator);
      } else {
        await this.end(shard, page.ChildShards);
      }
    }
  }

  /** A closed shard names its children; one is read when all its parents have been. */
  async end(shard, children) {
    that(`${shard} ends and names its children`, children?.length > 0, children);
    this.iterators.delete(shard);
    this.ended.add(shard);
    for (const child of children) {
      if (!child.ParentShards.includes(shard)) throw new Failed(`${shard} is no parent of its child`);
      const ready = child.ParentShards.every((parent) => this.ended.has(parent));
      const known = this.iterators.has(child.ShardId) || this.ended.has(child.ShardId);
      if (ready && !known) await this.start(child.ShardId);
    }
  }

  /** What was found is what was put, once each and in order. */
  compare(put, rounds) {
    const found = new Map(
      this.found.map((record) => [
        `${record.shard}/${record.SequenceNumber}`,
        { key: record.PartitionKey, data: Buffer.from(record.Data).toString("base64") },
      ]),
    );
    equal("polling: no record twice", found.size, this.found.length);
    const missing = [...put.places.keys()].filter((place) => !found.has(place));
    const extra = [...found.keys()].filter((place) => !put.places.has(place));
    equal("polling: every record, and no other", { missing, extra }, { missing: [], extra: [] });
    const changed = [...found].filter(([place, record]) => {
      const original = put.places.get(place);
      return record.key !== original.key || record.data !== original.data;
    });
    equal("polling: keys and bytes", changed, []);
    for (const key of KEYS) {
      const numbers = this.found
        .map((record) => Buffer.from(record.Data).subarray(NOT_TEXT.length).toString())
        .filter((text) => text.startsWith(`${key}#`))
        .map((text) => Number(text.slice(key.length + 1)));
      const inOrder = numbers.length === rounds && numbers.every((number, at) => number === at);
      if (!inOrder) throw new Failed(`order of ${key}: ${numbers}`);
    }
    that(`polling: order of ${KEYS.length} keys across reshards, ${rounds} records each`, true);
    that("polling: every arrival time is about now", true);
  }
}
