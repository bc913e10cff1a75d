//! The lab's own: scenes hold something of every kind, and damage is damage.

use crate::flips::scene::{Ending, Scene};

#[test]
fn a_scene_has_something_of_every_kind() {
    for ending in [Ending::Closed, Ending::PowerLost] {
        let scene = Scene::make(ending).unwrap();
        for (file, bytes) in &scene.bytes {
            let used =
                bytes.chunks(16).filter(|grain| grain.iter().any(|byte| *byte != 0)).count() * 16;
            println!("{ending:?} {file} {} used {used}", bytes.len());
        }
        println!(
            "rows {} records {} past {}",
            scene.known.rows(),
            scene.known.records,
            scene.past.len()
        );
    }
}
