//! Tests of the order of precedence and of what is refused.

use clap::Parser;

use super::*;
use crate::api::streams::Operation;
use crate::service::limits::{Rate, Rates};
use crate::service::{Mode, PlannedStream};

fn flags(arguments: &[&str]) -> Flags {
    Flags::try_parse_from(["flowstone"].iter().chain(arguments)).unwrap()
}

#[test]
fn flags_win_over_the_file_and_the_file_over_defaults() {
    let file = ConfigFile::parse("region = \"eu-west-1\"\naccount = \"111111111111\"\n").unwrap();
    let merged = file.below(flags(&["--region", "ap-south-1"]));
    let config = Config::resolve(merged).unwrap();
    assert_eq!(config.defaults.region, "ap-south-1");
    assert_eq!(config.defaults.account, "111111111111");
    assert_eq!(config.listen.to_string(), defaults::LISTEN);
}

#[test]
fn an_unknown_key_is_refused_with_its_line_and_the_known_ones() {
    let told = ConfigFile::parse("region = \"a\"\nlisten_on = \"b\"\n").unwrap_err().to_string();
    assert!(told.contains("line 2") && told.contains("listen_on"), "{told}");
    assert!(told.contains("`listen`"), "{told}");
}

#[test]
fn settings_that_cannot_work_are_refused() {
    for arguments in [
        ["--account", "12"],
        ["--region", "US_EAST"],
        ["--connections-max", "0"],
        ["--request-bytes-max", "0"],
        ["--body-bytes-in-flight-max", "1"],
        ["--idle-timeout-ms", "18446744073709551615"],
    ] {
        assert!(Config::resolve(flags(&arguments)).is_err(), "{arguments:?}");
    }
}

#[test]
fn every_kind_of_disk_has_its_name() {
    for (name, io) in [
        ("auto", IoChoice::Auto),
        ("io_uring", IoChoice::IoUring),
        ("portable", IoChoice::Portable),
    ] {
        assert_eq!(flags(&["--io", name]).io, Some(io));
        assert_eq!(ConfigFile::parse(&format!("io = \"{name}\"")).unwrap().io, Some(io));
    }
}

#[test]
fn help_shows_examples() {
    let help = Flags::try_parse_from(["flowstone", "--help"]).unwrap_err().to_string();
    assert!(help.contains("FLOWSTONE_LISTEN") && help.contains("Examples:"), "{help}");
}

fn planned(file: &str, arguments: &[&str]) -> Result<Vec<PlannedStream>, String> {
    let file = ConfigFile::parse(file).map_err(|error| error.to_string())?;
    let config = Config::resolve(file.below(flags(arguments)));
    config.map(|config| config.planned).map_err(|error| error.to_string())
}

#[test]
fn streams_of_flags_and_file_are_planned_together() {
    let file = "[[streams]]\nname = \"a\"\nshards = 3\nretention_hours = 48\n\
                record_kib_max = 2048\naccount = \"111122223333\"\nregion = \"eu-west-1\"\n\
                tags = { team = \"shop\" }\n[[streams]]\nname = \"b\"\n";
    let planned = planned(file, &["--stream", "c:2", "--stream", "d,e:1"]).unwrap();
    let names: Vec<_> = planned.iter().map(|stream| stream.path.name.as_str()).collect();
    assert_eq!(names, ["c", "d", "e", "a", "b"]);
    let (c, d, a) = (&planned[0], &planned[1], &planned[3]);
    assert_eq!((c.spec.mode, c.spec.shards), (Mode::Provisioned, 2));
    assert_eq!((d.spec.mode, d.retention_hours), (Mode::OnDemand, 24));
    assert_eq!((d.path.account.as_str(), d.path.region.as_str()), ("000000000000", "us-east-1"));
    assert_eq!((a.spec.shards, a.spec.record_kib_max, a.retention_hours), (3, 2048, 48));
    assert_eq!((a.path.account.as_str(), a.path.region.as_str()), ("111122223333", "eu-west-1"));
    assert_eq!(a.spec.tags, [("team".to_owned(), "shop".to_owned())]);
}

#[test]
fn streams_that_cannot_be_are_refused_with_what_to_do() {
    let entry = |more: &str| planned(&format!("[[streams]]\nname = \"a\"\n{more}"), &[]);
    for (wrong, told) in [
        (entry("shards = 0"), "shards is 1 to 10000"),
        (entry("shards = 10001"), "left out for on-demand mode"),
        (entry("retention_hours = 23"), "24 (a day) to 8760 (a year)"),
        (entry("record_kib_max = 1023"), "1024 (1 MiB) to 10240 (10 MiB)"),
        (entry("account = \"12\""), "twelve digits"),
        (entry("region = \"US\""), "like us-east-1"),
        (entry("tags = { \"aws:x\" = \"y\" }"), "none begins with aws:"),
        (entry("shard = 1"), "`shards`"),
        (entry("[[streams]]\nname = \"a\""), "named twice"),
        (planned("[[streams]]\nname = \"a b\"", &[]), "letters, digits, dots"),
        (planned("[[streams]]\nshards = 1", &[]), "missing field `name`"),
    ] {
        let text = wrong.unwrap_err();
        assert!(text.contains(told), "{text}");
    }
    let bad = Flags::try_parse_from(["flowstone", "--stream", "a:x"]).unwrap_err().to_string();
    assert!(bad.contains("NAME:SHARDS"), "{bad}");
}

fn limited(file: &str, arguments: &[&str]) -> Result<crate::api::streams::Limits, String> {
    let file = ConfigFile::parse(file).map_err(|error| error.to_string())?;
    let config = Config::resolve(file.below(flags(arguments)));
    config.map(|config| config.streams).map_err(|error| error.to_string())
}

#[test]
fn without_a_word_nothing_is_limited_by_time() {
    let limits = limited("", &[]).unwrap();
    assert_eq!(limits.rates, Rates::default());
    assert!(Operation::ALL.iter().all(|operation| limits.calls.get(*operation).is_none()));
    assert_eq!(limits.mode_changes_per_day_max, 0);
    assert_eq!(limits.streams.shards_max_in("us-east-1"), defaults::SHARDS_MAX);
}

#[test]
fn one_word_brings_the_services_limits_and_each_can_be_set_by_itself() {
    let per_s = |rate: Option<Rate>| rate.map(Rate::per_s);
    let limits = limited("limits = \"aws\"", &[]).unwrap();
    assert_eq!(per_s(limits.rates.shard_write_bytes), Some(1 << 20));
    assert_eq!(per_s(limits.rates.shard_write_records), Some(1000));
    assert_eq!(per_s(limits.rates.shard_read_bytes), Some(2 << 20));
    assert_eq!(per_s(limits.rates.shard_reads), Some(5));
    assert_eq!(per_s(limits.rates.consumer_bytes), Some(2 << 20));
    assert_eq!(per_s(limits.calls.get(Operation::DescribeLimits)), Some(1));
    assert_eq!(per_s(limits.calls.get(Operation::ListShards)), Some(1000));
    assert_eq!(limits.calls.get(Operation::PutRecord), None);
    assert_eq!(limits.mode_changes_per_day_max, 2);
    assert_eq!(limits.shard_count_changes_per_day_max, 10);
    let streams = limits.streams;
    assert_eq!((streams.shards_max_in("eu-west-1"), streams.shards_max_in("x")), (500, 200));
    assert_eq!(streams.on_demand_streams_max, 50);
    let consumers = (limits.consumers_per_stream_max, limits.consumers_per_advantage_stream_max);
    assert_eq!(consumers, (20, 50));
    let file = "shards_max = 7\n[rates]\nshard_reads_per_s = 9\nshard_read_bytes_per_s = 0\n\
                mode_changes_per_day = 5\n[rates.calls_per_s]\nPutRecord = 3\nListStreams = 0\n";
    let limits = limited(file, &["--limits", "aws"]).unwrap();
    assert_eq!(per_s(limits.rates.shard_reads), Some(9));
    assert_eq!(limits.rates.shard_read_bytes, None);
    assert_eq!(per_s(limits.rates.shard_write_records), Some(1000));
    assert_eq!(per_s(limits.calls.get(Operation::PutRecord)), Some(3));
    assert_eq!(limits.calls.get(Operation::ListStreams), None);
    assert_eq!(limits.mode_changes_per_day_max, 5);
    assert_eq!(limits.streams.shards_max_in("eu-west-1"), 7);
    // One limit without the others.
    let limits = limited(file, &[]).unwrap();
    assert_eq!(per_s(limits.rates.shard_reads), Some(9));
    assert_eq!(limits.rates.shard_write_records, None);
}

#[test]
fn limits_that_cannot_be_are_refused_with_what_to_do() {
    for (file, told) in [
        ("limits = \"some\"", "`aws`"),
        ("[rates]\nshard_reads_per_s = 1000000000001", "0 is no limit"),
        ("[rates]\nshard_reads = 1", "`shard_reads_per_s`"),
        ("[rates]\nmode_changes_per_day = 33", "at most 32"),
        ("[rates.calls_per_s]\nGetRecord = 1", "such as GetRecords"),
    ] {
        let text = limited(file, &[]).unwrap_err();
        assert!(text.contains(told), "{text}");
    }
}
