//! How the cost grows with the number: ten times as many may take ten times as long, caches apart, never a hundred times.
//!
//! Counted in the processor time of this program, which has one test, so that neither what else the machine does nor
//! other tests are in it; the better of a few tries, since a cache that others filled is. What is quadratic stays
//! quadratic in each.

mod common;

use common::tree::{Tree, stopped};
use common::{Closures, atom};
use regrow::process::{self, ChildStart, StartSpec, Startable, exit_signal, is_alive};
use regrow::server::Server;
use regrow::supervisor::{self, ChildSpec, DynamicSpec, Restart};
use regrow::term::{Atom, Term, atoms};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

/// A child that is up at once.
struct Light(Arc<AtomicUsize>);

impl Startable for Light {
    fn build(&self) -> ChildStart {
        self.0.fetch_add(1, Ordering::Relaxed);
        ChildStart { at_once: true, ..ChildStart::new(Server::new(Closures::default())) }
    }
    fn kind(&self) -> Atom {
        atoms::SERVER
    }
}

fn processor_time() -> Duration {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: `time` is there to be written.
    assert_eq!(unsafe { libc::clock_gettime(libc::CLOCK_PROCESS_CPUTIME_ID, &mut time) }, 0);
    Duration::new(time.tv_sec as u64, time.tv_nsec as u32)
}

/// Starts this many children under one supervisor, ends a third by request and a third by a signal, then the supervisor.
fn children_come_and_go(tree: &Tree, light: &Arc<Light>, many: i64) {
    let supervisor =
        process::spawn_and_wait(&tree.runtime.0, DynamicSpec::default().build(), None).expect("it starts").pid;
    let mut pids = Vec::new();
    for id in 0..many {
        // Half of them share an id.
        let id = Term::int(if id % 2 == 0 { 0 } else { id });
        let start = StartSpec { what: light.clone(), name: None, via: None };
        let spec = ChildSpec { restart: Restart::Temporary, ..ChildSpec::new(id, start) };
        pids.push(supervisor::start_child(supervisor, spec).expect("the child starts").expect("it is up"));
    }
    assert_eq!(supervisor::count_children(supervisor).unwrap().active, many as u64);
    for pid in pids.iter().step_by(3) {
        supervisor::terminate_child(supervisor, &Term::pid(*pid)).unwrap();
    }
    for pid in pids.iter().skip(1).step_by(3) {
        exit_signal(*pid, atom("kill")).unwrap();
    }
    tree.settle();
    stopped(supervisor);
    tree.settle();
    assert!(!is_alive(supervisor) && !pids.iter().any(|pid| is_alive(*pid)));
}

#[test]
fn ten_times_the_children_cost_about_ten_times_as_much() {
    let tree = Tree::new();
    let light = Arc::new(Light(Arc::default()));
    let time = |many| {
        let begun = processor_time();
        children_come_and_go(&tree, &light, many);
        processor_time() - begun
    };
    let (mut few, mut many) = (Duration::ZERO, Duration::ZERO);
    for _ in 0..5 {
        // One right after the other: other programs' use of the caches weighs on both.
        (few, many) = (time(10_000), time(100_000));
        if many < few * 20 {
            return;
        }
    }
    panic!("10,000 children: {few:?}, 100,000: {many:?}");
}
