//! The room `pubsub`: what those are told who monitor a group, and when.

mod common;

use common::{Closures, Runtime, atom};
use regrow::process::{self, ChildStart, Error, Owned, Startable};
use regrow::pubsub::{self, PubSubSpec};
use regrow::server::{self, READY, Server};
use regrow::term::{Pid, Ref, Term, atoms};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};

fn start(runtime: &Runtime) -> Pid {
    process::spawn_and_wait(&runtime.0, PubSubSpec.build(), Some(5_000)).expect("a pubsub starts").pid
}

/// Something owned, whose release says that it has been reached and waits until it may go on.
struct Door {
    reached: Mutex<Sender<()>>,
    open: Mutex<Receiver<()>>,
}

impl Owned for Door {
    fn release(&self, _pid: Pid) {
        self.reached.lock().unwrap().send(()).unwrap();
        self.open.lock().unwrap().recv().unwrap();
    }
}

fn event(monitor: Ref, what: &str, group: &Term, pid: Pid) -> Term {
    Term::tuple_of([Term::reference(monitor), atom(what), group.clone(), Term::list(vec![Term::pid(pid)])])
}

fn received(timeout: u32) -> Result<Term, Error> {
    process::receive(Some(timeout), |_| true)
}

/// As with OTP's `pg`: of 3000 that joined, then took a name and made a table, and were killed, each had neither when its
/// `leave` came.
#[test]
fn that_one_has_left_by_its_end_is_told_when_all_that_it_had_is_gone() {
    let runtime = Runtime::new();
    process::enter_thread(&runtime.0).unwrap();
    let (pubsub, group) = (start(&runtime), atom("group"));
    let (ends, stays, comes) =
        (runtime.spawn(Closures::default()), runtime.spawn(Closures::default()), runtime.spawn(Closures::default()));
    pubsub::join(pubsub, &group, ends).unwrap();
    pubsub::join(pubsub, &group, ends).unwrap();
    pubsub::join(pubsub, &group, stays).unwrap();
    let (monitor, members) = pubsub::monitor(pubsub, &group).unwrap();
    assert_eq!(members.len(), 3);
    // What it gets later is released later.
    let ((reached, is_reached), (open, is_open)) = (channel(), channel());
    let door: Arc<dyn Owned> = Arc::new(Door { reached: Mutex::new(reached), open: Mutex::new(is_open) });
    process::with_process(ends, |process| process.own(|owner| owner.add(&door))).flatten().unwrap();
    process::register(&runtime.0, ends, "name").unwrap();
    let killer = std::thread::spawn(move || process::exit_signal(ends, atom("kill")).unwrap());
    is_reached.recv().unwrap();

    // It is no member any more, and that is told nobody yet; others come and go meanwhile, and are told of.
    assert_eq!(pubsub::members(pubsub, &group).unwrap(), [stays]);
    server::state(pubsub, Some(5_000)).unwrap();
    assert_eq!(received(0), Err(Error::Timeout));
    assert_eq!(process::whereis(&runtime.0, "name"), Some(ends));
    pubsub::join(pubsub, &group, comes).unwrap();
    assert_eq!(received(5_000).unwrap(), event(monitor, "join", &group, comes));
    // Who asks now has never seen it, and hears of nothing.
    let (second, members) = pubsub::monitor(pubsub, &group).unwrap();
    assert!(members.len() == 2 && !members.contains(&ends));

    open.send(()).unwrap();
    for _ in 0..2 {
        assert_eq!(received(5_000).unwrap(), event(monitor, "leave", &group, ends));
        assert_eq!(process::whereis(&runtime.0, "name"), None);
        assert!(!process::is_alive(ends));
    }
    killer.join().unwrap();
    server::state(pubsub, Some(5_000)).unwrap();
    assert_eq!(received(0), Err(Error::Timeout));
    pubsub::demonitor(pubsub, second).unwrap();
    process::leave_thread(Term::atom(atoms::NORMAL)).unwrap();
}

/// Who takes the place of a dead member comes after it.
#[test]
fn who_hears_of_an_end_and_joins_is_told_of_after_the_one_who_ended() {
    let runtime = Runtime::new();
    process::enter_thread(&runtime.0).unwrap();
    let (pubsub, group) = (start(&runtime), Term::int(1));
    for _ in 0..200 {
        let (first, second) = (runtime.spawn(Closures::default()), runtime.spawn(Closures::default()));
        pubsub::join(pubsub, &group, first).unwrap();
        let (monitor, _) = pubsub::monitor(pubsub, &group).unwrap();
        let end = process::monitor(first, None).unwrap();
        let killer = std::thread::spawn(move || process::exit_signal(first, atom("kill")).unwrap());
        let is_down = |message: &Term| message.as_tuple().is_some_and(|parts| parts[1].as_reference() == Some(end));
        process::receive(Some(5_000), is_down).unwrap();
        pubsub::join(pubsub, &group, second).unwrap();
        assert_eq!(received(5_000).unwrap(), event(monitor, "leave", &group, first));
        assert_eq!(received(5_000).unwrap(), event(monitor, "join", &group, second));
        killer.join().unwrap();
        pubsub::demonitor(pubsub, monitor).unwrap();
        pubsub::leave(pubsub, &group, second).unwrap();
    }
    process::leave_thread(Term::atom(atoms::NORMAL)).unwrap();
}

/// A child goes on for a moment when its supervisor has died without stopping it, and is no member any more: that is told
/// there and then, and its own end, whenever that comes, tells nothing more.
#[test]
fn that_one_has_left_by_the_end_of_its_parent_is_told_while_it_goes_on() {
    let runtime = Runtime::new();
    process::enter_thread(&runtime.0).unwrap();
    let (pubsub, group) = (start(&runtime), atom("group"));
    let parent = runtime.spawn(Closures::default());
    let ((reached, is_reached), (open, is_open)) = (channel(), channel::<()>());
    let lingers = Closures {
        init: Box::new(|_| {
            process::trap_exit(true).unwrap();
            READY
        }),
        terminate: Box::new(move |_| {
            reached.send(()).unwrap();
            is_open.recv().unwrap();
        }),
        ..Closures::default()
    };
    let child = ChildStart { parent, link: true, child: true, ..ChildStart::new(Server::new(lingers)) };
    let child = process::spawn_and_wait(&runtime.0, child, Some(5_000)).unwrap().pid;
    pubsub::join(pubsub, &group, child).unwrap();
    let (monitor, _) = pubsub::monitor(pubsub, &group).unwrap();
    process::exit_signal(parent, atom("kill")).unwrap();
    is_reached.recv().unwrap();
    assert_eq!(received(5_000).unwrap(), event(monitor, "leave", &group, child));
    assert!(process::is_alive(child) && pubsub::members(pubsub, &group).unwrap().is_empty());
    let end = process::monitor(child, None).unwrap();
    open.send(()).unwrap();
    let down = received(5_000).unwrap();
    assert_eq!(down.as_tuple().unwrap()[1].as_reference(), Some(end));
    server::state(pubsub, Some(5_000)).unwrap();
    assert_eq!(received(0), Err(Error::Timeout));
    process::leave_thread(Term::atom(atoms::NORMAL)).unwrap();
}
