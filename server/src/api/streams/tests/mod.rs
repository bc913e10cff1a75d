//! Tests of the operations table and of the constraints' own sense; the operations' own are beside.

mod account;
mod addressing;
mod limits;
mod listings;
mod planned;
mod policies;
mod puts;
mod queues;
mod rig;
mod settings;
mod tags;

use crate::api::streams::Operation;
use crate::wire::{Bounds, Kind, Shape};

#[test]
fn every_operation_of_the_model_has_its_name_once() {
    const MODEL_OPERATIONS: usize = 57;
    assert_eq!(Operation::ALL.len(), MODEL_OPERATIONS);
    for operation in Operation::ALL {
        assert_eq!(Operation::parse(operation.name()), Some(*operation));
    }
    assert_eq!(Operation::parse("PutRecordz"), None);
}

#[test]
fn constraints_leave_room_and_name_each_member_once() {
    let shapes: Vec<_> = Operation::ALL.iter().filter_map(|operation| operation.input()).collect();
    assert!(shapes.len() >= 52, "operations lost their shapes");
    shapes.into_iter().for_each(check);
}

fn check(shape: &'static Shape) {
    let sane = |bounds: &Bounds| assert!(bounds.min <= bounds.max, "{}", shape.name);
    for (index, member) in shape.members.iter().enumerate() {
        assert_eq!(shape.index_of(member.name), Some(index), "{} {}", shape.name, member.name);
        match &member.kind {
            Kind::Text(text) => sane(&text.length),
            Kind::Integer(bounds) | Kind::Blob(bounds) | Kind::Texts(bounds, _) => sane(bounds),
            Kind::Structures(bounds, inner) => {
                sane(bounds);
                check(inner);
            }
            Kind::Structure(inner) => check(inner),
            Kind::Map(size, keys, values) => [size, keys, values].into_iter().for_each(sane),
            Kind::Boolean | Kind::Timestamp => {}
        }
    }
}
