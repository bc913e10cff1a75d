//! The calls about queues.

use std::io;

use serde::Deserialize;
use serde_json::{Value, json};

use crate::kinesis::{Client, Failure};

/// A record as a queue delivers it.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct QueueRecord {
    /// What this delivery is acknowledged with.
    pub receipt_handle: String,
    /// The record's identity, the same in every delivery.
    pub record_id: String,
    /// The key.
    pub partition_key: String,
    /// The data in base64.
    pub data: String,
    /// How often it was received, this time included.
    pub receive_count: u64,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct QueueRecords {
    queue_records: Vec<QueueRecord>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Verdicts {
    successful: Vec<Granted>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Granted {
    receipt_handle: String,
}

/// How to receive.
#[derive(Clone, Copy, Debug)]
pub struct Receive {
    /// Records at most.
    pub limit: u64,
    /// Seconds to wait for one.
    pub wait_s: u64,
    /// Seconds until they are visible again.
    pub visibility_s: u64,
}

impl Client {
    /// Makes a stream on demand and a queue on it that begins at the stream's first record and has
    /// no dead letters. The queue's ARN.
    pub fn create_stream_with_queue(&mut self, stream: &str) -> Result<String, Failure> {
        let mode = json!({"StreamName": stream, "StreamModeDetails": {"StreamMode": "ON_DEMAND"}});
        self.call::<Value>("CreateStream", &mode)?;
        let summary: Value = self.call("DescribeStreamSummary", &json!({"StreamName": stream}))?;
        let input = json!({
            "QueueName": stream,
            "QueueAttributes": {"DeadLetterConfiguration": {"TargetType": "NONE"}},
            "StreamConfigurationList": [{
                "StreamARN": summary["StreamDescriptionSummary"]["StreamARN"],
                "StartingPosition": {"Type": "TRIM_HORIZON"},
            }],
        });
        let made: Value = self.call("CreateQueue", &input)?;
        let arn = made["QueueDescription"]["QueueARN"].as_str().map(ToOwned::to_owned);
        arn.ok_or_else(|| io::Error::other("answer has no queue's ARN").into())
    }

    /// Receives.
    pub fn receive(&mut self, queue: &str, how: Receive) -> Result<Vec<QueueRecord>, Failure> {
        let input = json!({
            "QueueARN": queue, "Limit": how.limit, "WaitTimeSeconds": how.wait_s,
            "VisibilityTimeoutSeconds": how.visibility_s,
        });
        let answer: QueueRecords = self.call("ReceiveQueueRecords", &input)?;
        Ok(answer.queue_records)
    }

    /// Acknowledges. The receipts that were granted.
    pub fn acknowledge(&mut self, queue: &str, receipts: &[&str]) -> Result<Vec<String>, Failure> {
        let entries = receipts.iter().map(|receipt| json!({"ReceiptHandle": receipt}));
        let entries: Vec<_> = entries.collect();
        let input = json!({"QueueARN": queue, "Entries": entries});
        let answer: Verdicts = self.call("AcknowledgeQueueRecords", &input)?;
        Ok(answer.successful.into_iter().map(|granted| granted.receipt_handle).collect())
    }

    /// Says in how many seconds records in flight are visible again.
    pub fn reappear(
        &mut self,
        queue: &str,
        receipts: &[&str],
        visibility_s: u64,
    ) -> Result<(), Failure> {
        let entry =
            |receipt| json!({"ReceiptHandle": receipt, "VisibilityTimeoutSeconds": visibility_s});
        let entries: Vec<_> = receipts.iter().map(entry).collect();
        let input = json!({"QueueARN": queue, "Entries": entries});
        self.call::<Value>("UpdateQueueRecordsVisibility", &input).map(drop)
    }
}
