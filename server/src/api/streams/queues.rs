//! What the operations of queues share: addressing, descriptions, and the two lanes' twins.

use std::sync::Arc;

use flowstone_engine::error::{Error, ErrorKind};
use tokio::sync::OwnedSemaphorePermit;

use crate::api::Answer;
use crate::api::streams::State;
use crate::api::streams::constraints::{DEAD_LETTER_CONFIGURATION, QUEUE_ATTRIBUTES};
use crate::api::streams::error::resource_not_found;
use crate::service::queue::{
    Ask, Lane, Queue, QueueRow, QueueStart, QueueState, Received, Refusal, Run, Wish,
};
use crate::wire::{Exception, Fields, Shape, Writer};

/// Milliseconds that a receive waits that does not say how long.
const WAIT_MS_DEFAULT: u64 = 9000;

/// Records of a receive that does not say how many.
const RECEIVE_RECORDS_DEFAULT: u32 = 10;

/// Bytes that a received record takes beyond its base64: names, receipt, times.
const RECORD_FRAME_BYTES: usize = 448;

/// Which queue a request is about.
#[derive(Clone, Debug)]
pub(super) struct Address {
    arn: String,
    account: String,
    region: String,
    resource: String,
}

impl Address {
    /// `QueueARN` of a request.
    pub(super) fn read(fields: Fields<'_, '_>) -> Result<Address, Exception> {
        Address::parse(fields.text("QueueARN").unwrap_or_default())
    }

    /// The address that `arn` says.
    pub(super) fn parse(arn: &str) -> Result<Address, Exception> {
        let mut parts = arn.splitn(6, ':').skip(3);
        let (region, account, resource) = (parts.next(), parts.next(), parts.next());
        let resource = resource.and_then(|resource| resource.strip_prefix("queue/"));
        match (region, account, resource) {
            // A slash would reach into another key of the registry.
            (Some(region), Some(account), Some(resource))
                if !region.contains('/') && !resource.contains('/') =>
            {
                Ok(Address {
                    arn: arn.to_owned(),
                    account: account.to_owned(),
                    region: region.to_owned(),
                    resource: resource.to_owned(),
                })
            }
            _ => {
                let message = format!("QueueARN {arn} is not a queue's ARN.");
                Err(Exception::invalid_argument(message))
            }
        }
    }

    /// The queue, in whatever state.
    pub(super) fn find(&self, state: &State) -> Result<Arc<Queue>, Exception> {
        let queue = state.queues.find(&self.account, &self.region, &self.resource);
        queue.filter(|queue| queue.row().arn() == self.arn).ok_or_else(|| self.not_found())
    }

    /// Changes the row of the queue; durable when this returns.
    pub(super) async fn change(
        &self,
        state: &Arc<State>,
        queue: &Arc<Queue>,
        edit: impl FnOnce(&mut QueueRow) -> Result<(), Exception> + Send + 'static,
    ) -> Result<(), Exception> {
        let queue = Arc::clone(queue);
        let change =
            move |state: Arc<State>| async move { state.queues.change(&queue, edit).await };
        state.to_end(change).await?.map_err(|error| self.fault(error))?
    }

    fn not_found(&self) -> Exception {
        resource_not_found(&self.arn)
    }

    /// The exception of an operation on this queue that failed.
    pub(super) fn fault(&self, error: Error) -> Exception {
        match error.kind() {
            ErrorKind::NotFound => self.not_found(),
            ErrorKind::Full => Exception::client("ThrottlingException", "Rate exceeded."),
            _ => error.into(),
        }
    }
}

/// Settings of a queue that a request may give.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Attributes {
    pub(super) visibility_s: Option<u32>,
    /// Receives after which a record becomes a dead letter; inside, none: never.
    pub(super) receive_count_max: Option<Option<u32>>,
}

impl Attributes {
    /// `QueueAttributes` of a request.
    pub(super) fn read(fields: Fields<'_, '_>) -> Result<Attributes, Exception> {
        let Some(attributes) = fields.structure("QueueAttributes", &QUEUE_ATTRIBUTES) else {
            return Ok(Attributes::default());
        };
        let dead = attributes.structure("DeadLetterConfiguration", &DEAD_LETTER_CONFIGURATION);
        let receive_count_max = match dead.map(|dead| (dead.text("TargetType"), dead)) {
            None => None,
            Some((Some("BUILT_IN"), dead)) => {
                Some(Some(dead.count("MaxReceiveCount").ok_or_else(|| {
                    invalid("MaxReceiveCount is required for TargetType BUILT_IN.")
                })?))
            }
            Some(_) => Some(None),
        };
        let visibility_s = attributes.count("VisibilityTimeoutSeconds");
        Ok(Attributes { visibility_s, receive_count_max })
    }
}

/// A request whose members do not fit one another.
pub(super) fn invalid(message: &str) -> Exception {
    Exception::validation(message.to_owned())
}

/// Writes `QueueDescription`.
pub(super) fn write_description(out: &mut Writer, row: &QueueRow, state: QueueState) {
    out.begin_map_in("QueueDescription");
    write_head(out, row, state);
    out.begin_list_in("StreamConfigurationList");
    out.begin_map();
    out.text("StreamARN", &row.stream_arn);
    out.begin_map_in("StartingPosition");
    out.text(
        "Type",
        match row.start {
            QueueStart::TrimHorizon => "TRIM_HORIZON",
            QueueStart::Latest => "LATEST",
            QueueStart::AtTime(_) => "AT_TIMESTAMP",
        },
    );
    out.timestamp("Timestamp", row.start_ms);
    out.end_map();
    out.end_map();
    out.end_list();
    out.begin_map_in("QueueAttributes");
    out.integer("VisibilityTimeoutSeconds", row.visibility_s.into());
    out.begin_map_in("DeadLetterConfiguration");
    match row.receive_count_max {
        Some(max) => {
            out.text("TargetType", "BUILT_IN");
            out.integer("MaxReceiveCount", max.into());
        }
        None => out.text("TargetType", "NONE"),
    }
    out.end_map();
    out.end_map();
    out.end_map();
}

/// Writes what descriptions and summaries begin with.
pub(super) fn write_head(out: &mut Writer, row: &QueueRow, state: QueueState) {
    out.text("QueueName", &row.name);
    out.text("QueueARN", &row.arn());
    out.text(
        "QueueStatus",
        match state {
            QueueState::Creating => "CREATING",
            QueueState::Active => "ACTIVE",
            QueueState::Deleting => "DELETING",
        },
    );
    out.timestamp("QueueCreationTimestamp", row.created_ms);
}

/// Input of an operation that receives.
pub(super) struct Receive {
    address: Address,
    ask: Ask,
    wait_ms: u64,
}

impl Receive {
    pub(super) fn read(fields: Fields<'_, '_>, lane: Lane) -> Result<Receive, Exception> {
        let records = fields.count("Limit").unwrap_or(RECEIVE_RECORDS_DEFAULT) as usize;
        let ms = |seconds| u64::from(seconds) * 1000;
        Ok(Receive {
            address: Address::read(fields)?,
            ask: Ask {
                lane,
                records,
                visibility_ms: fields.count("VisibilityTimeoutSeconds").map(ms),
            },
            wait_ms: fields.count("WaitTimeSeconds").map_or(WAIT_MS_DEFAULT, ms),
        })
    }

    pub(super) async fn run(self, state: &Arc<State>) -> Result<Records, Exception> {
        let Receive { address, ask, wait_ms } = self;
        let queue = address.find(state)?;
        let received = queue.receive_waiting(&state.streams, &ask, wait_ms).await;
        let received = received.map_err(|error| address.fault(error))?;
        let records = || received.runs.iter().map(|run| run.entries.len()).sum::<usize>();
        let bytes = received.runs.iter().map(|run| run.read.bytes()).sum::<usize>();
        let answer_bytes = bytes.div_ceil(3) * 4 + records() * RECORD_FRAME_BYTES;
        let hold = state.answer_room(answer_bytes).await;
        let receipts = queue.receipts(&state.tokens, &received, ask.lane);
        Ok(Records { row: queue.row(), received, receipts, answer_bytes, hold })
    }
}

/// Output of an operation that receives.
pub(super) struct Records {
    row: Arc<QueueRow>,
    received: Received,
    receipts: Vec<String>,
    answer_bytes: usize,
    hold: OwnedSemaphorePermit,
}

impl Records {
    pub(super) fn write(self, mut out: Writer) -> Answer {
        out.reserve(self.answer_bytes);
        out.begin_map();
        out.begin_list_in("QueueRecords");
        let mut receipts = self.receipts.iter();
        for run in &self.received.runs {
            write_run(&mut out, self.row.stream, run, &mut receipts);
        }
        out.end_list();
        out.end_map();
        Answer { hold: Some(self.hold), ..out.into() }
    }
}

fn write_run<'a>(
    out: &mut Writer,
    stream: u64,
    run: &Run,
    receipts: &mut impl Iterator<Item = &'a String>,
) {
    let records = run.read.records().zip(&run.entries);
    for ((record, entry), receipt) in records.zip(receipts) {
        out.begin_map();
        out.text("ReceiptHandle", receipt);
        // The stream's identity, the shard, the record: the same in every queue of the stream.
        out.text("RecordId", &format!("{stream:016x}{:08x}{:016x}", run.shard, record.seq.0));
        out.text("PartitionKey", &String::from_utf8_lossy(record.record.key));
        out.blob("Data", record.record.data);
        out.timestamp("ApproximateArrivalTimestamp", record.arrival.0);
        out.timestamp("FirstReceiveTimestamp", entry.first_ms);
        out.integer("ReceiveCount", entry.receive_count().into());
        out.end_map();
    }
}

/// Input of an operation on records that were received.
pub(super) struct Grant {
    address: Address,
    lane: Lane,
    entries: Vec<(String, Wish)>,
}

impl Grant {
    /// Reads entries of `shape`, each with its receipt; `wish` reads the rest.
    pub(super) fn read(
        fields: Fields<'_, '_>,
        lane: Lane,
        shape: &'static Shape,
        wish: impl Fn(&Fields<'_, '_>) -> Wish,
    ) -> Result<Grant, Exception> {
        let entries = fields.structures("Entries", shape).map(|entry| {
            (entry.text("ReceiptHandle").unwrap_or_default().to_owned(), wish(&entry))
        });
        Ok(Grant { address: Address::read(fields)?, lane, entries: entries.collect() })
    }

    pub(super) async fn run(self, state: &Arc<State>) -> Result<Outcomes, Exception> {
        let Grant { address, lane, entries } = self;
        let queue = address.find(state)?;
        let wishes: Vec<_> =
            entries.iter().map(|(token, wish)| (state.tokens.open_receipt(token), *wish)).collect();
        let verdicts = queue.grant(lane, &wishes).await.map_err(|error| address.fault(error))?;
        let tokens = entries.into_iter().map(|(token, _)| token);
        Ok(Outcomes(tokens.zip(verdicts).collect()))
    }
}

/// `VisibilityTimeoutSeconds` of an entry as a wish.
pub(super) fn reappear(entry: &Fields<'_, '_>) -> Wish {
    let seconds = entry.count("VisibilityTimeoutSeconds").unwrap_or_default();
    Wish::Reappear(u64::from(seconds) * 1000)
}

/// Output of an operation on records that were received.
pub(super) struct Outcomes(Vec<(String, Result<(), Refusal>)>);

impl Outcomes {
    pub(super) fn write(self, mut out: Writer) -> Answer {
        out.begin_map();
        out.begin_list_in("Successful");
        for (token, _) in self.0.iter().filter(|(_, verdict)| verdict.is_ok()) {
            out.begin_map();
            out.text("ReceiptHandle", token);
            out.end_map();
        }
        out.end_list();
        out.begin_list_in("Failed");
        for (token, verdict) in &self.0 {
            let Err(refusal) = verdict else { continue };
            out.begin_map();
            out.text("ReceiptHandle", token);
            out.text("ErrorCode", "InvalidArgumentException");
            out.text("ErrorMessage", words(*refusal));
            out.end_map();
        }
        out.end_list();
        out.end_map();
        out.into()
    }
}

fn words(refusal: Refusal) -> &'static str {
    match refusal {
        Refusal::Foreign => "ReceiptHandle is not valid for this queue.",
        Refusal::OtherLane => "ReceiptHandle is not valid for this operation.",
        Refusal::Superseded => "ReceiptHandle is no longer valid: the record was received again.",
        Refusal::Gone => "The record is no longer in the queue.",
        Refusal::Dead => "ReceiptHandle is no longer valid: the record is a dead-letter record.",
        Refusal::Restored => "ReceiptHandle is no longer valid: the record was restored.",
    }
}
