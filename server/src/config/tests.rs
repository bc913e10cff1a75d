//! Tests of the order of precedence and of what is refused.

use clap::Parser;

use super::*;

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
