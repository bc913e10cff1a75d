//! Throughput over latency, and percentiles of latency, as SVG.

use std::io;
use std::path::Path;

use plotters::prelude::*;

use super::Report;
use crate::workload::Load;

const WIDTH_PX: u32 = 1000;
const HEIGHT_PX: u32 = 900;
const MARGIN_PX: u32 = 20;
const LABELS_PX: u32 = 60;
const DOT_PX: u32 = 4;
const FONT: (&str, u32) = ("sans-serif", 14);

/// Draws the loads of `report` into `file`.
pub fn plot(report: &Report, file: &Path) -> io::Result<()> {
    if report.loads.is_empty() {
        return Err(io::Error::other("there is no load to draw"));
    }
    draw(&report.loads, file).map_err(|error| io::Error::other(error.to_string()))
}

fn draw(loads: &[Load], file: &Path) -> Result<(), Box<dyn std::error::Error>> {
    let area = SVGBackend::new(file, (WIDTH_PX, HEIGHT_PX)).into_drawing_area();
    area.fill(&WHITE)?;
    let (upper, lower) = area.split_vertically(HEIGHT_PX / 2);
    throughput(loads, &upper)?;
    percentiles(loads, &lower)?;
    area.present()?;
    Ok(())
}

type Area<'a> = DrawingArea<SVGBackend<'a>, plotters::coord::Shift>;

fn throughput(loads: &[Load], area: &Area<'_>) -> Result<(), Box<dyn std::error::Error>> {
    let slowest = extreme(loads.iter().map(|load| load.latency.p99_ms), f64::max);
    let quickest = extreme(loads.iter().map(|load| load.latency.p50_ms), f64::min);
    let most = extreme(loads.iter().map(|load| load.records_a_second), f64::max);
    let least = extreme(loads.iter().map(|load| load.records_a_second), f64::min);
    let mut chart = ChartBuilder::on(area)
        .caption("records a second over median latency; a line to the p99", FONT)
        .margin(MARGIN_PX)
        .x_label_area_size(LABELS_PX)
        .y_label_area_size(LABELS_PX)
        .build_cartesian_2d(
            (quickest / 2.0..slowest * 2.0).log_scale(),
            (least / 2.0..most * 2.0).log_scale(),
        )?;
    chart.configure_mesh().x_desc("milliseconds").y_desc("records a second").draw()?;
    for (at, load) in loads.iter().enumerate() {
        let color = Palette99::pick(at).to_rgba();
        let y = load.records_a_second;
        let (from, to) = ((load.latency.p50_ms, y), (load.latency.p99_ms, y));
        chart.draw_series(LineSeries::new([from, to], &color))?;
        chart
            .draw_series([Circle::new(from, DOT_PX, color.filled())])?
            .label(&load.name)
            .legend(move |(x, y)| Circle::new((x, y), DOT_PX, color.filled()));
    }
    chart.configure_series_labels().border_style(BLACK).background_style(WHITE).draw()?;
    Ok(())
}

fn percentiles(loads: &[Load], area: &Area<'_>) -> Result<(), Box<dyn std::error::Error>> {
    let slowest = extreme(loads.iter().map(|load| load.latency.max_ms), f64::max);
    let quickest = extreme(loads.iter().map(|load| load.latency.p50_ms), f64::min);
    let mut chart = ChartBuilder::on(area)
        .caption("latency by percentile", FONT)
        .margin(MARGIN_PX)
        .x_label_area_size(LABELS_PX)
        .y_label_area_size(LABELS_PX)
        // One operation in so many is slower.
        .build_cartesian_2d(
            (1.0..10_000.0).log_scale(),
            (quickest / 2.0..slowest * 2.0).log_scale(),
        )?;
    chart
        .configure_mesh()
        .x_desc("one operation in so many is slower (10,000 stands for the slowest)")
        .y_desc("milliseconds")
        .draw()?;
    for (at, load) in loads.iter().enumerate() {
        let latency = load.latency;
        let points = [
            (2.0, latency.p50_ms),
            (10.0, latency.p90_ms),
            (100.0, latency.p99_ms),
            (1000.0, latency.p999_ms),
            (10_000.0, latency.max_ms),
        ];
        chart.draw_series(LineSeries::new(points, Palette99::pick(at).to_rgba()))?;
    }
    Ok(())
}

fn extreme(values: impl Iterator<Item = f64>, pick: fn(f64, f64) -> f64) -> f64 {
    // Logarithms know no zero.
    values.filter(|value| *value > 0.0).reduce(pick).unwrap_or(1.0)
}
