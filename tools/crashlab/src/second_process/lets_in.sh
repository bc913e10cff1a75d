#!/bin/sh
# A store that lets anybody in, called as the lab's own binary is: `lets_in.sh target DIRECTORY`.
exec python3 "$(dirname "$0")/../../adapters/example.py" --no-fsync "$2"
