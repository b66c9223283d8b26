//! Inline calls from threads that are no workers: the caller's thread runs the server.

mod common;

use common::{Closures, Runtime, atom, call, rounds};
use regrow::process::{self, ChildStart, Error};
use regrow::runtime;
use regrow::server::{NOREPLY, Server};
use regrow::term::{Pid, Term};
use std::sync::mpsc;
use std::thread::{self, ThreadId};

fn spawn_inline(runtime: &Runtime, closures: Closures) -> Pid {
    let start = ChildStart { flags: process::FLAG_INLINE, ..ChildStart::new(Server::new(closures)) };
    let pid = process::spawn_and_wait(&runtime.0, start, None).unwrap().pid;
    // Up is not idle yet: the worker that ran its init may still be there, and a call would be queued.
    runtime.settle();
    pid
}

/// An inline server that has `job` done in its call.
fn does(runtime: &Runtime, mut job: impl FnMut(&Term) -> Term + Send + 'static) -> Pid {
    let call = move |context: &mut regrow::server::Context, request: &Term| {
        let answer = job(request);
        context.reply(answer)
    };
    spawn_inline(runtime, Closures { call: Box::new(call), ..Closures::default() })
}

/// A server on the workers that puts each call off, and hands its number out.
fn silent(runtime: &Runtime) -> (Pid, mpsc::Receiver<(Pid, u64)>) {
    let (asked_tx, asked_rx) = mpsc::channel();
    let pid = runtime.spawn(Closures {
        call: Box::new(move |context, _| {
            asked_tx.send(context.defer().unwrap()).unwrap();
            NOREPLY
        }),
        ..Closures::default()
    });
    (pid, asked_rx)
}

#[test]
fn a_call_from_a_thread_runs_there_as_the_server_and_the_thread_is_nobody_again() {
    let runtime = Runtime::new();
    let (ran_tx, ran_rx) = mpsc::channel::<ThreadId>();
    let server = does(&runtime, move |_| {
        ran_tx.send(thread::current().id()).unwrap();
        Term::pid(process::current_pid())
    });
    for _ in 0..1_000 {
        assert_eq!(call(server, Term::nil(), 5_000), Ok(Term::pid(server)));
        assert_eq!(ran_rx.recv().unwrap(), thread::current().id());
        assert_eq!(process::current_pid(), Pid::NONE);
    }
}

#[test]
fn eight_threads_count_to_80000_and_no_call_is_lost_or_made_twice() {
    let runtime = Runtime::new();
    let each = rounds(10_000) as i64;
    let mut count = 0;
    let counter = does(&runtime, move |_| {
        count += 1;
        Term::int(count)
    });
    let threads: Vec<_> = (0..8)
        .map(|_| {
            thread::spawn(move || {
                let mut last = Term::int(0);
                for _ in 0..each {
                    let now = call(counter, Term::nil(), 60_000).unwrap();
                    assert!(now.as_int() > last.as_int());
                    last = now;
                }
            })
        })
        .collect();
    threads.into_iter().for_each(|thread| thread.join().unwrap());
    assert_eq!(call(counter, Term::nil(), 5_000), Ok(Term::int(8 * each + 1)));
}

#[test]
fn what_is_sent_while_a_thread_runs_the_server_is_handled_afterwards() {
    let runtime = Runtime::new();
    let (told_tx, told_rx) = mpsc::channel();
    let server = spawn_inline(
        &runtime,
        Closures {
            call: Box::new(|context, _| {
                process::send(process::current_pid(), atom("later")).unwrap();
                context.reply(atom("now"))
            }),
            info: Box::new(move |_, message| {
                told_tx.send(message.clone()).unwrap();
                NOREPLY
            }),
            ..Closures::default()
        },
    );
    for _ in 0..1_000 {
        assert_eq!(call(server, Term::nil(), 5_000), Ok(atom("now")));
        assert_eq!(told_rx.recv().unwrap(), atom("later"));
    }
}

#[test]
fn a_kill_fences_the_server_at_once_and_the_caller_hears_when_the_callback_returns() {
    let runtime = Runtime::new();
    let (in_tx, in_rx) = mpsc::channel();
    let (out_tx, out_rx) = mpsc::channel::<()>();
    let (said_tx, said_rx) = mpsc::channel();
    let server = does(&runtime, move |_| {
        in_tx.send(()).unwrap();
        out_rx.recv().unwrap();
        said_tx.send(process::identity().err()).unwrap();
        Term::nil()
    });
    let caller = thread::spawn(move || {
        let heard = call(server, Term::nil(), 5_000);
        (heard, process::current_pid())
    });
    in_rx.recv().unwrap();
    assert_eq!(runtime::settle(&runtime.0, Some(20)).unwrap_err(), Error::Timeout);
    process::exit_signal(server, atom("kill")).unwrap();
    assert!(!process::is_alive(server));
    assert_eq!(call(server, Term::nil(), 5_000), Err(Error::NoProcess));
    // Nobody waits for a dead process's callback but its caller, and shutdown.
    runtime.settle();
    // In the end it alone: on a busy machine the ends of others may take longer than that.
    while runtime::shutdown(runtime.0.root(), Some(20)).unwrap_err().1 != [server] {}
    out_tx.send(()).unwrap();
    assert_eq!(said_rx.recv().unwrap(), Some(Error::Killed));
    assert_eq!(caller.join().unwrap(), (Err(Error::Exited(atom("killed"))), Pid::NONE));
}

#[test]
fn a_callback_that_waits_parks_on_the_thread_and_is_quiet_meanwhile() {
    let runtime = Runtime::manual();
    let (silent, asked) = silent(&runtime);
    let server = does(&runtime, move |_| {
        let answer = call(silent, Term::nil(), 5_000).unwrap();
        process::sleep(None, 1_000).unwrap();
        answer
    });
    for n in 0..100 {
        let caller = thread::spawn(move || call(server, Term::nil(), 600_000));
        let (pid, number) = asked.recv().unwrap();
        // It waits for an answer, with a limit, and nothing runs.
        runtime.settle();
        process::answer_deferred(pid, number, Term::int(n)).unwrap();
        runtime::advance(&runtime.0, 1_000_000_000).unwrap();
        assert_eq!(caller.join().unwrap(), Ok(Term::int(n)));
    }
}

#[test]
fn a_callback_that_receives_on_a_thread_is_woken_by_the_message() {
    let runtime = Runtime::new();
    let (ready_tx, ready_rx) = mpsc::channel();
    let server = does(&runtime, move |_| {
        ready_tx.send(()).unwrap();
        process::receive(Some(60_000), |_| true).unwrap()
    });
    for n in 0..2_000 {
        let caller = thread::spawn(move || call(server, Term::nil(), 60_000));
        ready_rx.recv().unwrap();
        process::send(server, Term::int(n)).unwrap();
        assert_eq!(caller.join().unwrap(), Ok(Term::int(n)));
    }
}

#[test]
fn a_kill_while_it_is_parked_on_a_thread_wakes_it_with_killed() {
    let runtime = Runtime::new();
    for _ in 0..200 {
        let (silent, asked) = silent(&runtime);
        let (said_tx, said_rx) = mpsc::channel();
        let server = does(&runtime, move |_| {
            said_tx.send(call(silent, Term::nil(), 600_000)).unwrap();
            Term::nil()
        });
        let caller = thread::spawn(move || call(server, Term::nil(), 600_000));
        asked.recv().unwrap();
        process::exit_signal(server, atom("kill")).unwrap();
        assert!(!process::is_alive(server));
        assert_eq!(said_rx.recv().unwrap(), Err(Error::Killed));
        assert_eq!(caller.join().unwrap(), Err(Error::Exited(atom("killed"))));
        process::exit_signal(silent, atom("kill")).unwrap();
    }
}

#[test]
fn inline_calls_within_inline_calls_come_back_to_the_right_identity_however_deep() {
    let runtime = Runtime::new();
    let mut next = does(&runtime, |_| Term::int(0));
    for depth in 1..=20 {
        let below = next;
        next = does(&runtime, move |_| {
            let me = process::current_pid();
            let answer = call(below, Term::nil(), 60_000).unwrap();
            assert_eq!(process::current_pid(), me);
            assert_eq!(answer, Term::int(depth - 1));
            Term::int(depth)
        });
    }
    for _ in 0..100 {
        assert_eq!(call(next, Term::nil(), 60_000), Ok(Term::int(20)));
    }
}

#[test]
fn a_circle_of_inline_calls_runs_into_its_limit() {
    let runtime = Runtime::manual();
    let (asked_tx, asked_rx) = mpsc::channel();
    let (to_tx, to_rx) = mpsc::channel();
    let server = does(&runtime, move |_| {
        // Once only: the call that is given up lies in its mailbox, and is handled on a worker, for nobody.
        to_rx.try_recv().map_or(Term::nil(), |other| call(other, Term::nil(), 600_000).unwrap())
    });
    let other = does(&runtime, move |_| {
        asked_tx.send(()).unwrap();
        Term::text(&format!("{:?}", call(server, Term::nil(), 100).unwrap_err()))
    });
    to_tx.send(other).unwrap();
    let caller = thread::spawn(move || call(server, Term::nil(), 600_000));
    asked_rx.recv().unwrap();
    runtime.settle();
    runtime::advance(&runtime.0, 100_000_000).unwrap();
    assert_eq!(caller.join().unwrap(), Ok(Term::text("Timeout")));
}

#[test]
fn a_thread_that_entered_is_itself_again_and_the_server_cannot_leave_for_it() {
    let runtime = Runtime::new();
    let server = does(&runtime, |_| {
        assert_eq!(process::leave_thread(atom("normal")).unwrap_err(), Error::NoIdentity);
        assert!(process::enter_thread(process::current().unwrap().node()).is_err());
        Term::pid(process::current_pid())
    });
    let me = process::enter_thread(&runtime.0).unwrap();
    assert_eq!(call(server, Term::nil(), 5_000), Ok(Term::pid(server)));
    assert_eq!(process::current_pid(), me);
    process::send(me, atom("still here")).unwrap();
    assert_eq!(process::receive(Some(5_000), |_| true), Ok(atom("still here")));
    process::leave_thread(atom("normal")).unwrap();
    assert!(!process::is_alive(me));
}

#[test]
fn an_entered_thread_that_is_killed_within_an_inline_call_hears_of_it_afterwards() {
    let runtime = Runtime::new();
    let me = process::enter_thread(&runtime.0).unwrap();
    let server = does(&runtime, move |_| {
        process::exit_signal(me, atom("kill")).unwrap();
        assert!(!process::is_alive(me));
        atom("done")
    });
    assert_eq!(call(server, Term::nil(), 5_000), Ok(atom("done")));
    assert!(process::is_alive(server));
    assert_eq!(call(server, Term::nil(), 5_000), Err(Error::Killed));
    process::leave_thread(atom("normal")).unwrap();
    assert_eq!(call(server, Term::nil(), 5_000), Ok(atom("done")));
}

#[test]
fn a_server_that_stops_within_is_gone_when_its_caller_hears() {
    let runtime = Runtime::new();
    for _ in 0..200 {
        let stops = |context: &mut regrow::server::Context, _: &Term| context.reply_stop(atom("bye"), atom("normal"));
        let server = spawn_inline(&runtime, Closures { call: Box::new(stops), ..Closures::default() });
        process::register(&runtime.0, server, "leaver").unwrap();
        assert_eq!(call(server, Term::nil(), 5_000), Ok(atom("bye")));
        assert!(!process::is_alive(server));
        assert_eq!(process::whereis(&runtime.0, "leaver"), None);
    }
}

#[test]
fn a_panic_on_a_thread_ends_the_server_and_not_the_thread() {
    let runtime = Runtime::new();
    let server = does(&runtime, |_| panic!("as it should"));
    let Err(Error::Exited(reason)) = call(server, Term::nil(), 5_000) else { panic!("it answered") };
    assert!(reason.to_string().starts_with("{panic,"), "{reason}");
    assert!(!process::is_alive(server));
}

#[test]
fn errno_is_the_callers_again_after_an_inline_call() {
    let errno = |value: Option<i32>| {
        // SAFETY: errno's place is valid on every thread.
        unsafe {
            if let Some(value) = value {
                *libc::__errno_location() = value;
            }
            *libc::__errno_location()
        }
    };
    let runtime = Runtime::new();
    let server = does(&runtime, move |_| Term::int(i64::from(errno(Some(libc::EIO)))));
    errno(Some(libc::ENOENT));
    let answer = call(server, Term::nil(), 5_000);
    assert_eq!(errno(None), libc::ENOENT);
    assert_eq!(answer, Ok(Term::int(i64::from(libc::EIO))));
}

#[test]
fn shutdown_waits_for_a_callback_on_a_thread() {
    let runtime = Runtime::new();
    let (in_tx, in_rx) = mpsc::channel();
    let (out_tx, out_rx) = mpsc::channel::<()>();
    let server = does(&runtime, move |_| {
        in_tx.send(()).unwrap();
        out_rx.recv().unwrap();
        Term::nil()
    });
    let caller = thread::spawn(move || call(server, Term::nil(), 5_000));
    in_rx.recv().unwrap();
    let node = runtime.0.clone();
    let ending = thread::spawn(move || runtime::shutdown(node.root(), None).map_err(|(error, _)| error));
    // The server is told to end, and then killed: its caller's answer is there, and its callback is not back.
    while process::is_alive(server) {
        thread::yield_now();
    }
    assert!(!ending.is_finished());
    out_tx.send(()).unwrap();
    assert_eq!(ending.join().unwrap(), Ok(()));
    assert!(caller.join().unwrap().is_err());
    std::mem::forget(runtime);
}

/// Receives what it wants and leaves the rest, then is idle again.
#[test]
fn what_a_receive_in_an_inline_call_left_is_handled_after_it() {
    let runtime = Runtime::new();
    let (told_tx, told_rx) = mpsc::channel();
    let server = spawn_inline(
        &runtime,
        Closures {
            call: Box::new(|context, _| {
                let me = process::current_pid();
                process::send(me, Term::int(1)).unwrap();
                process::send(me, atom("wanted")).unwrap();
                process::send(me, Term::int(2)).unwrap();
                let found = process::receive(Some(5_000), |term| *term == atom("wanted")).unwrap();
                context.reply(found)
            }),
            info: Box::new(move |_, message| {
                told_tx.send(message.clone()).unwrap();
                NOREPLY
            }),
            ..Closures::default()
        },
    );
    let seconds = std::time::Duration::from_secs(60);
    for _ in 0..1_000 {
        assert_eq!(call(server, Term::nil(), 5_000), Ok(atom("wanted")));
        assert_eq!(told_rx.recv_timeout(seconds).unwrap(), Term::int(1));
        assert_eq!(told_rx.recv_timeout(seconds).unwrap(), Term::int(2));
    }
}

#[test]
fn what_came_while_it_was_suspended_is_handled_when_a_thread_resumes_it() {
    let runtime = Runtime::new();
    let (told_tx, told_rx) = mpsc::channel();
    let server = spawn_inline(
        &runtime,
        Closures {
            info: Box::new(move |_, message| {
                told_tx.send(message.clone()).unwrap();
                NOREPLY
            }),
            ..Closures::default()
        },
    );
    for n in 0..100 {
        regrow::server::suspend(server, Some(5_000)).unwrap();
        process::send(server, Term::int(n)).unwrap();
        runtime.settle();
        regrow::server::resume(server, Some(5_000)).unwrap();
        assert_eq!(told_rx.recv_timeout(std::time::Duration::from_secs(60)).unwrap(), Term::int(n));
    }
}
