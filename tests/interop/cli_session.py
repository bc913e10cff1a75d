"""A session of the real `aws` command against a real server, as in the README.

    python cli_session.py path/to/flowstone scratch-directory
"""

import base64
import json
import os
import subprocess
import sys

from checks import Checks, deadline
from server import Server


DEADLINE_S = 300


class Aws:
    """The command that was installed beside this interpreter."""

    def __init__(self, endpoint, directory):
        self.command = [os.path.join(os.path.dirname(sys.executable), "aws")]
        self.command += ["--endpoint-url", endpoint, "--output", "json", "kinesis"]
        self.environment = dict(
            os.environ,
            AWS_ACCESS_KEY_ID="test",
            AWS_SECRET_ACCESS_KEY="test",
            AWS_DEFAULT_REGION="us-east-1",
            AWS_MAX_ATTEMPTS="1",
            AWS_PAGER="",
            AWS_CONFIG_FILE=os.path.join(directory, "no-config"),
            AWS_SHARED_CREDENTIALS_FILE=os.path.join(directory, "no-credentials"),
        )

    def run(self, *arguments):
        """The exit status, what was printed as JSON, and what was complained of."""
        done = subprocess.run(
            self.command + list(arguments),
            env=self.environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=120,
        )
        printed = json.loads(done.stdout) if done.stdout.strip() else None
        return done.returncode, printed, done.stderr

    def get(self, *arguments):
        status, printed, complaint = self.run(*arguments)
        if status != 0:
            raise RuntimeError("aws %s: %s" % (" ".join(arguments), complaint))
        return printed


def read_page(aws, stream, shard):
    iterator = aws.get(
        "get-shard-iterator", "--stream-name", stream, "--shard-id", shard,
        "--shard-iterator-type", "TRIM_HORIZON",
    )["ShardIterator"]  # fmt: skip
    return aws.get("get-records", "--shard-iterator", iterator)


def read_all(aws, stream, shard):
    page = read_page(aws, stream, shard)
    return [base64.b64decode(record["Data"]) for record in page["Records"]]


def main():
    binary, directory = sys.argv[1:3]
    deadline(DEADLINE_S)
    server = Server(binary, directory)
    server.start()
    try:
        aws = Aws(server.endpoint, directory)
        version = subprocess.run(
            [aws.command[0], "--version"], capture_output=True, text=True, check=True
        )
        checks = Checks(version.stdout.split()[0])
        session(server, aws, checks, directory)
    finally:
        server.kill()
    return checks.close()


def session(server, aws, checks, directory):
    aws.get("create-stream", "--stream-name", "demo", "--shard-count", "2")
    aws.get("wait", "stream-exists", "--stream-name", "demo")
    summary = aws.get("describe-stream-summary", "--stream-name", "demo")
    status = summary["StreamDescriptionSummary"]["StreamStatus"]
    checks.equal("create-stream, wait", status, "ACTIVE")
    checks.equal("list-streams", aws.get("list-streams")["StreamNames"], ["demo"])
    shards = aws.get("list-shards", "--stream-name", "demo")["Shards"]
    names = [shard["ShardId"] for shard in shards]
    checks.equal("list-shards", names, ["shardId-000000000000", "shardId-000000000001"])

    # Version 1 of the command takes bytes as they are, version 2 takes base64.
    put = aws.get(
        "put-record", "--stream-name", "demo", "--partition-key", "one", "--data", "hello"
    )
    checks.equal("put-record", len(put["SequenceNumber"]), 56)
    checks.equal("get-records", read_all(aws, "demo", put["ShardId"]), [b"hello"])

    batch = os.path.join(directory, "batch.json")
    with open(batch, "w") as file:
        records = [{"PartitionKey": "key-%d" % i, "Data": "record %d" % i} for i in range(500)]
        json.dump(records, file)
    answer = aws.get("put-records", "--stream-name", "demo", "--records", "file://" + batch)
    checks.equal("put-records of 500", answer["FailedRecordCount"], 0)
    found = sorted(sum((read_all(aws, "demo", name) for name in names), []))
    expected = sorted([b"hello"] + [b"record %d" % i for i in range(500)])
    checks.equal("all of them are read", found, expected)

    status, _, complaint = aws.run("describe-stream", "--stream-name", "nowhere")
    checks.that("an error has its name", status != 0 and "ResourceNotFoundException" in complaint)

    server.kill()
    server.start()
    again = Aws(server.endpoint, directory)
    found = sorted(sum((read_all(again, "demo", name) for name in names), []))
    checks.equal("after kill -9 all of them are read", found, expected)
    again.get("delete-stream", "--stream-name", "demo")
    again.get("wait", "stream-not-exists", "--stream-name", "demo")
    checks.equal("delete-stream, wait", again.get("list-streams")["StreamNames"], [])

    resharding(again, checks)


def resharding(aws, checks):
    """Splits, merges and scales between puts; the command itself has no subscribe-to-shard."""
    stream = ("--stream-name", "scaled")
    aws.get("create-stream", *stream, "--shard-count", "1")
    aws.get("wait", "stream-exists", *stream)
    put = []

    def put_one():
        text = "step %d" % len(put)
        aws.get("put-record", *stream, "--partition-key", "one key", "--data", text)
        put.append(text.encode())

    put_one()
    aws.get(
        "split-shard", *stream, "--shard-to-split", "shardId-000000000000",
        "--new-starting-hash-key", str(1 << 127),
    )  # fmt: skip
    aws.get("wait", "stream-exists", *stream)
    put_one()
    aws.get(
        "merge-shards", *stream, "--shard-to-merge", "shardId-000000000001",
        "--adjacent-shard-to-merge", "shardId-000000000002",
    )  # fmt: skip
    aws.get("wait", "stream-exists", *stream)
    put_one()
    scale = ("--target-shard-count", "2", "--scaling-type", "UNIFORM_SCALING")
    scaled = aws.get("update-shard-count", *stream, *scale)
    checks.equal("update-shard-count", scaled["TargetShardCount"], 2)
    aws.get("wait", "stream-exists", *stream)
    put_one()
    shards = aws.get("list-shards", *stream, "--max-items", "100")["Shards"]
    ended = ["EndingSequenceNumber" in shard["SequenceNumberRange"] for shard in shards]
    checks.equal("parents are closed, children open", ended, [True] * 4 + [False] * 2)
    pages = [read_page(aws, "scaled", shard["ShardId"]) for shard in shards]
    found = [base64.b64decode(record["Data"]) for page in pages for record in page["Records"]]
    checks.equal("one key's records in order of its shards", found, put)

    aws.get("add-tags-to-stream", *stream, "--tags", "team=a b")
    tags = aws.get("list-tags-for-stream", *stream)["Tags"]
    checks.equal("tags", tags, [{"Key": "team", "Value": "a b"}])
    summary = aws.get("describe-stream-summary", *stream)["StreamDescriptionSummary"]
    arn = ("--stream-arn", summary["StreamARN"])
    name = ("--consumer-name", "fan")
    consumer = aws.get("register-stream-consumer", *arn, *name)["Consumer"]
    checks.equal("register-stream-consumer", consumer["ConsumerName"], "fan")
    listed = aws.get("list-stream-consumers", *arn)["Consumers"]
    checks.equal("list-stream-consumers", [each["ConsumerName"] for each in listed], ["fan"])
    aws.get("delete-stream", *stream, "--enforce-consumer-deletion")
    aws.get("wait", "stream-not-exists", *stream)
    status, _, complaint = aws.run("describe-stream-consumer", *arn, *name)
    gone = status != 0 and "ResourceNotFoundException" in complaint
    checks.that("a deleted stream's consumers are gone", gone, complaint)


if __name__ == "__main__":
    sys.exit(main())
