//! The room `registry`: who has which key, and what is left of the dead.

mod common;

use common::{Closures, Runtime, atom, rounds};
use regrow::process::{self, ChildStart, Error, StartSpec, Startable};
use regrow::registry::{self, RegistrySpec, Which};
use regrow::server::{NOREPLY, READY, Server};
use regrow::term::{Pid, Term, atoms};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Barrier, Mutex};

fn start(runtime: &Runtime, unique: bool) -> Pid {
    process::spawn_and_wait(&runtime.0, RegistrySpec { unique, ..Default::default() }.build(), Some(5_000))
        .expect("a registry starts")
        .pid
}

fn unique(runtime: &Runtime) -> Pid {
    start(runtime, true)
}

fn duplicate(runtime: &Runtime) -> Pid {
    start(runtime, false)
}

/// A process that ends with reason `boom` at its next message.
fn spawn(runtime: &Runtime) -> Pid {
    runtime.spawn(Closures { info: Box::new(|context, _| context.stop(atom("boom"))), ..Closures::default() })
}

fn trapper(runtime: &Runtime) -> Pid {
    runtime.spawn(Closures {
        init: Box::new(|_| {
            process::trap_exit(true).unwrap();
            READY
        }),
        info: Box::new(|_, message| {
            REPORT.lock().unwrap().push(message.clone());
            NOREPLY
        }),
        ..Closures::default()
    })
}

/// Where trappers write down what they hear.
static REPORT: Mutex<Vec<Term>> = Mutex::new(Vec::new());

fn kill(pid: Pid) {
    process::exit_signal(pid, Term::atom(atoms::KILL)).unwrap();
    // One that is just being run ends at its next step.
    while process::is_alive(pid) {
        std::thread::yield_now();
    }
}

fn taken_by(pid: Pid) -> Result<(), Error> {
    Err(Error::Exists(Term::tuple_of([Term::atom(atoms::ALREADY_REGISTERED), Term::pid(pid)])))
}

/// Runs as an entered thread, which can monitor and receive.
fn entered(runtime: &Runtime, test: impl FnOnce()) {
    process::enter_thread(&runtime.0).unwrap();
    test();
    process::leave_thread(Term::atom(atoms::NORMAL)).unwrap();
}

fn wait_for_down(monitor: regrow::term::Ref) -> Term {
    let message = process::receive(Some(10_000), |message| {
        message
            .as_tuple()
            .is_some_and(|parts| parts[0].is_atom(atoms::DOWN) && parts[1].as_reference() == Some(monitor))
    });
    message.unwrap().as_tuple().unwrap()[4].clone()
}

#[test]
fn a_unique_key_has_one_holder_and_a_missing_one_none() {
    let runtime = Runtime::new();
    let (reg, a, b) = (unique(&runtime), spawn(&runtime), spawn(&runtime));
    let key = atom("k1");
    assert_eq!(registry::register(reg, key.clone(), a, Term::int(1)), Ok(()));
    assert_eq!(registry::register(reg, key.clone(), b, Term::int(2)), taken_by(a));
    assert_eq!(registry::register(reg, key.clone(), a, Term::int(3)), taken_by(a));
    assert_eq!(registry::register(reg, atom("k2"), a, Term::int(4)), Ok(()));
    assert_eq!(registry::lookup(reg, &key), Ok(vec![(a, Term::int(1))]));
    assert_eq!(registry::lookup_term(reg, &key).unwrap().to_string(), format!("[{{{},1}}]", Term::pid(a)));
    assert_eq!(registry::whereis(reg, &key), Ok(Some(a)));
    assert_eq!(registry::whereis(reg, &atom("nope")), Ok(None));
    assert_eq!(registry::lookup(reg, &atom("nope")), Ok(vec![]));
    assert_eq!(registry::lookup_term(reg, &atom("nope")), Ok(Term::nil()));
    let mut keys = registry::keys(reg, a).unwrap();
    keys.sort_by(Term::cmp_erlang);
    assert_eq!(keys, [atom("k1"), atom("k2")]);
    assert_eq!(registry::keys(reg, b), Ok(vec![]));
    assert_eq!(registry::count(reg), Ok(2));
    assert_eq!(registry::values(reg, &key, a), Ok(vec![Term::int(1)]));
    assert_eq!(registry::values(reg, &key, b), Ok(vec![]));
}

#[test]
fn only_the_holder_changes_or_removes_its_entry() {
    let runtime = Runtime::new();
    let (reg, a, b) = (unique(&runtime), spawn(&runtime), spawn(&runtime));
    let key = atom("k");
    registry::register(reg, key.clone(), a, Term::int(1)).unwrap();
    assert_eq!(registry::update(reg, &key, b, |_| Ok(Term::int(9))), Err(Error::NotFound));
    assert_eq!(registry::update(reg, &key, a, |old| Ok(Term::int(old.as_int().unwrap() + 8))), Ok(Term::int(1)));
    assert_eq!(registry::lookup(reg, &key), Ok(vec![(a, Term::int(9))]));
    assert_eq!(registry::update(reg, &key, a, |_| Err(Error::Refused(atom("no")))), Err(Error::Refused(atom("no"))));
    assert_eq!(registry::unregister(reg, &key, b), Ok(()));
    assert_eq!(registry::lookup(reg, &key), Ok(vec![(a, Term::int(9))]));
    assert_eq!(registry::unregister(reg, &key, a), Ok(()));
    assert_eq!(registry::register(reg, key.clone(), b, Term::int(5)), Ok(()));
}

#[test]
fn an_entry_that_went_while_it_was_updated_is_not_found() {
    let runtime = Runtime::new();
    let (reg, a) = (unique(&runtime), spawn(&runtime));
    let key = atom("k");
    registry::register(reg, key.clone(), a, Term::int(1)).unwrap();
    let updated = registry::update(reg, &key, a, |_| {
        registry::unregister(reg, &key, a).unwrap();
        registry::register(reg, key.clone(), a, Term::int(7)).unwrap();
        Ok(Term::int(2))
    });
    assert_eq!(updated, Err(Error::NotFound));
    assert_eq!(registry::lookup(reg, &key), Ok(vec![(a, Term::int(7))]));
}

#[test]
fn keys_are_compared_exactly() {
    let runtime = Runtime::new();
    let (reg, a) = (unique(&runtime), spawn(&runtime));
    registry::register(reg, Term::int(1), a, atom("x")).unwrap();
    registry::register(reg, Term::float(1.0), a, atom("y")).unwrap();
    assert_eq!(registry::lookup(reg, &Term::int(1)), Ok(vec![(a, atom("x"))]));
    assert_eq!(registry::lookup(reg, &Term::float(1.0)), Ok(vec![(a, atom("y"))]));
    assert_eq!(registry::count(reg), Ok(2));
    let key = |id| Term::tuple_of([atom("worker"), Term::text("a text that does not fit into a term"), Term::int(id)]);
    registry::register(reg, key(1), a, Term::nil()).unwrap();
    assert_eq!(registry::whereis(reg, &key(1)), Ok(Some(a)));
    assert_eq!(registry::whereis(reg, &key(2)), Ok(None));
}

#[test]
fn a_duplicate_key_has_many_entries_in_the_order_they_came() {
    let runtime = Runtime::new();
    let (reg, a, b) = (duplicate(&runtime), spawn(&runtime), spawn(&runtime));
    let key = atom("topic");
    for (pid, value) in [(a, 1), (b, 2), (a, 3), (a, 1)] {
        assert_eq!(registry::register(reg, key.clone(), pid, Term::int(value)), Ok(()));
    }
    let entries = |of: &[(Pid, i64)]| of.iter().map(|&(pid, value)| (pid, Term::int(value))).collect::<Vec<_>>();
    assert_eq!(registry::lookup(reg, &key), Ok(entries(&[(a, 1), (b, 2), (a, 3), (a, 1)])));
    assert_eq!(registry::count(reg), Ok(4));
    assert_eq!(registry::keys(reg, a), Ok(vec![key.clone(); 3]));
    assert_eq!(registry::values(reg, &key, a), Ok(vec![Term::int(1), Term::int(3), Term::int(1)]));
    registry::unregister_match(reg, &key, a, &Term::int(1), None).unwrap();
    assert_eq!(registry::lookup(reg, &key), Ok(entries(&[(b, 2), (a, 3)])));
    registry::unregister_match(reg, &key, a, &Term::float(3.0), None).unwrap();
    assert_eq!(registry::count(reg), Ok(2));
    registry::unregister_match(reg, &key, a, &atom("_"), None).unwrap();
    assert_eq!(registry::lookup(reg, &key), Ok(entries(&[(b, 2)])));
    kill(b);
    assert_eq!(registry::lookup(reg, &key), Ok(vec![]));
    assert_eq!(registry::count(reg), Ok(0));
    let refused = Err(Error::Refused(atom("duplicate_registry")));
    assert_eq!(registry::whereis(reg, &key), refused);
    assert_eq!(registry::update(reg, &key, a, |_| Ok(Term::nil())), Err(Error::Refused(atom("duplicate_registry"))));
}

#[test]
fn dispatch_runs_in_the_caller_over_a_snapshot_and_may_change_the_registry() {
    let runtime = Runtime::new();
    let (reg, a, b, c) = (duplicate(&runtime), spawn(&runtime), spawn(&runtime), spawn(&runtime));
    let key = atom("topic");
    for pid in [a, b, c] {
        registry::register(reg, key.clone(), pid, Term::pid(pid)).unwrap();
    }
    let mut seen = Vec::new();
    let here = std::thread::current().id();
    registry::dispatch(reg, &key, |pid, value| {
        assert_eq!(value.as_pid(), Some(pid));
        assert_eq!(std::thread::current().id(), here);
        seen.push(pid);
        registry::unregister(reg, &key, a).unwrap();
        registry::register(reg, key.clone(), a, Term::int(0)).unwrap();
        // Whoever is dead by now is passed over.
        kill(b);
    })
    .unwrap();
    assert_eq!(seen, [a, c]);
    registry::dispatch(reg, &atom("nobody"), |_, _| panic!("called for nobody")).unwrap();
}

#[test]
fn a_function_that_crashes_ends_its_own_process_and_nothing_of_the_registry() {
    let runtime = Runtime::new();
    let reg = unique(&runtime);
    type Crash = fn(Pid, &Term);
    let dispatch: Crash = |reg, key| registry::dispatch(reg, key, |_, _| panic!("out of luck")).unwrap();
    let update: Crash = |reg, key| {
        let made = registry::update(reg, key, process::current_pid(), |_| panic!("out of luck"));
        unreachable!("{made:?}");
    };
    let lock: Crash = |reg, key| registry::lock(reg, key, Some(10_000), || panic!("out of luck")).unwrap();
    let fails: Crash = |reg, key| {
        // An update that says no changes nothing, and ends nobody.
        let refused = registry::update(reg, key, process::current_pid(), |_| Err(Error::NotFound));
        assert_eq!(refused, Err(Error::NotFound));
        assert_eq!(registry::values(reg, key, process::current_pid()), Ok(vec![Term::int(1)]));
        panic!("out of luck");
    };
    entered(&runtime, || {
        for crash in [dispatch, update, lock, fails] {
            let body = move |_: &mut regrow::server::Context, _: &Term| {
                let key = atom("key");
                registry::register(reg, key.clone(), process::current_pid(), Term::int(1)).unwrap();
                crash(reg, &key);
                NOREPLY
            };
            let crashing = runtime.spawn(Closures { info: Box::new(body), ..Closures::default() });
            let monitor = process::monitor(crashing, None).unwrap();
            process::send(crashing, atom("go")).unwrap();
            let panicked = Term::tuple_of([atom("panic"), Term::text("out of luck")]);
            assert_eq!(wait_for_down(monitor), panicked);
            // The key is free, its lock too, and the registry serves.
            let next = spawn(&runtime);
            assert_eq!(registry::register(reg, atom("key"), next, Term::int(2)), Ok(()));
            assert_eq!(registry::whereis(reg, &atom("key")), Ok(Some(next)));
            assert_eq!(registry::lock(reg, &atom("key"), Some(10_000), || 7), Ok(7));
            kill(next);
            assert_eq!(registry::count(reg), Ok(0));
        }
    });
}

#[test]
fn a_pid_of_another_kind_or_of_the_dead_is_an_error() {
    let runtime = Runtime::new();
    let (reg, a, dead) = (unique(&runtime), spawn(&runtime), spawn(&runtime));
    kill(dead);
    let key = atom("k");
    assert_eq!(registry::register(a, key.clone(), a, Term::nil()), Err(Error::WrongKind));
    assert_eq!(registry::whereis(a, &key), Err(Error::WrongKind));
    assert_eq!(registry::lookup(dead, &key), Err(Error::NoProcess));
    assert_eq!(registry::count(Pid::NONE), Err(Error::NoProcess));
    assert_eq!(registry::register(reg, key.clone(), dead, Term::nil()), Err(Error::NoProcess));
    assert_eq!(registry::unregister(reg, &key, dead), Ok(()));
    let other = Runtime::new();
    let stranger = spawn(&other);
    assert_eq!(registry::register(reg, key.clone(), stranger, Term::nil()), Err(Error::OtherRuntime));
    assert_eq!(registry::count(reg), Ok(0));
}

#[test]
fn via_registers_before_the_process_runs_and_a_taken_key_refuses_the_start() {
    let runtime = Runtime::new();
    let reg = unique(&runtime);
    process::register(&runtime.0, reg, "reg").unwrap();
    struct Kind(Pid);
    impl Startable for Kind {
        fn build(&self) -> ChildStart {
            let reg = self.0;
            let init = move |_: &mut regrow::server::Context| {
                assert_eq!(registry::whereis(reg, &atom("key")), Ok(Some(process::current_pid())));
                READY
            };
            ChildStart::new(Server::new(Closures { init: Box::new(init), ..Closures::default() }))
        }
        fn kind(&self) -> regrow::term::Atom {
            atoms::SERVER
        }
    }
    let spec = |which: Which| StartSpec {
        what: Arc::new(Kind(reg)),
        name: None,
        via: Some(registry::via(which, atom("key"), Term::int(5))),
    };
    let by_name = spec(Which::Name("reg".into()));
    let go =
        |spec: &StartSpec| process::spawn_and_wait(&runtime.0, spec.build(), Some(5_000)).map(|spawned| spawned.pid);
    let first = go(&by_name).unwrap();
    assert_eq!(registry::lookup(reg, &atom("key")), Ok(vec![(first, Term::int(5))]));
    let alive = runtime.0.process_count();
    assert_eq!(go(&spec(Which::Pid(reg))), Err(Error::already_started(first)));
    assert_eq!(runtime.0.process_count(), alive);
    kill(first);
    let second = go(&by_name).unwrap();
    assert_eq!(registry::whereis(reg, &atom("key")), Ok(Some(second)));
    let dup = duplicate(&runtime);
    assert_eq!(go(&spec(Which::Pid(dup))), Err(Error::Refused(atom("duplicate_registry"))));
    assert_eq!(go(&spec(Which::Name("nobody".into()))), Err(Error::NoProcess));
    assert_eq!(runtime.0.process_count(), alive + 1);
}

#[test]
fn a_killed_registry_takes_its_registrants_along() {
    let runtime = Runtime::new();
    let reg = unique(&runtime);
    let (plain, gone_again, linked, trapping) = (spawn(&runtime), spawn(&runtime), spawn(&runtime), trapper(&runtime));
    for (key, pid) in [(1, plain), (2, plain), (3, gone_again), (4, trapping)] {
        registry::register(reg, Term::int(key), pid, Term::nil()).unwrap();
    }
    registry::unregister(reg, &Term::int(3), gone_again).unwrap();
    entered(&runtime, || {
        let monitor = process::monitor(plain, None).unwrap();
        kill(reg);
        assert_eq!(wait_for_down(monitor), Term::atom(atoms::KILLED));
    });
    runtime.settle();
    assert!(!process::is_alive(plain));
    assert!(process::is_alive(gone_again) && process::is_alive(linked) && process::is_alive(trapping));
    let heard = Term::tuple_of([Term::atom(atoms::EXIT), Term::pid(reg), Term::atom(atoms::KILLED)]);
    assert!(REPORT.lock().unwrap().contains(&heard));
    assert_eq!(registry::register(reg, Term::int(5), gone_again, Term::nil()), Err(Error::NoProcess));
}

#[test]
fn a_stopped_registry_ends_registrants_with_its_reason_and_normal_does_nothing_to_them() {
    let runtime = Runtime::new();
    for (reason, survives) in [(atoms::SHUTDOWN, false), (atoms::NORMAL, true)] {
        let (reg, a) = (duplicate(&runtime), spawn(&runtime));
        registry::register(reg, atom("k"), a, Term::nil()).unwrap();
        entered(&runtime, || {
            let monitor = process::monitor(a, None).unwrap();
            assert_eq!(process::stop(reg, Term::atom(reason), Some(5_000)), Ok(()));
            if survives {
                assert!(process::is_alive(a));
            } else {
                assert_eq!(wait_for_down(monitor), Term::atom(reason));
            }
        });
    }
}

#[test]
fn a_link_that_was_there_before_stays_when_the_last_entry_goes() {
    let runtime = Runtime::new();
    let reg = unique(&runtime);
    process::enter_thread(&runtime.0).unwrap();
    let me = process::current_pid();
    process::trap_exit(true).unwrap();
    process::link(reg).unwrap();
    registry::register(reg, atom("k"), me, Term::nil()).unwrap();
    registry::unregister(reg, &atom("k"), me).unwrap();
    kill(reg);
    let heard = process::receive(Some(5_000), |_| true).unwrap();
    assert_eq!(heard, Term::tuple_of([Term::atom(atoms::EXIT), Term::pid(reg), Term::atom(atoms::KILLED)]));
    assert_eq!(process::receive(Some(0), |_| true), Err(Error::Timeout));
    process::leave_thread(Term::atom(atoms::NORMAL)).unwrap();
}

/// As Elixir's, where each entry links.
#[test]
fn a_link_that_was_cut_is_made_anew_by_the_next_entry() {
    for reg in [unique, duplicate] {
        let runtime = Runtime::new();
        let reg = reg(&runtime);
        process::enter_thread(&runtime.0).unwrap();
        let me = process::current_pid();
        process::trap_exit(true).unwrap();
        let is_linked = || process::current().is_some_and(|me| me.links().contains(&reg));
        for key in ["a", "b"] {
            registry::register(reg, atom(key), me, Term::nil()).unwrap();
            assert!(is_linked());
            process::unlink(reg).unwrap();
            assert!(!is_linked());
        }
        registry::register(reg, atom("c"), me, Term::nil()).unwrap();
        for key in ["a", "c", "b"] {
            assert!(is_linked());
            registry::unregister(reg, &atom(key), me).unwrap();
        }
        assert!(!is_linked(), "that goes with the last entry too");
        registry::register(reg, atom("d"), me, Term::nil()).unwrap();
        process::unlink(reg).unwrap();
        registry::register(reg, atom("e"), me, Term::nil()).unwrap();
        kill(reg);
        let heard = process::receive(Some(5_000), |_| true).unwrap();
        assert_eq!(heard, Term::tuple_of([Term::atom(atoms::EXIT), Term::pid(reg), Term::atom(atoms::KILLED)]));
        assert_eq!(process::receive(Some(0), |_| true), Err(Error::Timeout));
        process::leave_thread(Term::atom(atoms::NORMAL)).unwrap();
    }
}

#[test]
fn nothing_of_the_dead_is_found_once_their_death_is_observed() {
    let runtime = Runtime::new();
    let (uni, dup) = (unique(&runtime), duplicate(&runtime));
    // Somebody who stays, so that the key of the duplicate registry is never empty.
    let stays = spawn(&runtime);
    registry::register(dup, atom("topic"), stays, Term::nil()).unwrap();
    entered(&runtime, || {
        let mut stale = 0;
        for round in 0..rounds(20_000) {
            let pid = spawn(&runtime);
            let key = Term::tuple_of([atom("key"), Term::int(round as i64 % 7)]);
            process::register(&runtime.0, pid, "name").unwrap();
            registry::register(uni, key.clone(), pid, Term::nil()).unwrap();
            registry::register(dup, atom("topic"), pid, Term::nil()).unwrap();
            let monitor = process::monitor(pid, None).unwrap();
            match round % 3 {
                0 => process::exit_signal(pid, Term::atom(atoms::KILL)).unwrap(),
                1 => process::exit_signal(pid, atom("boom")).unwrap(),
                _ => assert_eq!(process::send(pid, atom("end")), Ok(true)),
            }
            if round % 2 == 0 {
                wait_for_down(monitor);
            } else {
                // Whoever only looks may not see more either.
                while process::is_alive(pid) {
                    std::hint::spin_loop();
                }
                process::demonitor(monitor, true).unwrap();
            }
            stale += usize::from(process::whereis(&runtime.0, "name").is_some());
            stale += usize::from(registry::whereis(uni, &key).unwrap().is_some());
            stale += usize::from(!registry::lookup(uni, &key).unwrap().is_empty());
            stale += usize::from(registry::lookup(dup, &atom("topic")).unwrap().len() != 1);
            stale += registry::keys(uni, pid).unwrap().len() + registry::keys(dup, pid).unwrap().len();
            stale += registry::count(uni).unwrap();
        }
        assert_eq!(stale, 0);
    });
}

#[test]
fn the_key_of_one_who_just_died_can_be_taken_at_once() {
    let runtime = Runtime::new();
    let reg = unique(&runtime);
    entered(&runtime, || {
        let mut holder = spawn(&runtime);
        registry::register(reg, atom("k"), holder, Term::nil()).unwrap();
        for _ in 0..rounds(5_000) {
            let monitor = process::monitor(holder, None).unwrap();
            process::send(holder, atom("end")).unwrap();
            wait_for_down(monitor);
            holder = spawn(&runtime);
            assert_eq!(registry::register(reg, atom("k"), holder, Term::nil()), Ok(()));
        }
    });
}

#[test]
fn of_sixty_four_threads_one_gets_the_key_and_the_others_hear_who() {
    let runtime = Runtime::new();
    let reg = unique(&runtime);
    let pids: Vec<Pid> = (0..64).map(|_| spawn(&runtime)).collect();
    let count = rounds(50);
    let barrier = Barrier::new(pids.len());
    let (won, wrong) = (AtomicUsize::new(0), AtomicUsize::new(0));
    std::thread::scope(|scope| {
        for &pid in &pids {
            let (barrier, won, wrong) = (&barrier, &won, &wrong);
            scope.spawn(move || {
                for round in 0..count {
                    let key = Term::int(round as i64);
                    barrier.wait();
                    let result = registry::register(reg, key.clone(), pid, Term::nil());
                    let holder = registry::whereis(reg, &key).unwrap().unwrap();
                    let right = if holder == pid { result == Ok(()) } else { result == taken_by(holder) };
                    won.fetch_add(usize::from(result.is_ok()), Ordering::Relaxed);
                    wrong.fetch_add(usize::from(!right), Ordering::Relaxed);
                }
            });
        }
    });
    assert_eq!(wrong.into_inner(), 0);
    assert_eq!(won.into_inner(), count);
    assert_eq!(registry::count(reg), Ok(count));
    pids.into_iter().for_each(kill);
    assert_eq!(registry::count(reg), Ok(0));
}

#[test]
fn registering_races_with_death_and_leaves_nothing() {
    let runtime = Runtime::new();
    let (uni, dup) = (unique(&runtime), duplicate(&runtime));
    for _ in 0..rounds(500) {
        let pid = spawn(&runtime);
        let start = Barrier::new(4);
        std::thread::scope(|scope| {
            for thread in 0..3 {
                let start = &start;
                scope.spawn(move || {
                    start.wait();
                    for key in 0..20 {
                        let key = Term::int(key);
                        let _ = registry::register(uni, key.clone(), pid, Term::int(thread));
                        let _ = registry::register(dup, key.clone(), pid, Term::int(thread));
                        if thread == 0 {
                            registry::unregister(uni, &key, pid).unwrap();
                            assert_ne!(registry::whereis(dup, &key), Ok(None));
                        }
                    }
                });
            }
            start.wait();
            kill(pid);
        });
        assert_eq!(registry::count(uni), Ok(0));
        assert_eq!(registry::count(dup), Ok(0));
        assert_eq!(registry::keys(dup, pid), Ok(vec![]));
    }
}

#[test]
fn registering_races_with_the_end_of_the_registry_and_nobody_outlives_it() {
    let runtime = Runtime::new();
    for _ in 0..rounds(300) {
        let reg = unique(&runtime);
        let pids: Vec<Pid> = (0..8).map(|_| spawn(&runtime)).collect();
        let start = Barrier::new(3);
        let entered: Vec<Pid> = std::thread::scope(|scope| {
            let threads: Vec<_> = pids
                .chunks(4)
                .map(|pids| {
                    let start = &start;
                    scope.spawn(move || {
                        start.wait();
                        let enter = |&&pid: &&Pid| registry::register(reg, Term::pid(pid), pid, Term::nil()).is_ok();
                        pids.iter().filter(enter).copied().collect::<Vec<_>>()
                    })
                })
                .collect();
            start.wait();
            kill(reg);
            threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect()
        });
        // The exits of its registrants are on their way when the registry is seen to be dead.
        runtime.settle();
        for pid in pids {
            assert_eq!(process::is_alive(pid), !entered.contains(&pid));
            kill(pid);
        }
    }
}

#[test]
fn lookups_while_entries_come_and_go_see_only_whole_ones() {
    let runtime = Runtime::new();
    let reg = unique(&runtime);
    let pids: Vec<Pid> = (0..4).map(|_| spawn(&runtime)).collect();
    let stop = AtomicBool::new(false);
    std::thread::scope(|scope| {
        for (number, &pid) in pids.iter().enumerate() {
            let stop = &stop;
            scope.spawn(move || {
                for round in 0..rounds(20_000) {
                    let key = Term::int(round as i64 % 50);
                    if registry::register(reg, key.clone(), pid, Term::pid(pid)).is_ok() {
                        assert_eq!(registry::whereis(reg, &key), Ok(Some(pid)));
                        registry::unregister(reg, &key, pid).unwrap();
                    }
                }
                if number == 0 {
                    stop.store(true, Ordering::Relaxed);
                }
            });
        }
        scope.spawn(|| {
            while !stop.load(Ordering::Relaxed) {
                for key in 0..50 {
                    if let Some((pid, value)) = registry::holder(reg, &Term::int(key)).unwrap() {
                        assert_eq!(value.as_pid(), Some(pid));
                    }
                }
            }
        });
    });
    assert_eq!(registry::count(reg), Ok(0));
}

#[test]
fn keys_and_values_are_dropped_once_whatever_becomes_of_them() {
    let runtime = Runtime::new();
    let dropped = Arc::new(AtomicUsize::new(0));
    let made = std::cell::Cell::new(0);
    let value = || {
        let dropped = dropped.clone();
        made.set(made.get() + 1);
        Term::resource_with(
            std::ptr::null_mut(),
            Box::new(move |_| {
                dropped.fetch_add(1, Ordering::Relaxed);
            }),
        )
    };
    for reg in [unique(&runtime), duplicate(&runtime)] {
        let (a, b) = (spawn(&runtime), spawn(&runtime));
        registry::register(reg, value(), a, value()).unwrap();
        registry::register(reg, Term::int(1), a, value()).unwrap();
        let _ = registry::register(reg, Term::int(1), b, value());
        registry::register(reg, Term::int(2), a, value()).unwrap();
        let _ = registry::update(reg, &Term::int(1), a, |_| Ok(value()));
        registry::unregister(reg, &Term::int(2), a).unwrap();
        registry::register(reg, Term::int(3), b, value()).unwrap();
        kill(a);
        kill(reg);
        let _ = registry::register(reg, value(), a, value());
    }
    runtime.settle();
    assert_eq!(dropped.load(Ordering::Relaxed), made.get());
}

#[test]
fn a_process_with_many_entries_goes_at_once_and_others_keep_theirs() {
    let runtime = Runtime::new();
    let reg = duplicate(&runtime);
    let (many, few) = (spawn(&runtime), spawn(&runtime));
    for key in 0..rounds(50_000) as i64 {
        registry::register(reg, Term::int(key), many, Term::nil()).unwrap();
        registry::register(reg, atom("one key"), many, Term::int(key)).unwrap();
    }
    registry::register(reg, atom("one key"), few, Term::nil()).unwrap();
    kill(many);
    assert_eq!(registry::count(reg), Ok(1));
    assert_eq!(registry::lookup(reg, &atom("one key")), Ok(vec![(few, Term::nil())]));
}

#[test]
fn a_process_that_gives_most_of_its_many_entries_up_keeps_the_rest_and_gives_those_up_too() {
    let runtime = Runtime::new();
    let reg = unique(&runtime);
    let holder = spawn(&runtime);
    let is_linked = || process::with_process(holder, |holder| holder.links().contains(&reg)) == Some(true);
    for key in 0..5_000 {
        registry::register(reg, Term::int(key), holder, Term::int(-key)).unwrap();
    }
    // What is left lies far apart where the process has noted it.
    let is_kept = |key: &i64| key % 100 == 7;
    for key in (0..5_000).filter(|key| !is_kept(key)) {
        registry::unregister(reg, &Term::int(key), holder).unwrap();
    }
    let mut keys: Vec<_> = registry::keys(reg, holder).unwrap().iter().filter_map(Term::as_int).collect();
    keys.sort_unstable();
    assert!(keys.into_iter().eq((0..5_000).filter(is_kept)));
    // As many again come into the room that is there, and all of it goes.
    for key in 5_000..6_000 {
        registry::register(reg, Term::int(key), holder, Term::int(-key)).unwrap();
    }
    for key in (0..5_000).filter(is_kept).chain(5_000..6_000) {
        assert!(is_linked());
        assert_eq!(registry::holder(reg, &Term::int(key)), Ok(Some((holder, Term::int(-key)))));
        registry::unregister(reg, &Term::int(key), holder).unwrap();
    }
    assert!(!is_linked());
    assert_eq!(registry::keys(reg, holder), Ok(vec![]));
}
