"""Requests and answers without a client library between: JSON, CBOR, and what the model says of an
answer's shape."""

import base64
import collections
import http.client
import json
import re
import struct
import urllib.parse

TARGET = "Kinesis_20131202."
TIMEOUT_S = 30
JSON = "application/x-amz-json-1.1"
CBOR = "application/x-amz-cbor-1.1"
# Milliseconds since 1970 of all times that a server of this century can answer.
TIMES_MS = range(10**12, 10**13)


class Time(int):
    """A time in a request, in milliseconds since 1970."""


Tagged = collections.namedtuple("Tagged", ("tag", "value"))


def encode_json(value):
    def plain(value):
        if isinstance(value, Time):
            return value / 1000
        if isinstance(value, bytes):
            return base64.b64encode(value).decode()
        if isinstance(value, dict):
            return {key: plain(inner) for key, inner in value.items()}
        return [plain(inner) for inner in value] if isinstance(value, list) else value

    return json.dumps(plain(value)).encode()


def head(major, number):
    for size, code, form in ((1, 24, ">B"), (2, 25, ">H"), (4, 26, ">I"), (8, 27, ">Q")):
        if number < 24:
            return bytes([major << 5 | number])
        if number < 1 << 8 * size:
            return bytes([major << 5 | code]) + struct.pack(form, number)
    raise ValueError(number)


def encode_cbor(value):
    if value is None or isinstance(value, bool):
        return {None: b"\xf6", False: b"\xf4", True: b"\xf5"}[value]
    if isinstance(value, Time):
        return b"\xc1" + head(0, int(value))
    if isinstance(value, int):
        return head(0, value) if value >= 0 else head(1, -1 - value)
    if isinstance(value, float):
        return b"\xfb" + struct.pack(">d", value)
    if isinstance(value, bytes):
        return head(2, len(value)) + value
    if isinstance(value, str):
        return head(3, len(value.encode())) + value.encode()
    if isinstance(value, list):
        return head(4, len(value)) + b"".join(map(encode_cbor, value))
    items = [encode_cbor(key) + encode_cbor(inner) for key, inner in value.items()]
    return head(5, len(items)) + b"".join(items)


class Cbor:
    """What an answer may contain; anything else is refused."""

    BREAK = object()

    def __init__(self, data):
        self.data, self.at = data, 0

    @classmethod
    def decode(cls, data):
        reader = cls(data)
        value = reader.item()
        if reader.at != len(data):
            raise ValueError("%d bytes after the document" % (len(data) - reader.at))
        return value

    def take(self, count):
        piece = self.data[self.at : self.at + count]
        if len(piece) != count:
            raise ValueError("the document ends early")
        self.at += count
        return piece

    def pieces(self, count):
        """`count` items, or all before the break."""
        while count is None or count > 0:
            value = self.item()
            if value is self.BREAK:
                if count is not None:
                    raise ValueError("a break where none can be")
                return
            yield value
            count = count and count - 1

    def item(self):
        first = self.take(1)[0]
        major, number = first >> 5, first & 31
        if first in (0xF4, 0xF5, 0xF6):
            return {0xF4: False, 0xF5: True, 0xF6: None}[first]
        if first == 0xFF:
            return self.BREAK
        if major == 7:
            raise ValueError("simple value or float %x" % first)
        if 24 <= number <= 27:
            number = int.from_bytes(self.take(1 << number - 24), "big")
        elif number == 31 and 2 <= major <= 5:
            number = None
        elif number > 23:
            raise ValueError("head %x" % first)
        if major < 2:
            return number if major == 0 else -1 - number
        if major < 4:
            piece = b"".join(self.pieces(None)) if number is None else self.take(number)
            return piece if major == 2 else piece.decode()
        if major == 4:
            return list(self.pieces(number))
        if major == 6:
            return Tagged(number, self.item())
        items = list(self.pieces(number and number * 2) if number != 0 else ())
        keys = items[::2]
        if len(set(keys)) != len(keys):
            raise ValueError("a key is there twice: %s" % keys)
        return dict(zip(keys, items[1::2]))


def decode_json(body):
    def once(pairs):
        if len(dict(pairs)) != len(pairs):
            raise ValueError("a key is there twice: %s" % pairs)
        return dict(pairs)

    return json.loads(body, object_pairs_hook=once)


class Wire:
    """Sends requests in one format, over one connection."""

    def __init__(self, endpoint, content_type, access_key="AKIDEXAMPLE", region="us-east-1"):
        self.content_type = content_type
        self.is_cbor = content_type == CBOR
        scope = "Credential=%s/20260101/%s/kinesis/aws4_request" % (access_key, region)
        self.headers = {
            "Content-Type": content_type,
            "X-Amz-Date": "20260101T000000Z",
            "Authorization": "AWS4-HMAC-SHA256 %s, SignedHeaders=host, Signature=00" % scope,
        }
        self.connection = http.client.HTTPConnection(
            urllib.parse.urlsplit(endpoint).netloc, timeout=TIMEOUT_S
        )

    def send(self, operation, members):
        """The answer's status, headers and bytes."""
        body = (encode_cbor if self.is_cbor else encode_json)(members)
        headers = dict(self.headers, **{"X-Amz-Target": TARGET + operation})
        self.connection.request("POST", "/", body, headers)
        return self.connection.getresponse()

    def decode(self, body):
        return (Cbor.decode if self.is_cbor else decode_json)(body)

    def call(self, operation, members):
        """The answer's status and its document, `None` when its body is empty."""
        answer = self.send(operation, members)
        body = answer.read()
        return answer.status, self.decode(body) if body else None


class Answers:
    """Compares answers with the shapes of the service model."""

    # The service itself answers 0 of them where the model's bounds begin at 1.
    MAY_BE_NONE = {
        "FailedRecordCount", "ShardLevelMetrics", "CurrentShardLevelMetrics",
        "DesiredShardLevelMetrics",
    }  # fmt: skip

    def __init__(self, model, is_cbor):
        self.shapes, self.is_cbor = model["shapes"], is_cbor

    def differences(self, shape, value, without=()):
        """What is wrong with `value`; members called as in `without` need not be there."""
        self.found, self.without = [], without
        self.compare(shape, value, shape)
        return self.found

    def differ(self, path, why):
        self.found.append("%s: %s" % (path, why))

    def compare(self, name, value, path):
        shape = self.shapes[name]
        kind = shape["type"]
        getattr(self, "compare_" + kind)(name, shape, value, path)

    def compare_structure(self, name, shape, value, path):
        if not isinstance(value, dict):
            self.differ(path, "is no structure: %r" % (value,))
            return
        for member in shape.get("required", []):
            if member not in value and member not in self.without:
                self.differ(path, "%s is missing" % member)
        for member, inner in value.items():
            if member not in shape["members"]:
                self.differ(path, "%s is not of the model" % member)
            else:
                self.compare(shape["members"][member]["shape"], inner, path + "." + member)

    def compare_list(self, name, shape, value, path):
        if not isinstance(value, list):
            self.differ(path, "is no list: %r" % (value,))
            return
        self.compare_size(shape, len(value), path)
        for inner in value:
            self.compare(shape["member"]["shape"], inner, path + "[]")

    def compare_string(self, name, shape, value, path):
        if not isinstance(value, str):
            self.differ(path, "is no text: %r" % (value,))
            return
        self.compare_size(shape, len(value), path)
        if "enum" in shape and value not in shape["enum"]:
            self.differ(path, "%s is not one of %s" % (value, shape["enum"]))
        if "pattern" in shape and not re.fullmatch(shape["pattern"], value):
            self.differ(path, "%s does not match %s" % (value, shape["pattern"]))

    def compare_blob(self, name, shape, value, path):
        if not self.is_cbor:
            try:
                value = base64.b64decode(value, validate=True)
            except (TypeError, ValueError):
                self.differ(path, "is no base64")
                return
        if not isinstance(value, bytes):
            self.differ(path, "is no bytes: %r" % (value,))

    def compare_integer(self, name, shape, value, path):
        if isinstance(value, bool) or not isinstance(value, int):
            self.differ(path, "is no integer: %r" % (value,))
        else:
            self.compare_size(shape, value, path)

    compare_long = compare_integer

    def compare_boolean(self, name, shape, value, path):
        if not isinstance(value, bool):
            self.differ(path, "is no boolean: %r" % (value,))

    def compare_timestamp(self, name, shape, value, path):
        if self.is_cbor:
            ms = value.value if isinstance(value, Tagged) and value.tag == 1 else None
        else:
            is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
            ms = round(value * 1000) if is_number and round(value, 3) == value else None
        if not isinstance(ms, int) or ms not in TIMES_MS:
            self.differ(path, "is no time: %r" % (value,))

    def compare_size(self, shape, size, path):
        if size == 0 and path.split(".")[-1] in self.MAY_BE_NONE:
            return
        if not shape.get("min", size) <= size <= shape.get("max", size):
            self.differ(path, "%d is out of bounds" % size)
