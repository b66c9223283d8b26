//! Processes, through the rooms: parking, ending, calls.

mod common;

use common::{Closures, Runtime, atom, call};
use regrow::process::{self, ChildStart, Error, Message, Node};
use regrow::runtime;
use regrow::server::{Context, NOREPLY, Server};
use regrow::term::{Pid, Term};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, mpsc};
use std::time::{Duration, Instant};

#[test]
fn a_call_from_a_thread_is_answered() {
    let runtime = Runtime::new();
    let echo = runtime.spawn(Closures::default());
    for n in 0..10_000 {
        assert_eq!(call(echo, Term::int(n), 5_000), Ok(Term::int(n)));
    }
}

#[test]
fn a_callback_that_calls_another_server_parks_and_comes_back() {
    let runtime = Runtime::with(1, false);
    let echo = runtime.spawn(Closures::default());
    let relay = runtime.spawn(Closures {
        call: Box::new(move |context, request| match call(echo, request.clone(), 5_000) {
            Ok(answer) => context.reply(answer),
            Err(error) => context.stop(error.reason()),
        }),
        ..Closures::default()
    });
    for n in 0..10_000 {
        assert_eq!(call(relay, Term::int(n), 5_000), Ok(Term::int(n)));
    }
}

#[test]
fn a_killed_parked_callback_unwinds_with_killed_and_its_caller_hears_at_once() {
    let runtime = Runtime::new();
    let (asked_tx, asked_rx) = mpsc::channel();
    let silent = runtime.spawn(Closures {
        call: Box::new(move |context, _| {
            context.defer().expect("a call is at hand");
            asked_tx.send(()).unwrap();
            NOREPLY
        }),
        ..Closures::default()
    });
    let (seen_tx, seen_rx) = mpsc::channel();
    let relay = runtime.spawn(Closures {
        call: Box::new(move |context, request| {
            let result = call(silent, request.clone(), 60_000);
            seen_tx.send(result.clone()).unwrap();
            context.reply(atom("late"))
        }),
        ..Closures::default()
    });
    let caller = std::thread::spawn(move || call(relay, Term::int(1), 60_000));
    asked_rx.recv().unwrap();
    runtime.settle();
    process::exit_signal(relay, atom("kill")).unwrap();
    assert!(!process::is_alive(relay));
    assert_eq!(caller.join().unwrap(), Err(Error::Exited(atom("killed"))));
    assert_eq!(seen_rx.recv().unwrap(), Err(Error::Killed));
}

#[test]
fn the_state_is_dropped_once_whatever_ends_the_process() {
    struct Counted(Arc<AtomicUsize>);
    impl Drop for Counted {
        fn drop(&mut self) {
            self.0.fetch_add(1, Ordering::SeqCst);
        }
    }
    let runtime = Runtime::new();
    for way in 0..4 {
        let drops = Arc::new(AtomicUsize::new(0));
        let counted = Counted(drops.clone());
        let pid = runtime.spawn(Closures {
            call: Box::new(move |context, request| {
                let _ = &counted;
                if request.as_int() == Some(0) {
                    panic!("on purpose")
                }
                context.stop(request.clone())
            }),
            ..Closures::default()
        });
        match way {
            0 => drop(call(pid, Term::int(0), 5_000)),
            1 => drop(call(pid, atom("boom"), 5_000)),
            2 => process::exit_signal(pid, atom("kill")).unwrap(),
            _ => drop(process::stop(pid, atom("normal"), Some(5_000))),
        }
        runtime.settle();
        assert!(!process::is_alive(pid));
        assert_eq!(drops.load(Ordering::SeqCst), 1, "way {way}");
    }
}

#[test]
fn calls_to_a_dead_process_are_noproc_and_to_oneself_calling_self() {
    let runtime = Runtime::new();
    let pid = runtime.spawn(Closures {
        call: Box::new(|context, _| {
            let error = call(process::current_pid(), Term::int(1), 100).unwrap_err();
            context.reply(error.reason())
        }),
        ..Closures::default()
    });
    assert_eq!(call(pid, Term::int(1), 1_000), Ok(atom("calling_self")));
    process::stop(pid, atom("normal"), None).unwrap();
    assert_eq!(call(pid, Term::int(1), 1_000), Err(Error::NoProcess));
    assert_eq!(process::stop(pid, atom("normal"), None), Err(Error::NoProcess));
}

#[test]
fn a_thousand_messages_come_before_the_down() {
    let runtime = Runtime::new();
    let (tx, rx) = mpsc::channel();
    let watcher = runtime.spawn(Closures {
        call: Box::new(|context, request| {
            process::monitor(request.as_pid().unwrap(), None).unwrap();
            context.reply(atom("ok"))
        }),
        info: Box::new(move |_, message| {
            tx.send(message.clone()).unwrap();
            NOREPLY
        }),
        ..Closures::default()
    });
    for _ in 0..20 {
        let sender = runtime.spawn(Closures {
            cast: Box::new(move |context, _| {
                (0..1_000).for_each(|n| assert_eq!(process::send(watcher, Term::int(n)), Ok(true)));
                context.stop(atom("done"))
            }),
            ..Closures::default()
        });
        call(watcher, Term::pid(sender), 1_000).unwrap();
        cast(sender);
        for n in 0..1_000 {
            assert_eq!(rx.recv().unwrap(), Term::int(n));
        }
        let down = rx.recv().unwrap();
        assert_eq!(down.as_tuple().unwrap()[4], atom("done"));
    }
}

fn cast(pid: Pid) {
    process::Process::post(pid, Message::Cast(Term::nil())).unwrap();
}

#[test]
fn a_stuck_callback_does_not_hold_up_others_and_is_fenced() {
    let runtime = Runtime::with(1, false);
    let (release_tx, release_rx) = mpsc::channel::<()>();
    let (began_tx, began_rx) = mpsc::channel::<()>();
    let stuck = runtime.spawn(Closures {
        cast: Box::new(move |_, _| {
            began_tx.send(()).unwrap();
            let _ = release_rx.recv();
            NOREPLY
        }),
        ..Closures::default()
    });
    let echo = runtime.spawn(Closures::default());
    cast(stuck);
    began_rx.recv().unwrap();
    assert_eq!(call(echo, Term::int(1), 30_000), Ok(Term::int(1)));
    process::exit_signal(stuck, atom("kill")).unwrap();
    assert!(!process::is_alive(stuck));
    assert_eq!(runtime.0.ghosts(), [stuck]);
    runtime.settle();
    release_tx.send(()).unwrap();
    drop(release_tx);
    runtime.settle();
}

#[test]
fn a_call_that_times_out_leaves_the_server_alone() {
    let runtime = Runtime::new();
    let server = runtime.spawn(Closures {
        call: Box::new(|context, request| {
            if request.as_int() == Some(0) {
                context.defer();
                return NOREPLY;
            }
            context.reply(request.clone())
        }),
        ..Closures::default()
    });
    assert_eq!(call(server, Term::int(0), 20), Err(Error::Timeout));
    assert_eq!(call(server, Term::int(1), 60_000), Ok(Term::int(1)));
}

#[test]
fn many_threads_call_while_servers_are_killed_and_every_call_returns() {
    let runtime = Arc::new(Runtime::new());
    let rounds = common::rounds(500);
    std::thread::scope(|scope| {
        for thread in 0..8u64 {
            let runtime = runtime.clone();
            scope.spawn(move || {
                for round in 0..rounds as u64 {
                    let server = runtime.spawn(Closures::default());
                    let killer = std::thread::spawn(move || {
                        if (round + thread) % 3 == 0 {
                            std::thread::yield_now();
                        }
                        process::exit_signal(server, atom("kill")).unwrap();
                    });
                    let answer = call(server, Term::int(1), 60_000);
                    assert!(matches!(answer, Ok(_) | Err(Error::NoProcess | Error::Exited(_))), "{answer:?}");
                    killer.join().unwrap();
                }
            });
        }
    });
    Arc::into_inner(runtime).unwrap();
}

#[test]
fn a_runtime_is_not_at_rest_while_an_end_is_carried_out() {
    struct Slow;
    impl Drop for Slow {
        fn drop(&mut self) {
            std::thread::sleep(std::time::Duration::from_millis(20));
        }
    }
    let runtime = Runtime::with(1, false);
    let slow = Slow;
    let victim = runtime.spawn(Closures {
        cast: Box::new(move |context, _| {
            let _ = &slow;
            context.stop(atom("normal"))
        }),
        ..Closures::default()
    });
    let downs = Arc::new(AtomicUsize::new(0));
    let count = downs.clone();
    runtime.spawn(Closures {
        init: Box::new(move |_| {
            process::monitor(victim, None).unwrap();
            regrow::server::READY
        }),
        info: Box::new(move |_, _| {
            count.fetch_add(1, Ordering::SeqCst);
            NOREPLY
        }),
        ..Closures::default()
    });
    process::Process::post(victim, Message::Cast(atom("end"))).unwrap();
    runtime.settle();
    assert_eq!(downs.load(Ordering::SeqCst), 1);
}

#[test]
fn a_thread_that_entered_and_does_not_leave_ends_its_process_when_it_ends() {
    let runtime = Runtime::new();
    let node = runtime.0.clone();
    let watcher = runtime.spawn(Closures { init: Box::new(|_| regrow::server::READY), ..Closures::default() });
    let ended = std::thread::spawn(move || {
        let me = process::enter_thread(&node).unwrap();
        process::link(watcher).unwrap();
        // An end on this thread before its own.
        let other = process::spawn_and_wait(&node, ChildStart::new(Server::new(Closures::default())), None);
        process::exit_signal(other.unwrap().pid, atom("kill")).unwrap();
        me
    });
    let me = ended.join().unwrap();
    runtime.settle();
    assert!(!process::is_alive(me));
    assert!(process::is_alive(watcher));
}

/// Workers keep counts of their runtime for the processes that they will start, and end with it; others keep none.
#[test]
fn a_runtime_that_was_shut_down_is_freed_whoever_started_and_ended_its_processes() {
    fn some_lives(node: &Arc<Node>) {
        for _ in 0..1_000 {
            let start = ChildStart::new(Server::new(Closures::default()));
            let pid = process::spawn_and_wait(node, start, None).expect("a server starts").pid;
            process::exit_signal(pid, atom("kill")).unwrap();
        }
    }
    let node = {
        let runtime = Runtime::new();
        some_lives(&runtime.0);
        let node = runtime.0.clone();
        runtime.spawn_body(move || some_lives(&node));
        runtime.settle();
        Arc::downgrade(&runtime.0)
    };
    let end = Instant::now() + Duration::from_secs(30);
    while node.upgrade().is_some() {
        assert!(Instant::now() < end, "somebody keeps it");
        // What this thread and the workers have retired; others may be inside for a moment.
        regrow::sync::retired::collect();
        std::thread::yield_now();
    }
}

/// Whoever finds it by a name may end it before its start is over: here it is entered under the second one, by a
/// function that kills it there and then.
#[test]
fn the_end_of_one_who_is_killed_in_its_own_start_is_told_to_who_monitors_it() {
    for by_parent in [true, false] {
        let runtime = Runtime::new();
        let (told_tx, told_rx) = mpsc::channel();
        let node = runtime.0.clone();
        runtime.spawn_body(move || {
            let me = process::current_pid();
            let kill: process::Via = Box::new(|pid| process::exit_signal(pid, atom("kill")));
            let start = ChildStart {
                name: Some("short".into()),
                via: Some(kill),
                parent: if by_parent { me } else { Pid::NONE },
                monitor: Some(me),
                ..ChildStart::new(Server::new(Closures::default()))
            };
            let spawned = process::spawn(&node, start).expect("that it is dead already is no refusal");
            let monitor = spawned.monitor.expect("it was asked for");
            assert!(!process::is_alive(spawned.pid));
            // Sent by the kill, so it is there.
            let down = process::receive_first(Some(0));
            let [tag, kind, pid] = [atom("DOWN"), atom("process"), Term::pid(spawned.pid)];
            let wanted = Term::tuple_of([tag, Term::reference(monitor), kind, pid, atom("killed")]);
            told_tx.send((down, wanted)).unwrap();
        });
        let (down, wanted) = told_rx.recv().unwrap();
        assert_eq!(down, Ok(wanted), "by its parent: {by_parent}");
    }
}

#[test]
fn whoever_hears_of_a_stop_finds_the_name_free_and_the_pid_stale() {
    let runtime = Runtime::new();
    for _ in 0..common::rounds(5_000) {
        let start = ChildStart { name: Some("same".into()), ..ChildStart::new(Server::new(Closures::default())) };
        let pid = process::spawn_and_wait(&runtime.0, start, None).expect("the name is free").pid;
        process::stop(pid, atom("normal"), None).unwrap();
        assert_eq!(call(pid, Term::int(1), 1_000), Err(Error::NoProcess));
    }
}

#[test]
fn a_process_that_gives_way_goes_on_whichever_worker_takes_its_turn() {
    let runtime = Runtime::new();
    let (done_tx, done_rx) = mpsc::channel();
    for _ in 0..4 {
        let done = done_tx.clone();
        let server = runtime.spawn(Closures {
            info: Box::new(move |_, _| {
                done.send((0..common::rounds(50_000)).all(|_| process::sleep(None, 0).is_ok())).unwrap();
                NOREPLY
            }),
            ..Closures::default()
        });
        process::send(server, atom("go")).unwrap();
    }
    for _ in 0..4 {
        assert_eq!(done_rx.recv_timeout(std::time::Duration::from_secs(120)), Ok(true));
    }
}

#[test]
fn a_message_that_comes_while_its_receiver_lies_down_wakes_it() {
    let runtime = Runtime::new();
    // Sends back what it gets, with two workers and a thread on their way to sleep at every turn.
    let echo = || Closures {
        info: Box::new(|_, message| {
            process::send(message.as_pid().unwrap(), Term::int(1)).unwrap();
            NOREPLY
        }),
        ..Closures::default()
    };
    let (to_thread, to_process) = (runtime.spawn(echo()), runtime.spawn(echo()));
    let (done_tx, done_rx) = mpsc::channel();
    let receiver = runtime.spawn(Closures {
        info: Box::new(move |context, _| {
            let me = Term::pid(process::current_pid());
            let one = |_| {
                process::send(to_process, me.clone()) == Ok(true) && process::receive(Some(5_000), |_| true).is_ok()
            };
            done_tx.send((0..common::rounds(10_000)).all(one)).unwrap();
            context.stop(atom("normal"))
        }),
        ..Closures::default()
    });
    process::send(receiver, atom("go")).unwrap();
    process::enter_thread(&runtime.0).unwrap();
    let me = Term::pid(process::current_pid());
    for _ in 0..common::rounds(10_000) {
        process::send(to_thread, me.clone()).unwrap();
        process::receive(Some(5_000), |_| true).unwrap();
    }
    process::leave_thread(atom("normal")).unwrap();
    assert!(done_rx.recv().unwrap());
}

/// How often the watch threads of this program have gone to sleep.
fn sleeps_of_watch_threads() -> usize {
    let tasks = std::fs::read_dir("/proc/self/task").unwrap();
    let count = |task: std::path::PathBuf| -> Option<usize> {
        let status = std::fs::read_to_string(task.join("status")).ok()?;
        status.starts_with("Name:\tregrow-watch\n").then_some(())?;
        let line = status.lines().find_map(|line| line.strip_prefix("voluntary_ctxt_switches:"))?;
        line.trim().parse().ok()
    };
    tasks.filter_map(|task| count(task.ok()?.path())).sum()
}

#[test]
fn calls_with_a_limit_far_off_leave_the_watch_thread_alone() {
    let runtime = Runtime::new();
    let echo = runtime.spawn(Closures::default());
    let (done_tx, done_rx) = mpsc::channel();
    let caller = runtime.spawn(Closures {
        info: Box::new(move |context, _| {
            let before = sleeps_of_watch_threads();
            let answered = (0..20_000).all(|n| call(echo, Term::int(n), 5_000) == Ok(Term::int(n)));
            done_tx.send((answered, sleeps_of_watch_threads().saturating_sub(before))).unwrap();
            context.stop(atom("normal"))
        }),
        ..Closures::default()
    });
    process::send(caller, atom("go")).unwrap();
    let (answered, sleeps) = done_rx.recv().unwrap();
    assert!(answered);
    assert!(sleeps < 2_000, "{sleeps}");
}

fn spawn_inline(runtime: &Runtime, closures: Closures) -> Pid {
    let start = ChildStart { flags: process::FLAG_INLINE, ..ChildStart::new(Server::new(closures)) };
    process::spawn_and_wait(&runtime.0, start, None).unwrap().pid
}

/// A server that has `job` done in its call.
fn does(runtime: &Runtime, mut job: impl FnMut() -> Term + Send + 'static) -> Pid {
    runtime.spawn(Closures { call: Box::new(move |context, _| context.reply(job())), ..Closures::default() })
}

#[test]
fn an_inline_call_runs_as_the_server_and_its_caller_goes_on_as_itself() {
    let runtime = Runtime::with(1, false);
    let who = || Closures {
        call: Box::new(|context, _| context.reply(Term::pid(process::current_pid()))),
        ..Closures::default()
    };
    let server = spawn_inline(&runtime, who());
    let caller = does(&runtime, move || {
        for _ in 0..10_000 {
            assert_eq!(call(server, Term::nil(), 1_000), Ok(Term::pid(server)));
        }
        Term::pid(process::current_pid())
    });
    assert_eq!(call(caller, Term::nil(), 60_000), Ok(Term::pid(caller)));
}

#[test]
fn an_inline_callback_that_waits_parks_without_its_caller_whose_limit_holds() {
    let runtime = Runtime::with(1, true);
    let (asked_tx, asked_rx) = mpsc::channel();
    let silent = runtime.spawn(Closures {
        call: Box::new(move |context, _| {
            context.defer().unwrap();
            asked_tx.send(()).unwrap();
            NOREPLY
        }),
        ..Closures::default()
    });
    let server = spawn_inline(
        &runtime,
        Closures {
            call: Box::new(move |context, _| match call(silent, Term::nil(), 5_000) {
                Err(Error::Timeout) => context.reply(atom("too late")),
                other => context.reply(other.unwrap_or_else(|error| error.reason())),
            }),
            ..Closures::default()
        },
    );
    let caller = does(&runtime, move || match call(server, Term::nil(), 100) {
        Err(Error::Timeout) => atom("in time"),
        other => panic!("{other:?}"),
    });
    let waiting = std::thread::spawn(move || call(caller, Term::nil(), 600_000));
    asked_rx.recv().unwrap();
    regrow::runtime::advance(&runtime.0, 100_000_000).unwrap();
    assert_eq!(waiting.join().unwrap(), Ok(atom("in time")));
    regrow::runtime::advance(&runtime.0, 5_000_000_000).unwrap();
    assert!(process::is_alive(server));
}

#[test]
fn an_inline_server_that_stops_or_is_killed_ends_once_and_its_caller_hears_why() {
    let runtime = Runtime::with(1, false);
    for reason in ["boom", "kill"] {
        let server = spawn_inline(
            &runtime,
            Closures {
                call: Box::new(move |context, _| {
                    if reason == "kill" {
                        process::exit_signal(process::current_pid(), atom("kill")).unwrap();
                    }
                    context.stop(atom(reason))
                }),
                ..Closures::default()
            },
        );
        let caller = does(&runtime, move || call(server, Term::nil(), 1_000).unwrap_err().reason());
        let heard = if reason == "kill" { "killed" } else { "boom" };
        assert_eq!(call(caller, Term::nil(), 60_000), Ok(atom(heard)));
        assert!(!process::is_alive(server));
    }
}

#[test]
fn inline_calls_do_not_starve_others_on_the_same_worker() {
    let runtime = Runtime::with(1, false);
    let echo = spawn_inline(&runtime, Closures::default());
    let (stop_tx, stop_rx) = mpsc::channel::<()>();
    let busy = does(&runtime, move || {
        while stop_rx.try_recv().is_err() {
            call(echo, Term::nil(), 1_000).unwrap();
        }
        atom("ok")
    });
    let other = runtime.spawn(Closures {
        call: Box::new(move |context, _| {
            stop_tx.send(()).unwrap();
            context.reply(atom("ok"))
        }),
        ..Closures::default()
    });
    let busy = std::thread::spawn(move || call(busy, Term::nil(), 600_000));
    assert_eq!(call(other, Term::nil(), 600_000), Ok(atom("ok")));
    assert_eq!(busy.join().unwrap(), Ok(atom("ok")));
}

/// What functions that were told an outcome have noted, in their order.
type Notes = Arc<Mutex<Vec<i64>>>;

/// Has the outcome of a request told to a function that notes its number, and panics after that if it is to.
fn tell(request: process::Request, number: i64, notes: &Notes, panics: bool) {
    let notes = notes.clone();
    request.on_reply(Box::new(move |_| {
        notes.lock().unwrap().push(number);
        assert!(!panics, "on purpose");
    }));
}

/// A request that is answered already.
fn answered(node: &Arc<Node>) -> process::Request {
    let request = process::Request::new(node, None);
    assert!(request.reply_to().answer(atom("ok")));
    request
}

fn ask(pid: Pid, timeout: Option<u32>) -> process::Request {
    process::Request::call(pid, timeout, |reply| Message::Call { request: atom("what"), reply }).unwrap()
}

/// A server that puts its calls off for ever.
fn one_that_never_answers(runtime: &Runtime) -> Pid {
    let call = |context: &mut Context, _: &Term| {
        context.defer().expect("a call is at hand");
        NOREPLY
    };
    runtime.spawn(Closures { call: Box::new(call), ..Closures::default() })
}

#[test]
fn functions_that_wait_until_others_have_been_told_are_called_whichever_of_them_panics() {
    /// The innermost of so many leaves behind it what is too deep to be told at once.
    fn within(node: &Arc<Node>, depth: u32, notes: &Notes, panics: impl Fn(i64) -> bool + Copy + Send + 'static) {
        let (inner_node, inner_notes) = (node.clone(), notes.clone());
        answered(node).on_reply(Box::new(move |_| {
            if depth < 8 {
                within(&inner_node, depth + 1, &inner_notes, panics);
            } else {
                (0..5).for_each(|number| tell(answered(&inner_node), number, &inner_notes, panics(number)));
                assert!(inner_notes.lock().unwrap().is_empty(), "they are told later");
            }
            inner_notes.lock().unwrap().push(-i64::from(depth));
            assert!(!panics(-i64::from(depth)), "on purpose");
        }));
    }
    let runtime = Runtime::new();
    let all = [-8, -7, -6, -5, -4, -3, -2, -1, 0, 1, 2, 3, 4];
    // The innermost, the outermost, each of them, some that wait, all.
    let cases: [fn(i64) -> bool; 6] = [
        |number| number == -8,
        |number| number == -1,
        |number| number < 0,
        |number| number == 1,
        |number| number == 0 || number == 4,
        |_| true,
    ];
    for (case, panics) in cases.into_iter().enumerate() {
        let notes = Notes::default();
        let told = catch_unwind(AssertUnwindSafe(|| within(&runtime.0, 1, &notes, panics)));
        assert_eq!(*notes.lock().unwrap(), all, "case {case}");
        assert!(told.is_ok(), "case {case}: it is not its caller's");
    }
    // And this thread is as before: the next is told within nothing.
    let notes = Notes::default();
    tell(answered(&runtime.0), 1, &notes, false);
    assert_eq!(*notes.lock().unwrap(), [1]);
}

#[test]
fn who_brings_an_outcome_about_does_not_fail_over_a_function_that_is_told_it() {
    let runtime = Runtime::with(1, true);
    let notes = Notes::default();
    // The server that answers.
    let (open, opened) = mpsc::channel::<()>();
    let server = runtime.spawn(Closures {
        call: Box::new(move |context, request| {
            if *request == atom("what") {
                opened.recv().unwrap();
            }
            context.reply(atom("ok"))
        }),
        ..Closures::default()
    });
    tell(ask(server, None), 1, &notes, true);
    open.send(()).unwrap();
    assert_eq!(call(server, atom("again"), 5_000), Ok(atom("ok")));
    assert_eq!(*notes.lock().unwrap(), [1]);

    // Who has the time go on: several are late at once.
    let silent = one_that_never_answers(&runtime);
    (2..5).for_each(|number| tell(ask(silent, Some(10)), number, &notes, number != 4));
    let advanced = catch_unwind(AssertUnwindSafe(|| runtime::advance(&runtime.0, 10_000_000)));
    assert_eq!(*notes.lock().unwrap(), [1, 2, 3, 4]);
    assert!(advanced.is_ok_and(|advanced| advanced.is_ok()));

    // Who ends a process that owes many answers.
    let silent = one_that_never_answers(&runtime);
    (5..9).for_each(|number| tell(ask(silent, None), number, &notes, number != 8));
    runtime.settle();
    let killed = catch_unwind(AssertUnwindSafe(|| process::exit_signal(silent, atom("kill"))));
    runtime.settle();
    let mut told = notes.lock().unwrap().split_off(4);
    told.sort_unstable();
    assert_eq!(told, [5, 6, 7, 8]);
    assert_eq!(killed.unwrap(), Ok(()));
    assert!(!process::is_alive(silent));
}

#[test]
fn a_request_that_follows_a_restart_goes_on_after_one_whose_function_has_panicked() {
    let runtime = Runtime::with(1, true);
    let notes = Notes::default();
    let pursue = |wait_ms| {
        let (node, sought) = (runtime.0.clone(), runtime.0.clone());
        let look = move || process::whereis(&node, "nobody").ok_or(Error::NotFound);
        let seek = move || [Some(process::sought(&sought, "nobody")), None];
        process::pursue(&runtime.0, wait_ms, None, Box::new(look), Box::new(seek), atom("what")).unwrap()
    };
    // Both find nobody, and the same thread tells both.
    tell(pursue(10), 1, &notes, true);
    tell(pursue(20), 2, &notes, false);
    let advance = || catch_unwind(AssertUnwindSafe(|| runtime::advance(&runtime.0, 10_000_000)));
    let advanced = [advance(), advance()];
    assert_eq!(*notes.lock().unwrap(), [1, 2]);
    assert!(advanced.into_iter().all(|advanced| advanced.is_ok_and(|advanced| advanced.is_ok())));
}
