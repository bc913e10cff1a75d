//! The configuration file.

use std::time::Duration;

use flowstone_server::config::{Config, ConfigFile, Flags};

/// A century: a moment that far ahead still fits the machine's clock.
const FAR: Duration = Duration::from_secs(100 * 365 * 86_400);

/// Reads `data` as a file; what is settled from it can be run with.
pub fn body(data: &[u8]) {
    let Ok(text) = str::from_utf8(data) else { return };
    let Ok(file) = ConfigFile::parse(text) else { return };
    let Ok(config) = Config::resolve(file.below(Flags::default())) else { return };
    let http = config.http;
    for timeout in [http.head_timeout, http.idle_timeout, http.body_timeout, http.stop_timeout] {
        assert!(timeout < FAR, "a deadline is a moment: {timeout:?}");
    }
    assert!(http.request_bytes_max > 0 && http.connections_max > 0);
    assert!(http.body_bytes_in_flight_max >= http.request_bytes_max);
    assert_eq!(config.defaults.account.len(), 12);
    assert!(!config.defaults.region.contains('/'));
}

/// Every key, and wrong ones.
#[must_use]
pub fn seeds() -> Vec<Vec<u8>> {
    let texts = [
        "listen = \"[::1]:4567\"\ndata_dir = \"d\"\nlog_format = \"json\"\nlog_level = \"debug\"\n\
         io = \"io_uring\"\nregion = \"eu-west-1\"\naccount = \"111111111111\"\n",
        "request_bytes_max = 1\nbody_bytes_in_flight_max = 2\nanswer_bytes_in_flight_max = 0\n\
         connections_max = 1\nstreams_max = 0\nshards_per_stream_max = 0\nshards_max = 9\n",
        "head_timeout_ms = 1\nidle_timeout_ms = 2\nbody_timeout_ms = 0\nstop_timeout_ms = 3\n",
        "idle_timeout_ms = 9223372036854775807\n",
        "account = \"12\"",
        "[table]\nlisten = 1",
        "listen = 1979-05-27T07:32:00Z",
    ];
    texts.iter().map(|text| text.as_bytes().to_vec()).collect()
}
