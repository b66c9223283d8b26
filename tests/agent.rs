//! The room `agent`: functions over a term, one after the other.

mod common;

use common::{Closures, Runtime, atom, rounds};
use regrow::agent::{self, AgentSpec, Answer, Job, Start};
use regrow::process::{self, Error, Startable};
use regrow::term::{Pid, Term, atoms};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, mpsc};
use std::time::Duration;

fn try_start(runtime: &Runtime, initial: i64, start: Option<Start>) -> Result<Pid, Error> {
    let spec = AgentSpec { initial: Term::int(initial), start, flags: 0, bound: None, watchdog_ms: 0 };
    process::spawn_and_wait(&runtime.0, spec.build(), Some(5_000)).map(|spawned| spawned.pid)
}

fn start(runtime: &Runtime, initial: i64) -> Pid {
    try_start(runtime, initial, None).expect("an agent starts")
}

fn add(number: i64) -> Job {
    Box::new(move |state| {
        let old = state.as_int().unwrap();
        Ok(Answer { state: Some(Term::int(old + number)), reply: Term::int(old) })
    })
}

fn crash(reason: &'static str) -> Job {
    Box::new(move |_| Err(atom(reason)))
}

const LONG: Option<u32> = Some(10_000);

#[test]
fn functions_see_what_the_one_before_left() {
    let runtime = Runtime::new();
    let agent = start(&runtime, 42);
    assert_eq!(agent::state(agent, LONG), Ok(Term::int(42)));
    assert_eq!(agent::update(agent, add(10), LONG), Ok(()));
    let double = |state: &Term| Term::int(state.as_int().unwrap() * 2);
    let job: Job = Box::new(move |state| Ok(Answer { state: Some(double(state)), reply: state.clone() }));
    assert_eq!(agent::get_and_update(agent, job, LONG), Ok(Term::int(52)));
    let job: Job = Box::new(|state| Ok(Answer { state: Some(atom("dropped")), reply: state.clone() }));
    assert_eq!(agent::get(agent, job, LONG), Ok(Term::int(104)));
    agent::cast(agent, add(1)).unwrap();
    assert_eq!(agent::state(agent, LONG), Ok(Term::int(105)));
    assert_eq!(process::stop(agent, Term::atom(atoms::NORMAL), LONG), Ok(()));
    assert!(!process::is_alive(agent));
}

#[test]
fn a_function_that_crashes_ends_the_agent_and_errors_its_caller() {
    let runtime = Runtime::new();
    let panics: Job = Box::new(|_| panic!("out of {}", "luck"));
    for (job, reason) in
        [(crash("boom"), atom("boom")), (panics, Term::tuple_of([atom("panic"), Term::text("out of luck")]))]
    {
        let agent = start(&runtime, 1);
        process::register(&runtime.0, agent, "agent").unwrap();
        assert_eq!(agent::update(agent, job, LONG), Err(Error::Exited(reason)));
        // Whoever has heard of it finds nothing of it.
        assert!(!process::is_alive(agent));
        assert_eq!(process::whereis(&runtime.0, "agent"), None);
        assert_eq!(agent::state(agent, LONG), Err(Error::NoProcess));
        assert_eq!(agent::get(agent, add(0), LONG), Err(Error::NoProcess));
        assert_eq!(process::stop(agent, Term::atom(atoms::NORMAL), LONG), Err(Error::NoProcess));
    }
}

#[test]
fn calls_behind_a_crash_hear_its_reason() {
    let runtime = Runtime::new();
    let agent = start(&runtime, 1);
    let (go_tx, go_rx) = mpsc::channel::<()>();
    let wait: Job = Box::new(move |_| {
        go_rx.recv().unwrap();
        Err(atom("boom"))
    });
    agent::cast(agent, wait).unwrap();
    let behind: Vec<_> = (0..4).map(|_| agent::update_request(agent, add(1), LONG).unwrap()).collect();
    go_tx.send(()).unwrap();
    for request in behind {
        assert_eq!(agent::read(request.wait(LONG).unwrap()), Err(Error::Exited(atom("boom"))));
    }
}

#[test]
fn a_start_function_makes_the_state_or_refuses() {
    let runtime = Runtime::new();
    let doubles: Start = Arc::new(|initial| Ok(Term::int(initial.as_int().unwrap() * 2)));
    let agent = try_start(&runtime, 21, Some(doubles)).unwrap();
    assert_eq!(agent::state(agent, LONG), Ok(Term::int(42)));
    let refuses: Start = Arc::new(|_| Err(atom("no")));
    assert_eq!(try_start(&runtime, 0, Some(refuses)), Err(Error::Start(atom("no"))));
    let panics: Start = Arc::new(|_| panic!("no"));
    let reason = Term::tuple_of([atom("panic"), Term::text("no")]);
    assert_eq!(try_start(&runtime, 0, Some(panics)), Err(Error::Start(reason)));
}

#[test]
fn a_call_that_ran_out_of_time_leaves_the_agent_alive_and_its_function_never_runs() {
    let runtime = Runtime::new();
    let agent = start(&runtime, 0);
    let (go_tx, go_rx) = mpsc::channel::<()>();
    agent::cast(
        agent,
        Box::new(move |_| {
            go_rx.recv().unwrap();
            Ok(Answer::default())
        }),
    )
    .unwrap();
    let ran = Arc::new(AtomicBool::new(false));
    let seen = ran.clone();
    let job: Job = Box::new(move |_| {
        seen.store(true, Ordering::SeqCst);
        Ok(Answer::default())
    });
    assert_eq!(agent::update(agent, job, Some(20)), Err(Error::Timeout));
    go_tx.send(()).unwrap();
    assert_eq!(agent::state(agent, LONG), Ok(Term::int(0)));
    assert!(!ran.load(Ordering::SeqCst));
}

#[test]
fn a_function_that_has_begun_is_waited_for_past_its_time() {
    let runtime = Runtime::new();
    let agent = start(&runtime, 1);
    let outlast = |limit: u32| {
        let job: Job = Box::new(move |state| {
            process::sleep(None, 10 * limit).unwrap();
            Ok(Answer { state: None, reply: state.clone() })
        });
        agent::get(agent, job, Some(limit))
    };
    // Longer and longer, until it has begun by then.
    let value = [10, 100, 1_000].into_iter().map(outlast).find(|value| *value != Err(Error::Timeout));
    assert_eq!(value, Some(Ok(Term::int(1))));
}

#[test]
fn a_caller_of_a_killed_agent_comes_back_only_after_its_function() {
    let runtime = Runtime::new();
    let agent = start(&runtime, 1);
    let ended = Arc::new(AtomicBool::new(false));
    let (begun_tx, begun_rx) = mpsc::channel();
    let (go_tx, go_rx) = mpsc::channel::<()>();
    std::thread::scope(|scope| {
        let seen = ended.clone();
        let caller = scope.spawn(move || {
            let result = agent::update(
                agent,
                Box::new(move |_| {
                    begun_tx.send(()).unwrap();
                    go_rx.recv().unwrap();
                    seen.store(true, Ordering::SeqCst);
                    Ok(Answer::default())
                }),
                LONG,
            );
            (result, process::is_alive(agent))
        });
        begun_rx.recv().unwrap();
        process::exit_signal(agent, Term::atom(atoms::KILL)).unwrap();
        assert!(!process::is_alive(agent));
        std::thread::sleep(Duration::from_millis(20));
        assert!(!caller.is_finished());
        go_tx.send(()).unwrap();
        assert_eq!(caller.join().unwrap(), (Err(Error::Exited(Term::atom(atoms::KILLED))), false));
    });
    assert!(ended.load(Ordering::SeqCst));
}

#[test]
fn a_killed_caller_comes_back_only_after_its_function() {
    let runtime = Runtime::new();
    let agent = start(&runtime, 1);
    let (begun_tx, begun_rx) = mpsc::channel();
    let (go_tx, go_rx) = mpsc::channel::<()>();
    let (back_tx, back_rx) = mpsc::channel();
    let mut channels = Some((begun_tx, go_rx));
    let caller = runtime.spawn(Closures {
        info: Box::new(move |context, _| {
            let (begun, go) = channels.take().unwrap();
            let job: Job = Box::new(move |_| {
                begun.send(()).unwrap();
                go.recv().unwrap();
                Ok(Answer { state: Some(Term::int(2)), reply: Term::nil() })
            });
            back_tx.send(agent::update(agent, job, LONG)).unwrap();
            context.stop(atom("late"))
        }),
        ..Closures::default()
    });
    process::send(caller, atom("go")).unwrap();
    begun_rx.recv().unwrap();
    process::exit_signal(caller, Term::atom(atoms::KILL)).unwrap();
    assert!(!process::is_alive(caller));
    assert!(back_rx.recv_timeout(Duration::from_millis(20)).is_err());
    go_tx.send(()).unwrap();
    back_rx.recv_timeout(Duration::from_secs(10)).unwrap().unwrap();
    assert_eq!(agent::state(agent, LONG), Ok(Term::int(2)));
}

#[test]
fn eighty_thousand_increments_of_eight_threads_are_all_there() {
    let runtime = Runtime::new();
    let agent = start(&runtime, 0);
    let each = rounds(10_000);
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| (0..each).for_each(|_| agent::update(agent, add(1), LONG).unwrap()));
        }
    });
    assert_eq!(agent::state(agent, LONG), Ok(Term::int(8 * each as i64)));
}

#[test]
fn increments_of_processes_and_threads_together_are_all_there() {
    let runtime = Runtime::new();
    let agent = start(&runtime, 0);
    let (done_tx, done_rx) = mpsc::channel();
    for _ in 0..8 {
        let done = done_tx.clone();
        let pid = runtime.spawn(Closures {
            info: Box::new(move |context, _| {
                (0..1_000).for_each(|_| agent::update(agent, add(1), LONG).unwrap());
                done.send(()).unwrap();
                context.stop(Term::atom(atoms::NORMAL))
            }),
            ..Closures::default()
        });
        process::send(pid, atom("go")).unwrap();
    }
    (0..1_000).for_each(|_| agent::cast(agent, add(1)).unwrap());
    (0..8).for_each(|_| done_rx.recv().unwrap());
    assert_eq!(agent::state(agent, LONG), Ok(Term::int(9_000)));
}

#[test]
fn a_function_may_wait_and_others_come_after_it() {
    let runtime = Runtime::with(1, false);
    let agent = start(&runtime, 0);
    let other = start(&runtime, 7);
    agent::cast(
        agent,
        Box::new(move |_| {
            process::sleep(None, 20).unwrap();
            Ok(Answer { state: Some(agent::state(other, LONG).unwrap()), reply: Term::nil() })
        }),
    )
    .unwrap();
    assert_eq!(agent::get_and_update(agent, add(1), LONG), Ok(Term::int(7)));
}

#[test]
fn an_agent_that_asks_itself_is_told_so() {
    let runtime = Runtime::new();
    let agent = start(&runtime, 0);
    let job: Job = Box::new(move |_| Err(agent::state(agent, LONG).unwrap_err().reason()));
    assert_eq!(agent::update(agent, job, LONG), Err(Error::Exited(Term::atom(atoms::CALLING_SELF))));
}

#[test]
fn what_is_given_away_is_dropped_once_run_or_not() {
    struct Counted(Arc<AtomicUsize>);
    impl Drop for Counted {
        fn drop(&mut self) {
            self.0.fetch_add(1, Ordering::SeqCst);
        }
    }
    let runtime = Runtime::new();
    let (dropped, ran) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let job = |make: fn() -> agent::Made| -> Job {
        let (counted, ran) = (Counted(dropped.clone()), ran.clone());
        Box::new(move |_| {
            let _counted = counted;
            ran.fetch_add(1, Ordering::SeqCst);
            make()
        })
    };
    let fine = || Ok(Answer::default());
    let agent = start(&runtime, 0);
    agent::cast(agent, job(fine)).unwrap();
    // Given up before it ran: it runs all the same.
    drop(agent::update_request(agent, job(fine), LONG).unwrap());
    let pending = agent::update_request(agent, job(fine), LONG).unwrap();
    assert_eq!(agent::read(pending.wait(LONG).unwrap()), Ok(Term::atom(atoms::OK)));
    let pending = agent::update_request(agent, job(|| Err(atom("boom"))), LONG).unwrap();
    agent::cast(agent, job(fine)).unwrap();
    let behind = agent::update_request(agent, job(fine), LONG);
    assert_eq!(agent::read(pending.wait(LONG).unwrap()), Err(Error::Exited(atom("boom"))));
    if let Ok(behind) = behind {
        assert!(agent::read(behind.wait(LONG).unwrap()).is_err());
    }
    agent::cast(agent, job(fine)).unwrap();
    assert!(agent::update_request(agent, job(fine), LONG).is_err());
    assert!(agent::update(agent, job(fine), LONG).is_err());
    runtime.settle();
    assert_eq!(ran.load(Ordering::SeqCst), 4);
    assert_eq!(dropped.load(Ordering::SeqCst), 9);
}

#[test]
fn other_messages_do_nothing_and_a_plain_call_is_of_the_wrong_kind() {
    let runtime = Runtime::new();
    let agent = start(&runtime, 3);
    process::send(agent, atom("hello")).unwrap();
    process::Process::post(agent, process::Message::Cast(atom("hello"))).unwrap();
    assert_eq!(common::call(agent, atom("hello"), 5_000), Err(Error::WrongKind));
    assert_eq!(agent::state(agent, LONG), Ok(Term::int(3)));
    let server = runtime.spawn(Closures::default());
    assert_eq!(agent::state(server, LONG), Err(Error::WrongKind));
    assert_eq!(agent::update(server, add(1), LONG), Err(Error::WrongKind));
}
