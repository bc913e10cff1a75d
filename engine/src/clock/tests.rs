//! The machine's clocks.

use super::*;

#[test]
fn the_wall_clock_counts_milliseconds_since_1970() {
    const START_OF_2025_MS: u64 = 1_735_689_600_000;
    const START_OF_2100_MS: u64 = 4_102_444_800_000;
    let wall = SystemClock::new().wall().0;
    assert!((START_OF_2025_MS..START_OF_2100_MS).contains(&wall), "{wall}");
}

#[test]
fn the_monotonic_clock_begins_when_it_is_made_and_goes_on() {
    let clock = SystemClock::default();
    let begin = clock.monotonic_ms();
    assert!(begin < 60_000, "not the machine's: {begin}");
    while clock.monotonic_ms() == begin {
        std::hint::spin_loop();
    }
    assert!(clock.monotonic_ms() > begin);
}
