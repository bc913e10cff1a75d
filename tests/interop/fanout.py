"""Enhanced fan-out: what exists, what comes while subscribed, the end of a closed shard, and the
end of one that is closed under its subscriber."""

from botocore.exceptions import ClientError

from traffic import all_shards, is_recent, split, until

LIVE_RECORDS = 20
OLDEST = {"Type": "TRIM_HORIZON"}


def register(client, checks, arn, name):
    consumer = client.register_stream_consumer(StreamARN=arn, ConsumerName=name)["Consumer"]
    checks.equal("a consumer has its name", consumer["ConsumerName"], name)
    created = consumer["ConsumerCreationTimestamp"]
    checks.that("a consumer's time of making is about now", is_recent(created), created)

    def is_active():
        answer = client.describe_stream_consumer(StreamARN=arn, ConsumerName=name)
        return answer["ConsumerDescription"]["ConsumerStatus"] == "ACTIVE"

    until("the consumer to be ACTIVE", is_active)
    return consumer["ConsumerARN"]


def deregister(client, checks, consumer):
    client.deregister_stream_consumer(ConsumerARN=consumer)

    def is_gone():
        try:
            client.describe_stream_consumer(ConsumerARN=consumer)
            return False
        except ClientError as raised:
            return raised.response["Error"]["Code"] == "ResourceNotFoundException"

    until("the consumer to be gone", is_gone)
    checks.that("a deregistered consumer is gone", True)


def subscribe(client, consumer, shard, start):
    answer = client.subscribe_to_shard(
        ConsumerARN=consumer, ShardId=shard, StartingPosition=start
    )
    return answer["EventStream"]


def plain(records):
    return [(r["SequenceNumber"], r["PartitionKey"], r["Data"]) for r in records]


def read_to_end(checks, name, events, expected):
    """A subscription that ends by itself, as a closed shard's does."""
    found, last = [], {}
    for item in events:
        if last.get("ChildShards"):
            checks.that("%s: no event after the last" % name, False, item)
        last = item["SubscribeToShardEvent"]
        found.extend(last["Records"])
    checks.equal(name, plain(found), expected)
    times = [record["ApproximateArrivalTimestamp"] for record in found]
    checks.that("%s: times are about now" % name, all(map(is_recent, times)), times)
    checks.that("%s: its children are named" % name, last.get("ChildShards"), last)
    checks.that("%s: no continuation" % name, not last.get("ContinuationSequenceNumber"), last)


def put_live(client, stream, shard, index):
    data = bytes([0xFF, 0x00, index])
    answer = client.put_record(
        StreamName=stream,
        PartitionKey="live",
        ExplicitHashKey=shard["HashKeyRange"]["StartingHashKey"],
        Data=data,
    )
    return answer["SequenceNumber"], "live", data


def read_open(client, checks, consumer, stream, shard, polled):
    """What exists, then what is put while subscribed; gives all of it."""
    expected, found = list(polled), []
    events = subscribe(client, consumer, shard["ShardId"], OLDEST)
    for item in events:
        event = item["SubscribeToShardEvent"]
        found.extend(plain(event["Records"]))
        if not event.get("ContinuationSequenceNumber"):
            checks.that("an event says how to go on", False, event)
        if len(found) >= len(polled) and len(expected) == len(polled):
            expected += [put_live(client, stream, shard, index) for index in range(LIVE_RECORDS)]
        if len(found) >= len(polled) + LIVE_RECORDS:
            break
    events.close()
    name = "fan-out: all of %s, %d put while subscribed" % (shard["ShardId"], LIVE_RECORDS)
    checks.equal(name, found, expected)
    return found


def closed_under_subscriber(client, checks, consumer, stream, shard, expected):
    """A subscription to an open shard ends with the shard's children when it is split."""

    def watch(events):
        count = 0
        for item in events:
            count += len(item["SubscribeToShardEvent"]["Records"])
            yield item
            if count >= len(expected) and count < len(expected) + 1:
                count += 1
                split(client, stream, shard)

    events = subscribe(client, consumer, shard["ShardId"], OLDEST)
    read_to_end(checks, "fan-out: split under its subscriber", watch(events), expected)


def fan_out(client, checks, stream, reader):
    summary = client.describe_stream_summary(StreamName=stream)["StreamDescriptionSummary"]
    arn = summary["StreamARN"]
    consumer = register(client, checks, arn, "fan")
    late = register(client, checks, arn, "late")
    with checks.refused("a second consumer of one name", ClientError, "ResourceInUseException"):
        client.register_stream_consumer(StreamARN=arn, ConsumerName="fan")
    pages = client.get_paginator("list_stream_consumers").paginate(
        StreamARN=arn, PaginationConfig={"PageSize": 1}
    )
    names = [each["ConsumerName"] for page in pages for each in page["Consumers"]]
    checks.equal("list-stream-consumers", sorted(names), ["fan", "late"])

    for shard in all_shards(client, stream):
        name = shard["ShardId"]
        polled = plain(record for of, record in reader.found if of == name)
        if "EndingSequenceNumber" in shard["SequenceNumberRange"]:
            events = subscribe(client, consumer, name, OLDEST)
            read_to_end(checks, "fan-out: all of closed %s" % name, events, polled)
            if polled:
                middle = len(polled) // 2
                start = {"Type": "AT_SEQUENCE_NUMBER", "SequenceNumber": polled[middle][0]}
                events = subscribe(client, late, name, start)
                title = "fan-out: %s from its middle" % name
                read_to_end(checks, title, events, polled[middle:])
        else:
            found = read_open(client, checks, consumer, stream, shard, polled)
            last = shard
    closed_under_subscriber(client, checks, late, stream, last, found)

    with checks.refused("a shard that is not", ClientError, "ResourceNotFoundException"):
        subscribe(client, consumer, "shardId-000000000999", OLDEST)
    with checks.refused("a stream with consumers", ClientError, "ResourceInUseException"):
        client.delete_stream(StreamName=stream)
    deregister(client, checks, consumer)
    deregister(client, checks, late)
