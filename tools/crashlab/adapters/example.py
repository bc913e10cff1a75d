#!/usr/bin/env python3
"""A store of one file, for the crash lab: `example.py [--no-fsync] DIRECTORY`."""
import os
import sys
import zlib


def encode(data):
    return f"{zlib.crc32(data.encode()):08x} {data}\n".encode()


def say(text):
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


directory = sys.argv[-1]
is_flushed = "--no-fsync" not in sys.argv
path = os.path.join(directory, "log")
file = open(path, "a+b")
file.seek(0)
records, good = [], 0
for line in file.read().split(b"\n"):  # what comes behind the first bad line was never acknowledged
    data = line[9:].decode("ascii", "replace")
    if encode(data) != line + b"\n":
        break
    records.append(data)
    good += len(line) + 1
file.truncate(good)
if is_flushed:
    os.fsync(file.fileno())
    folder = os.open(directory, os.O_RDONLY)
    os.fsync(folder)  # the file's name is kept too
say("ready")

for line in sys.stdin:
    word, *rest = line.split()
    if word == "append":
        _log, number, data = rest
        file.write(encode(data))
        file.flush()  # all of it, or an error, which ends the program: nobody knows what is kept
        if is_flushed:
            os.fsync(file.fileno())
        records.append(data)
        say(f"ack {number}")
    elif word == "dump":
        for data in records:
            say(f"record 0 {data}")
        say("end")
    elif word == "stop":
        say("stopped")
        break
