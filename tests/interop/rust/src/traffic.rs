//! Writes with one hand and reads with the other: the reader follows the shards' lineage, parents
//! before children, while the stream is resharded under it.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use aws_sdk_kinesis::Client;
use aws_sdk_kinesis::primitives::Blob;
use aws_sdk_kinesis::types::{
    ChildShard, PutRecordsRequestEntry, Record, Shard, ShardIteratorType,
};

use crate::checks::{equal, is_recent, must, that, until};

const ROUND_PAUSE: Duration = Duration::from_millis(2);
const READ_WAIT_MAX: Duration = Duration::from_secs(60);
const NOT_TEXT: [u8; 4] = [0x00, 0xff, 0xfe, 0x80];

fn keys() -> Vec<String> {
    let plain = (0..20).map(|index| format!("key-{index}"));
    ["ключ-🔑-é".to_owned()].into_iter().chain(plain).collect()
}

/// All shards, a page of one after the other.
pub async fn all_shards(client: &Client, stream: &str) -> Vec<Shard> {
    let mut pages = client.list_shards().stream_name(stream).max_results(1).send().await;
    let mut shards = Vec::new();
    loop {
        let page = must("list-shards", pages);
        let token = page.next_token().map(str::to_owned);
        shards.extend(page.shards.unwrap_or_default());
        let Some(token) = token else { return shards };
        pages = client.list_shards().next_token(token).max_results(1).send().await;
    }
}

/// One record at its place.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Placed {
    pub shard: String,
    pub number: String,
    pub key: String,
    pub data: Vec<u8>,
}

impl Placed {
    /// A record that was read, which must have arrived about now.
    pub fn read(shard: &str, record: &Record) -> Self {
        let arrival = record.approximate_arrival_timestamp();
        if !is_recent(arrival) {
            that("an arrival time is about now", false, arrival);
        }
        Self {
            shard: shard.to_owned(),
            number: record.sequence_number().to_owned(),
            key: record.partition_key().unwrap_or_default().to_owned(),
            data: record.data().as_ref().to_vec(),
        }
    }
}

/// Puts each key's numbers 0, 1, 2, ... until told to stop.
pub struct Writer<'a> {
    client: &'a Client,
    pub stream: &'a str,
    pub put: RefCell<Vec<Placed>>,
    rounds: Cell<usize>,
    is_stopping: Cell<bool>,
}

impl<'a> Writer<'a> {
    pub fn new(client: &'a Client, stream: &'a str) -> Self {
        let (rounds, is_stopping) = (Cell::new(0), Cell::new(false));
        Self { client, stream, put: RefCell::default(), rounds, is_stopping }
    }

    /// Puts one record, where `hash_key` says if it says.
    pub async fn one(&self, key: &str, data: &[u8], hash_key: Option<&str>) -> Placed {
        let request = self.client.put_record().stream_name(self.stream).partition_key(key);
        let request = request.set_explicit_hash_key(hash_key.map(str::to_owned));
        let answer = must("put-record", request.data(Blob::new(data)).send().await);
        let (shard, number) = (answer.shard_id, answer.sequence_number);
        let placed = Placed { shard, number, key: key.to_owned(), data: data.to_vec() };
        self.put.borrow_mut().push(placed.clone());
        placed
    }

    pub async fn run(&self) {
        while !self.is_stopping.get() {
            let mut batch: Vec<(String, Vec<u8>)> = Vec::new();
            for key in keys() {
                let number = format!("{key}#{}", self.rounds.get());
                batch.push((key, [&NOT_TEXT, number.as_bytes()].concat()));
            }
            let (key, data) = batch.remove(0);
            self.one(&key, &data, None).await;
            let entries = batch.iter().map(|(key, data)| {
                let entry = PutRecordsRequestEntry::builder().partition_key(key);
                must("an entry", entry.data(Blob::new(data.clone())).build())
            });
            let request = self.client.put_records().stream_name(self.stream);
            let answer =
                must("put-records", request.set_records(Some(entries.collect())).send().await);
            if answer.failed_record_count() != Some(0) {
                that("put-records", false, &answer);
            }
            for (placed, (key, data)) in answer.records.into_iter().zip(batch) {
                let shard = placed.shard_id.unwrap_or_default();
                let number = placed.sequence_number.unwrap_or_default();
                self.put.borrow_mut().push(Placed { shard, number, key, data });
            }
            self.rounds.set(self.rounds.get() + 1);
            tokio::time::sleep(ROUND_PAUSE).await;
        }
    }

    /// Some more rounds have been put.
    pub async fn more(&self, rounds: usize) {
        let goal = self.rounds.get() + rounds;
        until("more rounds", async || self.rounds.get() >= goal).await;
    }

    pub fn stop(&self) {
        self.is_stopping.set(true);
    }

    pub fn rounds(&self) -> usize {
        self.rounds.get()
    }
}

/// Reads a stream to its end, whatever becomes of its shards.
pub struct Reader<'a> {
    client: &'a Client,
    stream: &'a str,
    pub found: Vec<Placed>,
    iterators: BTreeMap<String, String>,
    ended: BTreeSet<String>,
}

impl<'a> Reader<'a> {
    pub fn new(client: &'a Client, stream: &'a str) -> Self {
        let (iterators, ended) = (BTreeMap::new(), BTreeSet::new());
        Self { client, stream, found: Vec::new(), iterators, ended }
    }

    async fn start(&mut self, shard: &str) {
        let request = self.client.get_shard_iterator().stream_name(self.stream).shard_id(shard);
        let request = request.shard_iterator_type(ShardIteratorType::TrimHorizon);
        let iterator = must("get-shard-iterator", request.send().await).shard_iterator;
        self.iterators.insert(shard.to_owned(), iterator.unwrap_or_default());
    }

    /// Reads until as many records are found as `expected` says, once it says.
    pub async fn run(&mut self, expected: &Cell<Option<usize>>) {
        for shard in all_shards(self.client, self.stream).await {
            if shard.parent_shard_id().is_none() {
                self.start(shard.shard_id()).await;
            }
        }
        let began = Instant::now();
        while expected.get().is_none_or(|expected| self.found.len() < expected) {
            self.sweep().await;
            if began.elapsed() > READ_WAIT_MAX {
                let so_far = (self.found.len(), expected.get());
                that("the reader to have read everything", false, so_far);
            }
            tokio::time::sleep(ROUND_PAUSE).await;
        }
        self.sweep().await;
    }

    /// One page of every shard that is being read.
    async fn sweep(&mut self) {
        for (shard, iterator) in self.iterators.clone() {
            let request = self.client.get_records().shard_iterator(iterator);
            let page = must("get-records", request.send().await);
            self.found.extend(page.records().iter().map(|record| Placed::read(&shard, record)));
            match page.next_shard_iterator {
                Some(next) => drop(self.iterators.insert(shard, next)),
                None => self.end(&shard, &page.child_shards.unwrap_or_default()).await,
            }
        }
    }

    /// Follows a closed shard to its children; one is read when all its parents have been.
    async fn end(&mut self, shard: &str, children: &[ChildShard]) {
        that(&format!("{shard} ends and names its children"), !children.is_empty(), children);
        self.iterators.remove(shard);
        self.ended.insert(shard.to_owned());
        for child in children {
            let mut parents = child.parent_shards().iter();
            if !parents.clone().any(|parent| parent == shard) {
                that(&format!("{shard} is a parent of its child"), false, child);
            }
            let id = child.shard_id();
            let is_known = self.iterators.contains_key(id) || self.ended.contains(id);
            if !is_known && parents.all(|parent| self.ended.contains(parent)) {
                self.start(id).await;
            }
        }
    }

    /// The shards that were read, to their ends or not.
    pub fn shards(&self) -> BTreeSet<String> {
        self.ended.iter().chain(self.iterators.keys()).cloned().collect()
    }

    /// What was found is what was put: each record once, and each key's records in order.
    pub fn compare(&self, put: &[Placed], rounds: usize) {
        equal("polling: as many records as were put", self.found.len(), put.len());
        let (mut found, mut expected) = (self.found.clone(), put.to_vec());
        found.sort();
        expected.sort();
        let wrong = found.iter().zip(&expected).find(|(found, expected)| found != expected);
        that("polling: places, keys and bytes", wrong.is_none(), wrong);
        let mut next: BTreeMap<&str, usize> = BTreeMap::new();
        for record in &self.found {
            let Some(text) = record.data.strip_prefix(&NOT_TEXT) else { continue };
            let number = next.entry(&record.key).or_default();
            if text != format!("{}#{number}", record.key).as_bytes() {
                let text = String::from_utf8_lossy(text);
                that(&format!("polling: order of {}", record.key), false, (text, *number));
            }
            *number += 1;
        }
        for key in keys() {
            if next.get(key.as_str()) != Some(&rounds) {
                that(&format!("polling: all of {key}"), false, next.get(key.as_str()));
            }
        }
        let keys = next.len();
        let name = format!("polling: order of {keys} keys across reshards, {rounds} records each");
        that(&name, true, ());
        that("polling: every arrival time is about now", true, ());
    }
}
