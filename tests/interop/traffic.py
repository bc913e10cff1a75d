"""Writes with one hand and reads with the other: the reader follows the shards' lineage, parents
before children, while the stream is resharded under it."""

import collections
import datetime
import threading
import time

KEYS = ["ключ-🔑-é"] + ["key-%d" % index for index in range(20)]
NOT_TEXT = bytes([0x00, 0xFF, 0xFE, 0x80])
WAIT_S_MAX = 60
PAUSE_S = 0.02
ROUND_PAUSE_S = 0.002
SKEW_S_MAX = 600


def until(what, ask):
    """Asks until the answer is true."""
    end = time.monotonic() + WAIT_S_MAX
    while not ask():
        if time.monotonic() > end:
            raise RuntimeError("waited too long for " + what)
        time.sleep(PAUSE_S)


def is_recent(when):
    age = datetime.datetime.now(datetime.timezone.utc) - when
    return abs(age.total_seconds()) < SKEW_S_MAX


def active(client, stream):
    def is_active():
        summary = client.describe_stream_summary(StreamName=stream)["StreamDescriptionSummary"]
        return summary["StreamStatus"] == "ACTIVE"

    until("the stream to be ACTIVE", is_active)


def all_shards(client, stream):
    shards, more = [], {"StreamName": stream}
    while True:
        page = client.list_shards(MaxResults=1, **more)
        shards.extend(page["Shards"])
        if "NextToken" not in page:
            return shards
        more = {"NextToken": page["NextToken"]}


class Hand(threading.Thread):
    """A thread whose failure is its caller's."""

    def __init__(self, work):
        super().__init__(daemon=True)
        self.work = work
        self.raised = None
        self.start()

    def run(self):
        try:
            self.work()
        except BaseException as raised:  # it is raised again in `wait`
            self.raised = raised

    def check(self):
        if self.raised:
            raise self.raised

    def wait(self):
        self.join()
        self.check()


class Writer:
    """Puts each key's numbers 0, 1, 2, ... until told to stop."""

    def __init__(self, client, stream):
        self.client = client
        self.stream = stream
        self.put = {}
        self.rounds = 0
        self.stopping = False
        self.hand = None

    def begin(self):
        self.hand = Hand(self.run)

    def add(self, answer, key, data):
        self.put[answer["ShardId"], answer["SequenceNumber"]] = (key, data)

    def run(self):
        while not self.stopping:
            batch = [
                {"PartitionKey": key, "Data": NOT_TEXT + ("%s#%d" % (key, self.rounds)).encode()}
                for key in KEYS
            ]
            first = batch.pop(0)
            answer = self.client.put_record(StreamName=self.stream, **first)
            self.add(answer, first["PartitionKey"], first["Data"])
            answer = self.client.put_records(StreamName=self.stream, Records=batch)
            if answer["FailedRecordCount"]:
                raise RuntimeError("put-records: %r" % answer)
            for record, placed in zip(batch, answer["Records"]):
                self.add(placed, record["PartitionKey"], record["Data"])
            self.rounds += 1
            time.sleep(ROUND_PAUSE_S)

    def more(self, rounds):
        """Some more rounds have been put."""
        goal = self.rounds + rounds

        def is_reached():
            self.hand.check()
            return self.rounds >= goal

        until("round %d" % goal, is_reached)

    def stop(self):
        self.stopping = True
        self.hand.wait()


class Reader:
    """Reads a stream to its end, whatever becomes of its shards."""

    def __init__(self, client, stream):
        self.client = client
        self.stream = stream
        self.found = []
        self.iterators = {}
        self.ended = set()
        self.expected = None
        self.hand = None

    def begin(self):
        self.hand = Hand(self.run)

    def start(self, shard):
        self.iterators[shard] = self.client.get_shard_iterator(
            StreamName=self.stream, ShardId=shard, ShardIteratorType="TRIM_HORIZON"
        )["ShardIterator"]

    def run(self):
        for shard in all_shards(self.client, self.stream):
            if "ParentShardId" not in shard:
                self.start(shard["ShardId"])

        def is_done():
            self.sweep()
            return self.expected is not None and len(self.found) >= self.expected

        until("the reader to have read everything", is_done)
        self.sweep()

    def sweep(self):
        """One page of every shard that is being read."""
        for shard, iterator in list(self.iterators.items()):
            page = self.client.get_records(ShardIterator=iterator)
            for record in page["Records"]:
                if not is_recent(record["ApproximateArrivalTimestamp"]):
                    raise RuntimeError("arrived at %s" % record["ApproximateArrivalTimestamp"])
                self.found.append((shard, record))
            if page.get("NextShardIterator"):
                self.iterators[shard] = page["NextShardIterator"]
            else:
                self.end(shard, page.get("ChildShards"))

    def end(self, shard, children):
        """Follows a closed shard to its children; one is read when all its parents have been."""
        if not children:
            raise RuntimeError("%s ended without children" % shard)
        del self.iterators[shard]
        self.ended.add(shard)
        for child in children:
            if shard not in child["ParentShards"]:
                raise RuntimeError("%s is no parent of its child %r" % (shard, child))
            known = child["ShardId"] in self.iterators or child["ShardId"] in self.ended
            if not known and self.ended.issuperset(child["ParentShards"]):
                self.start(child["ShardId"])

    def finish(self, expected):
        self.expected = expected
        self.hand.wait()

    def compare(self, checks, writer):
        """What was found is what was put: each record once, and each key's records in order."""
        found, numbers = {}, collections.defaultdict(list)
        for shard, record in self.found:
            key, data = record["PartitionKey"], record["Data"]
            found[shard, record["SequenceNumber"]] = (key, data)
            if data.startswith(NOT_TEXT):
                numbers[key].append(data[len(NOT_TEXT) :].decode())
        checks.equal("polling: no record twice", len(found), len(self.found))
        checks.that("polling: places, keys and bytes", found == writer.put)
        expected = {key: ["%s#%d" % (key, n) for n in range(writer.rounds)] for key in KEYS}
        checks.that("polling: order of every key, %d records each" % writer.rounds, numbers == expected)
        listed = {shard["ShardId"] for shard in all_shards(self.client, self.stream)}
        checks.equal("polling: every shard of the lineage", self.ended | set(self.iterators), listed)


def split(client, stream, shard):
    """Splits the shard in its middle, and gives its children."""
    bounds = shard["HashKeyRange"]
    middle = (int(bounds["StartingHashKey"]) + int(bounds["EndingHashKey"])) // 2
    client.split_shard(
        StreamName=stream, ShardToSplit=shard["ShardId"], NewStartingHashKey=str(middle)
    )
    active(client, stream)
    shards = all_shards(client, stream)
    return [child for child in shards if child.get("ParentShardId") == shard["ShardId"]]


def reshard(client, checks, stream, writer):
    """Splits, merges and scales while records are written and read."""
    writer.more(10)
    first = all_shards(client, stream)[0]
    children = split(client, stream, first)
    checks.equal("a split shard has two children", len(children), 2)
    closed = all_shards(client, stream)[0]["SequenceNumberRange"]
    checks.that("a split shard is closed", "EndingSequenceNumber" in closed, closed)

    writer.more(10)
    left, right = (child["ShardId"] for child in children)
    client.merge_shards(StreamName=stream, ShardToMerge=left, AdjacentShardToMerge=right)
    active(client, stream)
    parents = [
        (shard.get("ParentShardId"), shard.get("AdjacentParentShardId"))
        for shard in all_shards(client, stream)
    ]
    checks.that("a merged shard has both parents", (left, right) in parents, parents)

    writer.more(10)
    answer = client.update_shard_count(
        StreamName=stream, TargetShardCount=4, ScalingType="UNIFORM_SCALING"
    )
    counts = answer["CurrentShardCount"], answer["TargetShardCount"]
    checks.equal("update-shard-count", counts, (2, 4))
    active(client, stream)
    summary = client.describe_stream_summary(StreamName=stream)["StreamDescriptionSummary"]
    checks.equal("four open shards", summary["OpenShardCount"], 4)
    writer.more(10)


def reshard_while_reading(client, checks, stream):
    """A stream of two shards, resharded under a writer and a reader; gives both."""
    client.create_stream(StreamName=stream, ShardCount=2)
    active(client, stream)
    writer, reader = Writer(client, stream), Reader(client, stream)
    writer.begin()
    reader.begin()
    reshard(client, checks, stream, writer)
    writer.stop()
    reader.finish(len(writer.put))
    reader.compare(checks, writer)
    return writer, reader
