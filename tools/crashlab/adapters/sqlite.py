#!/usr/bin/env python3
"""SQLite for the crash lab: a table, a transaction for each record.

    sqlite.py [--journal DELETE|TRUNCATE|PERSIST|WAL] [--synchronous OFF|NORMAL|FULL|EXTRA] DIRECTORY

Without an option it is as the library is by default. Needs Python and nothing else.
"""
import argparse
import os
import sqlite3
import sys

LOGS = 3


def say(text):
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--journal", choices=["DELETE", "TRUNCATE", "PERSIST", "WAL"])
    parser.add_argument("--synchronous", choices=["OFF", "NORMAL", "FULL", "EXTRA"])
    parser.add_argument("directory")
    options = parser.parse_args()

    path = os.path.join(options.directory, "store.db")
    # No transactions that nobody began.
    base = sqlite3.connect(path, isolation_level=None)
    if options.journal:
        base.execute(f"PRAGMA journal_mode = {options.journal}")
    if options.synchronous:
        base.execute(f"PRAGMA synchronous = {options.synchronous}")
    base.execute(
        "CREATE TABLE IF NOT EXISTS records"
        " (number INTEGER PRIMARY KEY, log INTEGER NOT NULL, data TEXT NOT NULL)"
    )
    mode = [base.execute(f"PRAGMA {name}").fetchone()[0] for name in ("journal_mode", "synchronous")]
    sys.stderr.write(f"sqlite {sqlite3.sqlite_version}, journal_mode {mode[0]}, synchronous {mode[1]}\n")
    say(f"ready logs={LOGS}")

    for line in sys.stdin:
        word, *rest = line.split()
        if word == "append":
            log, number, data = rest
            try:
                base.execute("INSERT INTO records (log, data) VALUES (?, ?)", (int(log), data))
                say(f"ack {number}")
            except sqlite3.Error as error:
                say(f"fail {number} {error}")
        elif word == "dump":
            try:
                for log, data in base.execute("SELECT log, data FROM records ORDER BY number"):
                    sys.stdout.write(f"record {log} {data}\n")
            except sqlite3.DatabaseError as error:
                say(f"corrupt 0 {error}")
            say("end")
        elif word == "stop":
            base.close()
            say("stopped")
            return


main()
