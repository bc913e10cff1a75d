"""What a session says of itself: every check has a name and is counted."""

import contextlib
import signal

DETAIL_CHARACTERS_MAX = 400


def deadline(seconds):
    """Ends a session that hangs; what it cleans up behind itself it still does."""

    def late(number, frame):
        raise RuntimeError("the session did not end within %d s" % seconds)

    signal.signal(signal.SIGALRM, late)
    signal.alarm(seconds)


class Checks:
    def __init__(self, session):
        self.session = session
        self.passed = 0
        self.failed = 0

    def that(self, name, holds, detail=""):
        """Counts one check."""
        if holds:
            self.passed += 1
            print("  ok    %s" % name, flush=True)
        else:
            self.failed += 1
            print("  FAIL  %s %s" % (name, str(detail)[:DETAIL_CHARACTERS_MAX]), flush=True)

    def equal(self, name, found, expected):
        self.that(name, found == expected, "found=%r expected=%r" % (found, expected))

    @contextlib.contextmanager
    def refused(self, name, error, code):
        """The body must raise `error` with the service's `code`."""
        try:
            yield
        except error as raised:
            self.equal(name, raised.response["Error"]["Code"], code)
        else:
            self.that(name, False, "it was not refused")

    def close(self):
        """The closing line; the exit status."""
        print("%s: %d checks passed, %d failed" % (self.session, self.passed, self.failed))
        return 1 if self.failed or not self.passed else 0
