"""A session of the real boto3 against a real server: streams, records, iterators, errors, a
kill -9 in the middle, resharding under a reader, fan-out over HTTP/1.1, queues.

    python boto3_session.py path/to/flowstone scratch-directory
"""

import collections
import datetime
import hashlib
import sys

import boto3
import botocore.config
from botocore.exceptions import ClientError, ParamValidationError

from checks import Checks, deadline
from fanout import fan_out
from queues import queues
from server import Server
from traffic import reshard_while_reading

DEADLINE_S = 300
ROUNDS_MAX = 10_000
HASH_KEYS = 1 << 128


def connect(server):
    return boto3.client(
        "kinesis",
        endpoint_url=server.endpoint,
        region_name="us-east-1",
        aws_access_key_id="AKIDEXAMPLE",
        aws_secret_access_key="secret",
        config=botocore.config.Config(retries={"max_attempts": 1, "mode": "standard"}),
    )


def read_shard(client, stream, shard, limit=None, **start):
    """All records from `start` (by default the oldest) to the end."""
    start = start or {"ShardIteratorType": "TRIM_HORIZON"}
    iterator = client.get_shard_iterator(StreamName=stream, ShardId=shard, **start)["ShardIterator"]
    records = []
    for _ in range(ROUNDS_MAX):
        more = {"Limit": limit} if limit else {}
        page = client.get_records(ShardIterator=iterator, **more)
        records.extend(page["Records"])
        if not page["Records"] and page["MillisBehindLatest"] == 0:
            return records
        iterator = page["NextShardIterator"]
    raise RuntimeError("the shard does not come to an end")


def read_stream(client, stream):
    shards = client.list_shards(StreamName=stream)["Shards"]
    return {shard["ShardId"]: read_shard(client, stream, shard["ShardId"]) for shard in shards}


def streams(client, checks):
    client.create_stream(StreamName="orders", ShardCount=4)
    client.get_waiter("stream_exists").wait(
        StreamName="orders", WaiterConfig={"Delay": 1, "MaxAttempts": 10}
    )
    description = client.describe_stream(StreamName="orders")["StreamDescription"]
    checks.equal("the waiter ends at ACTIVE", description["StreamStatus"], "ACTIVE")
    checks.equal("describe-stream has all shards", len(description["Shards"]), 4)
    checks.equal("describe-stream has no more", description["HasMoreShards"], False)
    page = client.describe_stream(StreamName="orders", Limit=3)["StreamDescription"]
    checks.equal("describe-stream pages", (len(page["Shards"]), page["HasMoreShards"]), (3, True))
    rest = client.describe_stream(
        StreamName="orders", ExclusiveStartShardId=page["Shards"][-1]["ShardId"]
    )["StreamDescription"]
    checks.equal("describe-stream goes on", len(rest["Shards"]), 1)
    summary = client.describe_stream_summary(StreamName="orders")["StreamDescriptionSummary"]
    checks.equal("summary counts the shards", summary["OpenShardCount"], 4)
    checks.equal("summary has the retention", summary["RetentionPeriodHours"], 24)
    age = datetime.datetime.now(datetime.timezone.utc) - summary["StreamCreationTimestamp"]
    checks.that("summary has the time of making", abs(age.total_seconds()) < 600, age)
    by_arn = client.describe_stream_summary(StreamARN=summary["StreamARN"])
    name = by_arn["StreamDescriptionSummary"]["StreamName"]
    checks.equal("a stream is found by its ARN", name, "orders")

    ends = [shard["HashKeyRange"] for shard in description["Shards"]]
    covered = sum(int(e["EndingHashKey"]) - int(e["StartingHashKey"]) + 1 for e in ends)
    checks.equal("hash ranges cover everything once", covered, HASH_KEYS)

    for index in range(12):
        client.create_stream(StreamName="list-%02d" % index, ShardCount=1)
    names = []
    for page in client.get_paginator("list_streams").paginate(PaginationConfig={"PageSize": 5}):
        names.extend(page["StreamNames"])
    expected = ["list-%02d" % index for index in range(12)] + ["orders"]
    checks.equal("list-streams pages through all, sorted", names, expected)

    shards, token = [], {"StreamName": "orders"}
    for _ in range(ROUNDS_MAX):
        page = client.list_shards(MaxResults=1, **token)
        shards.extend(shard["ShardId"] for shard in page["Shards"])
        if "NextToken" not in page:
            break
        token = {"NextToken": page["NextToken"]}
    checks.equal("list-shards pages one by one", shards, [s["ShardId"] for s in description["Shards"]])
    return description["Shards"]


def records(client, checks, shards):
    put = {}
    first = client.put_record(StreamName="orders", PartitionKey="a", Data=b"first")
    checks.equal("a sequence number has 56 digits", len(first["SequenceNumber"]), 56)
    put[first["ShardId"], first["SequenceNumber"]] = ("a", b"first")

    batch = [{"PartitionKey": "key-%d" % i, "Data": b"record %d" % i} for i in range(500)]
    answer = client.put_records(StreamName="orders", Records=batch)
    checks.equal("put-records takes 500", answer["FailedRecordCount"], 0)
    checks.equal("put-records answers for each", len(answer["Records"]), 500)
    for record, placed in zip(batch, answer["Records"]):
        place = placed["ShardId"], placed["SequenceNumber"]
        put[place] = (record["PartitionKey"], record["Data"])
    checks.equal("no two records have one place", len(put), 501)

    def routed(key):
        hashed = int.from_bytes(hashlib.md5(key.encode()).digest(), "big")
        for shard in shards:
            bounds = shard["HashKeyRange"]
            if int(bounds["StartingHashKey"]) <= hashed <= int(bounds["EndingHashKey"]):
                return shard["ShardId"]

    wrong = [key for (shard, _), (key, _) in put.items() if routed(key) != shard]
    checks.equal("keys go where their MD5 says", wrong, [])

    for shard in shards:
        for bound in ("StartingHashKey", "EndingHashKey"):
            hashed = shard["HashKeyRange"][bound]
            placed = client.put_record(
                StreamName="orders", PartitionKey="x", ExplicitHashKey=hashed, Data=b"explicit"
            )
            put[placed["ShardId"], placed["SequenceNumber"]] = ("x", b"explicit")
            same = placed["ShardId"] == shard["ShardId"]
            checks.that("explicit hash key %s of %s" % (bound, shard["ShardId"]), same)

    big = bytes(range(256)) * 4096
    placed = client.put_record(StreamName="orders", PartitionKey="big", Data=big[:-3])
    put[placed["ShardId"], placed["SequenceNumber"]] = ("big", big[:-3])
    bigs = [{"PartitionKey": "b%d" % i, "Data": big[: 900 << 10]} for i in range(5)]
    answer = client.put_records(StreamName="orders", Records=bigs)
    checks.equal("put-records takes 4.5 MiB", answer["FailedRecordCount"], 0)
    for record, placed in zip(bigs, answer["Records"]):
        place = placed["ShardId"], placed["SequenceNumber"]
        put[place] = (record["PartitionKey"], record["Data"])
    same_key, last = [], {}
    for index in range(20):
        placed = client.put_record(
            StreamName="orders", PartitionKey="ordered", Data=b"%d" % index, **last
        )
        last = {"SequenceNumberForOrdering": placed["SequenceNumber"]}
        same_key.append(int(placed["SequenceNumber"]))
        put[placed["ShardId"], placed["SequenceNumber"]] = ("ordered", b"%d" % index)
    checks.that("numbers of one key rise", same_key == sorted(set(same_key)))
    compare(client, checks, "orders", put, "everything is read back across shards")
    return put


def compare(client, checks, stream, put, name):
    """What is in the stream is what was put: no more, no less, in order."""
    found = {}
    for shard, records in read_stream(client, stream).items():
        numbers = [int(record["SequenceNumber"]) for record in records]
        if numbers != sorted(set(numbers)):
            checks.that("%s: order in %s" % (name, shard), False)
        for record in records:
            found[shard, record["SequenceNumber"]] = (record["PartitionKey"], record["Data"])
    missing, extra = put.keys() - found.keys(), found.keys() - put.keys()
    checks.equal(name + ": places", (len(missing), len(extra)), (0, 0))
    checks.that(name + ": keys and bytes", all(found.get(place) == put[place] for place in put))


def iterators(client, checks, put):
    by_shard = collections.Counter(shard for shard, _ in put)
    shard = by_shard.most_common(1)[0][0]
    all_records = read_shard(client, "orders", shard)
    middle = len(all_records) // 2
    number = all_records[middle]["SequenceNumber"]

    def numbers(**start):
        records = read_shard(client, "orders", shard, **start)
        return [record["SequenceNumber"] for record in records]

    expected = [record["SequenceNumber"] for record in all_records]
    checks.equal(
        "AT_SEQUENCE_NUMBER",
        numbers(ShardIteratorType="AT_SEQUENCE_NUMBER", StartingSequenceNumber=number),
        expected[middle:],
    )
    checks.equal(
        "AFTER_SEQUENCE_NUMBER",
        numbers(ShardIteratorType="AFTER_SEQUENCE_NUMBER", StartingSequenceNumber=number),
        expected[middle + 1 :],
    )
    checks.equal("TRIM_HORIZON", numbers(ShardIteratorType="TRIM_HORIZON"), expected)
    arrival = all_records[middle]["ApproximateArrivalTimestamp"]
    since = [r["SequenceNumber"] for r in all_records if r["ApproximateArrivalTimestamp"] >= arrival]
    checks.equal("AT_TIMESTAMP", numbers(ShardIteratorType="AT_TIMESTAMP", Timestamp=arrival), since)
    old = datetime.datetime(2020, 1, 1, tzinfo=datetime.timezone.utc)
    every = numbers(ShardIteratorType="AT_TIMESTAMP", Timestamp=old)
    checks.equal("AT_TIMESTAMP before all", every, expected)
    paged = read_shard(client, "orders", shard, limit=7)
    checks.equal("Limit pages", [record["SequenceNumber"] for record in paged], expected)

    latest = client.get_shard_iterator(
        StreamName="orders", ShardId=shard, ShardIteratorType="LATEST"
    )["ShardIterator"]
    empty = client.get_records(ShardIterator=latest)
    checks.equal("LATEST begins empty", (empty["Records"], empty["MillisBehindLatest"]), ([], 0))
    key = next(key for (of, _), (key, _) in put.items() if of == shard)
    placed = client.put_record(StreamName="orders", PartitionKey=key, Data=b"late")
    if placed["ShardId"] == shard:
        page = client.get_records(ShardIterator=empty["NextShardIterator"])
        late = [record["Data"] for record in page["Records"]]
        checks.equal("LATEST sees what comes", late, [b"late"])
    put[placed["ShardId"], placed["SequenceNumber"]] = (key, b"late")
    behind = client.get_shard_iterator(
        StreamName="orders", ShardId=shard, ShardIteratorType="TRIM_HORIZON"
    )["ShardIterator"]
    page = client.get_records(ShardIterator=behind, Limit=1)
    checks.that("MillisBehindLatest behind the end", page["MillisBehindLatest"] > 0)


def refusals(client, checks):
    def refused(name, code):
        return checks.refused(name, ClientError, code)

    with refused("create what exists", "ResourceInUseException"):
        client.create_stream(StreamName="orders", ShardCount=1)
    with refused("describe what is not", "ResourceNotFoundException"):
        client.describe_stream(StreamName="nowhere")
    with refused("put to what is not", "ResourceNotFoundException"):
        client.put_record(StreamName="nowhere", PartitionKey="a", Data=b"")
    with refused("delete what is not", "ResourceNotFoundException"):
        client.delete_stream(StreamName="nowhere")
    with refused("a shard that is not", "ResourceNotFoundException"):
        client.get_shard_iterator(
            StreamName="orders", ShardId="shardId-000000000999", ShardIteratorType="LATEST"
        )
    with refused("a garbage iterator", "InvalidArgumentException"):
        client.get_records(ShardIterator="AAAAAAAAAAFgarbage")
    with refused("a garbage sequence number", "InvalidArgumentException"):
        client.get_shard_iterator(
            StreamName="orders",
            ShardId="shardId-000000000000",
            ShardIteratorType="AT_SEQUENCE_NUMBER",
            StartingSequenceNumber="12345678901234567890",
        )
    with refused("a hash key out of range", "InvalidArgumentException"):
        client.put_record(
            StreamName="orders", PartitionKey="a", ExplicitHashKey=str(HASH_KEYS), Data=b""
        )
    with refused("a name with forbidden characters", "ValidationException"):
        client.create_stream(StreamName="not a name", ShardCount=1)
    with refused("a key that is too long", "ValidationException"):
        client.put_record(StreamName="orders", PartitionKey="k" * 257, Data=b"")
    with refused("501 records", "ValidationException"):
        client.put_records(
            StreamName="orders", Records=[{"PartitionKey": "a", "Data": b""}] * 501
        )
    try:
        client.put_record(StreamName="orders", PartitionKey="a", Data=b"x" * ((1 << 20) + 1))
        checks.that("more than 1 MiB", False, "it was not refused")
    except ClientError as raised:
        code = raised.response["Error"]["Code"]
        known = ("ValidationException", "InvalidArgumentException")
        checks.that("more than 1 MiB is refused", code in known, code)
    try:
        client.get_records(ShardIterator="x", Limit=0)
        checks.that("Limit 0", False, "it was not refused")
    except (ClientError, ParamValidationError):
        checks.that("Limit 0 is refused", True)


def crash(server, client, checks, put):
    for index in range(200):
        data = b"before the kill %d" % index
        key = "kill-%d" % index
        placed = client.put_record(StreamName="orders", PartitionKey=key, Data=data)
        put[placed["ShardId"], placed["SequenceNumber"]] = (key, data)
    server.kill()
    server.start()
    client = connect(server)
    compare(client, checks, "orders", put, "after kill -9 everything is there")
    placed = client.put_record(StreamName="orders", PartitionKey="after", Data=b"after the kill")
    put[placed["ShardId"], placed["SequenceNumber"]] = ("after", b"after the kill")
    checks.equal("SIGTERM ends with status 0", server.stop(), 0)
    server.start()
    client = connect(server)
    compare(client, checks, "orders", put, "after SIGTERM everything is there")
    return client


def deletion(client, checks):
    for index in range(12):
        client.delete_stream(StreamName="list-%02d" % index)
    client.delete_stream(StreamName="orders", EnforceConsumerDeletion=True)
    client.get_waiter("stream_not_exists").wait(
        StreamName="orders", WaiterConfig={"Delay": 1, "MaxAttempts": 10}
    )
    with checks.refused("a deleted stream is gone", ClientError, "ResourceNotFoundException"):
        client.describe_stream(StreamName="orders")
    client.create_stream(StreamName="orders", ShardCount=1)
    client.get_waiter("stream_exists").wait(
        StreamName="orders", WaiterConfig={"Delay": 1, "MaxAttempts": 10}
    )
    records = read_stream(client, "orders")
    checks.equal("a new stream of the same name is empty", sum(map(len, records.values())), 0)


def tags(client, checks, stream):
    def read():
        listed = client.list_tags_for_stream(StreamName=stream)["Tags"]
        return {tag["Key"]: tag["Value"] for tag in listed}

    both = {"team": "a b", "città": "тест"}
    client.add_tags_to_stream(StreamName=stream, Tags=both)
    checks.equal("tags are kept", read(), both)
    client.remove_tags_from_stream(StreamName=stream, TagKeys=["team"])
    checks.equal("a tag is removed", read(), {"città": "тест"})


def resharding(client, checks):
    _, reader = reshard_while_reading(client, checks, "lineage")
    tags(client, checks, "lineage")
    fan_out(client, checks, "lineage", reader)
    client.delete_stream(StreamName="lineage")
    client.get_waiter("stream_not_exists").wait(
        StreamName="lineage", WaiterConfig={"Delay": 1, "MaxAttempts": 10}
    )
    checks.that("delete-stream after its consumers", True)


def main():
    binary, directory = sys.argv[1:3]
    deadline(DEADLINE_S)
    checks = Checks("boto3 %s" % boto3.__version__)
    server = Server(binary, directory)
    server.start()
    try:
        client = connect(server)
        shards = streams(client, checks)
        put = records(client, checks, shards)
        iterators(client, checks, put)
        refusals(client, checks)
        client = crash(server, client, checks, put)
        deletion(client, checks)
        resharding(client, checks)
        queues(client, checks, "work")
    finally:
        server.kill()
    return checks.close()


if __name__ == "__main__":
    sys.exit(main())
