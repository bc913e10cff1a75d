"""Refuses a lock file or a manifest that says another version than versions.env.

    python3 pins.py [client ...]
"""

import json
import os
import re
import sys
import tomllib

HERE = os.path.dirname(os.path.abspath(__file__))


def read(*path):
    with open(os.path.join(HERE, *path), encoding="utf-8") as file:
        return file.read()


def versions():
    return dict(re.findall(r"^([A-Z0-9_]+)=(\S+)$", read("versions.env"), re.MULTILINE))


def python():
    pinned = dict(line.split("==") for line in read("requirements.txt").split())
    return {"BOTO3": {pinned["boto3"], pinned["botocore"]}, "AWSCLI": {pinned["awscli"]}}


def js():
    name = "@aws-sdk/client-kinesis"
    manifest = json.loads(read("js", "package.json"))["dependencies"]
    locked = json.loads(read("js", "package-lock.json"))["packages"]
    return {"JS_KINESIS": {manifest[name], locked["node_modules/" + name]["version"]}}


def java():
    """Maven takes its versions from the environment: there is to be no number in the file."""
    pom = re.sub(r"<modelVersion>.*?</modelVersion>|<artifactId>interop</artifactId>\s*"
                 r"<version>.*?</version>", "", read("java", "pom.xml"))  # fmt: skip
    found = {}
    for version in re.findall(r"<version>(.*?)</version>", pom):
        named = re.fullmatch(r"\$\{env\.([A-Z_]+)\}", version)
        name = named.group(1) if named else version
        found[name] = {versions().get(name)}
    return found


def go():
    required = dict(re.findall(r"^\s*(\S+/\S+) v(\S+)", read("go", "go.mod"), re.MULTILINE))
    root = "github.com/aws/aws-sdk-go-v2/"
    return {
        "GO_KINESIS": {required[root + "service/kinesis"]},
        "GO_CREDENTIALS": {required[root + "credentials"]},
    }


def rust():
    locked = {}
    for package in tomllib.loads(read("rust", "Cargo.lock"))["package"]:
        locked.setdefault(package["name"], set()).add(package["version"])
    wanted = tomllib.loads(read("rust", "Cargo.toml"))["dependencies"]
    names = {"RUST_KINESIS": "aws-sdk-kinesis", "RUST_HTTP_CLIENT": "aws-smithy-http-client"}
    return {
        variable: locked[name] | {wanted[name]["version"].lstrip("=")}
        for variable, name in names.items()
    }


def main():
    clients = {"python": python, "js": js, "java": java, "go": go, "rust": rust}
    pinned = versions()
    wrong = []
    for client in sys.argv[1:] or clients:
        for variable, found in clients[client]().items():
            expected = pinned.get(variable)
            if found != {expected}:
                wrong.append(
                    "%s: %s is %s in versions.env, and here %s"
                    % (client, variable, expected, ", ".join(sorted(map(str, found))))
                )
    for line in wrong:
        print(line)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
