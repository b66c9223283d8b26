//! What is asked of a dynamic supervisor about a child that it is just starting or stopping. An init or an end that
//! takes long sleeps by the runtime's manual clock: it is over when the test says so (`advance`).

mod common;

use common::tree::{Tree, Worker, child, stopped, which};
use common::{Closures, atom, call};
use regrow::process::{self, Error, Outcome, Request, Startable, exit_signal, is_alive};
use regrow::server::{Context, IGNORE, NOREPLY, READY};
use regrow::supervisor::{self, Backoff, ChildSpec, DynamicSpec, Shutdown, Strategy, SupervisorSpec};
use regrow::term::{Pid, Term};
use std::sync::{Arc, Mutex};

/// No return value of an init: it fails.
const FAILS: i32 = 0;

fn start(tree: &Tree, spec: impl Startable) -> Pid {
    process::spawn_and_wait(&tree.runtime.0, spec.build(), None).expect("the supervisor starts").pid
}

fn dynamic(tree: &Tree) -> Pid {
    start(tree, DynamicSpec { max_restarts: 10, ..DynamicSpec::default() })
}

fn unique(tree: &Tree) -> Pid {
    start(tree, DynamicSpec { max_restarts: 10, unique_ids: true, ..DynamicSpec::default() })
}

/// Who is in an init, by the order of their starts.
type Seen = Arc<Mutex<Vec<Pid>>>;

fn last(seen: &Seen) -> Pid {
    *seen.lock().unwrap().last().expect("an init has begun")
}

/// A child that starts as `next` says of each attempt, after 50 ms.
fn slow(tree: &Tree, seen: &Seen, next: impl Fn(usize) -> i32 + Send + Sync + 'static) -> ChildSpec {
    let seen = seen.clone();
    tree.worker_with("slow", move |_, attempt| {
        seen.lock().unwrap().push(process::current_pid());
        process::sleep(None, 50).map_or(FAILS, |()| next(attempt))
    })
}

fn shown<T>(name: &str, answer: Result<T, Error>) -> String {
    match answer {
        Ok(_) => format!("{name}: ok"),
        Err(Error::WouldDeadlock) => format!("{name}: would_deadlock"),
        Err(Error::NotFound) => format!("{name}: not_found"),
        Err(error) => format!("{name}: {}", error.reason()),
    }
}

/// What processes were answered, in the order in which they asked.
#[derive(Clone, Default)]
struct Answers(Arc<Mutex<Vec<Answer>>>);

/// None: not yet, or taken.
type Answer = Arc<Mutex<Option<String>>>;

impl Answers {
    fn asked(&self) -> Answer {
        let answer = Answer::default();
        self.0.lock().unwrap().push(Arc::clone(&answer));
        answer
    }

    fn add<T>(&self, name: &str, answer: Result<T, Error>) {
        *self.asked().lock().unwrap() = Some(shown(name, answer));
    }

    /// Those that have come since the last look.
    fn take(&self) -> String {
        let mut told = Vec::new();
        self.0.lock().unwrap().retain(|answer| {
            let answer = answer.lock().unwrap().take();
            told.extend(answer.clone());
            answer.is_none()
        });
        told.join(", ")
    }

    /// Has a process ask that waits for the answer, behind those that have asked before.
    fn ask<T>(&self, tree: &Tree, name: &'static str, ask: impl FnOnce() -> Result<T, Error> + Send + 'static) {
        let answer = self.asked();
        tree.runtime.spawn_body(move || {
            let told = shown(name, ask());
            *answer.lock().unwrap() = Some(told);
        });
        tree.settle();
    }

    fn start(&self, tree: &Tree, supervisor: Pid, spec: ChildSpec) {
        self.ask(tree, "start", move || supervisor::start_child(supervisor, spec));
    }

    fn terminate(&self, tree: &Tree, supervisor: Pid, id: Term) {
        self.ask(tree, "terminate", move || supervisor::terminate_child(supervisor, &id));
    }

    fn restart(&self, tree: &Tree, supervisor: Pid, id: Term) {
        self.ask(tree, "restart", move || supervisor::restart_child(supervisor, &id));
    }

    fn delete(&self, tree: &Tree, supervisor: Pid, id: Term) {
        self.ask(tree, "delete", move || supervisor::delete_child(supervisor, &id));
    }
}

/// As `DynamicSupervisor.terminate_child/2` answers, and `supervisor:terminate_child/2` of a simple_one_for_one: both
/// take the request up when the start is over.
#[test]
fn a_child_goes_by_its_pid_while_it_is_being_started() {
    let cases = [
        (READY, "start: ok", "terminate: ok, terminate: not_found"),
        (IGNORE, "start: ignore", "terminate: not_found, terminate: not_found"),
        (FAILS, "start: bad_return_value", "terminate: not_found, terminate: not_found"),
    ];
    for (next, started, told) in cases {
        let (tree, seen, answers) = (Tree::new(), Seen::default(), Answers::default());
        let supervisor = dynamic(&tree);
        answers.start(&tree, supervisor, slow(&tree, &seen, move |_| next));
        let pid = last(&seen);
        answers.terminate(&tree, supervisor, Term::pid(pid));
        answers.terminate(&tree, supervisor, Term::pid(pid));
        assert_eq!((answers.take().as_str(), which(supervisor).as_str()), ("", ""));
        tree.advance(50);
        assert_eq!(answers.take(), format!("{started}, {told}"));
        assert!(!is_alive(pid));
        assert_eq!(which(supervisor), "");
        // The pid leads nowhere.
        assert_eq!(supervisor::terminate_child(supervisor, &Term::pid(pid)), Err(Error::NotFound));
    }
    for next in [READY, IGNORE, FAILS] {
        let (tree, seen, answers) = (Tree::new(), Seen::default(), Answers::default());
        let spec = slow(&tree, &seen, move |_| next);
        let supervisor =
            tree.start(SupervisorSpec { strategy: Strategy::SimpleOneForOne, children: vec![spec], ..tree.spec() });
        answers.ask(&tree, "start", move || supervisor::start_instance(supervisor, &Term::nil()).map(drop));
        let pid = last(&seen);
        answers.terminate(&tree, supervisor, Term::pid(pid));
        assert_eq!(answers.take(), "");
        assert!(supervisor::get_childspec(supervisor, &Term::pid(pid)).is_ok());
        tree.advance(50);
        assert!(answers.take().ends_with(", terminate: ok"));
        assert!(!is_alive(pid));
        assert_eq!(which(supervisor), "");
    }
}

/// As Elixir's: the pid it had is nobody's once the restart has succeeded.
#[test]
fn a_child_that_is_being_restarted_goes_by_its_new_pid() {
    let (tree, seen, answers) = (Tree::new(), Seen::default(), Answers::default());
    let supervisor = dynamic(&tree);
    answers.start(&tree, supervisor, slow(&tree, &seen, |_| READY));
    let old = last(&seen);
    tree.advance(50);
    exit_signal(old, atom("kill")).unwrap();
    tree.settle();
    let new = last(&seen);
    assert_eq!(which(supervisor), "slow/restarting");
    answers.terminate(&tree, supervisor, Term::pid(old));
    answers.take();
    tree.advance(50);
    assert_eq!(answers.take(), "terminate: not_found");
    assert_eq!(which(supervisor), "slow/+");
    exit_signal(new, atom("kill")).unwrap();
    tree.settle();
    let newest = last(&seen);
    answers.terminate(&tree, supervisor, Term::pid(newest));
    answers.terminate(&tree, supervisor, Term::pid(newest));
    assert_eq!(answers.take(), "");
    tree.advance(50);
    assert_eq!(answers.take(), "terminate: ok, terminate: not_found");
    assert!(!is_alive(newest));
    assert_eq!(which(supervisor), "");
}

/// As OTP's supervisor answers of a temporary child, which it forgets as a dynamic one forgets all.
#[test]
fn what_is_asked_about_an_id_that_is_being_started_is_answered_when_it_is_up_or_not() {
    let cases = [
        (READY, "restart: running, delete: running, terminate: ok, terminate: not_found, restart: not_found"),
        (
            FAILS,
            "restart: not_found, delete: not_found, terminate: not_found, terminate: not_found, restart: not_found",
        ),
    ];
    for (next, told) in cases {
        for of in [unique, dynamic] {
            let (tree, seen, answers) = (Tree::new(), Seen::default(), Answers::default());
            let (supervisor, id) = (of(&tree), atom("slow"));
            let pending = supervisor::start_child_async(supervisor, slow(&tree, &seen, move |_| next)).unwrap();
            tree.settle();
            answers.restart(&tree, supervisor, id.clone());
            answers.delete(&tree, supervisor, id.clone());
            answers.terminate(&tree, supervisor, id.clone());
            answers.terminate(&tree, supervisor, id.clone());
            answers.restart(&tree, supervisor, id);
            assert_eq!(answers.take(), "");
            tree.advance(50);
            assert_eq!(answers.take(), told);
            assert!(pending.wait(Some(0)).is_ok() && !is_alive(last(&seen)));
        }
    }
}

#[test]
fn what_is_asked_about_an_id_that_is_being_stopped_is_answered_when_it_is_gone() {
    for is_unique in [true, false] {
        let (tree, answers) = (Tree::new(), Answers::default());
        let (supervisor, id) = (if is_unique { unique(&tree) } else { dynamic(&tree) }, atom("slow"));
        let slow = Worker { ending: Arc::new(|| drop(process::sleep(None, 200))), ..tree.bare("slow") };
        let spec = child("slow", slow);
        // Another of the same name is not meant by those who asked about this one.
        if !is_unique {
            supervisor::start_child(supervisor, tree.worker("slow")).unwrap();
        }
        supervisor::start_child(supervisor, spec).unwrap();
        answers.terminate(&tree, supervisor, id.clone());
        answers.restart(&tree, supervisor, id.clone());
        answers.delete(&tree, supervisor, id.clone());
        answers.terminate(&tree, supervisor, id);
        assert_eq!(answers.take(), "");
        tree.advance(200);
        assert_eq!(answers.take(), "terminate: ok, restart: not_found, delete: not_found, terminate: not_found");
        assert_eq!(which(supervisor), if is_unique { "" } else { "slow/+" });
    }
}

/// A parked child that is restarted by hand: OTP's supervisor has nothing like it, but one that does not run.
#[test]
fn what_is_asked_about_a_child_that_is_restarted_by_hand_waits_for_that() {
    let (tree, seen, answers) = (Tree::new(), Seen::default(), Answers::default());
    let (supervisor, id) = (unique(&tree), atom("slow"));
    let backoff = Backoff { park: true, limit: Some((0, 5_000)), ..Backoff::default() };
    // The second start fails, those after it succeed.
    let spec = slow(&tree, &seen, |attempt| if attempt == 2 { FAILS } else { READY });
    answers.start(&tree, supervisor, ChildSpec { backoff: Some(Arc::new(backoff)), ..spec });
    tree.advance(50);
    exit_signal(last(&seen), atom("kill")).unwrap();
    tree.settle();
    assert_eq!((answers.take().as_str(), which(supervisor).as_str()), ("start: ok", "slow/parked"));
    for _ in 0..3 {
        answers.restart(&tree, supervisor, id.clone());
    }
    answers.delete(&tree, supervisor, id.clone());
    assert_eq!(answers.take(), "");
    tree.advance(50);
    assert_eq!(answers.take(), "restart: bad_return_value", "the second goes on with it, and the rest waits for that");
    tree.advance(50);
    assert_eq!(answers.take(), "restart: ok, restart: running, delete: running");
    assert_eq!(which(supervisor), "slow/+");
}

#[test]
fn those_who_ask_about_an_id_are_served_in_their_order() {
    let (tree, seen, answers) = (Tree::new(), Seen::default(), Answers::default());
    let (supervisor, id) = (unique(&tree), atom("slow"));
    let spec = slow(&tree, &seen, |_| READY);
    answers.start(&tree, supervisor, spec.clone());
    let first = last(&seen);
    answers.start(&tree, supervisor, spec.clone());
    answers.terminate(&tree, supervisor, id.clone());
    answers.start(&tree, supervisor, spec.clone());
    answers.delete(&tree, supervisor, id.clone());
    answers.start(&tree, supervisor, spec);
    tree.advance(50);
    let taken = format!("{{already_started,{}}}", Term::pid(first));
    assert_eq!(answers.take(), format!("start: ok, start: {taken}, terminate: ok"));
    let second = last(&seen);
    assert!(!is_alive(first) && is_alive(second));
    tree.advance(50);
    let taken = format!("{{already_started,{}}}", Term::pid(second));
    assert_eq!(answers.take(), format!("start: ok, delete: running, start: {taken}"));
}

/// The init has no more time than a shutdown, and then the child is stopped, for whoever asked for that first.
#[test]
fn a_start_that_is_to_be_stopped_hurries() {
    for by_pid in [false, true] {
        let (tree, seen, answers) = (Tree::new(), Seen::default(), Answers::default());
        let supervisor = unique(&tree);
        let inits = seen.clone();
        let spec = tree.worker_with("slow", move |_, _| {
            inits.lock().unwrap().push(process::current_pid());
            process::sleep(None, u32::MAX).map_or(FAILS, |()| READY)
        });
        let spec = ChildSpec { shutdown: Shutdown::Ms(70), ..spec };
        answers.start(&tree, supervisor, spec.clone());
        let id = if by_pid { Term::pid(last(&seen)) } else { atom("slow") };
        // Who waits for its end starts the next, which is to be stopped too.
        answers.start(&tree, supervisor, spec);
        answers.terminate(&tree, supervisor, id.clone());
        answers.terminate(&tree, supervisor, id);
        tree.advance(69);
        assert_eq!(answers.take(), "");
        tree.advance(1);
        assert_eq!(answers.take(), "start: timeout, terminate: ok");
        tree.advance(70);
        if by_pid {
            assert_eq!(answers.take(), "", "the next is not meant");
            let next = last(&seen);
            answers.terminate(&tree, supervisor, Term::pid(next));
            tree.advance(70);
            assert_eq!(answers.take(), "start: timeout, terminate: not_found, terminate: ok");
        } else {
            assert_eq!(answers.take(), "start: timeout, terminate: ok");
        }
        assert_eq!(which(supervisor), "");
    }
}

#[test]
fn who_is_in_a_start_waits_for_no_start_but_to_have_it_stopped() {
    let (tree, seen, answers) = (Tree::new(), Seen::default(), Answers::default());
    let supervisor = unique(&tree);
    answers.start(&tree, supervisor, slow(&tree, &seen, |_| READY));
    let told = answers.clone();
    let asks = tree.worker_with("asks", move |_, _| {
        for id in [atom("asks"), Term::pid(process::current_pid())] {
            told.add("own", supervisor::terminate_child(supervisor, &id));
            told.add("own", supervisor::restart_child(supervisor, &id));
            told.add("own", supervisor::delete_child(supervisor, &id));
        }
        told.add("other", supervisor::restart_child(supervisor, &atom("slow")));
        told.add("other", supervisor::delete_child(supervisor, &atom("slow")));
        told.add("other", supervisor::terminate_child(supervisor, &atom("slow")));
        READY
    });
    answers.start(&tree, supervisor, asks);
    let refused = ["own: would_deadlock"; 6].join(", ");
    assert_eq!(answers.take(), format!("{refused}, other: would_deadlock, other: would_deadlock"));
    tree.advance(50);
    let told = answers.take();
    assert!(told.contains("other: ok") && told.matches("start: ok").count() == 2, "{told}");
    assert_eq!(which(supervisor), "asks/+");
}

/// A server that asks the supervisor when it is called, `id` being who asks it.
fn helper(tree: &Tree, answers: &Answers, supervisor: Pid, spec: ChildSpec) -> Pid {
    let answers = answers.clone();
    tree.runtime.spawn(Closures {
        call: Box::new(move |context: &mut Context, request| {
            if *request == atom("wait") {
                let _ = process::sleep(None, 10);
                return context.reply(request.clone());
            }
            // What comes before does not hide who asks.
            let _ = process::sleep(None, 0);
            answers.add("start", supervisor::start_child(supervisor, spec.clone()));
            answers.add("terminate", supervisor::terminate_child(supervisor, request));
            answers.add("restart", supervisor::restart_child(supervisor, request));
            answers.add("children", supervisor::which_children(supervisor));
            context.reply(request.clone())
        }),
        ..Closures::default()
    })
}

/// It would wait for the start, and the start for it. OTP's wait until the time of the call is over.
#[test]
fn who_answers_a_call_from_an_init_does_not_wait_for_that_init() {
    for busy in [false, true] {
        let (tree, answers) = (Tree::new(), Answers::default());
        let supervisor = unique(&tree);
        let helper = helper(&tree, &answers, supervisor, tree.worker("a"));
        if busy {
            // So its call is queued.
            tree.runtime.spawn_body(move || drop(call(helper, atom("wait"), 1_000)));
            tree.settle();
        }
        let told = answers.clone();
        let a = tree.worker_with("a", move |_, _| {
            told.add("call", call(helper, atom("a"), 60_000));
            READY
        });
        let pending = supervisor::start_child_async(supervisor, a).unwrap();
        tree.settle();
        tree.advance(10);
        let pid = pid_of(&pending).expect("it is up");
        let taken = format!("{{already_started,{}}}", Term::pid(pid));
        let refused = "terminate: would_deadlock, restart: would_deadlock";
        assert_eq!(answers.take(), format!("start: {taken}, {refused}, children: ok, call: ok"));
        // And of a supervisor that starts one after the other.
        let fixed = tree.start(tree.spec());
        let helper = self::helper(&tree, &answers, fixed, tree.worker("a"));
        let told = answers.clone();
        let a = tree.worker_with("a", move |_, _| {
            told.add("call", call(helper, atom("a"), 60_000));
            READY
        });
        let pending = supervisor::start_child_async(fixed, a).unwrap();
        tree.settle();
        assert!(pid_of(&pending).is_some());
        let all = ["start", "terminate", "restart", "children"].map(|name| format!("{name}: would_deadlock"));
        assert_eq!(answers.take(), format!("{}, call: ok", all.join(", ")));
        // Whoever does not wait any more is not waited for.
        let told = answers.clone();
        let late = tree.worker_with("late", move |_, _| {
            told.add("call", call(helper, atom("late"), 5));
            process::sleep(None, 50).map_or(FAILS, |()| READY)
        });
        tree.runtime.spawn_body(move || drop(call(helper, atom("wait"), 1_000)));
        let pending = supervisor::start_child_async(fixed, late).unwrap();
        tree.settle();
        tree.advance(10);
        assert_eq!(answers.take(), "call: timeout");
        tree.advance(50);
        assert!(pid_of(&pending).is_some());
    }
}

fn pid_of(pending: &Request) -> Option<Pid> {
    match pending.wait(Some(0)) {
        Ok(Outcome::Reply(term)) => term.as_pid(),
        _ => None,
    }
}

/// By a message that it waits for an answer to: nobody can tell. The limit of that wait frees both, and so does a kill;
/// and nothing stays behind.
#[test]
fn who_is_asked_by_an_init_in_another_way_waits_until_that_ends() {
    for killed in [false, true] {
        let (tree, answers, seen) = (Tree::new(), Answers::default(), Seen::default());
        let supervisor = unique(&tree);
        let (told, plain) = (answers.clone(), tree.worker("a"));
        let helper = tree.runtime.spawn(Closures {
            cast: Box::new(move |_, _| {
                told.add("helper", supervisor::start_child(supervisor, plain.clone()));
                NOREPLY
            }),
            ..Closures::default()
        });
        let inits = seen.clone();
        let a = tree.worker_with("a", move |_, _| {
            inits.lock().unwrap().push(process::current_pid());
            let _ = process::Process::post(helper, process::Message::Cast(atom("a")));
            match process::receive_first(Some(if killed { u32::MAX } else { 5_000 })) {
                Err(Error::Timeout) => READY,
                _ => FAILS,
            }
        });
        tree.settle();
        let before = tree.runtime.0.process_count();
        answers.start(&tree, supervisor, a);
        let pid = last(&seen);
        tree.advance(4_999);
        assert_eq!(answers.take(), "");
        if killed {
            exit_signal(pid, atom("kill")).unwrap();
            tree.settle();
            // The helper has started one of its own.
            assert_eq!(answers.take(), "start: killed, helper: ok");
            assert!(!is_alive(pid));
        } else {
            tree.advance(1);
            let taken = format!("{{already_started,{}}}", Term::pid(pid));
            assert_eq!(answers.take(), format!("start: ok, helper: {taken}"));
            assert!(is_alive(pid));
        }
        assert_eq!(which(supervisor), "a/+");
        assert_eq!(supervisor::terminate_child(supervisor, &atom("a")), Ok(()));
        assert_eq!(call(helper, atom("well"), 1_000), Ok(atom("well")));
        tree.settle();
        assert_eq!((which(supervisor).as_str(), tree.runtime.0.process_count()), ("", before));
        assert_eq!(supervisor::lookup(supervisor, &Term::pid(pid)), Err(Error::NotFound));
    }
}

/// Whoever is to be stopped is stopped, for somebody in an init may wait for that, and so the supervisor for him.
#[test]
fn a_supervisor_that_ends_still_stops_whom_it_was_asked_to_stop() {
    let (tree, seen, answers) = (Tree::new(), Seen::default(), Answers::default());
    let supervisor = unique(&tree);
    let reason = tree.watch(supervisor);
    let spec = ChildSpec { shutdown: Shutdown::Ms(60_000), ..slow(&tree, &seen, |_| READY) };
    answers.start(&tree, supervisor, spec.clone());
    let told = answers.clone();
    let asks = tree.worker_with("asks", move |_, _| {
        told.add("other", supervisor::terminate_child(supervisor, &atom("slow")));
        READY
    });
    answers.restart(&tree, supervisor, atom("slow"));
    answers.start(&tree, supervisor, spec);
    answers.start(&tree, supervisor, ChildSpec { shutdown: Shutdown::Ms(60_000), ..asks });
    stopped(supervisor);
    tree.settle();
    assert_eq!(answers.take(), "restart: shutdown, start: shutdown", "these wait for nothing any more");
    tree.advance(50);
    let told = answers.take();
    assert!(told.contains("other: ok") && told.matches("start: ok").count() == 2, "{told}");
    assert_eq!(reason.lock().unwrap().as_deref(), Some("shutdown"));
}

#[test]
fn what_waits_for_a_step_of_a_suspended_supervisor_waits_for_its_resume_but_for_a_stop() {
    let (tree, seen, answers) = (Tree::new(), Seen::default(), Answers::default());
    let (first, second) = (unique(&tree), unique(&tree));
    for supervisor in [first, second] {
        answers.start(&tree, supervisor, slow(&tree, &seen, |_| READY));
    }
    answers.terminate(&tree, first, atom("slow"));
    answers.delete(&tree, first, atom("slow"));
    answers.delete(&tree, second, atom("slow"));
    answers.terminate(&tree, second, atom("slow"));
    for supervisor in [first, second] {
        regrow::server::suspend(supervisor, None).unwrap();
    }
    tree.advance(50);
    let told = answers.take();
    assert!(told.matches("start: ok").count() == 2 && told.matches("terminate: ok").count() == 1, "{told}");
    assert_eq!(told.matches("delete").count(), 0, "{told}");
    for supervisor in [first, second] {
        regrow::server::resume(supervisor, None).unwrap();
        tree.settle();
    }
    assert_eq!(answers.take(), "delete: not_found, delete: running, terminate: ok");
}
