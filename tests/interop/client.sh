# What every client's `run` begins with: where things are, which versions, which tools.
#
#     source ../client.sh NAME path/to/flowstone folder
#
# Everything that is installed or built stays below the folder.

set -euo pipefail
readonly CLIENT=$1 SERVER=$2 WORK=$3
INTEROP=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
readonly INTEROP
mkdir -p "$WORK"

set -a
source "$INTEROP/versions.env"
set +a
python3 "$INTEROP/pins.py" "$CLIENT"

# need TOOL WHAT: the tool is there.
need() {
    if ! command -v "$1" >/dev/null; then
        printf '\n*** %s IS MISSING: install %s for the %s client ***\n\n' "$1" "$2" "$CLIENT" >&2
        exit 1
    fi
}

# at_least FOUND LEAST WHAT: the tool is not too old.
at_least() {
    if ((${1:-0} < $2)); then
        printf '\n*** VERSION %s IS TOO OLD: install %s for the %s client ***\n\n' \
            "$1" "$3" "$CLIENT" >&2
        exit 1
    fi
}

# session NAME COMMAND...: a session against a server with a data directory of its own.
session() {
    local scratch=$WORK/session-$1
    shift
    rm -rf "$scratch"
    python3 "$INTEROP/client_session.py" "$SERVER" "$scratch" "$@"
}
