//! Supervisors whose children come and go, significant children, and children that are started together.

mod common;

use common::tree::{Tree, Worker, child, stopped, which};
use common::{Closures, atom};
use regrow::process::{self, ChildStart, Error, Outcome, Request, Startable, exit_signal, is_alive};
use regrow::server::{Context, IGNORE, READY, Server};
use regrow::supervisor::{
    self, AutoShutdown, ChildCount, ChildSpec, DynamicSpec, Restart, Shutdown, Strategy, SupervisorSpec,
};
use regrow::term::{Atom, Pid, Term, atoms};
use std::sync::{Arc, Mutex};

fn start(tree: &Tree, spec: impl Startable) -> Pid {
    process::spawn_and_wait(&tree.runtime.0, spec.build(), None).expect("the supervisor starts").pid
}

fn dynamic(tree: &Tree) -> Pid {
    start(tree, DynamicSpec { max_restarts: 10, ..DynamicSpec::default() })
}

fn add(supervisor: Pid, spec: ChildSpec) -> Pid {
    supervisor::start_child(supervisor, spec).expect("the child starts").expect("it is up")
}

fn pid_of(pending: &Request) -> Option<Pid> {
    match pending.wait(Some(0)) {
        Ok(Outcome::Reply(term)) => term.as_pid(),
        Ok(_) => panic!("the start failed"),
        Err(_) => None,
    }
}

/// What it was refused with; None: it waits, or was not refused.
fn refusal(pending: &Request) -> Option<Error> {
    match pending.wait(Some(0)) {
        Ok(Outcome::Failed(error)) => Some(error),
        _ => None,
    }
}

fn is_waiting(pending: &Request) -> bool {
    pending.wait(Some(0)).is_err()
}

fn refused(reason: &str) -> Error {
    Error::Refused(atom(reason))
}

/// A worker that writes the argument it was started with.
#[derive(Clone)]
struct Instance {
    log: Arc<Mutex<Vec<String>>>,
    argument: Term,
    next: i32,
}

impl Startable for Instance {
    fn build(&self) -> ChildStart {
        let (log, argument, next) = (self.log.clone(), self.argument.clone(), self.next);
        ChildStart::new(Server::new(Closures {
            init: Box::new(move |_| {
                log.lock().unwrap().push(argument.to_string());
                next
            }),
            ..Closures::default()
        }))
    }
    fn kind(&self) -> Atom {
        atoms::SERVER
    }
    fn with_argument(&self, extra: &Term) -> Option<Arc<dyn Startable>> {
        Some(Arc::new(Instance { argument: extra.clone(), ..self.clone() }))
    }
}

fn simple(tree: &Tree, template: ChildSpec) -> SupervisorSpec {
    SupervisorSpec { strategy: Strategy::SimpleOneForOne, children: vec![template], ..tree.spec() }
}

fn instances(tree: &Tree, next: i32) -> SupervisorSpec {
    simple(tree, child("template", Instance { log: tree.log.clone(), argument: Term::nil(), next }))
}

// ---- simple_one_for_one ----

#[test]
fn an_instance_keeps_its_argument_over_a_restart() {
    let tree = Tree::new();
    let supervisor = tree.start(instances(&tree, READY));
    assert_eq!(tree.log(), "");
    let first = supervisor::start_instance(supervisor, &Term::int(1)).unwrap().unwrap();
    supervisor::start_instance(supervisor, &Term::int(2)).unwrap().unwrap();
    supervisor::start_instance(supervisor, &Term::nil()).unwrap().unwrap();
    assert_eq!(tree.log(), "1 2 []");
    exit_signal(first, atom("boom")).unwrap();
    tree.settle();
    assert_eq!(tree.log(), "1");
    assert_eq!(which(supervisor), "undefined/+ undefined/+ undefined/+");
    let count = ChildCount { specs: 1, active: 3, supervisors: 0, workers: 3 };
    assert_eq!(supervisor::count_children(supervisor), Ok(count));
}

#[test]
fn an_instance_goes_by_its_pid_and_a_template_by_its_id() {
    let tree = Tree::new();
    let supervisor = tree.start(instances(&tree, READY));
    let pid = supervisor::start_instance(supervisor, &Term::int(1)).unwrap().unwrap();
    let (id, other) = (atom("template"), Term::pid(tree.runtime.0.root()));
    // As Erlang answers.
    assert_eq!(supervisor::terminate_child(supervisor, &id), Err(refused("simple_one_for_one")));
    assert_eq!(supervisor::terminate_child(supervisor, &other), Err(Error::NotFound));
    assert_eq!(supervisor::restart_child(supervisor, &id), Err(refused("simple_one_for_one")));
    assert_eq!(supervisor::restart_child(supervisor, &Term::pid(pid)), Err(refused("simple_one_for_one")));
    assert_eq!(supervisor::delete_child(supervisor, &id), Err(refused("simple_one_for_one")));
    assert_eq!(
        supervisor::start_child(supervisor, tree.worker("a")).err(),
        Some(refused("simple_one_for_one")),
        "children come from the template"
    );
    let spec =
        "#{id => template,kind => server,restart => permanent,shutdown => 5000,significant => false,type => worker}";
    assert_eq!(supervisor::get_childspec(supervisor, &id).unwrap().to_string(), spec);
    assert_eq!(supervisor::get_childspec(supervisor, &Term::pid(pid)).unwrap().to_string(), spec);
    assert_eq!(supervisor::get_childspec(supervisor, &other), Err(Error::NotFound));
    assert_eq!(supervisor::terminate_child(supervisor, &Term::pid(pid)), Ok(()));
    assert!(!is_alive(pid));
    assert_eq!(supervisor::terminate_child(supervisor, &Term::pid(pid)), Ok(()), "it is dead, which is fine");
    assert_eq!(which(supervisor), "");
}

#[test]
fn an_instance_that_ignores_or_fails_is_forgotten() {
    let tree = Tree::new();
    let supervisor = tree.start(instances(&tree, IGNORE));
    assert_eq!(supervisor::start_instance(supervisor, &Term::int(1)), Ok(None));
    let supervisor = tree.start(instances(&tree, 0));
    let failed = supervisor::start_instance(supervisor, &Term::int(1));
    assert_eq!(failed, Err(Error::Start(atom("bad_return_value"))));
    assert_eq!(supervisor::count_children(supervisor).unwrap().workers, 0);
    // A kind that takes no argument; and a supervisor that has no template.
    let supervisor = tree.start(simple(&tree, tree.worker("plain")));
    assert!(matches!(supervisor::start_instance(supervisor, &Term::int(1)), Err(Error::Argument(_))));
    assert!(supervisor::start_instance(supervisor, &Term::nil()).unwrap().is_some());
    assert_eq!(supervisor::start_instance(tree.start(tree.spec()), &Term::nil()), Err(Error::WrongKind));
    assert_eq!(supervisor::start_instance(dynamic(&tree), &Term::nil()), Err(Error::WrongKind));
}

#[test]
fn a_simple_supervisor_has_exactly_one_template() {
    let tree = Tree::new();
    for children in [vec![], vec![tree.worker("a"), tree.worker("b")]] {
        let spec = SupervisorSpec { strategy: Strategy::SimpleOneForOne, children, ..tree.spec() };
        let reason = tree.try_start(spec).unwrap_err().reason().to_string();
        assert!(reason.starts_with("{bad_start_spec,"), "{reason}");
    }
}

#[test]
fn an_instance_that_fails_too_often_ends_its_supervisor_and_all_instances_at_once() {
    let tree = Tree::new();
    let slow = Worker { ending: Arc::new(|| drop(process::sleep(None, 100))), ..tree.bare("i") };
    let spec = SupervisorSpec { max_restarts: 0, ..simple(&tree, child("template", slow)) };
    let supervisor = tree.start(spec);
    let reason = tree.watch(supervisor);
    let pids: Vec<_> =
        (0..20).map(|_| supervisor::start_instance(supervisor, &Term::nil()).unwrap().unwrap()).collect();
    exit_signal(pids[0], atom("kill")).unwrap();
    tree.settle();
    assert!(is_alive(supervisor) && pids[1..].iter().all(|pid| is_alive(*pid)));
    tree.advance(100);
    assert!(!is_alive(supervisor) && !pids.iter().any(|pid| is_alive(*pid)));
    assert_eq!(reason.lock().unwrap().as_deref(), Some("shutdown"));
}

// ---- significant children ----

#[test]
fn a_significant_child_that_cannot_be_one_is_refused_with_otps_term() {
    use AutoShutdown::*;
    use Restart::*;
    let tree = Tree::new();
    let cases = [
        (Never, Transient, Some("{bad_combination,[{auto_shutdown,never},{significant,true}]}")),
        (Never, Permanent, Some("{bad_combination,[{auto_shutdown,never},{significant,true}]}")),
        (AnySignificant, Permanent, Some("{bad_combination,[{restart,permanent},{significant,true}]}")),
        (AllSignificant, Permanent, Some("{bad_combination,[{restart,permanent},{significant,true}]}")),
        (AnySignificant, Transient, None),
        (AllSignificant, Temporary, None),
    ];
    for (auto_shutdown, restart, refusal) in cases {
        let one = ChildSpec { significant: true, restart, ..tree.worker("a") };
        let spec = SupervisorSpec { auto_shutdown, ..tree.spec() };
        let full = SupervisorSpec { children: vec![one.clone()], ..spec.clone() };
        let started = supervisor::start_child(tree.start(spec), one);
        match refusal {
            None => {
                assert!(started.is_ok());
                tree.start(full);
            }
            Some(refusal) => {
                assert_eq!(started.unwrap_err().reason().to_string(), refusal);
                let reason = tree.try_start(full).unwrap_err().reason().to_string();
                assert_eq!(reason, format!("{{start_spec,{refusal}}}"));
            }
        }
    }
}

#[test]
fn the_end_of_significant_children_ends_their_supervisor() {
    use AutoShutdown::*;
    // Who ends by itself, in this order; after how many of them the supervisor has ended.
    let cases: &[(AutoShutdown, &[&str], Option<usize>)] = &[
        (Never, &["1", "2", "3"], None),
        (AnySignificant, &["3", "1"], Some(2)),
        (AnySignificant, &["2"], Some(1)),
        (AllSignificant, &["3", "1", "2"], Some(3)),
        (AllSignificant, &["1", "3"], None),
    ];
    for (auto_shutdown, ends, after) in cases {
        let tree = Tree::new();
        let mut spec = SupervisorSpec { auto_shutdown: *auto_shutdown, ..tree.three(Strategy::OneForOne) };
        for (at, child) in spec.children.iter_mut().enumerate() {
            child.restart = Restart::Transient;
            child.significant = at < 2 && *auto_shutdown != Never;
        }
        let supervisor = tree.start(spec);
        let reason = tree.watch(supervisor);
        for (at, name) in ends.iter().enumerate() {
            tree.end(name, atom("normal"));
            assert_eq!(is_alive(supervisor), after.is_none_or(|after| at + 1 < after), "{auto_shutdown:?} {name}");
        }
        assert_eq!(reason.lock().unwrap().as_deref(), after.map(|_| "shutdown"));
    }
}

#[test]
fn a_significant_child_that_is_stopped_or_restarted_ends_nothing() {
    let tree = Tree::new();
    let mut spec = SupervisorSpec { auto_shutdown: AutoShutdown::AnySignificant, ..tree.three(Strategy::OneForAll) };
    for child in &mut spec.children {
        (child.restart, child.significant) = (Restart::Transient, true);
    }
    let supervisor = tree.start(spec);
    supervisor::terminate_child(supervisor, &atom("1")).unwrap();
    assert!(is_alive(supervisor));
    tree.end("2", atom("boom"));
    assert_eq!(which(supervisor), "'3'/+ '2'/+ '1'/+");
    // The siblings that are stopped with it did not end by themselves.
    tree.end("3", atom("normal"));
    assert!(!is_alive(supervisor));
}

#[test]
fn the_last_significant_instance_ends_a_simple_supervisor() {
    let tree = Tree::new();
    let template = ChildSpec { restart: Restart::Temporary, significant: true, ..tree.worker("i") };
    let spec = SupervisorSpec { auto_shutdown: AutoShutdown::AllSignificant, ..simple(&tree, template) };
    let supervisor = tree.start(spec);
    let pids: Vec<_> = (0..2).map(|_| supervisor::start_instance(supervisor, &Term::nil()).unwrap().unwrap()).collect();
    exit_signal(pids[0], atom("kill")).unwrap();
    tree.settle();
    assert!(is_alive(supervisor));
    exit_signal(pids[1], atom("kill")).unwrap();
    tree.settle();
    assert!(!is_alive(supervisor));
}

// ---- dynamic supervisors ----

#[test]
fn children_of_any_kind_come_and_go_and_may_share_an_id() {
    let tree = Tree::new();
    let supervisor = dynamic(&tree);
    let first = add(supervisor, tree.worker("a"));
    let second = add(supervisor, tree.worker("a"));
    let below = add(supervisor, child("below", SupervisorSpec { children: vec![tree.worker("b")], ..tree.spec() }));
    add(supervisor, child("dynamic", DynamicSpec::default()));
    assert_eq!(which(supervisor), "dynamic/+ below/+ a/+ a/+");
    let count = ChildCount { specs: 4, active: 4, supervisors: 2, workers: 2 };
    assert_eq!(supervisor::count_children(supervisor), Ok(count));
    // By its id: the one that was started last.
    assert_eq!(supervisor::lookup(supervisor, &atom("a")), Ok(Term::pid(second)));
    supervisor::terminate_child(supervisor, &atom("a")).unwrap();
    assert_eq!((is_alive(first), is_alive(second)), (true, false));
    supervisor::terminate_child(supervisor, &Term::pid(first)).unwrap();
    assert_eq!(supervisor::terminate_child(supervisor, &Term::pid(first)), Err(Error::NotFound));
    assert_eq!(supervisor::terminate_child(supervisor, &atom("a")), Err(Error::NotFound));
    supervisor::terminate_child(supervisor, &Term::pid(below)).unwrap();
    assert_eq!(which(supervisor), "dynamic/+");
    stopped(supervisor);
    tree.settle();
    assert_eq!(tree.log(), "Sa Sa Sb Ta Ta Tb");
}

#[test]
fn a_child_that_ends_is_restarted_or_forgotten() {
    let tree = Tree::new();
    // Restart type, reason, whether it is restarted: FEATURES U6.
    let cases = [
        (Restart::Permanent, "normal", true),
        (Restart::Permanent, "boom", true),
        (Restart::Transient, "normal", false),
        (Restart::Transient, "shutdown", false),
        (Restart::Transient, "boom", true),
        (Restart::Temporary, "boom", false),
        (Restart::Temporary, "normal", false),
    ];
    for (restart, reason, again) in cases {
        let supervisor = dynamic(&tree);
        let pid = add(supervisor, ChildSpec { restart, ..tree.worker("a") });
        tree.end("a", atom(reason));
        assert_eq!(which(supervisor), if again { "a/+" } else { "" }, "{restart:?} {reason}");
        assert_eq!(supervisor::terminate_child(supervisor, &Term::pid(pid)), Err(Error::NotFound));
    }
}

#[test]
fn the_limit_counts_children_that_are_being_started_or_restarted() {
    let tree = Tree::new();
    let full = Err(refused("max_children"));
    let supervisor = start(&tree, DynamicSpec { max_children: Some(0), ..DynamicSpec::default() });
    assert_eq!(supervisor::start_child(supervisor, tree.worker("a")), full);
    let supervisor = start(&tree, DynamicSpec { max_children: Some(2), ..DynamicSpec::default() });
    let slow = tree.worker_with("slow", |_, attempt| {
        let _ = (attempt > 1).then(|| process::sleep(None, 1_000));
        READY
    });
    add(supervisor, slow.clone());
    let hangs = tree.worker_with("new", |_, _| process::sleep(None, 500).map_or(0, |()| READY));
    let pending = supervisor::start_child_async(supervisor, hangs.clone()).unwrap();
    tree.settle();
    assert_eq!(which(supervisor), "slow/+", "a child is shown once it is up");
    assert_eq!(supervisor::start_child(supervisor, tree.worker("a")), full);
    tree.advance(500);
    assert!(pid_of(&pending).is_some());
    tree.end("slow", atom("boom"));
    assert_eq!(which(supervisor), "new/+ slow/restarting");
    assert_eq!(supervisor::count_children(supervisor).unwrap().active, 1);
    assert_eq!(supervisor::start_child(supervisor, tree.worker("a")), full);
    supervisor::terminate_child(supervisor, &atom("new")).unwrap();
    add(supervisor, tree.worker("a"));
    tree.advance(1_000);
    assert_eq!(which(supervisor), "a/+ slow/+");
}

#[test]
fn a_child_that_ignores_or_fails_its_start_is_not_kept() {
    let tree = Tree::new();
    let supervisor = start(&tree, DynamicSpec { max_children: Some(1), ..DynamicSpec::default() });
    let ignores = tree.worker_with("a", |_, _| IGNORE);
    assert_eq!(supervisor::start_child(supervisor, ignores), Err(Error::Ignored));
    let fails = tree.worker_with("a", |context, _| context.stop(atom("nope")));
    assert_eq!(supervisor::start_child(supervisor, fails), Err(Error::Start(atom("nope"))));
    let significant = ChildSpec { significant: true, restart: Restart::Transient, ..tree.worker("a") };
    assert!(matches!(supervisor::start_child(supervisor, significant), Err(Error::Refused(_))));
    assert_eq!(supervisor::count_children(supervisor), Ok(ChildCount::default()));
    // Nothing of them counts.
    add(supervisor, tree.worker("a"));
}

#[test]
fn a_restart_that_is_ignored_forgets_the_child_and_one_that_fails_is_tried_again() {
    let tree = Tree::new();
    let supervisor = dynamic(&tree);
    add(supervisor, tree.worker_with("a", |_, attempt| if attempt == 1 { READY } else { IGNORE }));
    tree.kill("a");
    assert_eq!(which(supervisor), "");
    let fails_twice = |context: &mut Context, attempt: usize| match attempt {
        2 | 3 => context.stop(atom("nope")),
        _ => READY,
    };
    add(supervisor, tree.worker_with("b", fails_twice));
    tree.log();
    tree.kill("b");
    assert_eq!(tree.log(), "Sb Sb Sb");
    assert_eq!(which(supervisor), "b/+");
    let supervisor = start(&tree, DynamicSpec { max_restarts: 2, ..DynamicSpec::default() });
    let reason = tree.watch(supervisor);
    add(supervisor, tree.worker("other"));
    add(
        supervisor,
        tree.worker_with("c", |context, attempt| if attempt == 1 { READY } else { context.stop(atom("no")) }),
    );
    tree.log();
    tree.kill("c");
    assert_eq!(tree.log(), "Sc Sc Tother");
    assert_eq!(reason.lock().unwrap().as_deref(), Some("shutdown"));
}

#[test]
fn starts_that_take_their_time_do_not_wait_for_each_other() {
    let tree = Tree::new();
    let supervisor = dynamic(&tree);
    let slow = tree.worker_with("slow", |_, _| process::sleep(None, 100).map_or(0, |()| READY));
    let pending: Vec<_> = (0..50).map(|_| supervisor::start_child_async(supervisor, slow.clone()).unwrap()).collect();
    tree.settle();
    assert!(pending.iter().all(|start| pid_of(start).is_none()));
    // The supervisor answers meanwhile.
    assert_eq!(supervisor::count_children(supervisor), Ok(ChildCount::default()));
    tree.advance(100);
    assert!(pending.iter().all(|start| pid_of(start).is_some_and(is_alive)));
}

#[test]
fn a_child_may_start_a_sibling_from_its_init() {
    let tree = Tree::new();
    let supervisor = dynamic(&tree);
    let sibling = tree.worker("sibling");
    let made = Arc::new(Mutex::new(None));
    let seen = made.clone();
    let first = tree.worker_with("first", move |_, _| {
        *seen.lock().unwrap() = Some(supervisor::start_child(supervisor, sibling.clone()));
        READY
    });
    add(supervisor, first);
    assert!(matches!(*made.lock().unwrap(), Some(Ok(Some(pid))) if is_alive(pid)));
    assert_eq!(tree.log(), "Sfirst Ssibling");
    assert_eq!(which(supervisor), "sibling/+ first/+");
}

#[test]
fn a_sibling_asked_for_while_the_supervisor_ends_is_refused_and_not_waited_for() {
    let tree = Tree::new();
    let supervisor = dynamic(&tree);
    let sibling = tree.worker("sibling");
    let made = Arc::new(Mutex::new(None));
    let seen = made.clone();
    let mut first = tree.worker_with("first", move |_, _| {
        let _ = process::sleep(None, 100);
        *seen.lock().unwrap() = Some(supervisor::start_child(supervisor, sibling.clone()));
        READY
    });
    first.shutdown = Shutdown::Infinity;
    let pending = supervisor::start_child_async(supervisor, first).unwrap();
    tree.settle();
    stopped(supervisor);
    tree.settle();
    tree.advance(100);
    assert!(!is_alive(supervisor));
    assert!(pending.wait(Some(0)).is_ok());
    assert_eq!(*made.lock().unwrap(), Some(Err(Error::Exited(atom("shutdown")))));
    assert_eq!(tree.log(), "Sfirst Tfirst");
}

#[test]
fn children_are_stopped_side_by_side_each_with_its_own_time() {
    let tree = Tree::new();
    let supervisor = dynamic(&tree);
    let reason = tree.watch(supervisor);
    let ending = |ms: u32| Arc::new(move || drop(process::sleep(None, ms)));
    // Shutdown time, how long it takes, when it is gone.
    let cases = [
        (Shutdown::Ms(100), 1_000, 100),
        (Shutdown::Ms(1_000), 50, 50),
        (Shutdown::Ms(300), 1_000, 300),
        (Shutdown::BrutalKill, 1_000, 0),
        (Shutdown::Infinity, 700, 700),
    ];
    let mut pids = Vec::new();
    for (shutdown, takes, gone) in cases {
        let slow = Worker { ending: ending(takes), ..tree.bare("slow") };
        pids.push((add(supervisor, ChildSpec { shutdown, ..child("slow", slow) }), gone));
    }
    stopped(supervisor);
    tree.settle();
    for now in (0..=700).step_by(50) {
        for (pid, gone) in &pids {
            assert_eq!(is_alive(*pid), now < *gone, "the one of {gone} at {now}");
        }
        assert_eq!(is_alive(supervisor), now < 700);
        tree.advance(50);
    }
    assert_eq!(reason.lock().unwrap().as_deref(), Some("shutdown"));
}

#[test]
fn a_stop_that_takes_its_time_holds_up_nobody_else() {
    let tree = Tree::new();
    let supervisor = dynamic(&tree);
    let slow = Worker { ending: Arc::new(|| drop(process::sleep(None, 200))), ..tree.bare("slow") };
    let slow = add(supervisor, child("slow", slow));
    let other = add(supervisor, tree.worker("other"));
    let answers = Arc::new(Mutex::new(Vec::new()));
    for name in ["first", "second"] {
        let answers = answers.clone();
        tree.runtime.spawn_body(move || {
            let answer = supervisor::terminate_child(supervisor, &Term::pid(slow));
            answers.lock().unwrap().push((name, answer.is_ok()));
        });
        tree.settle();
    }
    assert_eq!(supervisor::terminate_child(supervisor, &Term::pid(other)), Ok(()));
    assert!(is_alive(slow) && answers.lock().unwrap().is_empty());
    tree.advance(200);
    let mut answers = answers.lock().unwrap().clone();
    answers.sort();
    // Who comes second finds nothing, when the first is served.
    assert_eq!(answers, [("first", true), ("second", false)]);
}

#[test]
fn a_child_that_is_stopped_while_it_starts_is_gone_when_its_init_is_over() {
    let tree = Tree::new();
    let supervisor = start(&tree, DynamicSpec { unique_ids: true, ..DynamicSpec::default() });
    let slow = tree.worker_with("slow", |_, _| process::sleep(None, 50).map_or(0, |()| READY));
    let pending = supervisor::start_child_async(supervisor, slow).unwrap();
    tree.settle();
    let done = Arc::new(Mutex::new(None));
    let seen = done.clone();
    tree.runtime.spawn_body(move || {
        *seen.lock().unwrap() = Some(supervisor::terminate_child(supervisor, &atom("slow")));
    });
    tree.settle();
    assert_eq!(*done.lock().unwrap(), None);
    tree.advance(50);
    assert!(pid_of(&pending).is_some_and(|pid| !is_alive(pid)));
    assert_eq!(*done.lock().unwrap(), Some(Ok(())));
    assert_eq!(tree.log(), "Sslow Tslow");
    assert_eq!(which(supervisor), "");
}

#[test]
fn with_unique_ids_a_second_child_of_an_id_is_refused() {
    let tree = Tree::new();
    let supervisor = start(&tree, DynamicSpec { unique_ids: true, ..DynamicSpec::default() });
    let pid = add(supervisor, tree.worker("a"));
    assert_eq!(supervisor::start_child(supervisor, tree.worker("a")), Err(Error::already_started(pid)));
    tree.kill("a");
    assert_eq!(supervisor::lookup(supervisor, &atom("a")), Ok(Term::pid(tree.pid("a"))), "by id over a restart");
    supervisor::terminate_child(supervisor, &atom("a")).unwrap();
    assert_eq!(supervisor::lookup(supervisor, &atom("a")), Err(Error::NotFound));
    add(supervisor, tree.worker("a"));
}

/// A child that starts as `next` says, after 50 ms.
fn slow(tree: &Tree, next: i32) -> ChildSpec {
    let init = move |_: &mut Context, _: usize| process::sleep(None, 50).map_or(0, |()| next);
    tree.worker_with("slow", init)
}

/// OTP's supervisor answers the second when it is done with the first.
#[test]
fn who_wants_an_id_that_is_being_started_hears_what_becomes_of_it() {
    let tree = Tree::new();
    let supervisor = start(&tree, DynamicSpec { unique_ids: true, ..DynamicSpec::default() });
    let first = supervisor::start_child_async(supervisor, slow(&tree, READY)).unwrap();
    let second = supervisor::start_child_async(supervisor, slow(&tree, READY)).unwrap();
    tree.settle();
    assert!(is_waiting(&second), "not before it is up");
    tree.advance(50);
    let pid = pid_of(&first).expect("it is up");
    assert_eq!(refusal(&second), Some(Error::already_started(pid)));
    assert_eq!(tree.log(), "Sslow");
}

#[test]
fn who_wants_an_id_whose_start_fails_starts_it() {
    let tree = Tree::new();
    let supervisor = start(&tree, DynamicSpec { unique_ids: true, ..DynamicSpec::default() });
    let asked =
        [IGNORE, READY, READY].map(|next| supervisor::start_child_async(supervisor, slow(&tree, next)).unwrap());
    tree.settle();
    tree.advance(50);
    assert_eq!(refusal(&asked[0]), Some(Error::Ignored));
    assert!(is_waiting(&asked[1]));
    tree.advance(50);
    let pid = pid_of(&asked[1]).expect("the second one is up");
    assert_eq!(refusal(&asked[2]), Some(Error::already_started(pid)));
}

#[test]
fn who_wants_an_id_that_is_being_stopped_gets_a_new_child() {
    let tree = Tree::new();
    let supervisor = start(&tree, DynamicSpec { unique_ids: true, ..DynamicSpec::default() });
    let slow = Worker { ending: Arc::new(|| drop(process::sleep(None, 200))), ..tree.bare("slow") };
    let old = add(supervisor, child("slow", slow.clone()));
    tree.runtime.spawn_body(move || drop(supervisor::terminate_child(supervisor, &atom("slow"))));
    tree.settle();
    let again = supervisor::start_child_async(supervisor, child("slow", slow)).unwrap();
    tree.settle();
    assert!(is_waiting(&again) && is_alive(old));
    tree.advance(200);
    assert!(pid_of(&again).is_some_and(|new| new != old && is_alive(new)) && !is_alive(old));
}

#[test]
fn who_waits_for_an_id_hears_of_the_supervisors_end_or_its_resume() {
    let tree = Tree::new();
    let spec = || DynamicSpec { unique_ids: true, ..DynamicSpec::default() };
    let (ends, suspended) = (start(&tree, spec()), start(&tree, spec()));
    let [mut first, mut second] = [Vec::new(), Vec::new()];
    for supervisor in [ends, suspended] {
        first.push(supervisor::start_child_async(supervisor, slow(&tree, IGNORE)).unwrap());
        second.push(supervisor::start_child_async(supervisor, slow(&tree, READY)).unwrap());
    }
    tree.settle();
    // Also of one that waits for the start that is under way.
    tree.runtime.spawn_body(move || drop(process::stop(ends, atom("over"), None)));
    regrow::server::suspend(suspended, None).unwrap();
    tree.settle();
    assert!(matches!(second[0].wait(Some(0)), Ok(Outcome::Died(reason)) if reason == atom("over")) && is_alive(ends));
    tree.advance(50);
    assert_eq!(refusal(&first[1]), Some(Error::Ignored));
    tree.advance(1_000);
    assert!(is_waiting(&second[1]), "it is suspended");
    regrow::server::resume(suspended, None).unwrap();
    tree.settle();
    tree.advance(50);
    assert!(pid_of(&second[1]).is_some());
}

/// He would wait for his own start.
#[test]
fn who_is_in_a_start_does_not_wait_for_another() {
    type Asked = Result<Option<Pid>, Error>;
    let tree = Tree::new();
    let supervisor = start(&tree, DynamicSpec { unique_ids: true, ..DynamicSpec::default() });
    let answers = Arc::new(Mutex::new(Vec::<Asked>::new()));
    let asks = |name, other: ChildSpec| {
        let seen = answers.clone();
        tree.worker_with(name, move |_, _| {
            let answer = supervisor::start_child(supervisor, other.clone());
            seen.lock().unwrap().push(answer);
            READY
        })
    };
    // For itself; by a request; and by another that it starts.
    let own = add(supervisor, asks("own", tree.worker("own")));
    assert_eq!(answers.lock().unwrap().drain(..).collect::<Vec<_>>(), [Err(Error::already_started(own))]);
    let (later, seen) = (tree.worker("later"), answers.clone());
    let later = add(
        supervisor,
        tree.worker_with("later", move |_, _| {
            let pending = supervisor::start_child_async(supervisor, later.clone()).unwrap();
            let answer = pending.wait(None);
            seen.lock().unwrap().push(match answer {
                Ok(Outcome::Failed(error)) => Err(error),
                _ => Ok(None),
            });
            READY
        }),
    );
    assert_eq!(answers.lock().unwrap().drain(..).collect::<Vec<_>>(), [Err(Error::already_started(later))]);
    let one = add(supervisor, asks("one", asks("other", tree.worker("one"))));
    let answers = answers.lock().unwrap();
    assert_eq!(answers[0], Err(Error::already_started(one)));
    assert!(matches!(answers[1], Ok(Some(_))));
}

/// Many wait for a start that fails again and again: each is told once, and moved about as little.
#[test]
fn who_waits_for_an_id_keeps_its_place_in_the_line() {
    let tree = Tree::new();
    let supervisor = start(&tree, DynamicSpec { unique_ids: true, ..DynamicSpec::default() });
    let asked: Vec<_> =
        (0..50).map(|_| supervisor::start_child_async(supervisor, slow(&tree, IGNORE)).unwrap()).collect();
    let late = supervisor::start_child_async(supervisor, slow(&tree, READY)).unwrap();
    tree.settle();
    for (at, pending) in asked.iter().enumerate() {
        assert!(is_waiting(pending));
        tree.advance(50);
        assert_eq!(refusal(pending), Some(Error::Ignored), "{at}");
    }
    tree.advance(50);
    assert!(pid_of(&late).is_some());
}

#[test]
fn a_dynamic_supervisor_obeys_its_parent_a_stop_and_a_kill() {
    for reason in ["normal", "shutdown", "kill"] {
        let tree = Tree::new();
        let inner = child("inner", DynamicSpec::default());
        let outer = tree.start(SupervisorSpec { children: vec![inner], ..tree.spec() });
        let inner = supervisor::lookup(outer, &atom("inner")).unwrap().as_pid().unwrap();
        add(inner, tree.worker("leaf"));
        let leaf = tree.pid("leaf");
        exit_signal(inner, atom(reason)).unwrap();
        tree.settle();
        // A stranger's signal means nothing, unless it is a kill.
        assert_eq!(is_alive(leaf), reason != "kill");
        let inner = supervisor::lookup(outer, &atom("inner")).unwrap().as_pid().unwrap();
        assert!(is_alive(inner));
        process::stop(inner, atom("boom"), Some(1_000)).unwrap();
        tree.settle();
        stopped(outer);
        tree.settle();
        assert!(!is_alive(outer) && !is_alive(leaf));
    }
}

#[test]
fn a_suspended_dynamic_supervisor_goes_on_when_it_is_resumed() {
    let tree = Tree::new();
    let supervisor = dynamic(&tree);
    add(supervisor, tree.worker("a"));
    regrow::server::suspend(supervisor, Some(5_000)).unwrap();
    tree.kill("a");
    let pending = supervisor::start_child_async(supervisor, tree.worker("b")).unwrap();
    tree.settle();
    assert_eq!(tree.log(), "Sa");
    assert!(pid_of(&pending).is_none());
    regrow::server::resume(supervisor, Some(5_000)).unwrap();
    tree.settle();
    // Side by side, in any order.
    assert_eq!(tree.log().len(), "Sa Sb".len());
    assert_eq!(which(supervisor), "b/+ a/+");
    assert!(pid_of(&pending).is_some());
    // One that is suspended ends all the same.
    regrow::server::suspend(supervisor, Some(5_000)).unwrap();
    stopped(supervisor);
    tree.settle();
    assert!(!is_alive(supervisor));
}

#[test]
fn whoever_waits_for_a_start_hears_of_the_supervisors_end() {
    let tree = Tree::new();
    let supervisor = dynamic(&tree);
    let hangs = tree.worker_with("hangs", |_, _| process::sleep(None, u32::MAX).map_or(0, |()| READY));
    let pending = supervisor::start_child_async(supervisor, hangs).unwrap();
    tree.settle();
    exit_signal(supervisor, atom("kill")).unwrap();
    assert!(matches!(pending.wait(Some(1_000)), Ok(Outcome::Died(reason)) if reason == atom("killed")));
}

#[test]
fn an_init_that_hangs_holds_up_the_end_no_longer_than_a_shutdown() {
    let tree = Tree::new();
    let supervisor = dynamic(&tree);
    let mut hangs = tree.worker_with("hangs", |_, _| process::sleep(None, u32::MAX).map_or(0, |()| READY));
    hangs.shutdown = Shutdown::Ms(70);
    let pending = supervisor::start_child_async(supervisor, hangs).unwrap();
    tree.settle();
    stopped(supervisor);
    tree.settle();
    assert!(is_alive(supervisor));
    tree.advance(70);
    assert!(!is_alive(supervisor));
    assert!(matches!(pending.wait(Some(0)), Ok(Outcome::Failed(Error::Start(reason))) if reason == atom("timeout")));
}

// ---- children that are started together ----

#[test]
fn a_parallel_group_is_up_when_its_slowest_is_and_stops_in_reverse() {
    let tree = Tree::new();
    let slow = |name, ms| tree.worker_with(name, move |_, _| process::sleep(None, ms).map_or(0, |()| READY));
    let children = vec![slow("1", 100), slow("2", 30), slow("3", 80)];
    let spec = SupervisorSpec { parallel_start: true, children, strategy: Strategy::OneForAll, ..tree.spec() };
    let supervisor = tree.spawn(spec);
    tree.settle();
    let mut log: Vec<_> = tree.log().split(' ').map(String::from).collect();
    log.sort();
    assert_eq!(log, ["S1", "S2", "S3"]);
    tree.advance(99);
    assert!(supervisor::which_children_async(supervisor).unwrap().wait(Some(0)).is_err(), "it is not up yet");
    tree.advance(1);
    assert_eq!(which(supervisor), "'3'/+ '2'/+ '1'/+");
    // The group comes up again together.
    tree.kill("2");
    assert!(tree.log().starts_with("T3 T1 S"));
    tree.advance(100);
    assert_eq!(which(supervisor), "'3'/+ '2'/+ '1'/+");
    tree.log();
    stopped(supervisor);
    tree.settle();
    assert_eq!(tree.log(), "T3 T2 T1");
}

#[test]
fn a_parallel_start_fails_with_the_first_that_failed_once_all_have_come_to_an_end() {
    let tree = Tree::new();
    let slow = |name: &'static str, ms, reason: &'static str| {
        tree.worker_with(name, move |context, _| match process::sleep(None, ms) {
            Ok(()) if reason.is_empty() => READY,
            _ => context.stop(atom(reason)),
        })
    };
    let children = vec![slow("1", 100, ""), slow("2", 60, "later"), slow("3", 30, "nope"), slow("4", 10, "")];
    let supervisor = tree.spawn(SupervisorSpec { parallel_start: true, children, ..tree.spec() });
    let reason = tree.watch(supervisor);
    tree.settle();
    tree.advance(60);
    assert!(is_alive(supervisor));
    tree.log();
    tree.advance(40);
    assert_eq!(tree.log(), "T4 T1");
    assert_eq!(reason.lock().unwrap().as_deref(), Some("{shutdown,{failed_to_start_child,'2',later}}"));
}

#[test]
fn a_parallel_group_that_fails_on_the_way_up_is_tried_again_until_the_limit() {
    let tree = Tree::new();
    let fails = |name| {
        tree.worker_with(
            name,
            |context, attempt| if (2..4).contains(&attempt) { context.stop(atom("no")) } else { READY },
        )
    };
    let children = vec![tree.worker("1"), fails("2"), fails("3")];
    let spec = SupervisorSpec { parallel_start: true, children, strategy: Strategy::OneForAll, ..tree.spec() };
    let supervisor = tree.start(SupervisorSpec { max_restarts: 3, ..spec });
    tree.kill("1");
    // The crash, and two groups that failed: three restarts.
    assert_eq!(which(supervisor), "'3'/+ '2'/+ '1'/+");
    tree.kill("1");
    assert!(!is_alive(supervisor));
}

// ---- events ----

type Seen = Arc<Mutex<Vec<String>>>;

/// Subscribes, and writes what it is told, pids as `name` or `?`.
fn subscribe(tree: &Tree, supervisor: Pid) -> (Pid, regrow::term::Ref, Seen) {
    let seen = Seen::default();
    let told = seen.clone();
    let reference = Arc::new(Mutex::new(None));
    let kept = reference.clone();
    let pid = tree.runtime.spawn(Closures {
        init: Box::new(move |_| {
            *kept.lock().unwrap() = Some(supervisor::subscribe(supervisor).unwrap());
            READY
        }),
        info: Box::new(move |_, message| {
            let parts = message.as_tuple().expect("a tuple");
            assert_eq!((&parts[0], &parts[2]), (&atom("child"), &Term::pid(supervisor)));
            let event = parts[3].as_map().expect("a map");
            let part = |key| event.get(&atom(key)).map(|term| format!(" {term}")).unwrap_or_default();
            let same = event.get(&atom("old")).is_some_and(|old| event.get(&atom("pid")) == Some(old));
            assert!(!same, "a restart is another process");
            let line = ["event", "id", "reason", "count"].map(part).concat();
            told.lock().unwrap().push(line.trim_start().into());
            regrow::server::NOREPLY
        }),
        ..Closures::default()
    });
    let reference = reference.lock().unwrap().expect("it subscribed");
    (pid, reference, seen)
}

fn take(tree: &Tree, seen: &Seen) -> String {
    tree.settle();
    std::mem::take(&mut *seen.lock().unwrap()).join(", ")
}

#[test]
fn each_change_of_a_child_is_told_once_and_in_order() {
    let tree = Tree::new();
    let mut spec = SupervisorSpec { max_restarts: 1, ..tree.three(Strategy::RestForOne) };
    let park = supervisor::Backoff { limit: Some((1, 5_000)), park: true, ..supervisor::Backoff::default() };
    spec.children[2].backoff = Some(Arc::new(park));
    let supervisor = tree.start(spec);
    let (_, reference, seen) = subscribe(&tree, supervisor);
    let (subscriber, _, other) = subscribe(&tree, supervisor);
    tree.end("2", atom("boom"));
    let group = "terminated '2' boom, terminated '3' shutdown, restarted '2' boom 1, started '3'";
    assert_eq!(take(&tree, &seen), group);
    assert_eq!(take(&tree, &other), group);
    // One of the two ends: its subscription ends with it.
    exit_signal(subscriber, atom("kill")).unwrap();
    tree.end("3", atom("normal"));
    tree.end("3", atom("bang"));
    let parked = "terminated '3' normal, restarted '3' normal 1, terminated '3' bang, parked '3' bang 2";
    assert_eq!(take(&tree, &seen), parked);
    assert_eq!(take(&tree, &other), "");
    supervisor::restart_child(supervisor, &atom("3")).unwrap();
    supervisor::terminate_child(supervisor, &atom("1")).unwrap();
    assert_eq!(take(&tree, &seen), "restarted '3' bang 2, terminated '1' shutdown");
    supervisor::unsubscribe(supervisor, reference).unwrap();
    assert_eq!(supervisor::unsubscribe(supervisor, reference), Err(Error::NotFound));
    supervisor::restart_child(supervisor, &atom("1")).unwrap();
    assert_eq!(take(&tree, &seen), "");
    let (_, _, seen) = subscribe(&tree, supervisor);
    tree.end("1", atom("boom"));
    assert!(!is_alive(supervisor));
    assert_eq!(
        take(&tree, &seen),
        "terminated '1' boom, limit '1' boom 1, terminated '3' shutdown, terminated '2' shutdown"
    );
}

#[test]
fn a_dynamic_supervisor_tells_by_id_which_child_was_restarted() {
    let tree = Tree::new();
    let supervisor = start(&tree, DynamicSpec { unique_ids: true, max_restarts: 2, ..DynamicSpec::default() });
    let (_, _, seen) = subscribe(&tree, supervisor);
    let fails_once = |context: &mut Context, attempt: usize| {
        if attempt == 2 { context.stop(atom("nope")) } else { READY }
    };
    add(supervisor, tree.worker_with("a", fails_once));
    tree.end("a", atom("boom"));
    // The attempt that failed is in the history; what is told is that it is up again, and why it was not.
    assert_eq!(take(&tree, &seen), "started a, terminated a boom, restarted a nope 2");
    let worker = ChildSpec { restart: Restart::Temporary, ..tree.worker("b") };
    add(supervisor, worker);
    tree.end("b", atom("boom"));
    supervisor::terminate_child(supervisor, &atom("a")).unwrap();
    assert_eq!(take(&tree, &seen), "started b, terminated b boom, terminated a shutdown");
    add(supervisor, tree.worker("c"));
    tree.end("c", atom("boom"));
    assert_eq!(take(&tree, &seen), "started c, terminated c boom, limit c boom 1");
    assert!(!is_alive(supervisor));
    assert_eq!(supervisor::subscribe(tree.start(tree.spec())), Err(Error::NoIdentity), "a thread that did not enter");
}
