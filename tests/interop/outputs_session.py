"""Every operation of the model, in JSON and in CBOR, over a bare connection: answers have the
shapes that the model says, refusals are those that it lists.

    python outputs_session.py path/to/flowstone scratch-directory
"""

import base64
import sys

import botocore
import botocore.eventstream
import botocore.loaders

from checks import Checks, deadline
from server import Server
from wire import CBOR, JSON, Answers, Time, Wire, decode_json

DEADLINE_S = 120
OLDEST = {"ShardIteratorType": "TRIM_HORIZON"}
SPLIT_AT = str(1 << 126)
POLICY = """{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"%s"},
"Action":"kinesis:PutRecord","Resource":"%s"}]}"""
# Served by no version yet; a list of its own, so that none is forgotten when they come.
NOT_SERVED = {
    "CreateChannel", "DeleteChannel", "DescribeChannel", "ListChannels", "UpdateChannel",
}  # fmt: skip
# What any operation may answer, whatever it lists.
COMMON_ERRORS = {"ValidationException"}


class Session:
    """Calls in one format, each checked against the model."""

    def __init__(self, checks, server, model, format):
        self.checks, self.model = checks, model
        self.wire = Wire(server.endpoint, format)
        self.answers = Answers(model, self.wire.is_cbor)
        # JSON for everybody.
        self.events = Answers(model, is_cbor=False)
        self.format = "cbor" if self.wire.is_cbor else "json"
        self.called, self.refused = set(), set()

    def name(self, operation, why):
        return "%s: %s: %s" % (self.format, operation, why)

    def call(self, operation, **members):
        """The answer, which must be one that the model describes."""
        status, answer = self.wire.call(operation, members)
        self.called.add(operation)
        if status != 200:
            self.checks.that(self.name(operation, "is served"), False, answer)
            return {}
        output = self.model["operations"][operation].get("output")
        if output is None:
            self.checks.equal(self.name(operation, "answers nothing"), answer, None)
            return {}
        found = self.answers.differences(output["shape"], answer)
        self.checks.equal(self.name(operation, "has the model's shape"), found, [])
        return answer

    def refuse(self, operation, code, **members):
        """The refusal, which must be one that the model lists."""
        status, answer = self.wire.call(operation, members)
        self.refused.add(operation)
        name = self.name(operation, "is refused with " + code)
        listed = {error["shape"] for error in self.model["operations"][operation]["errors"]}
        found = (status, answer and answer.get("__type"), set(answer or ()))
        self.checks.equal(name, found, (400, code, {"__type", "message"}))
        name = self.name(operation, "lists " + code)
        self.checks.that(name, code in listed | COMMON_ERRORS, listed)

    def summary(self, stream):
        answer = self.call("DescribeStreamSummary", StreamName=stream)
        return answer["StreamDescriptionSummary"]

    def milliseconds(self, time):
        return time.value if self.wire.is_cbor else round(time * 1000)

    def bytes(self, blob):
        return blob if self.wire.is_cbor else base64.b64decode(blob)

    def subscribe(self, **members):
        """The events of a subscription that ends by itself."""
        self.called.add("SubscribeToShard")
        response = self.wire.send("SubscribeToShard", members)
        self.checks.equal(
            self.name("SubscribeToShard", "is an event stream"),
            (response.status, response.headers["Content-Type"]),
            (200, "application/vnd.amazon.eventstream"),
        )
        buffer = botocore.eventstream.EventStreamBuffer()
        buffer.add_data(response.read())
        events = list(buffer)
        types = [event.headers[":event-type"] for event in events]
        expected = ["initial-response"] + ["SubscribeToShardEvent"] * (len(types) - 1)
        self.checks.equal(self.name("SubscribeToShard", "names its events"), types, expected)
        return [decode_json(event.payload) for event in events[1:]]


def settings(on, stream, arn):
    on.call("IncreaseStreamRetentionPeriod", StreamName=stream, RetentionPeriodHours=48)
    on.call("DecreaseStreamRetentionPeriod", StreamName=stream, RetentionPeriodHours=24)
    on.call("EnableEnhancedMonitoring", StreamName=stream, ShardLevelMetrics=["IncomingBytes"])
    on.call("DescribeStreamSummary", StreamName=stream)
    on.call("DisableEnhancedMonitoring", StreamARN=arn, ShardLevelMetrics=["ALL"])
    key = {"EncryptionType": "KMS", "KeyId": "alias/aws/kinesis"}
    on.call("StartStreamEncryption", StreamName=stream, **key)
    on.call("PutRecord", StreamName=stream, PartitionKey="k", Data=b"encrypted")
    on.call("DescribeStreamSummary", StreamName=stream)
    on.call("StopStreamEncryption", StreamName=stream, **key)
    on.call("AddTagsToStream", StreamName=stream, Tags={"a": "1", "b": "", "c": "3"})
    on.call("RemoveTagsFromStream", StreamName=stream, TagKeys=["c"])
    tags = on.call("ListTagsForStream", StreamName=stream, Limit=1)
    on.checks.equal(on.name("ListTagsForStream", "pages"), tags.get("HasMoreTags"), True)
    on.call("TagResource", ResourceARN=arn, Tags={"d": "4"})
    on.call("UntagResource", ResourceARN=arn, TagKeys=["d"])
    on.call("ListTagsForResource", ResourceARN=arn)
    on.call("GetResourcePolicy", ResourceARN=arn)
    policy = POLICY % (arn.split(":")[4], arn)
    on.call("PutResourcePolicy", ResourceARN=arn, Policy=policy)
    kept = on.call("GetResourcePolicy", ResourceARN=arn).get("Policy")
    on.checks.equal(on.name("GetResourcePolicy", "gives what was put"), kept, policy)
    on.call("DeleteResourcePolicy", ResourceARN=arn)
    on.call("UpdateMaxRecordSize", StreamARN=arn, MaxRecordSizeInKiB=2048)
    on.call("DescribeStream", StreamARN=arn)


def records(on, stream):
    data = bytes(range(256))
    put = on.call("PutRecord", StreamName=stream, PartitionKey="k", Data=data)
    batch = [{"PartitionKey": "é%d" % index, "Data": b"%d" % index} for index in range(9)]
    on.call("PutRecords", StreamName=stream, Records=batch + [{"PartitionKey": "k", "Data": b""}])
    shard = put.get("ShardId", "")
    iterator = on.call("GetShardIterator", StreamName=stream, ShardId=shard, **OLDEST)
    page = on.call("GetRecords", ShardIterator=iterator.get("ShardIterator", ""), Limit=100)
    found = [record for record in page.get("Records", ()) if on.bytes(record["Data"]) == data]
    on.checks.equal(on.name("GetRecords", "gives the bytes back"), len(found), 1)
    on.checks.that(on.name("GetRecords", "says how to go on"), "NextShardIterator" in page)
    arrival = on.milliseconds(found[0]["ApproximateArrivalTimestamp"]) if found else 0
    start = {"ShardIteratorType": "AT_TIMESTAMP", "Timestamp": Time(arrival)}
    iterator = on.call("GetShardIterator", StreamName=stream, ShardId=shard, **start)
    page = on.call("GetRecords", ShardIterator=iterator.get("ShardIterator", ""))
    on.checks.that(on.name("GetRecords", "at its time"), found and found[0] in page["Records"])
    dry = {"StreamName": stream, "PartitionKey": "k", "Data": b"", "DryRun": True}
    on.refuse("PutRecord", "DryRunOperationException", **dry)


def lineage(on, stream, arn):
    on.call("SplitShard", StreamName=stream, ShardToSplit="shardId-000000000000",
            NewStartingHashKey=SPLIT_AT)  # fmt: skip
    on.call("MergeShards", StreamName=stream, ShardToMerge="shardId-000000000002",
            AdjacentShardToMerge="shardId-000000000003")  # fmt: skip
    on.call("UpdateShardCount", StreamName=stream, TargetShardCount=4,
            ScalingType="UNIFORM_SCALING")  # fmt: skip
    shards, token = [], {"StreamName": stream}
    while token:
        page = on.call("ListShards", MaxResults=1, **token)
        shards += page.get("Shards", ())
        token = {"NextToken": page["NextToken"]} if "NextToken" in page else None
    closed = [shard for shard in shards if "EndingSequenceNumber" in shard["SequenceNumberRange"]]
    on.checks.equal(on.name("ListShards", "pages"), len(shards) - len(closed), 4)
    for kind in ("AT_LATEST", "AT_TRIM_HORIZON", "FROM_TRIM_HORIZON"):
        on.call("ListShards", StreamName=stream, ShardFilter={"Type": kind})

    first = closed[0]["ShardId"]
    iterator = on.call("GetShardIterator", StreamName=stream, ShardId=first, **OLDEST)
    page = on.call("GetRecords", ShardIterator=iterator.get("ShardIterator", ""))
    is_end = "NextShardIterator" not in page and len(page.get("ChildShards", ())) == 2
    on.checks.that(on.name("GetRecords", "ends a closed shard"), is_end, page)

    registered = on.call("RegisterStreamConsumer", StreamARN=arn, ConsumerName="one",
                         Tags={"a": "b"})  # fmt: skip
    on.call("RegisterStreamConsumer", StreamARN=arn, ConsumerName="two")
    consumer = registered.get("Consumer", {}).get("ConsumerARN", "")
    on.call("DescribeStreamConsumer", ConsumerARN=consumer)
    on.call("ListTagsForResource", ResourceARN=consumer)
    page = on.call("ListStreamConsumers", StreamARN=arn, MaxResults=1)
    on.call("ListStreamConsumers", StreamARN=arn, NextToken=page.get("NextToken", ""))
    start = {"Type": "TRIM_HORIZON"}
    events = on.subscribe(ConsumerARN=consumer, ShardId=first, StartingPosition=start)
    found = []
    for event in events[:-1]:
        found += on.events.differences("SubscribeToShardEvent", event)
    # The last one has no number to go on from: consumers rely on that.
    last, without = events[-1], ("ContinuationSequenceNumber",)
    found += on.events.differences("SubscribeToShardEvent", last, without)
    on.checks.equal(on.name("SubscribeToShard", "has the model's shape"), found, [])
    is_end = "ContinuationSequenceNumber" not in last and len(last.get("ChildShards", ())) == 2
    on.checks.that(on.name("SubscribeToShard", "ends a closed shard"), is_end, last)
    on.call("DeregisterStreamConsumer", ConsumerARN=consumer)


def queues(on, prefix):
    stream = prefix + "-queued"
    on.call("CreateStream", StreamName=stream, StreamModeDetails={"StreamMode": "ON_DEMAND"})
    arn = on.summary(stream)["StreamARN"]
    source = {"StreamARN": arn, "StartingPosition": {"Type": "TRIM_HORIZON"}}
    dead = {"TargetType": "BUILT_IN", "MaxReceiveCount": 1}
    created = on.call(
        "CreateQueue",
        QueueName=prefix + "-queue",
        StreamConfigurationList=[source],
        QueueAttributes={"VisibilityTimeoutSeconds": 60, "DeadLetterConfiguration": dead},
    )
    queue = created["QueueDescription"]["QueueARN"]
    plain = on.call("CreateQueue", QueueName=prefix + "-second", StreamConfigurationList=[source])
    count = on.summary(stream)["QueueCount"]
    on.checks.equal(on.name("DescribeStreamSummary", "counts queues"), count, 2)
    on.call("DescribeQueue", QueueARN=queue)
    page = on.call("ListQueues", MaxResults=1)
    on.call("ListQueues", NextToken=page.get("NextToken", ""))
    on.call("UpdateQueue", QueueARN=queue, QueueAttributes={"VisibilityTimeoutSeconds": 30})
    for index in range(3):
        on.call("PutRecord", StreamName=stream, PartitionKey="k%d" % index, Data=b"%d" % index)

    def receive(operation, count, **members):
        received = []
        while len(received) < count:
            page = on.call(operation, QueueARN=queue, WaitTimeSeconds=20, **members)["QueueRecords"]
            if not page:
                break
            received += page
        on.checks.equal(on.name(operation, "gives them all"), len(received), count)
        return [{"ReceiptHandle": record["ReceiptHandle"]} for record in received]

    def settle(operation, entries, **more):
        entries = [dict(entry, **more) for entry in entries]
        foreign = dict({"ReceiptHandle": "none"}, **more)
        answer = on.call(operation, QueueARN=queue, Entries=entries + [foreign])
        counts = len(answer["Successful"]), len(answer["Failed"])
        on.checks.equal(on.name(operation, "says of each"), counts, (len(entries), 1))

    held = receive("ReceiveQueueRecords", 3)
    settle("AcknowledgeQueueRecords", held[:1])
    settle("UpdateQueueRecordsVisibility", held[1:], VisibilityTimeoutSeconds=0)
    # Received as often as they may be: now dead.
    held = receive("ReceiveDeadLetterQueueRecords", 2)
    settle("UpdateDeadLetterQueueRecordsVisibility", held, VisibilityTimeoutSeconds=60)
    settle("AcknowledgeDeadLetterQueueRecords", held[:1])
    settle("RestoreDeadLetterQueueRecords", held[1:])
    held = receive("ReceiveQueueRecords", 1)
    on.call("DeleteQueue", QueueARN=queue)
    on.call("DeleteQueue", QueueARN=plain["QueueDescription"]["QueueARN"])
    warm = {"StreamARN": arn, "WarmThroughputMiBps": 0}
    on.call("UpdateAccountSettings", MinimumThroughputBillingCommitment={"Status": "ENABLED"})
    on.call("DescribeAccountSettings")
    on.call("UpdateStreamWarmThroughput", **warm)
    strategy = {"RecordDistributionStrategy": "AUTO"}
    on.call("UpdateStreamRecordDistributionStrategy", StreamARN=arn, **strategy)
    on.call("PutRecord", StreamName=stream, Data=b"without a key")
    on.call("DescribeStreamSummary", StreamName=stream)
    on.call("UpdateStreamMode", StreamARN=arn, StreamModeDetails={"StreamMode": "PROVISIONED"})
    on.call("DeleteStream", StreamName=stream)


def refusals(on, arn):
    """Each operation on what is not there; the rest, on what they do not take."""
    missing = "ResourceNotFoundException"
    gone = arn.rsplit("/", 1)[0] + "/not-there"
    by_name, by_arn = {"StreamName": "not-there"}, {"StreamARN": gone}
    resource = {"ResourceARN": gone}
    consumer = {"ConsumerARN": gone + "/consumer/none:1"}
    queue = {"QueueARN": arn.split(":stream/")[0] + ":queue/not-there:1"}
    receipt = {"ReceiptHandle": "x"}
    shard = {"ShardId": "shardId-000000000000"}
    key = {"EncryptionType": "KMS", "KeyId": "alias/aws/kinesis"}
    later = {"VisibilityTimeoutSeconds": 1}
    cases = {
        "AcknowledgeDeadLetterQueueRecords": dict(queue, Entries=[receipt]),
        "AcknowledgeQueueRecords": dict(queue, Entries=[receipt]),
        "AddTagsToStream": dict(by_name, Tags={"a": "b"}),
        "CreateQueue": {"QueueName": "q", "StreamConfigurationList": [by_arn]},
        "DecreaseStreamRetentionPeriod": dict(by_name, RetentionPeriodHours=24),
        "DeleteQueue": queue,
        "DeleteResourcePolicy": resource,
        "DeleteStream": by_name,
        "DeregisterStreamConsumer": consumer,
        "DescribeQueue": queue,
        "DescribeStream": by_arn,
        "DescribeStreamConsumer": dict(by_arn, ConsumerName="none"),
        "DescribeStreamSummary": by_name,
        "DisableEnhancedMonitoring": dict(by_name, ShardLevelMetrics=["ALL"]),
        "EnableEnhancedMonitoring": dict(by_name, ShardLevelMetrics=["ALL"]),
        "GetResourcePolicy": resource,
        "GetShardIterator": dict(by_name, **shard, **OLDEST),
        "IncreaseStreamRetentionPeriod": dict(by_name, RetentionPeriodHours=48),
        "ListShards": by_name,
        "ListStreamConsumers": by_arn,
        "ListTagsForResource": resource,
        "ListTagsForStream": by_name,
        "MergeShards": dict(by_name, ShardToMerge="0", AdjacentShardToMerge="1"),
        "PutRecord": dict(by_name, PartitionKey="k", Data=b""),
        "PutRecords": dict(by_name, Records=[{"PartitionKey": "k", "Data": b""}]),
        "PutResourcePolicy": dict(resource, Policy=POLICY % (arn.split(":")[4], gone)),
        "ReceiveDeadLetterQueueRecords": queue,
        "ReceiveQueueRecords": queue,
        "RegisterStreamConsumer": dict(by_arn, ConsumerName="c"),
        "RemoveTagsFromStream": dict(by_name, TagKeys=["a"]),
        "RestoreDeadLetterQueueRecords": dict(queue, Entries=[receipt]),
        "SplitShard": dict(by_name, ShardToSplit="0", NewStartingHashKey="5"),
        "StartStreamEncryption": dict(by_name, **key),
        "StopStreamEncryption": dict(by_name, **key),
        "SubscribeToShard": dict(consumer, **shard, StartingPosition={"Type": "LATEST"}),
        "TagResource": dict(resource, Tags={"a": "b"}),
        "UntagResource": dict(resource, TagKeys=["a"]),
        "UpdateDeadLetterQueueRecordsVisibility": dict(queue, Entries=[dict(receipt, **later)]),
        "UpdateMaxRecordSize": dict(by_arn, MaxRecordSizeInKiB=1024),
        "UpdateQueue": dict(queue, QueueAttributes=later),
        "UpdateQueueRecordsVisibility": dict(queue, Entries=[dict(receipt, **later)]),
        "UpdateShardCount": dict(by_name, TargetShardCount=2, ScalingType="UNIFORM_SCALING"),
        "UpdateStreamMode": dict(by_arn, StreamModeDetails={"StreamMode": "ON_DEMAND"}),
        "UpdateStreamRecordDistributionStrategy": dict(by_arn, RecordDistributionStrategy="AUTO"),
        "UpdateStreamWarmThroughput": dict(by_arn, WarmThroughputMiBps=1),
    }  # fmt: skip
    for operation, members in cases.items():
        on.refuse(operation, missing, **members)
    on.refuse("CreateStream", "ResourceInUseException", StreamName=arn.split("/")[1], ShardCount=1)
    for operation in ("ListStreams", "ListShards", "ListQueues"):
        on.refuse(operation, "InvalidArgumentException", NextToken="none")
    on.refuse("ListStreamConsumers", "InvalidArgumentException", StreamARN=arn, NextToken="none")
    on.refuse("GetRecords", "InvalidArgumentException", ShardIterator="none")
    on.refuse("UpdateAccountSettings", "ValidationException",
              MinimumThroughputBillingCommitment={"Status": "none"})  # fmt: skip


def session(on):
    stream = on.format + "-stream"
    on.call("CreateStream", StreamName=stream, ShardCount=2, Tags={"at": "once"})
    arn = on.summary(stream)["StreamARN"]
    settings(on, stream, arn)
    records(on, stream)
    lineage(on, stream, arn)
    queues(on, on.format)
    on.call("DescribeLimits")
    on.call("CreateStream", StreamName=on.format + "-zero", ShardCount=1)
    page = on.call("ListStreams", Limit=1)
    on.call("ListStreams", NextToken=page.get("NextToken", ""))
    refusals(on, arn)
    on.call("DeleteStream", StreamName=stream, EnforceConsumerDeletion=True)

    served = set(on.model["operations"]) - NOT_SERVED
    on.checks.equal(on.name("all", "are called"), sorted(served - on.called), [])
    quiet = {"DescribeAccountSettings", "DescribeLimits"}
    on.checks.equal(on.name("all", "are refused"), sorted(served - on.refused - quiet), [])


def main():
    binary, directory = sys.argv[1:3]
    deadline(DEADLINE_S)
    model = botocore.loaders.Loader().load_service_model("kinesis", "service-2")
    checks = Checks("outputs of %s" % botocore.__version__)
    server = Server(binary, directory)
    server.start()
    try:
        for format in (JSON, CBOR):
            session(Session(checks, server, model, format))
    finally:
        server.kill()
    return checks.close()


if __name__ == "__main__":
    sys.exit(main())
