//! Images and devices.

use crate::block::{Device, Image};
use crate::random::Random;

fn byte(image: &Image, offset: u64) -> u8 {
    let mut byte = [0];
    image.read(offset, &mut byte);
    byte[0]
}

#[test]
fn an_image_has_what_was_written_and_zeros_elsewhere() {
    let mut image = Image::new(20_000);
    let data: Vec<u8> = (1..=200).cycle().take(9_000).collect();
    image.write(4_000, &data);
    let mut read = vec![7; 9_002];
    image.read(3_999, &mut read);
    assert_eq!(read[0], 0);
    assert_eq!(&read[1..9_001], &data[..]);
    assert_eq!(read[9_001], 0);
    image.write(19_999, &[5, 6]);
    assert_eq!((byte(&image, 19_999), byte(&image, 20_000)), (5, 0));
}

#[test]
fn a_copy_of_an_image_keeps_its_bytes() {
    let mut image = Image::new(8_192);
    image.write(0, &[1; 8_192]);
    let copy = image.clone();
    image.write(100, &[2]);
    assert_eq!((byte(&copy, 100), byte(&image, 100)), (1, 2));
}

#[test]
fn a_flush_fails_and_loses_only_what_came_after_the_one_before() {
    let mut lost = 0;
    for seed in 0..20 {
        let device = Device::new(Image::new(8_192));
        device.fail_flush(1, Random::new(seed));
        device.write(0, &[1; 512]);
        assert!(device.flush());
        device.write(4_096, &[2; 512]);
        assert!(!device.flush());
        assert!(device.has_failed());
        assert!(!device.flush(), "so do all later ones");
        assert_eq!(byte(&device.image(), 0), 1, "flushed before");
        lost += u32::from(byte(&device.image(), 4_096) == 0);
    }
    assert!((1..20).contains(&lost), "lost {lost} of 20");
}
