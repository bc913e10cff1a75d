#!/usr/bin/env python3
"""LevelDB for the crash lab: a key for each record.

    leveldb.py [--sync] DIRECTORY

Without an option writes are as they are by default: not flushed. Needs the Python package plyvel,
which brings LevelDB.
"""
import argparse
import os
import sys

import plyvel

LOGS = 3


def say(text):
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sync", action="store_true")
    parser.add_argument("directory")
    options = parser.parse_args()
    base = plyvel.DB(os.path.join(options.directory, "store"), create_if_missing=True)
    newest = [0] * LOGS
    for log in range(LOGS):
        for key in base.iterator(prefix=b"%d:" % log, reverse=True, include_value=False):
            newest[log] = int(key[2:])
            break
    say(f"ready logs={LOGS}")
    for line in sys.stdin:
        word, *rest = line.split()
        if word == "append":
            log, number, data = rest
            log = int(log)
            newest[log] += 1
            try:
                base.put(b"%d:%016d" % (log, newest[log]), data.encode(), sync=options.sync)
                say(f"ack {number}")
            except plyvel.Error as error:
                say(f"fail {number} {error}")
        elif word == "dump":
            for log in range(LOGS):
                try:
                    for data in base.iterator(prefix=b"%d:" % log, include_key=False):
                        sys.stdout.write(f"record {log} {data.decode()}\n")
                except plyvel.Error as error:
                    say(f"corrupt {log} {error}")
            say("end")
        elif word == "stop":
            base.close()
            say("stopped")
            return


main()
