//! Plans that are built in, and plans that say what is wrong with them.

use crate::plan::{BUILT_IN, Plan};

#[test]
fn every_built_in_plan_can_be_read_and_has_back_ends() {
    for (name, text) in BUILT_IN {
        let plan = Plan::parse(text).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert!(!plan.back_ends().is_empty(), "{name}");
    }
}

#[test]
fn ci_and_the_long_run_leave_no_back_end_out_that_can_be_run_there() {
    let all: Vec<_> = Plan::with_all().back_ends().iter().map(|b| b.name()).collect();
    let long = Plan::parse(Plan::built_in("long").unwrap()).unwrap();
    let in_long: Vec<_> = long.back_ends().iter().map(|b| b.name()).collect();
    assert_eq!(in_long, all);
}

#[test]
fn a_misspelt_plan_is_refused_by_name() {
    let error = Plan::parse("[kil]\nkills = 3").unwrap_err();
    assert!(error.contains("kil"), "{error}");
    assert!(Plan::parse("[kill]\nkils = 3").is_err());
}
