//! A reader that polls: `GetRecords` again and again.

use std::io;
use std::net::SocketAddr;

use serde_json::{Value, json};

use super::http::Http;
use super::kinesis::call;

/// A reader of one shard.
#[derive(Debug)]
pub struct Poller {
    http: Http,
    iterator: String,
}

impl Poller {
    /// Reads what comes to the first shard of `stream` from now on.
    pub async fn open(server: SocketAddr, stream: &str) -> io::Result<Poller> {
        let mut http = Http::open(server).await?;
        let body = json!({
            "StreamName": stream,
            "ShardId": "shardId-000000000000",
            "ShardIteratorType": "LATEST",
        });
        let answer = call(&mut http, "GetShardIterator", &body).await?;
        Ok(Poller { http, iterator: text(&answer, "ShardIterator")? })
    }

    /// The answer to the next call, with records or without.
    pub async fn next(&mut self) -> io::Result<Value> {
        let body = json!({"ShardIterator": self.iterator});
        let answer = call(&mut self.http, "GetRecords", &body).await?;
        self.iterator = text(&answer, "NextShardIterator")?;
        Ok(answer)
    }
}

fn text(answer: &Value, name: &str) -> io::Result<String> {
    let text = answer[name].as_str().map(ToOwned::to_owned);
    text.ok_or_else(|| io::Error::other(format!("an answer has no {name}")))
}
