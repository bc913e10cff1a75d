package flowstone.interop;

import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.ConcurrentHashMap;
import software.amazon.awssdk.core.interceptor.Context;
import software.amazon.awssdk.core.interceptor.ExecutionAttributes;
import software.amazon.awssdk.core.interceptor.ExecutionInterceptor;

/** Which protocols were spoken, as the headers say. */
final class Wire implements ExecutionInterceptor {
    private static final String CBOR = "application/x-amz-cbor-1.1";
    private static final String JSON = "application/x-amz-json-1.1";
    private static final String EVENTS = "application/vnd.amazon.eventstream";

    private final Set<String> asked = ConcurrentHashMap.newKeySet();
    private final Set<String> answered = ConcurrentHashMap.newKeySet();

    @Override
    public void beforeTransmission(Context.BeforeTransmission context, ExecutionAttributes attributes) {
        context.httpRequest().firstMatchingHeader("Content-Type").ifPresent(asked::add);
    }

    @Override
    public void afterTransmission(Context.AfterTransmission context, ExecutionAttributes attributes) {
        context.httpResponse().firstMatchingHeader("Content-Type").ifPresent(answered::add);
    }

    /** The session spoke what it is named for, and was answered in kind. */
    void compare(String protocol) {
        if (protocol.equals("async")) {
            Checks.that("answers are of the kinds asked, and events", answered.contains(EVENTS)
                    && answered.containsAll(asked) && asked.contains(CBOR), asked + " " + answered);
        } else {
            Set<String> expected = Set.of(protocol.equals("cbor") ? CBOR : JSON);
            Checks.equal("requests speak " + protocol, new TreeSet<>(asked), expected);
            Checks.equal("answers speak " + protocol, new TreeSet<>(answered), expected);
        }
    }
}
