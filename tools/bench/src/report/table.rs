//! The Markdown table.

use std::fmt::Write as _;

use super::Report;

pub(super) fn markdown(report: &Report) -> String {
    let mut out = String::new();
    // A string takes any text.
    let _ = write(report, &mut out);
    out
}

fn write(report: &Report, out: &mut String) -> std::fmt::Result {
    let machine = &report.machine;
    writeln!(
        out,
        "{}, {} cores, {:.0} GiB, Linux {}, {}. {}\n",
        machine.processor,
        machine.cores,
        gib(machine.memory_bytes),
        machine.kernel,
        machine.file_system,
        if report.is_core_shared {
            "Server and load share the one core."
        } else {
            "The server has one core, the load the others."
        }
    )?;
    writeln!(
        out,
        "| workload | what | ours | of all rounds | anchor | its value | ours / anchor |"
    )?;
    writeln!(out, "|---|---|---:|---:|---|---:|---:|")?;
    for figure in &report.figures {
        let what = &figure.what;
        let (anchor, value, ratio) = match (&what.anchor, figure.anchor_value, figure.ratio) {
            (Some(anchor), Some(value), Some(ratio)) => {
                (anchor.as_str(), format!("{} {}", number(value), what.unit), format!("{ratio:.2}"))
            }
            _ => ("", String::new(), String::new()),
        };
        writeln!(
            out,
            "| {} | {} | {} {} | {}..{} ({}) | {anchor} | {value} | {ratio} |",
            what.workload,
            what.name,
            number(figure.ours),
            what.unit,
            number(figure.least),
            number(figure.most),
            figure.rounds,
        )?;
    }
    for missing in &report.missing {
        writeln!(out, "\nMissing: {missing}.")?;
    }
    Ok(())
}

fn gib(bytes: u64) -> f64 {
    #[expect(clippy::cast_precision_loss, reason = "for people")]
    let bytes = bytes as f64;
    bytes / f64::from(1 << 30)
}

/// Three digits, or all before the point.
fn number(value: f64) -> String {
    let digits = match value.abs() {
        value if value >= 100.0 => 0,
        value if value >= 10.0 => 1,
        value if value >= 1.0 => 2,
        _ => 3,
    };
    let text = format!("{value:.digits$}");
    match text.parse::<i64>() {
        Ok(whole) if whole.unsigned_abs() >= 1000 => grouped(whole),
        _ => text,
    }
}

fn grouped(whole: i64) -> String {
    let digits = whole.unsigned_abs().to_string();
    let mut out = if whole < 0 { "-".to_owned() } else { String::new() };
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}
