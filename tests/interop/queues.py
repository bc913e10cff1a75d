"""A queue: receive, acknowledge, visibility, redelivery, dead letters, tags, and what is refused."""

from botocore.exceptions import ClientError

from traffic import is_recent, until

RECORDS = 25
RECEIVES_MAX = 200
# Long enough that nothing comes back by itself while the session runs.
LONG_S = 600


def make(client, checks, arn, name, **attributes):
    made = client.create_queue(
        QueueName=name,
        StreamConfigurationList=[
            {"StreamARN": arn, "StartingPosition": {"Type": "TRIM_HORIZON"}}
        ],
        QueueAttributes=attributes,
    )["QueueDescription"]
    checks.equal("create-queue: %s has its name" % name, made["QueueName"], name)
    queue = made["QueueARN"]

    def is_active():
        described = client.describe_queue(QueueARN=queue)["QueueDescription"]
        return described["QueueStatus"] == "ACTIVE"

    until("the queue to be ACTIVE", is_active)
    return queue


def receive_all(receive, queue, expected):
    """Receives until `expected` records came, and whether more would."""
    found = []
    for _ in range(RECEIVES_MAX):
        page = receive(QueueARN=queue, WaitTimeSeconds=1, VisibilityTimeoutSeconds=LONG_S)
        found.extend(page["QueueRecords"])
        if not page["QueueRecords"] or len(found) > expected:
            break
    return found


def entries(records, **more):
    return [dict(more, ReceiptHandle=record["ReceiptHandle"]) for record in records]


def settle(call, queue, records, **more):
    """Calls with the receipts of `records`: how many were granted, and why others were not."""
    granted, refused = 0, []
    for at in range(0, len(records), 10):
        answer = call(QueueARN=queue, Entries=entries(records[at : at + 10], **more))
        granted += len(answer["Successful"])
        refused += [failed["ErrorCode"] for failed in answer["Failed"]]
    return granted, refused


def described(client, checks, arn, queue):
    description = client.describe_queue(QueueARN=queue)["QueueDescription"]
    created = description["QueueCreationTimestamp"]
    checks.that("a queue's time of making is about now", is_recent(created), created)
    attributes = {
        "VisibilityTimeoutSeconds": LONG_S,
        "DeadLetterConfiguration": {"TargetType": "BUILT_IN", "MaxReceiveCount": 6},
    }
    checks.equal("describe-queue: attributes", description["QueueAttributes"], attributes)
    start = description["StreamConfigurationList"][0]
    checks.equal("describe-queue: its stream", start["StreamARN"], arn)
    checks.equal("describe-queue: its start", start["StartingPosition"]["Type"], "TRIM_HORIZON")
    listed = client.list_queues(StreamFilter=[{"StreamARN": arn}])["QueueSummaries"]
    checks.equal("list-queues", [each["QueueARN"] for each in listed], [queue])
    summary = client.describe_stream_summary(StreamARN=arn)["StreamDescriptionSummary"]
    checks.equal("the stream counts its queue", summary.get("QueueCount"), 1)


def tagged(client, checks, queue):
    def read():
        listed = client.list_tags_for_resource(ResourceARN=queue)["Tags"]
        return {tag["Key"]: tag.get("Value") for tag in listed}

    client.tag_resource(ResourceARN=queue, Tags={"team": "a", "città": "тест"})
    checks.equal("a queue's tags are kept", read(), {"team": "a", "città": "тест"})
    client.untag_resource(ResourceARN=queue, TagKeys=["team"])
    checks.equal("a queue's tag is removed", read(), {"città": "тест"})


def delivered(client, checks, queue, put):
    first = receive_all(client.receive_queue_records, queue, len(put))
    found = sorted((record["PartitionKey"], record["Data"]) for record in first)
    checks.equal("a queue delivers every record once", found, sorted(put))
    checks.equal("a first delivery counts 1", {record["ReceiveCount"] for record in first}, {1})
    times = [r[of] for r in first for of in ("ApproximateArrivalTimestamp", "FirstReceiveTimestamp")]
    checks.that("a delivery's times are about now", all(map(is_recent, times)), times)
    done, kept = first[:15], first[15:]
    acknowledged = settle(client.acknowledge_queue_records, queue, done)
    checks.equal("acknowledge", acknowledged, (15, []))
    now = settle(client.update_queue_records_visibility, queue, kept, VisibilityTimeoutSeconds=0)
    checks.equal("visible again at once", now, (len(kept), []))
    second = receive_all(client.receive_queue_records, queue, len(kept))
    ids = sorted(record["RecordId"] for record in kept)
    checks.equal("only those come again", sorted(r["RecordId"] for r in second), ids)
    checks.equal("a second delivery counts 2", {record["ReceiveCount"] for record in second}, {2})
    late = settle(client.acknowledge_queue_records, queue, kept)
    code = "InvalidArgumentException"
    checks.equal("an old receipt is worth nothing", late, (0, [code] * len(kept)))
    garbage = settle(client.acknowledge_queue_records, queue, [{"ReceiptHandle": "garbage"}])
    checks.equal("a garbage receipt fails alone", garbage, (0, [code]))
    short = settle(
        client.update_queue_records_visibility, queue, second, VisibilityTimeoutSeconds=1
    )
    checks.equal("a shorter visibility", short, (len(second), []))
    third = []
    for _ in range(RECEIVES_MAX):
        third += client.receive_queue_records(
            QueueARN=queue, WaitTimeSeconds=5, VisibilityTimeoutSeconds=LONG_S
        )["QueueRecords"]
        if len(third) >= len(kept):
            break
    checks.equal("they come when their time has passed", sorted(r["RecordId"] for r in third), ids)
    checks.equal("acknowledge the rest", settle(client.acknowledge_queue_records, queue, third)[0], 10)
    rest = client.receive_queue_records(QueueARN=queue, WaitTimeSeconds=1)["QueueRecords"]
    checks.equal("nothing is left", rest, [])


def dead_letters(client, checks, arn, put):
    once = {"TargetType": "BUILT_IN", "MaxReceiveCount": 1}
    queue = make(client, checks, arn, "once", DeadLetterConfiguration=once)
    first = receive_all(client.receive_queue_records, queue, len(put))
    checks.equal("each queue delivers every record", len(first), len(put))
    settle(client.acknowledge_queue_records, queue, first[2:])
    settle(client.update_queue_records_visibility, queue, first[:2], VisibilityTimeoutSeconds=0)
    rest = client.receive_queue_records(QueueARN=queue, WaitTimeSeconds=1)["QueueRecords"]
    checks.equal("a record received too often is not delivered", rest, [])
    dead = receive_all(client.receive_dead_letter_queue_records, queue, 2)
    ids = sorted(record["RecordId"] for record in first[:2])
    checks.equal("it is a dead letter", sorted(record["RecordId"] for record in dead), ids)
    wrong = settle(client.acknowledge_queue_records, queue, dead[:1])
    checks.equal("a dead letter's receipt is its own", wrong, (0, ["InvalidArgumentException"]))
    restored = settle(client.restore_dead_letter_queue_records, queue, dead[:1])
    checks.equal("restore", restored, (1, []))
    again = receive_all(client.receive_queue_records, queue, 1)
    identity = [(record["RecordId"], record["ReceiveCount"]) for record in again]
    checks.equal("what is restored counts from 1", identity, [(dead[0]["RecordId"], 1)])
    done = settle(client.acknowledge_queue_records, queue, again)
    checks.equal("acknowledge what was restored", done, (1, []))
    done = settle(client.acknowledge_dead_letter_queue_records, queue, dead[1:])
    checks.equal("acknowledge a dead letter", done, (1, []))
    rest = client.receive_dead_letter_queue_records(QueueARN=queue, WaitTimeSeconds=1)
    checks.equal("no dead letter is left", rest["QueueRecords"], [])
    return queue


def refusals(client, checks, arn, queue):
    def refused(name, code):
        return checks.refused(name, ClientError, code)

    stream = [{"StreamARN": arn}]
    with refused("a second queue of one name", "ResourceInUseException"):
        client.create_queue(QueueName="jobs", StreamConfigurationList=stream)
    with refused("a queue on what is not", "ResourceNotFoundException"):
        client.create_queue(QueueName="x", StreamConfigurationList=[{"StreamARN": arn + "x"}])
    missing = dict(QueueARN=queue + "x")
    with refused("describe a queue that is not", "ResourceNotFoundException"):
        client.describe_queue(**missing)
    with refused("receive from a queue that is not", "ResourceNotFoundException"):
        client.receive_queue_records(**missing)
    with refused("delete a stream with a queue", "ResourceInUseException"):
        client.delete_stream(StreamARN=arn)
    with refused("provision a stream with a queue", "ResourceInUseException"):
        client.update_stream_mode(StreamARN=arn, StreamModeDetails={"StreamMode": "PROVISIONED"})
    with refused("split a stream on demand", "ValidationException"):
        shard = client.list_shards(StreamARN=arn)["Shards"][0]["ShardId"]
        client.split_shard(StreamARN=arn, ShardToSplit=shard, NewStartingHashKey="1000")


def delete(client, checks, queue):
    client.delete_queue(QueueARN=queue)

    def is_gone():
        try:
            client.describe_queue(QueueARN=queue)
            return False
        except ClientError as raised:
            return raised.response["Error"]["Code"] == "ResourceNotFoundException"

    until("the queue to be gone", is_gone)
    checks.that("a deleted queue is gone", True)


def queues(client, checks, stream):
    client.create_stream(StreamName=stream, StreamModeDetails={"StreamMode": "ON_DEMAND"})
    client.get_waiter("stream_exists").wait(
        StreamName=stream, WaiterConfig={"Delay": 1, "MaxAttempts": 10}
    )
    summary = client.describe_stream_summary(StreamName=stream)["StreamDescriptionSummary"]
    arn = summary["StreamARN"]
    put = [("key-%d" % index, bytes([0xFF, 0x00, index])) for index in range(RECORDS)]
    records = [{"PartitionKey": key, "Data": data} for key, data in put]
    answer = client.put_records(StreamName=stream, Records=records)
    checks.equal("put-records for a queue", answer["FailedRecordCount"], 0)
    queue = make(client, checks, arn, "jobs", VisibilityTimeoutSeconds=LONG_S)
    described(client, checks, arn, queue)
    tagged(client, checks, queue)
    delivered(client, checks, queue, put)
    refusals(client, checks, arn, queue)
    second = dead_letters(client, checks, arn, put)
    delete(client, checks, queue)
    delete(client, checks, second)
    client.delete_stream(StreamARN=arn)
    client.get_waiter("stream_not_exists").wait(
        StreamName=stream, WaiterConfig={"Delay": 1, "MaxAttempts": 10}
    )
    checks.that("delete-stream after its queues", True)
