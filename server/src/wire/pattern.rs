//! The model's regular expressions as functions: there are few, and each is a scan.

/// A regular expression: its text, as violations print it, and what it accepts.
#[derive(Debug)]
pub struct Pattern {
    /// The text in the model.
    pub text: &'static str,
    /// Whether a value matches it as a whole.
    pub accepts: fn(&str) -> bool,
}

/// Names of streams and shards.
pub static WORD: Pattern = Pattern { text: "[a-zA-Z0-9_.-]+", accepts: is_word };

/// Hash keys: a decimal number of at most 39 digits without leading zeros.
pub static HASH_KEY: Pattern =
    Pattern { text: "^(0|([1-9]\\d{0,38}))$", accepts: |value| is_decimal(value, 39) };

/// Sequence numbers: a decimal number of at most 129 digits without leading zeros.
pub static SEQUENCE_NUMBER: Pattern =
    Pattern { text: "^(0|([1-9]\\d{0,128}))$", accepts: |value| is_decimal(value, 129) };

/// Stream ARNs.
pub static STREAM_ARN: Pattern = Pattern {
    text: "arn:aws.*:kinesis:.*:\\d{12}:stream/\\S+",
    accepts: |value| accepts_arn(value, |resource| resource.strip_prefix("stream/")),
};

/// ARNs of queues.
pub static QUEUE_ARN: Pattern = Pattern {
    text: "arn:aws.*:kinesis:.*:\\d{12}:queue/\\S+",
    accepts: |value| accepts_arn(value, |resource| resource.strip_prefix("queue/")),
};

/// ARNs of streams with what belongs to them, channels and queues.
pub static RESOURCE_ARN: Pattern = Pattern {
    text: "arn:aws.*:kinesis:.*:\\d{12}:.*(stream|channel|queue)/\\S+",
    accepts: |value| {
        accepts_arn(value, |resource| {
            let after = |word| resource.find(word).map(|at| &resource[at + str::len(word)..]);
            after("stream/").or_else(|| after("channel/")).or_else(|| after("queue/"))
        })
    },
};

/// ARNs of consumers.
pub static CONSUMER_ARN: Pattern = Pattern {
    text: "^(arn):aws.*:kinesis:.*:\\d{12}:.*stream\\/[a-zA-Z0-9_.-]+\\/consumer\\/\
           [a-zA-Z0-9_.-]+:[0-9]+",
    accepts: |value| {
        let is_consumer = |resource: &str| {
            let (_, rest) = resource.split_once("stream/")?;
            let (stream, rest) = rest.split_once("/consumer/")?;
            let (name, created) = rest.split_once(':')?;
            let is_number = !created.is_empty() && created.bytes().all(|b| b.is_ascii_digit());
            (is_word(stream) && is_word(name) && is_number).then_some(())
        };
        accepts_arn(value, |resource| is_consumer(resource).map(|()| resource))
    },
};

/// Stream identities.
pub static STREAM_ID: Pattern = Pattern {
    text: "[a-z0-9]{20}-[a-z0-9]{3}",
    accepts: |value| {
        let is_part = |part: &str, len: usize| {
            part.len() == len && part.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit())
        };
        value.split_once('-').is_some_and(|(a, b)| is_part(a, 20) && is_part(b, 3))
    },
};

fn is_word(value: &str) -> bool {
    !value.is_empty()
        && value.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'.' | b'-'))
}

fn is_decimal(value: &str, digits_max: usize) -> bool {
    let bytes = value.as_bytes();
    !bytes.is_empty()
        && bytes.len() <= digits_max
        && bytes.iter().all(u8::is_ascii_digit)
        && (bytes[0] != b'0' || bytes.len() == 1)
}

/// Whether `value` is an ARN of the service whose last part goes on behind what `resource` takes
/// off with something that has no blank.
fn accepts_arn(value: &str, resource: impl Fn(&str) -> Option<&str>) -> bool {
    let mut parts = value.splitn(6, ':');
    let mut next = || parts.next().unwrap_or_default();
    next() == "arn"
        && next().starts_with("aws")
        && next() == "kinesis"
        && {
            next();
            let account = next();
            account.len() == 12 && account.bytes().all(|b| b.is_ascii_digit())
        }
        && resource(next())
            .is_some_and(|name| !name.is_empty() && !name.contains(char::is_whitespace))
}
