//! Waiting for a name: who is woken, in which order, and what is left of it.

mod common;

use common::{Closures, Runtime, rounds};
use regrow::process::{self, Error, Places, Sought};
use regrow::server::NOREPLY;
use regrow::term::{Pid, Term};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, mpsc};

fn places(node: &process::Node, name: &str) -> Places {
    [Some(process::sought(node, name)), None]
}

/// Waits for a name, and counts its looks.
fn wait_for(node: &Arc<process::Node>, name: &str, wait_ms: u32, looks: &AtomicUsize) -> Result<Pid, Error> {
    process::until_arrival(
        node,
        wait_ms,
        || places(node, name),
        |_| {
            looks.fetch_add(1, Ordering::SeqCst);
            process::whereis(node, name).ok_or(Error::NotFound)
        },
    )
}

#[test]
fn a_thousand_that_wait_for_a_thousand_names_look_only_for_their_own() {
    let runtime = Runtime::new();
    let (count, looks) = (rounds(1_000), Arc::new(AtomicUsize::new(0)));
    let (found_tx, found) = mpsc::channel();
    for at in 0..count {
        let (node, looks, found) = (runtime.0.clone(), looks.clone(), found_tx.clone());
        runtime.spawn_body(move || {
            found.send((at, wait_for(&node, &format!("name {at}"), u32::MAX, &looks))).unwrap();
        });
    }
    runtime.settle();
    assert_eq!(runtime.0.awaited(), count);
    // Once before it stands in line, and once when it does.
    assert_eq!(looks.load(Ordering::SeqCst), 2 * count);
    for at in 0..count {
        let holder = runtime.spawn(Closures::default());
        process::register(&runtime.0, holder, format!("name {at}").as_str()).unwrap();
        // Nobody else has heard of it.
        assert_eq!(found.recv().unwrap(), (at, Ok(holder)));
    }
    assert_eq!(looks.load(Ordering::SeqCst), 3 * count);
    assert_eq!(runtime.0.awaited(), 0);
}

#[test]
fn who_waits_for_the_same_name_looks_in_the_order_in_which_it_came() {
    let runtime = Runtime::new();
    for _ in 0..rounds(20) {
        let (found_tx, found) = mpsc::channel();
        for at in 0..100 {
            let (node, found) = (runtime.0.clone(), found_tx.clone());
            let wait = move || {
                let looked = process::until_arrival(
                    &node,
                    60_000,
                    || places(&node, "the name"),
                    |_| {
                        let holder = process::whereis(&node, "the name").ok_or(Error::NotFound)?;
                        found.send(at).unwrap();
                        Ok(holder)
                    },
                );
                looked.unwrap();
            };
            // Threads and processes stand in one line.
            if at % 10 == 0 {
                drop(std::thread::spawn(wait))
            } else {
                runtime.spawn_body(wait)
            }
            while !stands(&runtime, at + 1) {
                std::thread::yield_now();
            }
        }
        let holder = runtime.spawn(Closures::default());
        process::register(&runtime.0, holder, "the name").unwrap();
        assert_eq!((0..100).map(|_| found.recv().unwrap()).collect::<Vec<_>>(), (0..100).collect::<Vec<_>>());
        process::stop(holder, common::atom("normal"), None).unwrap();
        while runtime.0.awaited() != 0 {
            std::thread::yield_now();
        }
    }
}

fn stands(runtime: &Runtime, count: usize) -> bool {
    runtime.0.waiting_for(process::sought(&runtime.0, "the name")) == count
}

#[test]
fn nothing_is_left_of_those_whose_time_ran_out() {
    let runtime = Runtime::manual();
    let (count, looks) = (rounds(100_000), Arc::new(AtomicUsize::new(0)));
    let batch = 1_000;
    for from in (0..count).step_by(batch) {
        for at in from..from + batch {
            let (node, looks) = (runtime.0.clone(), looks.clone());
            runtime.spawn_body(move || {
                // Half of them stand in two lines.
                let other = (at % 2 == 0).then(|| Sought::new(Pid(77), at as u64));
                let places = || [Some(process::sought(&node, format!("name {at}").as_str())), other];
                let nobody: Result<(), Error> = process::until_arrival(&node, 50, places, |_| {
                    looks.fetch_add(1, Ordering::SeqCst);
                    Err(Error::NotFound)
                });
                assert_eq!(nobody, Err(Error::NotFound));
            });
        }
        runtime.settle();
        assert_eq!(runtime.0.awaited(), batch + batch / 2);
        regrow::runtime::advance(&runtime.0, 50_000_000).unwrap();
        runtime.settle();
        assert_eq!(runtime.0.awaited(), 0);
    }
    // The last look is when the time is over.
    assert_eq!(looks.load(Ordering::SeqCst), 3 * count);
}

#[test]
fn one_that_is_killed_while_it_waits_leaves_the_line_to_the_others() {
    let runtime = Runtime::new();
    for round in 0..rounds(500) {
        let (found_tx, found) = mpsc::channel();
        let waiters: Vec<Pid> = (0..4)
            .map(|at| {
                let (node, found) = (runtime.0.clone(), found_tx.clone());
                let waiter = runtime.spawn(Closures {
                    info: Box::new(move |_, _| {
                        let _ = found.send((at, wait_for(&node, "the name", u32::MAX, &AtomicUsize::new(0))));
                        NOREPLY
                    }),
                    ..Closures::default()
                });
                process::send(waiter, common::atom("go")).unwrap();
                while !stands(&runtime, at + 1) {
                    std::thread::yield_now();
                }
                waiter
            })
            .collect();
        let holder = runtime.spawn(Closures::default());
        // Killed before the name comes, while its turn comes, or after.
        let victim = waiters[round % 4];
        let killer = std::thread::spawn(move || process::exit_signal(victim, common::atom("kill")).unwrap());
        process::register(&runtime.0, holder, "the name").unwrap();
        killer.join().unwrap();
        let mut ends: Vec<_> = (0..4).map(|_| found.recv().unwrap()).collect();
        ends.sort_by_key(|&(at, _)| at);
        for (at, end) in ends {
            assert!(end == Ok(holder) || at == round % 4 && end == Err(Error::Killed), "{at} {end:?}");
        }
        for pid in waiters.into_iter().chain([holder]) {
            let _ = process::stop(pid, Term::atom_named("normal"), None);
        }
        assert_eq!(runtime.0.awaited(), 0);
    }
}
