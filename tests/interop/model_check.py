"""Compares the server's own list of operations and shapes with the installed service model.

    python model_check.py FLOWSTONE_OPERATIONS

A new version of the model shows here what is missing: operations, members, bounds, enums.
Operations that are not served at all are listed; they fail nothing as long as their names are known.
"""

import json
import subprocess
import sys

import botocore
import botocore.loaders
from checks import Checks

# The service prints this enum in another order than the model lists it.
ENUM_ORDER_IS_ITS_OWN = {"ShardIteratorType"}


def bounds(shape, found):
    low = found["min"] if found["min"] > -(2**63) else None
    high = found["max"] if found["max"] < 2**63 - 1 else None
    if shape["type"] in ("string", "blob", "list", "map"):
        return (shape.get("min", 0), shape.get("max")) == (low, high)
    return (shape.get("min"), shape.get("max")) == (low, high)


class Comparison:
    def __init__(self, model):
        self.shapes = model["shapes"]
        self.differences = []

    def differ(self, path, why):
        self.differences.append("%s: %s" % (path, why))

    def compare(self, name, found, path):
        shape = self.shapes[name]
        kind = "integer" if shape["type"] == "long" else shape["type"]
        if found["type"] != kind:
            self.differ(path, "is a %s, should be a %s" % (found["type"], kind))
            return
        if "min" in found and not bounds(shape, found):
            self.differ(path, "bounds %s, should be %s" % (found, shape))
        if kind == "string":
            self.compare_text(name, shape, found, path)
        elif kind == "list":
            self.compare(shape["member"]["shape"], found["member"], path + "[]")
        elif kind == "map":
            for side in ("key", "value"):
                if not bounds(self.shapes[shape[side]["shape"]], found[side]):
                    self.differ(path, "bounds of its %ss" % side)
        elif kind == "structure":
            self.compare_members(shape, found, path)

    def compare_text(self, name, shape, found, path):
        if "pattern" in found and found["pattern"] != shape.get("pattern"):
            self.differ(path, "pattern %s, should be %s" % (found["pattern"], shape.get("pattern")))
        listed, expected = found.get("enum", []), shape.get("enum", [])
        if name in ENUM_ORDER_IS_ITS_OWN:
            listed, expected = sorted(listed), sorted(expected)
        if listed != expected:
            self.differ(path, "enum %s, should be %s" % (listed, expected))

    def compare_members(self, shape, found, path):
        members, required = found["members"], shape.get("required", [])
        for member in sorted(set(members) ^ set(shape["members"])):
            self.differ(path, "%s is %s" % (member, "missing" if member not in members else "too much"))
        for member, reference in shape["members"].items():
            if member not in members:
                continue
            at = "%s.%s" % (path, member)
            if members[member]["isRequired"] != (member in required):
                self.differ(at, "required: should be %s" % (member in required))
            self.compare(reference["shape"], members[member], at)


def main():
    program = sys.argv[1]
    ours = json.loads(subprocess.run([program], check=True, capture_output=True, timeout=60).stdout)
    model = botocore.loaders.Loader().load_service_model("kinesis", "service-2")
    checks = Checks("model %s" % botocore.__version__)
    checks.equal("operations are those of the model", sorted(ours), sorted(model["operations"]))
    for name, operation in sorted(model["operations"].items()):
        shape = ours.get(name, {}).get("input")
        if shape is None:
            continue
        comparison = Comparison(model)
        comparison.compare(operation["input"]["shape"], shape, name)
        checks.equal("%s has the model's shape" % name, comparison.differences, [])
    missing = [name for name, entry in sorted(ours.items()) if not entry["isServed"]]
    print("not served: %s" % (", ".join(missing) or "none"))
    return checks.close()


if __name__ == "__main__":
    sys.exit(main())
