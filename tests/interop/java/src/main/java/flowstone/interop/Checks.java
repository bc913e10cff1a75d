package flowstone.interop;

import java.time.Duration;
import java.time.Instant;
import java.util.Objects;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.BooleanSupplier;

/**
 * What a session says of itself: every check has a name and is counted; the first that does not
 * hold ends the session.
 */
final class Checks {
    private static final Duration WAIT_MAX = Duration.ofSeconds(60);
    private static final Duration SKEW_MAX = Duration.ofMinutes(10);
    private static final long PAUSE_MS = 20;
    private static final int DETAIL_CHARACTERS_MAX = 2000;
    private static final AtomicInteger PASSED = new AtomicInteger();

    private Checks() {}

    /** What a call gives, which may be refused. */
    interface Call {
        Object run() throws Exception;
    }

    static void that(String name, boolean holds, Object detail) {
        if (!holds) {
            fail(name + " " + detail);
        }
        PASSED.incrementAndGet();
        System.out.println("  ok    " + name);
    }

    static void equal(String name, Object found, Object expected) {
        that(name, Objects.equals(found, expected), "found=" + found + " expected=" + expected);
    }

    static void fail(String what) {
        System.out.println("  FAIL  " + what.substring(0, Math.min(what.length(), DETAIL_CHARACTERS_MAX)));
        System.out.flush();
        Runtime.getRuntime().halt(1);
    }

    /** The call must be refused with the class that the SDK has for this exception. */
    static void refused(String name, Class<? extends Exception> exception, Call call) {
        try {
            that(name, false, "it was not refused: " + call.run());
        } catch (Exception raised) {
            that(name, exception.isInstance(raised), raised);
        }
    }

    /** Asks until the call is refused, which must be as the exception says. */
    static void untilRefused(String name, Class<? extends Exception> exception, Call call) {
        Exception[] last = new Exception[1];
        until(name, () -> {
            try {
                call.run();
                return false;
            } catch (Exception raised) {
                last[0] = raised;
                return true;
            }
        });
        that(name, exception.isInstance(last[0]), last[0]);
    }

    static boolean isRecent(Instant time) {
        return time != null && Duration.between(time, Instant.now()).abs().compareTo(SKEW_MAX) < 0;
    }

    /** Asks until the answer is true. */
    static void until(String what, BooleanSupplier ask) {
        Instant end = Instant.now().plus(WAIT_MAX);
        while (!ask.getAsBoolean()) {
            if (Instant.now().isAfter(end)) {
                fail("waited too long for " + what);
            }
            pause(PAUSE_MS);
        }
    }

    static void pause(long ms) {
        try {
            Thread.sleep(ms);
        } catch (InterruptedException interrupted) {
            throw new IllegalStateException(interrupted);
        }
    }

    static void close(String session) {
        System.out.println(session + ": " + PASSED.get() + " checks passed, 0 failed");
    }
}
