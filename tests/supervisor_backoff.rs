//! Restarts that wait, limits of one child's own, children that are parked: the rules as tables, and supervisors on a
//! manual clock.

mod common;

use common::atom;
use common::tree::{Tree, stopped, which};
use regrow::process::Startable;
use regrow::process::{self, Error, is_alive};
use regrow::server::READY;
use regrow::supervisor::{
    self, Backoff, ChildSpec, DynamicSpec, Failures, Intensity, Restart, Strategy, SupervisorSpec, Verdict, delay,
};
use regrow::term::{Pid, Term};
use std::sync::Arc;

// ---- the pure file ----

#[test]
fn delays_grow_by_the_factor_up_to_the_longest() {
    // Initial, factor, longest; the delays.
    type Case<'a> = (u32, u32, u32, &'a [u64]);
    let cases: &[Case] = &[
        (100, 200, 30_000, &[100, 200, 400, 800, 1_600]),
        (1_000, 200, 4_000, &[1_000, 2_000, 4_000, 4_000]),
        (50, 150, 1_000, &[50, 75, 113, 169]),
        (70, 100, 1_000, &[70, 70, 70]),
        (0, 200, 1_000, &[0, 0, 0]),
        // The first is never cut.
        (500, 200, 100, &[500, 500]),
    ];
    for (initial_ms, factor_percent, max_ms, delays) in cases {
        let (initial_ms, factor_percent, max_ms) = (*initial_ms, *factor_percent, *max_ms);
        let backoff = Backoff { initial_ms, factor_percent, max_ms, ..Backoff::default() };
        let half = 1 << 63;
        let got: Vec<_> = (0..delays.len() as u32).map(|index| delay(&backoff, index, half)).collect();
        assert_eq!(got, *delays, "{backoff:?}");
    }
    let backoff = Backoff { initial_ms: 1, max_ms: u32::MAX, ..Backoff::default() };
    assert_eq!(delay(&backoff, u32::MAX, 0), u64::from(u32::MAX), "however long the row is");
    let none = Backoff { initial_ms: 0, ..backoff };
    assert_eq!(delay(&none, u32::MAX, 0), 0, "none is none, however long the row is");
}

#[test]
fn the_jitter_goes_both_ways_and_no_further_than_it_says() {
    let backoff = Backoff { initial_ms: 1_000, jitter_percent: 20, ..Backoff::default() };
    assert_eq!(delay(&backoff, 0, 0), 800);
    assert_eq!(delay(&backoff, 0, 1 << 63), 1_000);
    assert_eq!(delay(&backoff, 0, u64::MAX), 1_200);
    assert_eq!(delay(&backoff, 1, 0), 1_600);
    let full = Backoff { jitter_percent: 100, ..backoff };
    assert_eq!((delay(&full, 0, 0), delay(&full, 0, u64::MAX)), (0, 2_000));
}

const MS: u64 = 1_000_000;

#[test]
fn a_child_that_was_up_long_enough_begins_a_new_row() {
    let backoff = Backoff { initial_ms: 100, reset_after_ms: 1_000, ..Backoff::default() };
    let mut failures = Failures::new(&backoff);
    let mut shared = Intensity::new(100, 5_000);
    // When it came up, if it did; when it failed; the delay.
    let steps = [
        (Some(0), 10, 100),
        (Some(110), 500, 200),
        // It did not come up at all.
        (None, 700, 400),
        (None, 1_700, 800),
        (Some(3_000), 3_999, 1_600),
        (Some(6_000), 7_000, 100),
        (Some(8_000), 8_001, 200),
    ];
    for (up, down, expected) in steps {
        if let Some(up) = up {
            failures.came_up(up * MS);
        }
        assert_eq!(failures.judge(&backoff, &mut shared, down * MS, 1 << 63), Verdict::Restart(expected), "at {down}");
    }
}

#[test]
fn the_limit_is_the_childs_own_or_its_supervisors() {
    use Verdict::*;
    let own = Backoff { limit: Some((2, 1_000)), ..Backoff::default() };
    let none = Backoff { limit: Some((0, 1_000)), ..Backoff::default() };
    let shared = Backoff::default();
    let park = |backoff: &Backoff| Backoff { park: true, ..backoff.clone() };
    // When it fails, in ms; what becomes of it. The supervisor allows 1 restart in 5 s.
    let cases: &[(Backoff, &[(u64, Verdict)])] = &[
        (own.clone(), &[(0, Restart(0)), (1, Restart(0)), (2, GiveUp)]),
        (own.clone(), &[(0, Restart(0)), (600, Restart(0)), (1_300, Restart(0)), (1_500, GiveUp)]),
        (park(&own), &[(0, Restart(0)), (1, Restart(0)), (2, Park), (3, Restart(0)), (4, Restart(0)), (5, Park)]),
        (none.clone(), &[(0, GiveUp)]),
        (park(&none), &[(0, Park), (1, Park)]),
        (shared.clone(), &[(0, Restart(0)), (1, GiveUp)]),
        (park(&shared), &[(0, Restart(0)), (1, Park), (2, Restart(0))]),
    ];
    for (backoff, steps) in cases {
        let mut failures = Failures::new(backoff);
        let mut supervisors = Intensity::new(1, 5_000);
        for (time, verdict) in *steps {
            assert_eq!(failures.judge(backoff, &mut supervisors, time * MS, 0), *verdict, "{backoff:?} at {time}");
        }
        if backoff.limit.is_some() {
            assert!(supervisors.add(0), "its restarts are counted once");
        }
    }
}

// ---- supervisors ----

fn doubling() -> Backoff {
    Backoff { initial_ms: 100, max_ms: 1_000, reset_after_ms: 10_000, ..Backoff::default() }
}

fn with(child: ChildSpec, backoff: Backoff) -> ChildSpec {
    ChildSpec { backoff: Some(Arc::new(backoff)), ..child }
}

/// Starts one, two, three under the strategy, the second with a backoff.
fn group(tree: &Tree, strategy: Strategy, backoff: Backoff) -> Pid {
    let mut spec = tree.three(strategy);
    spec.children[1] = with(spec.children[1].clone(), backoff);
    let supervisor = tree.start(spec);
    tree.log();
    supervisor
}

#[test]
fn restarts_wait_longer_each_time_and_the_supervisor_answers_meanwhile() {
    let tree = Tree::new();
    let supervisor = group(&tree, Strategy::OneForOne, doubling());
    for wait in [100, 200, 400, 800, 1_000, 1_000] {
        tree.end("2", atom("boom"));
        assert_eq!(tree.log(), "T2");
        tree.advance(wait - 1);
        assert_eq!((tree.log().as_str(), which(supervisor).as_str()), ("", "'3'/+ '2'/restarting '1'/+"));
        assert_eq!(supervisor::restart_child(supervisor, &atom("2")), Err(Error::Refused(atom("restarting"))));
        tree.advance(1);
        assert_eq!((tree.log().as_str(), which(supervisor).as_str()), ("S2", "'3'/+ '2'/+ '1'/+"));
    }
    tree.advance(10_000);
    tree.end("2", atom("boom"));
    tree.advance(100);
    assert_eq!(tree.log(), "T2 S2", "it had come to rest");
}

#[test]
fn siblings_go_down_at_once_and_come_up_with_the_child_that_waits() {
    let cases = [(Strategy::OneForAll, "T2 T3 T1", "S1 S2 S3"), (Strategy::RestForOne, "T2 T3", "S2 S3")];
    for (strategy, down, up) in cases {
        let tree = Tree::new();
        let supervisor = group(&tree, strategy, doubling());
        tree.end("2", atom("boom"));
        assert_eq!(tree.log(), down);
        tree.advance(99);
        assert_eq!(tree.log(), "");
        tree.advance(1);
        assert_eq!(tree.log(), up);
        assert_eq!(which(supervisor), "'3'/+ '2'/+ '1'/+");
    }
}

#[test]
fn a_group_does_not_start_a_child_before_its_time() {
    let tree = Tree::new();
    let supervisor = group(&tree, Strategy::RestForOne, doubling());
    tree.end("2", atom("boom"));
    // The first fails meanwhile, and is restarted at once; the second has its time to wait, the third follows it.
    tree.end("1", atom("boom"));
    assert_eq!(tree.log(), "T2 T3 T1 S1");
    assert_eq!(which(supervisor), "'3'/undefined '2'/restarting '1'/+");
    tree.advance(100);
    assert_eq!(tree.log(), "S2 S3");
    assert_eq!(which(supervisor), "'3'/+ '2'/+ '1'/+");
}

#[test]
fn a_start_that_fails_waits_too() {
    let tree = Tree::new();
    let fails = tree.worker_with(
        "a",
        |context, attempt| {
            if (2..4).contains(&attempt) { context.stop(atom("nope")) } else { READY }
        },
    );
    let supervisor = tree.start(SupervisorSpec { children: vec![with(fails, doubling())], ..tree.spec() });
    tree.kill("a");
    tree.log();
    for (wait, log) in [(100, "Sa"), (200, "Sa"), (400, "Sa"), (10_000, "")] {
        tree.advance(wait - 1);
        assert_eq!(tree.log(), "");
        tree.advance(1);
        assert_eq!(tree.log(), log, "after {wait}");
    }
    assert_eq!(which(supervisor), "a/+");
}

#[test]
fn a_wait_ends_when_the_child_is_stopped_or_its_supervisor_is() {
    let tree = Tree::new();
    let supervisor = group(&tree, Strategy::OneForOne, doubling());
    tree.end("2", atom("boom"));
    supervisor::terminate_child(supervisor, &atom("2")).unwrap();
    assert_eq!(which(supervisor), "'3'/+ '2'/undefined '1'/+");
    // Started by hand and failed again: the old wait is over, the new one is a whole one.
    tree.advance(50);
    supervisor::restart_child(supervisor, &atom("2")).unwrap();
    tree.end("2", atom("boom"));
    tree.log();
    tree.advance(199);
    assert_eq!(tree.log(), "");
    tree.advance(1);
    assert_eq!(tree.log(), "S2");
    tree.end("2", atom("boom"));
    stopped(supervisor);
    tree.settle();
    tree.advance(10_000);
    assert!(!is_alive(supervisor));
    assert_eq!(tree.log(), "T2 T3 T1");
}

#[test]
fn the_intensity_counts_restarts_that_wait() {
    let tree = Tree::new();
    let mut spec = SupervisorSpec { max_restarts: 2, period_ms: 1_000, ..tree.three(Strategy::OneForOne) };
    spec.children[0] = with(spec.children[0].clone(), Backoff { factor_percent: 100, ..doubling() });
    let supervisor = tree.start(spec.clone());
    for _ in 0..2 {
        tree.end("1", atom("boom"));
        tree.advance(100);
    }
    tree.end("1", atom("boom"));
    assert!(!is_alive(supervisor), "three within a second");
    spec.children[0] = with(spec.children[0].clone(), Backoff { initial_ms: 600, ..doubling() });
    let supervisor = tree.start(spec);
    for _ in 0..6 {
        tree.end("1", atom("boom"));
        tree.advance(1_000);
    }
    assert!(is_alive(supervisor), "the waits keep them apart");
}

#[test]
fn a_child_that_fails_too_often_is_parked_and_its_siblings_run_on() {
    let tree = Tree::new();
    let park = Backoff { park: true, limit: Some((2, 5_000)), ..Backoff::default() };
    let supervisor = group(&tree, Strategy::OneForOne, park);
    for _ in 0..3 {
        tree.end("2", atom("boom"));
    }
    assert_eq!(tree.log(), "T2 S2 T2 S2 T2");
    assert_eq!(which(supervisor), "'3'/+ '2'/parked '1'/+");
    assert_eq!(supervisor::lookup(supervisor, &atom("2")), Ok(atom("parked")));
    let count = supervisor::count_children(supervisor).unwrap();
    assert_eq!((count.specs, count.active), (3, 2));
    tree.advance(60_000);
    assert_eq!(tree.log(), "");
    // The supervisor's own count is what it was: ten are allowed.
    for _ in 0..10 {
        tree.end("1", atom("boom"));
    }
    assert!(is_alive(supervisor));
    tree.log();
    assert!(supervisor::restart_child(supervisor, &atom("2")).unwrap().is_some());
    assert_eq!((tree.log().as_str(), which(supervisor).as_str()), ("S2", "'3'/+ '2'/+ '1'/+"));
    // It may fail twice again.
    tree.end("2", atom("boom"));
    assert_eq!(which(supervisor), "'3'/+ '2'/+ '1'/+");
}

#[test]
fn a_parked_child_can_be_stopped_and_deleted() {
    let tree = Tree::new();
    let park = || Backoff { park: true, limit: Some((0, 5_000)), ..Backoff::default() };
    let supervisor = group(&tree, Strategy::OneForOne, park());
    tree.end("2", atom("boom"));
    let again = supervisor::start_child(supervisor, tree.worker("2"));
    assert_eq!(again, Err(Error::Exists(atom("already_present"))));
    supervisor::terminate_child(supervisor, &atom("2")).unwrap();
    assert_eq!(which(supervisor), "'3'/+ '2'/undefined '1'/+");
    supervisor::restart_child(supervisor, &atom("2")).unwrap();
    tree.end("2", atom("boom"));
    supervisor::delete_child(supervisor, &atom("2")).unwrap();
    assert_eq!(which(supervisor), "'3'/+ '1'/+");
}

#[test]
fn a_groups_child_that_is_parked_keeps_its_siblings_down_and_brings_them_up() {
    let cases = [
        (Strategy::OneForAll, "T2 T3 T1", "'3'/undefined '2'/parked '1'/undefined", "S1 S2 S3"),
        (Strategy::RestForOne, "T2 T3", "'3'/undefined '2'/parked '1'/+", "S2 S3"),
    ];
    for (strategy, down, parked, up) in cases {
        let tree = Tree::new();
        let park = Backoff { park: true, limit: Some((0, 5_000)), ..Backoff::default() };
        let supervisor = group(&tree, strategy, park);
        tree.end("2", atom("boom"));
        assert_eq!(tree.log(), down);
        assert_eq!(which(supervisor), parked);
        if strategy == Strategy::RestForOne {
            tree.end("1", atom("boom"));
            assert_eq!((tree.log().as_str(), which(supervisor).as_str()), ("T1 S1", parked));
        }
        assert!(supervisor::restart_child(supervisor, &atom("2")).unwrap().is_some());
        assert_eq!((tree.log().as_str(), which(supervisor).as_str()), (up, "'3'/+ '2'/+ '1'/+"));
    }
}

#[test]
fn a_parked_child_that_cannot_be_started_by_hand_stays_parked() {
    let tree = Tree::new();
    let park = || Backoff { park: true, limit: Some((0, 5_000)), ..Backoff::default() };
    let fails =
        || tree.worker_with("a", |context, attempt| if attempt == 2 { context.stop(atom("no")) } else { READY });
    let fixed = tree.start(SupervisorSpec { children: vec![with(fails(), park())], ..tree.spec() });
    let free = process::spawn_and_wait(&tree.runtime.0, DynamicSpec::default().build(), None).unwrap().pid;
    supervisor::start_child(free, with(fails(), park())).unwrap();
    for supervisor in [free, fixed] {
        let pid = supervisor::lookup(supervisor, &atom("a")).unwrap().as_pid().unwrap();
        process::exit_signal(pid, atom("kill")).unwrap();
        tree.settle();
        assert_eq!(which(supervisor), "a/parked");
        assert_eq!(supervisor::restart_child(supervisor, &atom("a")), Err(Error::Start(atom("no"))));
        assert_eq!(which(supervisor), "a/parked");
        assert!(supervisor::restart_child(supervisor, &atom("a")).unwrap().is_some());
        assert_eq!(which(supervisor), "a/+");
    }
}

#[test]
fn children_of_a_dynamic_supervisor_wait_and_park_too() {
    let tree = Tree::new();
    let spec = DynamicSpec { unique_ids: true, ..DynamicSpec::default() };
    let supervisor = process::spawn_and_wait(&tree.runtime.0, spec.build(), None).unwrap().pid;
    let backoff = Backoff { limit: Some((2, 5_000)), park: true, ..doubling() };
    let first = supervisor::start_child(supervisor, with(tree.worker("a"), backoff)).unwrap().unwrap();
    tree.log();
    for wait in [100, 200] {
        tree.end("a", atom("boom"));
        tree.advance(wait - 1);
        assert_eq!(which(supervisor), "a/restarting");
        tree.advance(1);
        assert_eq!((tree.log().as_str(), which(supervisor).as_str()), ("Ta Sa", "a/+"));
    }
    let last = tree.pid("a");
    tree.end("a", atom("boom"));
    assert_eq!(which(supervisor), "a/parked");
    assert_eq!(supervisor::restart_child(supervisor, &Term::pid(first)), Err(Error::NotFound));
    // By the pid that it had, or by its id.
    assert!(supervisor::restart_child(supervisor, &Term::pid(last)).unwrap().is_some());
    assert_eq!(supervisor::delete_child(supervisor, &atom("a")), Err(Error::Refused(atom("running"))));
    for _ in 0..2 {
        tree.end("a", atom("boom"));
        tree.advance(200);
    }
    tree.end("a", atom("boom"));
    supervisor::delete_child(supervisor, &atom("a")).unwrap();
    assert_eq!(which(supervisor), "");
    // A wait that is ended by a stop.
    let slow = with(tree.worker("b"), doubling());
    supervisor::start_child(supervisor, slow).unwrap();
    tree.end("b", atom("boom"));
    supervisor::terminate_child(supervisor, &atom("b")).unwrap();
    tree.log();
    tree.advance(1_000);
    assert_eq!((tree.log().as_str(), which(supervisor).as_str()), ("", ""));
}

// ---- what is remembered ----

/// `id reason count verdict at` of each failure.
fn history(supervisor: Pid) -> Vec<String> {
    let failures = supervisor::history(supervisor).unwrap();
    let show = |failure: &Term| {
        let part = |key| failure.as_map().expect("a map").get(&atom(key)).expect("a key of a failure").to_string();
        format!("{} {} {} {} {}", part("id"), part("reason"), part("count"), part("verdict"), part("time_ms"))
    };
    failures.list_iter().map(show).collect()
}

#[test]
fn each_failure_is_remembered_with_what_became_of_it() {
    let tree = Tree::new();
    let mut spec = tree.three(Strategy::OneForOne);
    spec.children[1] = with(spec.children[1].clone(), Backoff { limit: Some((2, 5_000)), park: true, ..doubling() });
    spec.children[2].restart = Restart::Temporary;
    let supervisor = tree.start(spec);
    let first = tree.pid("1");
    tree.end("1", atom("boom"));
    tree.advance(40);
    for wait in [100, 200, 400] {
        tree.end("2", atom("normal"));
        tree.advance(wait);
    }
    // What is not restarted did not fail.
    tree.end("3", atom("boom"));
    tree.end("1", atom("bang"));
    let expected = [
        "'1' boom 1 {restart,0} 0",
        "'2' normal 1 {restart,100} 40",
        "'2' normal 2 {restart,200} 140",
        "'2' normal 3 parked 340",
        "'1' bang 2 {restart,0} 740",
    ];
    assert_eq!(history(supervisor), expected);
    let failures = supervisor::history(supervisor).unwrap();
    let pid = failures.list_iter().next().unwrap().as_map().unwrap().get(&atom("pid")).cloned();
    assert_eq!(pid, Some(Term::pid(first)), "the pid that it had");
}

#[test]
fn a_hundred_failures_are_remembered_and_no_more() {
    let tree = Tree::new();
    let spec = SupervisorSpec { max_restarts: 1_000, ..tree.three(Strategy::OneForOne) };
    let supervisor = tree.start(spec);
    for _ in 0..150 {
        tree.kill("2");
    }
    let history = history(supervisor);
    assert_eq!(history.len(), 100);
    assert_eq!(history[0], "'2' killed 51 {restart,0} 0");
    assert_eq!(history[99], "'2' killed 150 {restart,0} 0");
}
