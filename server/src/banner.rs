//! What to paste next, said at the start.

use std::net::SocketAddr;

/// The text to print once the server listens on `address`.
#[must_use]
pub fn banner(address: SocketAddr, region: &str) -> String {
    // Nobody connects to "all interfaces".
    let host = match address {
        _ if !address.ip().is_unspecified() => address.to_string(),
        _ => format!("127.0.0.1:{}", address.port()),
    };
    let aws = format!("aws --endpoint-url http://{host} kinesis");
    format!(
        "
Flowstone {version} listens on http://{address}

Paste into another terminal (any credentials will do):

  export AWS_ACCESS_KEY_ID=test AWS_SECRET_ACCESS_KEY=test AWS_DEFAULT_REGION={region}
  {aws} create-stream --stream-name demo --shard-count 2
  {aws} put-record --stream-name demo --partition-key a --data aGVsbG8=
  {aws} get-records --shard-iterator \"$({aws} get-shard-iterator --stream-name demo \\
    --shard-id shardId-000000000000 --shard-iterator-type TRIM_HORIZON --query ShardIterator --output text)\"

Health: curl http://{host}/health      Help: flowstone --help      Stop: Ctrl-C
",
        version = env!("CARGO_PKG_VERSION"),
    )
}
