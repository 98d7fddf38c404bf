use super::*;

fn step(run: u32, attempt: u32) -> Step {
    Step { run, attempt }
}

fn progress(run: u32, attempt: u32, status: Status) -> Progress {
    Progress { step: step(run, attempt), status }
}

#[test]
fn what_is_done_or_ended_is_not_owed() {
    use Status::{Cancelled, Delivered, Exhausted, Parked, Pending};
    for (name, known, asked, expected) in [
        ("the next attempt", progress(0, 1, Pending), step(0, 2), true),
        ("an attempt further on", progress(0, 1, Pending), step(0, 5), true),
        ("the attempt that was made", progress(0, 2, Pending), step(0, 2), false),
        ("an earlier attempt", progress(0, 2, Pending), step(0, 1), false),
        ("the next attempt of what was delivered", progress(0, 1, Delivered), step(0, 2), false),
        ("of what was given up", progress(0, 1, Exhausted), step(0, 2), false),
        ("of what was parked", progress(0, 1, Parked), step(0, 2), false),
        ("of what was cancelled", progress(0, 1, Cancelled), step(0, 2), false),
        ("another run of what was delivered", progress(0, 3, Delivered), step(1, 1), true),
        ("another run of what is pending", progress(0, 3, Pending), step(1, 1), true),
        ("the run before", progress(1, 1, Pending), step(0, 9), false),
    ] {
        assert_eq!(known.still_owes(asked), expected, "{name}");
    }
}

#[test]
fn a_record_moves_its_delivery_on_or_leaves_it() {
    use Status::{Delivered, Exhausted, Pending};
    for (name, known, record, expected) in [
        (
            "a later step of what is pending",
            progress(0, 1, Pending),
            progress(0, 2, Exhausted),
            Some(progress(0, 2, Exhausted)),
        ),
        ("an earlier step", progress(0, 2, Pending), progress(0, 1, Exhausted), None),
        ("the same step", progress(0, 2, Pending), progress(0, 2, Exhausted), None),
        ("a failure after a success", progress(0, 1, Delivered), progress(0, 2, Pending), None),
        ("a failure after the end", progress(0, 1, Exhausted), progress(0, 2, Pending), None),
        ("a second success", progress(0, 1, Delivered), progress(0, 2, Delivered), None),
        (
            "a success after the end",
            progress(0, 3, Exhausted),
            progress(0, 4, Delivered),
            Some(progress(0, 4, Delivered)),
        ),
        (
            "a success of an earlier step",
            progress(0, 3, Exhausted),
            progress(0, 2, Delivered),
            Some(progress(0, 3, Delivered)),
        ),
        (
            "a success of the same step",
            progress(0, 3, Pending),
            progress(0, 3, Delivered),
            Some(progress(0, 3, Delivered)),
        ),
        (
            "a new run of what was delivered",
            progress(0, 3, Delivered),
            progress(1, 1, Pending),
            Some(progress(1, 1, Pending)),
        ),
        ("a success of the run before", progress(1, 1, Pending), progress(0, 9, Delivered), None),
    ] {
        assert_eq!(known.after(record), expected, "{name}");
    }
}
