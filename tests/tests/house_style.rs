//! Our own style, where a machine can check it.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use flowstone_engine::limits;

/// What the engine must not know of: who calls it, and how they speak.
const FOREIGN_TO_ENGINE: [&str; 8] = [
    "hyper",
    "http",
    "hyper_util",
    "serde_json",
    "serde",
    "base64_simd",
    "aws",
    "flowstone_server",
];

/// Modules of the engine, and those above each.
const LAYERS: [(&str, &[&str]); 8] = [
    ("io", &["frame", "journal", "segment", "shard", "catalog", "engine"]),
    ("clock", &["io", "frame", "journal", "segment", "shard", "catalog", "engine"]),
    ("types", &["io", "frame", "journal", "segment", "shard", "catalog", "engine"]),
    ("frame", &["journal", "segment", "shard", "catalog", "engine"]),
    ("journal", &["segment", "shard", "catalog", "engine"]),
    ("segment", &["journal", "shard", "catalog", "engine"]),
    ("shard", &["catalog", "engine"]),
    ("catalog", &["frame", "journal", "segment", "shard", "engine"]),
];

macro_rules! limits_by_name {
    ($($name:ident),* $(,)?) => {
        BTreeMap::from([$((stringify!($name), limits::$name as u128)),*])
    };
}

fn limits_by_name() -> BTreeMap<&'static str, u128> {
    limits_by_name![
        PAYLOAD_BYTES_MAX,
        KEY_BYTES_MAX,
        BATCH_RECORDS_MAX,
        COMMIT_BYTES_MAX,
        COMMITS_IN_FLIGHT_MAX,
        SMALL_COMMITS_IN_FLIGHT_MAX,
        GATHER_BYTES,
        JOURNAL_FILE_BYTES,
        JOURNAL_FILE_BYTES_MIN,
        JOURNAL_FILE_BYTES_MAX,
        JOURNAL_FILES_MAX,
        JOURNAL_FILES_MIN,
        JOURNAL_MEMORY_PART,
        PENDING_BYTES_MAX,
        SHARDS_MAX,
        BLOCK_BYTES,
        BLOCK_CACHE_BYTES,
        SEGMENT_BYTES_MAX,
        IDLE_MARKER_AFTER_MS,
        CATALOG_VALUE_BYTES_MAX,
        CATALOG_RESERVE_BYTES_MIN,
        CATALOG_CACHE_BYTES,
        CATALOG_SCAN_ROWS_MAX,
        BLOCK_BYTES_MAX,
        FOOTER_BYTES_MAX,
    ]
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn read(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// All Rust files below `folder`, or `folder` itself with its extension.
fn rust_files(folder: &Path) -> Vec<PathBuf> {
    let file = folder.with_extension("rs");
    let mut found = if file.is_file() { vec![file] } else { Vec::new() };
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).into_iter().flatten() {
            let Ok(path) = entry.map(|entry| entry.path()) else { continue };
            if path.is_dir() && !path.ends_with("target") {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                found.push(path);
            }
        }
    }
    found
}

/// The file's code, without comments; nothing for a file of tests.
fn code(path: &Path) -> String {
    if path.components().any(|part| matches!(part.as_os_str().to_str(), Some("tests" | "tests.rs")))
    {
        return String::new();
    }
    let text = read(path);
    text.lines().map(|line| line.split("//").next().unwrap_or("")).collect::<Vec<_>>().join("\n")
}

fn crates() -> Vec<PathBuf> {
    ["engine", "server", "tools", "tests", "benches"].map(|name| root().join(name)).to_vec()
}

#[test]
fn design_shows_the_operations_as_the_server_has_them() {
    let design = fs::read_to_string(root().join("DESIGN.md")).expect("DESIGN.md is there");
    let table = flowstone_tests::model::table();
    assert!(design.contains(&table), "DESIGN.md should have this table:\n{table}");
}

#[test]
fn every_file_says_what_it_owns() {
    let files: Vec<_> = crates().iter().flat_map(|folder| rust_files(folder)).collect();
    assert!(files.len() > 50, "only {} files found", files.len());
    let silent: Vec<_> = files.iter().filter(|path| !read(path).starts_with("//! ")).collect();
    assert!(silent.is_empty(), "without `//!` at the head: {silent:#?}");
}

#[test]
fn the_engine_knows_neither_http_nor_json_nor_aws() {
    let manifest = read(&root().join("engine/Cargo.toml"));
    for name in FOREIGN_TO_ENGINE {
        let package = name.replace('_', "-");
        let depends = |line: &str| line.split(['.', ' ', '=']).next() == Some(package.as_str());
        assert!(!manifest.lines().any(depends), "engine depends on {package}");
        for path in rust_files(&root().join("engine/src")) {
            let uses = code(&path).lines().any(|line| {
                line.trim_start().starts_with(&format!("use {name}::"))
                    || line.contains(&format!(" {name}::"))
            });
            assert!(!uses, "{} uses {name}", path.display());
        }
    }
}

#[test]
fn modules_of_the_engine_do_not_look_up() {
    for (module, above) in LAYERS {
        let files = rust_files(&root().join("engine/src").join(module));
        assert!(!files.is_empty(), "there is no module {module}");
        for path in files {
            let code = code(&path);
            for name in above {
                let uses = code.contains(&format!("crate::{name}::"));
                assert!(!uses, "{} uses {name}", path.display());
            }
        }
    }
}

#[test]
fn front_ends_do_not_know_each_other() {
    let api = root().join("server/src/api");
    let fronts: Vec<String> = fs::read_dir(&api)
        .into_iter()
        .flatten()
        .filter_map(|entry| entry.ok().filter(|entry| entry.path().is_dir()))
        .filter_map(|entry| entry.file_name().into_string().ok())
        .collect();
    for front in &fronts {
        for path in rust_files(&api.join(front)) {
            let code = code(&path);
            for other in fronts.iter().filter(|other| *other != front) {
                let uses = code.contains(&format!("api::{other}"));
                assert!(!uses, "{} uses {other}", path.display());
            }
        }
    }
}

#[test]
fn numbers_in_the_design_are_the_constants() {
    let known = limits_by_name();
    for line in read(&root().join("engine/src/limits.rs")).lines() {
        if let Some(name) = line.strip_prefix("pub const ").and_then(|rest| rest.split(':').next())
        {
            assert!(known.contains_key(name), "{name} is missing in this test");
        }
    }
    let design = root().join("DESIGN.md");
    if !design.is_file() {
        return;
    }
    let mut rows = 0;
    for line in read(&design).lines() {
        let mut cells = line.split('|').map(str::trim).skip(1);
        let (Some(name), Some(value)) = (cells.next(), cells.next()) else { continue };
        if let Some(expected) = known.get(name.trim_matches('`')) {
            rows += 1;
            assert_eq!(number(value), Some(*expected), "DESIGN.md says {line}");
        }
    }
    assert!(rows > 0, "DESIGN.md has no table of limits");
}

/// The number that a cell begins with: `96 MiB`, `100,000`, `50 ms`.
fn number(cell: &str) -> Option<u128> {
    let cell = cell.trim_matches('`');
    let end =
        cell.find(|c: char| !(c.is_ascii_digit() || matches!(c, ',' | '_'))).unwrap_or(cell.len());
    let digits: String = cell[..end].chars().filter(char::is_ascii_digit).collect();
    let unit = match cell[end..].split_whitespace().next() {
        Some("KiB") => 1 << 10,
        Some("MiB") => 1 << 20,
        Some("GiB") => 1 << 30,
        // `64 MiB + 96`
        _ => 1,
    };
    let added = cell[end..].split_once(" + ").and_then(|(_, added)| number(added)).unwrap_or(0);
    Some(digits.parse::<u128>().ok()? * unit + added)
}

#[test]
fn numbers_are_read_as_they_are_written() {
    for (cell, expected) in [
        ("96 MiB", 96 << 20),
        ("`64 KiB`", 64 << 10),
        ("100,000", 100_000),
        ("50 ms", 50),
        ("4", 4),
        ("64 MiB + 96 bytes", (64 << 20) + 96),
    ] {
        assert_eq!(number(cell), Some(expected), "{cell}");
    }
    assert_eq!(number("as much as there is"), None);
}
