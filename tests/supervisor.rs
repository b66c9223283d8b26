//! Supervisors: the pure rules as tables, and the state machine on a runtime with a manual clock.

mod common;

use common::tree::{Tree, Worker, child, stopped, which};
use common::{Closures, Runtime, atom};
use regrow::process::{self, ChildStart, Error, LogLevel, Message, Outcome, Spawned, Startable, exit_signal, is_alive};
use regrow::runtime::{self, Options};
use regrow::server::{Context, IGNORE, NOREPLY, READY};
use regrow::supervisor::{self, ChildCount, ChildSpec, Intensity, Restart, Shutdown, Strategy, SupervisorSpec, plan};
use regrow::term::{Pid, Term, atoms};
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex};

// ---- the pure files ----

#[test]
fn a_plan_stops_the_newest_first_and_starts_the_oldest_first() {
    use Restart::*;
    use Strategy::*;
    // Strategy, restart types of children 1, 2, 3, the one that failed; what is stopped, what is started.
    type Case<'a> = (Strategy, [Restart; 3], usize, &'a [usize], &'a [usize]);
    let cases: &[Case] = &[
        // OTP: "one_for_one - If one child process terminates and is to be restarted, only that process is affected."
        (OneForOne, [Permanent; 3], 1, &[], &[1]),
        (OneForOne, [Permanent; 3], 2, &[], &[2]),
        (OneForOne, [Permanent, Temporary, Permanent], 3, &[], &[3]),
        // OTP: "one_for_all - ... all other child processes are terminated and then all are restarted."
        (OneForAll, [Permanent; 3], 1, &[3, 2], &[1, 2, 3]),
        (OneForAll, [Permanent; 3], 2, &[3, 1], &[1, 2, 3]),
        (OneForAll, [Permanent; 3], 3, &[2, 1], &[1, 2, 3]),
        (OneForAll, [Permanent, Temporary, Transient], 1, &[3, 2], &[1, 3]),
        // OTP: "rest_for_one - ... the rest (those after it in start order) are terminated" and restarted with it.
        (RestForOne, [Permanent; 3], 1, &[3, 2], &[1, 2, 3]),
        (RestForOne, [Permanent; 3], 2, &[3], &[2, 3]),
        (RestForOne, [Permanent; 3], 3, &[], &[3]),
        (RestForOne, [Temporary, Permanent, Temporary], 2, &[3], &[2]),
    ];
    for (strategy, restarts, failed, stop, start) in cases {
        let all = restarts.iter().enumerate().map(|(index, &restart)| (index + 1, restart));
        let reach = supervisor::reach(*strategy, *failed);
        let reached = all.filter(|(key, _)| std::ops::RangeBounds::contains(&reach, key));
        let plan = plan(reached, *failed);
        assert_eq!((&plan.stop[..], &plan.start[..]), (*stop, *start), "{strategy:?} {restarts:?} {failed}");
    }
}

#[test]
fn as_many_restarts_as_allowed_happen_and_one_more_is_too_many() {
    // Most restarts, period in ms; times in ms and whether each is allowed. OTP: "If more than MaxR number of restarts
    // occur in the last MaxT seconds, the supervisor terminates".
    type Case<'a> = (u32, u32, &'a [(u64, bool)]);
    let cases: &[Case] = &[
        (0, 5_000, &[(0, false)]),
        (1, 5_000, &[(0, true), (0, false)]),
        (3, 5_000, &[(0, true), (1, true), (2, true), (3, false)]),
        (2, 1_000, &[(0, true), (1_100, true), (2_200, true), (3_300, true), (4_400, true), (5_500, true)]),
        (2, 1_000, &[(0, true), (500, true), (1_000, false)]),
        (2, 1_000, &[(0, true), (500, true), (1_001, true), (1_400, false)]),
        (1, 600_000, &[(0, true), (600_001, true), (700_000, false)]),
    ];
    for (max, period, times) in cases {
        let mut intensity = Intensity::new(*max, *period);
        for (index, (time, allowed)) in times.iter().enumerate() {
            assert_eq!(intensity.add(time * 1_000_000), *allowed, "{max}/{period}: restart {index} at {time}");
        }
    }
}

#[test]
fn a_spec_with_a_duplicate_id_or_no_period_is_refused_with_otps_term() {
    let tree = Tree::new();
    let spec = SupervisorSpec { children: vec![tree.worker("a"), tree.worker("b"), tree.worker("a")], ..tree.spec() };
    assert_eq!(spec.check().unwrap_err().to_string(), "{start_spec,{duplicate_child_name,a}}");
    assert_eq!(tree.try_start(spec).unwrap_err().reason().to_string(), "{start_spec,{duplicate_child_name,a}}");
    let spec = SupervisorSpec { period_ms: 0, ..tree.spec() };
    assert_eq!(spec.check().unwrap_err().to_string(), "{supervisor_data,{invalid_period,0}}");
    // 1 and 1.0 are two ids.
    let mut other = tree.worker("b");
    other.id = Term::float(1.0);
    let mut one = tree.worker("a");
    one.id = Term::int(1);
    assert_eq!(SupervisorSpec { children: vec![one, other], ..tree.spec() }.check(), Ok(()));
    assert_eq!(tree.log(), "");
}

// ---- strategies: the logs that OTP gives ----

#[test]
fn each_strategy_gives_otps_log_for_each_child() {
    use Strategy::*;
    let cases = [
        (OneForOne, "1", "T1 S1"),
        (OneForOne, "2", "T2 S2"),
        (OneForOne, "3", "T3 S3"),
        (OneForAll, "1", "T1 T3 T2 S1 S2 S3"),
        (OneForAll, "2", "T2 T3 T1 S1 S2 S3"),
        (OneForAll, "3", "T3 T2 T1 S1 S2 S3"),
        (RestForOne, "1", "T1 T3 T2 S1 S2 S3"),
        (RestForOne, "2", "T2 T3 S2 S3"),
        (RestForOne, "3", "T3 S3"),
    ];
    for (strategy, failed, log) in cases {
        let tree = Tree::new();
        let supervisor = tree.start(tree.three(strategy));
        assert_eq!(tree.log(), "S1 S2 S3");
        tree.end(failed, atom("boom"));
        assert_eq!(tree.log(), log, "{strategy:?} {failed}");
        assert_eq!(which(supervisor), "'3'/+ '2'/+ '1'/+");
        stopped(supervisor);
        tree.settle();
        assert_eq!(tree.log(), "T3 T2 T1");
        assert!(!is_alive(supervisor));
    }
}

#[test]
fn a_temporary_sibling_is_stopped_and_forgotten() {
    for strategy in [Strategy::OneForAll, Strategy::RestForOne] {
        let tree = Tree::new();
        let mut spec = tree.three(strategy);
        spec.children[1].restart = Restart::Temporary;
        spec.children[2].restart = Restart::Transient;
        let supervisor = tree.start(spec);
        tree.log();
        tree.end("1", atom("boom"));
        assert_eq!(tree.log(), "T1 T3 T2 S1 S3");
        assert_eq!(which(supervisor), "'3'/+ '1'/+");
    }
}

#[test]
fn siblings_that_had_been_stopped_come_up_with_the_others() {
    let tree = Tree::new();
    let supervisor = tree.start(tree.three(Strategy::RestForOne));
    supervisor::terminate_child(supervisor, &atom("1")).unwrap();
    supervisor::terminate_child(supervisor, &atom("3")).unwrap();
    tree.log();
    tree.end("2", atom("boom"));
    assert_eq!(tree.log(), "T2 S2 S3");
    assert_eq!(which(supervisor), "'3'/+ '2'/+ '1'/undefined");
}

#[test]
fn a_child_added_later_takes_part_in_the_strategy() {
    let tree = Tree::new();
    let supervisor = tree.start(tree.three(Strategy::OneForAll));
    supervisor::start_child(supervisor, tree.worker("4")).unwrap();
    tree.log();
    tree.end("2", atom("boom"));
    assert_eq!(tree.log(), "T2 T4 T3 T1 S1 S2 S3 S4");
}

#[test]
fn which_ends_are_followed_by_a_restart() {
    use Restart::*;
    let detailed = || Term::tuple_of([atom("shutdown"), Term::int(1)]);
    let reasons = [atom("normal"), atom("shutdown"), detailed(), atom("boom"), atom("kill")];
    let cases = [(Permanent, [true; 5]), (Transient, [false, false, false, true, true]), (Temporary, [false; 5])];
    for (restart, restarted) in cases {
        for (reason, restarted) in reasons.iter().zip(restarted) {
            let tree = Tree::new();
            let mut spec = tree.worker("a");
            spec.restart = restart;
            let supervisor = tree.start(SupervisorSpec { children: vec![spec], ..tree.spec() });
            match reason.is_atom(atoms::KILL) {
                true => tree.kill("a"),
                false => tree.end("a", reason.clone()),
            }
            let expected = match (restarted, restart) {
                (true, _) => "a/+",
                (false, Temporary) => "",
                (false, _) => "a/undefined",
            };
            assert_eq!(which(supervisor), expected, "{restart:?} {reason}");
        }
    }
}

// ---- intensity ----

#[test]
fn one_crash_too_many_stops_the_rest_in_reverse_and_ends_with_shutdown() {
    let tree = Tree::new();
    let supervisor = tree.start(SupervisorSpec { max_restarts: 3, ..tree.three(Strategy::OneForOne) });
    let end = tree.watch(supervisor);
    tree.log();
    for _ in 0..4 {
        tree.end("2", atom("boom"));
    }
    assert_eq!(tree.log(), "T2 S2 T2 S2 T2 S2 T2 T3 T1");
    assert_eq!(end.lock().unwrap().as_deref(), Some("shutdown"));
}

#[test]
fn a_restart_that_fails_counts_and_is_tried_again_until_the_limit() {
    let tree = Tree::new();
    let fails = tree.worker_with("2", |context, attempt| match attempt {
        1 => READY,
        _ => context.stop(atom("nope")),
    });
    let children = vec![tree.worker("1"), fails];
    let supervisor = tree.start(SupervisorSpec { max_restarts: 3, children, ..tree.spec() });
    let end = tree.watch(supervisor);
    tree.log();
    tree.end("2", atom("boom"));
    assert_eq!(tree.log(), "T2 S2 S2 S2 T1");
    assert_eq!(end.lock().unwrap().as_deref(), Some("shutdown"));
}

#[test]
fn the_window_of_the_intensity_slides() {
    let tree = Tree::new();
    let children = vec![tree.worker("a")];
    let spec = SupervisorSpec { max_restarts: 2, period_ms: 1_000, children, ..tree.spec() };
    let supervisor = tree.start(spec);
    for _ in 0..6 {
        tree.kill("a");
        tree.advance(1_100);
    }
    assert_eq!(which(supervisor), "a/+");
    for _ in 0..3 {
        tree.kill("a");
    }
    assert!(!is_alive(supervisor));
}

#[test]
fn a_supervisor_that_gave_up_is_one_restart_for_its_parent_and_a_transient_one_stays_down() {
    for (restart, left) in [(Restart::Permanent, "low/+"), (Restart::Transient, "low/undefined")] {
        let tree = Tree::new();
        let low = SupervisorSpec { max_restarts: 0, children: vec![tree.worker("a")], ..tree.spec() };
        let mut low = child("low", low);
        low.restart = restart;
        let supervisor = tree.start(SupervisorSpec { max_restarts: 1, children: vec![low], ..tree.spec() });
        tree.kill("a");
        assert_eq!(which(supervisor), left);
    }
}

// ---- starting ----

#[test]
fn a_child_that_fails_to_start_has_those_before_it_stopped_again() {
    let tree = Tree::new();
    let fails = tree.worker_with("3", |context, _| context.stop(atom("nope")));
    let children = vec![tree.worker("1"), tree.worker("2"), fails, tree.worker("4")];
    let refused = tree.try_start(SupervisorSpec { children, ..tree.spec() }).unwrap_err();
    assert_eq!(refused.reason().to_string(), "{shutdown,{failed_to_start_child,'3',nope}}");
    assert_eq!(tree.log(), "S1 S2 S3 T2 T1");
}

#[test]
fn a_failing_leaf_is_named_as_deep_as_it_lies() {
    let tree = Tree::new();
    let leaf = tree.worker_with("leaf", |context, _| context.stop(atom("nope")));
    let low = SupervisorSpec { children: vec![leaf], ..tree.spec() };
    let refused = tree.try_start(SupervisorSpec { children: vec![child("low", low)], ..tree.spec() }).unwrap_err();
    let low = "{shutdown,{failed_to_start_child,leaf,nope}}";
    assert_eq!(refused.reason().to_string(), format!("{{shutdown,{{failed_to_start_child,low,{low}}}}}"));
}

#[test]
fn a_child_whose_name_is_taken_fails_and_the_holder_is_told_of() {
    let tree = Tree::new();
    let holder = tree.runtime.spawn(Closures::default());
    process::register(&tree.runtime.0, holder, "taken").unwrap();
    let mut named = tree.worker("a");
    named.start.name = Some("taken".into());
    let taken = Term::tuple_of([atom("already_started"), Term::pid(holder)]);
    let supervisor = tree.start(tree.spec());
    assert_eq!(supervisor::start_child(supervisor, named.clone()), Err(Error::Exists(taken.clone())));
    assert_eq!(which(supervisor), "");
    let refused = tree.try_start(SupervisorSpec { children: vec![named], ..tree.spec() }).unwrap_err();
    assert_eq!(refused.reason().to_string(), format!("{{shutdown,{{failed_to_start_child,a,{taken}}}}}"));
    assert_eq!(tree.log(), "");
}

#[test]
fn ignore_keeps_the_spec_unless_the_child_is_temporary() {
    let tree = Tree::new();
    let ignores = |name| tree.worker_with(name, |_, _| IGNORE);
    let mut temporary = ignores("b");
    temporary.restart = Restart::Temporary;
    let children = vec![ignores("a"), temporary.clone(), tree.worker("c")];
    let supervisor = tree.start(SupervisorSpec { children, ..tree.spec() });
    assert_eq!(which(supervisor), "c/+ a/undefined");
    assert_eq!(supervisor::start_child(supervisor, ignores("x")), Ok(None));
    assert_eq!(supervisor::start_child(supervisor, temporary), Ok(None));
    assert_eq!(which(supervisor), "x/undefined c/+ a/undefined");
    assert_eq!(supervisor::restart_child(supervisor, &atom("a")), Ok(None));
    assert_eq!(supervisor::delete_child(supervisor, &atom("a")), Ok(()));
    assert_eq!(which(supervisor), "x/undefined c/+");
}

#[test]
fn a_child_that_ignores_its_restart_is_done_and_its_spec_stays() {
    let tree = Tree::new();
    let once = tree.worker_with("a", |_, attempt| if attempt == 2 { IGNORE } else { READY });
    let supervisor = tree.start(SupervisorSpec { children: vec![once], ..tree.spec() });
    tree.kill("a");
    assert_eq!(which(supervisor), "a/undefined");
    assert!(supervisor::restart_child(supervisor, &atom("a")).unwrap().is_some());
}

#[test]
fn the_init_hook_runs_before_the_children_and_decides() {
    let tree = Tree::new();
    let with = |hook: &'static (dyn Fn(&mut Context) -> regrow::server::Next + Send + Sync)| {
        let log = tree.log.clone();
        let init = Arc::new(move |context: &mut Context, _: &Term, _: Option<&mut Vec<ChildSpec>>| {
            // It may wait.
            process::sleep(None, 0).unwrap();
            log.lock().unwrap().push("hook".into());
            hook(context)
        });
        SupervisorSpec { children: vec![tree.worker("a")], init: Some(init), ..tree.spec() }
    };
    tree.start(with(&|_| READY));
    assert_eq!(tree.log(), "hook Sa");
    assert_eq!(tree.try_start(with(&|_| IGNORE)), Err(Error::Ignored));
    assert_eq!(tree.try_start(with(&|context| context.stop(atom("no")))), Err(Error::Start(atom("no"))));
    assert_eq!(tree.try_start(with(&|_| 0)), Err(Error::Start(atom("bad_return_value"))));
    assert_eq!(
        tree.try_start(with(&|_| panic!("on purpose"))).unwrap_err().reason().to_string(),
        Term::tuple_of([atom("panic"), Term::text("on purpose")]).to_string()
    );
    assert_eq!(tree.log(), "hook hook hook hook");
}

#[test]
fn an_init_that_outlives_its_time_fails_with_timeout() {
    let tree = Tree::new();
    let hangs = Worker {
        init: Arc::new(|_, attempt| {
            if attempt == 1 {
                let _ = process::receive(None, |_| false);
            }
            READY
        }),
        timeout: Some(50),
        ..tree.bare("a")
    };
    let supervisor = tree.start(tree.spec());
    let pending = supervisor::start_child_async(supervisor, child("a", hangs.clone())).unwrap();
    tree.settle();
    assert_eq!(pending.wait(Some(0)).err(), Some(Error::Timeout));
    tree.advance(50);
    assert!(matches!(pending.wait(Some(0)), Ok(Outcome::Failed(Error::Start(reason))) if reason == atom("timeout")));
    // The second attempt is a quick one.
    assert!(supervisor::start_child(supervisor, child("a", hangs)).unwrap().is_some());
    tree.advance(100);
    assert_eq!(which(supervisor), "a/+");
}

#[test]
fn children_that_die_at_once_are_seen_with_their_reason() {
    let tree = Tree::new();
    let dies = tree.worker_with("a", |_, _| {
        process::Process::post(process::current_pid(), Message::Cast(atom("boom"))).unwrap();
        READY
    });
    let supervisor = tree.start(SupervisorSpec { max_restarts: 1_000, children: vec![dies], ..tree.spec() });
    let end = tree.watch(supervisor);
    tree.settle();
    let log = tree.log();
    assert_eq!(log.matches("Sa").count(), 1_001);
    assert!(!is_alive(supervisor));
    assert!(matches!(end.lock().unwrap().as_deref(), Some("shutdown" | "noproc")));
}

// ---- retries ----

#[test]
fn a_supervisor_answers_between_the_attempts_of_a_failing_restart() {
    let tree = Tree::new();
    let supervisor_pid = Arc::new(Mutex::new(Pid::NONE));
    let (mine, asked) = (supervisor_pid.clone(), Mutex::new(None));
    let seen = Arc::new(Mutex::new(Vec::new()));
    let answers = seen.clone();
    let fails = tree.worker_with("a", move |context, attempt| {
        let pending: Option<process::Request> = asked.lock().unwrap().take();
        if let Some(pending) = pending
            && let Ok(Outcome::Reply(list)) = pending.wait(Some(0))
        {
            let entry = list.list_iter().next().expect("a child").as_tuple().expect("a tuple")[1].to_string();
            answers.lock().unwrap().push(entry);
        }
        if matches!(attempt, 1 | 5) {
            return READY;
        }
        let pending = supervisor::which_children_async(*mine.lock().unwrap()).unwrap();
        *asked.lock().unwrap() = Some(pending);
        context.stop(atom("nope"))
    });
    let supervisor = tree.start(SupervisorSpec { children: vec![fails], ..tree.spec() });
    *supervisor_pid.lock().unwrap() = supervisor;
    tree.kill("a");
    assert_eq!(*seen.lock().unwrap(), ["restarting"; 3]);
    assert_eq!(which(supervisor), "a/+");
}

#[test]
fn a_child_that_is_being_restarted_can_be_given_up() {
    let tree = Tree::new();
    let supervisor_pid = Arc::new(Mutex::new(Pid::NONE));
    let mine = supervisor_pid.clone();
    let results = Arc::new(Mutex::new(Vec::new()));
    let tell = results.clone();
    let fails = tree.worker_with("a", move |context, attempt| {
        if attempt == 1 {
            return READY;
        }
        // From another process, while this one's start is waited for; they are handled after it has failed.
        let (supervisor, tell) = (*mine.lock().unwrap(), tell.clone());
        let me = process::with_process(process::current_pid(), |me| me.node().clone()).expect("alive");
        let body = regrow::server::Body::new(move |_: &mut Context| {
            let id = atom("a");
            let mut results = Vec::new();
            results.push(supervisor::restart_child(supervisor, &id).unwrap_err().reason().to_string());
            tell.lock().unwrap().append(&mut results);
            regrow::server::DONE
        });
        process::spawn(&me, ChildStart::new(body)).unwrap();
        context.stop(atom("nope"))
    });
    let supervisor = tree.start(SupervisorSpec { max_restarts: 3, children: vec![fails], ..tree.spec() });
    *supervisor_pid.lock().unwrap() = supervisor;
    tree.kill("a");
    // Whenever the request came: the child was being restarted, or the supervisor had given up.
    let allowed = ["restarting", "shutdown", "noproc"];
    assert!(results.lock().unwrap().iter().all(|result| allowed.contains(&result.as_str())));
    assert!(!is_alive(supervisor));
}

#[test]
fn one_for_all_begins_anew_and_rest_for_one_goes_on_when_a_sibling_fails_on_the_way_up() {
    for (strategy, log) in
        [(Strategy::OneForAll, "T1 T3 T2 S1 S2 T1 S1 S2 S3"), (Strategy::RestForOne, "T1 T3 T2 S1 S2 S2 S3")]
    {
        let tree = Tree::new();
        let fails_once = tree.worker_with("2", |context, attempt| match attempt {
            2 => context.stop(atom("nope")),
            _ => READY,
        });
        let children = vec![tree.worker("1"), fails_once, tree.worker("3")];
        let supervisor = tree.start(SupervisorSpec { strategy, children, ..tree.spec() });
        tree.log();
        tree.end("1", atom("boom"));
        assert_eq!(tree.log(), log, "{strategy:?}");
        assert_eq!(which(supervisor), "'3'/+ '2'/+ '1'/+");
    }
}

// ---- requests ----

#[test]
fn requests_are_refused_with_otps_reasons() {
    let tree = Tree::new();
    let supervisor = tree.start(SupervisorSpec { children: vec![tree.worker("a")], ..tree.spec() });
    let (a, x) = (atom("a"), atom("x"));
    let reason = |error: Error| error.reason().to_string();
    let pid = tree.pid("a");
    let started = format!("{{already_started,{}}}", Term::pid(pid));
    assert_eq!(reason(supervisor::start_child(supervisor, tree.worker("a")).unwrap_err()), started);
    assert_eq!(reason(supervisor::restart_child(supervisor, &a).unwrap_err()), "running");
    assert_eq!(reason(supervisor::delete_child(supervisor, &a).unwrap_err()), "running");
    for result in [
        supervisor::restart_child(supervisor, &x).map(|_| ()),
        supervisor::delete_child(supervisor, &x),
        supervisor::terminate_child(supervisor, &x),
        supervisor::get_childspec(supervisor, &x).map(|_| ()),
    ] {
        assert_eq!(result, Err(Error::NotFound));
    }
    assert_eq!(supervisor::terminate_child(supervisor, &a), Ok(()));
    assert!(!is_alive(pid));
    assert_eq!(supervisor::terminate_child(supervisor, &a), Ok(()));
    assert_eq!(reason(supervisor::start_child(supervisor, tree.worker("a")).unwrap_err()), "already_present");
    assert!(supervisor::restart_child(supervisor, &a).unwrap().is_some());
    assert_eq!(supervisor::terminate_child(supervisor, &a), Ok(()));
    assert_eq!(supervisor::delete_child(supervisor, &a), Ok(()));
    assert_eq!(which(supervisor), "");
}

#[test]
fn a_start_that_fails_leaves_nothing_behind() {
    let tree = Tree::new();
    let supervisor = tree.start(tree.spec());
    let twice = tree.worker_with("x", |context, attempt| match attempt {
        1 => context.stop(atom("boom")),
        _ => READY,
    });
    assert_eq!(supervisor::start_child(supervisor, twice.clone()), Err(Error::Start(atom("boom"))));
    assert_eq!(which(supervisor), "");
    assert!(supervisor::start_child(supervisor, twice).unwrap().is_some());
}

#[test]
fn a_failing_restart_child_is_not_tried_again_and_does_not_count() {
    let tree = Tree::new();
    let fails = tree.worker_with("a", |context, attempt| match attempt {
        1 | 5 => READY,
        _ => context.stop(atom("nope")),
    });
    let supervisor = tree.start(SupervisorSpec { max_restarts: 1, children: vec![fails], ..tree.spec() });
    supervisor::terminate_child(supervisor, &atom("a")).unwrap();
    for _ in 0..3 {
        assert_eq!(supervisor::restart_child(supervisor, &atom("a")), Err(Error::Start(atom("nope"))));
    }
    assert_eq!(which(supervisor), "a/undefined");
    assert!(supervisor::restart_child(supervisor, &atom("a")).unwrap().is_some());
}

#[test]
fn children_are_counted_and_described() {
    let tree = Tree::new();
    let low = child("low", tree.spec());
    let mut ms = tree.worker("a");
    ms.shutdown = Shutdown::Ms(70);
    ms.restart = Restart::Transient;
    let mut brutal = tree.worker("b");
    brutal.shutdown = Shutdown::BrutalKill;
    let supervisor = tree.start(SupervisorSpec { children: vec![ms, brutal, low], ..tree.spec() });
    supervisor::terminate_child(supervisor, &atom("b")).unwrap();
    let count = ChildCount { specs: 3, active: 2, supervisors: 1, workers: 2 };
    assert_eq!(supervisor::count_children(supervisor), Ok(count));
    let described = |id| supervisor::get_childspec(supervisor, &atom(id)).unwrap();
    let field = |map: &Term, key| map.as_map().unwrap().get(&atom(key)).unwrap().to_string();
    let cases = [
        ("a", ["a", "transient", "70", "worker", "server"]),
        ("b", ["b", "permanent", "brutal_kill", "worker", "server"]),
        ("low", ["low", "permanent", "infinity", "supervisor", "supervisor"]),
    ];
    for (id, fields) in cases {
        let map = described(id);
        let found = ["id", "restart", "shutdown", "type", "kind"].map(|key| field(&map, key));
        assert_eq!(found, fields);
    }
    assert!(supervisor::which_children(supervisor).unwrap().to_string().contains("supervisor,supervisor"));
}

#[test]
fn a_process_of_another_kind_is_refused_and_a_dead_one_is_too() {
    let tree = Tree::new();
    let server = tree.runtime.spawn(Closures::default());
    assert_eq!(supervisor::which_children(server), Err(Error::WrongKind));
    assert_eq!(supervisor::start_child(server, tree.worker("a")), Err(Error::WrongKind));
    assert!(matches!(supervisor::which_children_async(server), Err(Error::WrongKind)));
    let supervisor = tree.start(tree.spec());
    assert_eq!(common::call(supervisor, atom("ping"), 1_000), Err(Error::WrongKind));
    stopped(supervisor);
    tree.settle();
    assert_eq!(supervisor::which_children(supervisor), Err(Error::NoProcess));
}

#[test]
fn asking_a_supervisor_that_waits_for_the_asker_would_deadlock() {
    let tree = Tree::new();
    let asked = Arc::new(Mutex::new(Vec::new()));
    let tell = asked.clone();
    let leaf = tree.worker_with("leaf", move |_, _| {
        let mut pid = process::current_pid();
        // Its parent, and its parent's parent.
        for _ in 0..2 {
            pid = process::with_process(pid, |process| process.parent()).unwrap();
            tell.lock().unwrap().push(supervisor::which_children(pid).err());
        }
        READY
    });
    let low = SupervisorSpec { children: vec![leaf], ..tree.spec() };
    tree.start(SupervisorSpec { children: vec![child("low", low)], ..tree.spec() });
    let deadlock = || Some(Error::WouldDeadlock);
    assert_eq!(*asked.lock().unwrap(), [deadlock(), deadlock()]);
    // Once the upper one is up, only the lower one waits.
    tree.kill("leaf");
    assert_eq!(*asked.lock().unwrap(), [deadlock(), deadlock(), deadlock(), None]);
}

// ---- stopping ----

#[test]
fn children_are_stopped_as_their_shutdown_says() {
    let tree = Tree::new();
    let supervisor = tree.start(tree.spec());
    let slow = |name, shutdown| {
        let mut spec = child(
            name,
            Worker {
                ending: Arc::new(|| {
                    let _ = process::sleep(None, 300);
                }),
                ..tree.bare(name)
            },
        );
        spec.shutdown = shutdown;
        spec
    };
    // Shutdown; how long it takes; whether terminate is called; the reason of the end.
    let cases = [
        ("brutal", Shutdown::BrutalKill, 0, "", "killed"),
        ("short", Shutdown::Ms(20), 20, "Tshort", "killed"),
        ("long", Shutdown::Ms(1_000), 300, "Tlong", "shutdown"),
        ("infinity", Shutdown::Infinity, 300, "Tinfinity", "shutdown"),
    ];
    for (name, shutdown, ms, log, reason) in cases {
        supervisor::start_child(supervisor, slow(name, shutdown)).unwrap();
        let end = tree.watch(tree.pid(name));
        tree.log();
        let stopping = std::thread::spawn(move || supervisor::terminate_child(supervisor, &atom(name)));
        while ms > 0 && tree.runtime.0.next_due().is_none() {
            std::thread::yield_now();
        }
        if ms > 0 {
            tree.advance(ms - 1);
            assert!(end.lock().unwrap().is_none(), "{name} has ended early");
            tree.advance(1);
        }
        stopping.join().unwrap().unwrap();
        tree.settle();
        assert_eq!(tree.log(), log);
        assert_eq!(end.lock().unwrap().as_deref(), Some(reason), "{name}");
        tree.advance(1_000);
    }
}

#[test]
fn children_that_take_their_time_are_stopped_one_after_the_other() {
    let tree = Tree::new();
    let slow = |name| {
        child(
            name,
            Worker {
                ending: Arc::new(|| {
                    let _ = process::sleep(None, 100);
                }),
                ..tree.bare(name)
            },
        )
    };
    let children = ["1", "2", "3", "4", "5"].map(slow).into();
    let supervisor = tree.start(SupervisorSpec { children, ..tree.spec() });
    tree.log();
    stopped(supervisor);
    tree.advance(499);
    assert!(is_alive(supervisor));
    tree.advance(1);
    assert!(!is_alive(supervisor));
    assert_eq!(tree.log(), "T5 T4 T3 T2 T1");
}

#[test]
fn a_child_that_unlinked_itself_is_stopped_all_the_same() {
    let tree = Tree::new();
    let unlinks = |name| {
        tree.worker_with(name, |_, _| {
            let me = process::current().expect("a callback");
            process::unlink(me.parent()).unwrap();
            READY
        })
    };
    let supervisor = tree.start(SupervisorSpec { children: vec![unlinks("a"), unlinks("b")], ..tree.spec() });
    tree.log();
    assert_eq!(supervisor::terminate_child(supervisor, &atom("a")), Ok(()));
    // An exit signal from one who is no longer linked still comes from the parent.
    assert_eq!(tree.log(), "Ta");
    tree.kill("b");
    // Nobody noticed; but it is not counted as alive.
    assert_eq!(which(supervisor), "b/- a/undefined");
    assert_eq!(supervisor::count_children(supervisor).unwrap().active, 0);
    assert_eq!(supervisor::terminate_child(supervisor, &atom("b")), Ok(()));
    assert_eq!(which(supervisor), "b/undefined a/undefined");
}

#[test]
fn a_supervisor_obeys_its_parent_whatever_the_reason_and_nobody_else() {
    for reason in ["normal", "boom", "shutdown"] {
        let tree = Tree::new();
        let supervisor = tree.start(SupervisorSpec { children: vec![tree.worker("a")], ..tree.spec() });
        let end = tree.watch(supervisor);
        tree.log();
        // Not its parent; nor a message that it does not know.
        let stranger = tree.runtime.spawn(Closures {
            cast: Box::new(move |_, reason| {
                process::exit_signal(supervisor, reason.clone()).unwrap();
                process::link(supervisor).unwrap();
                NOREPLY
            }),
            ..Closures::default()
        });
        process::Process::post(stranger, Message::Cast(atom(reason))).unwrap();
        process::send(supervisor, atom("hello")).unwrap();
        tree.settle();
        exit_signal(stranger, atom("kill")).unwrap();
        tree.settle();
        assert_eq!(which(supervisor), "a/+");
        // This thread started it, and has no pid: it is its parent.
        exit_signal(supervisor, atom(reason)).unwrap();
        tree.settle();
        assert_eq!(tree.log(), "Ta");
        assert_eq!(end.lock().unwrap().as_deref(), Some(reason));
    }
}

#[test]
fn a_killed_supervisor_takes_its_tree_along_and_its_parent_makes_another() {
    let tree = Tree::new();
    let low = SupervisorSpec { children: vec![tree.worker("c"), tree.worker("d")], ..tree.spec() };
    let middle = SupervisorSpec { children: vec![tree.worker("a"), child("low", low)], ..tree.spec() };
    let mut middle = child("middle", middle);
    middle.start.name = Some("middle".into());
    let supervisor = tree.start(SupervisorSpec { children: vec![middle], ..tree.spec() });
    let find = || process::whereis(&tree.runtime.0, "middle").expect("it is there");
    for _ in 0..5 {
        let before = find();
        let olds = ["a", "c", "d"].map(|name| tree.pid(name));
        exit_signal(before, atom("kill")).unwrap();
        tree.settle();
        assert_ne!(find(), before);
        assert!(!olds.into_iter().any(is_alive));
        assert_eq!(which(find()), "low/+ a/+");
    }
    assert_eq!(which(supervisor), "middle/+");
}

#[test]
fn a_synchronous_stop_ends_with_its_reason_after_the_children() {
    let tree = Tree::new();
    let supervisor = tree.start(tree.three(Strategy::OneForOne));
    tree.log();
    assert_eq!(process::stop(supervisor, atom("bye"), Some(5_000)), Ok(()));
    assert_eq!(tree.log(), "T3 T2 T1");
    assert_eq!(process::stop(supervisor, atom("bye"), Some(5_000)), Err(Error::NoProcess));
}

#[test]
fn a_suspended_supervisor_restarts_nobody_until_it_is_resumed() {
    let tree = Tree::new();
    let supervisor = tree.start(tree.three(Strategy::OneForOne));
    regrow::server::suspend(supervisor, Some(5_000)).unwrap();
    tree.log();
    tree.end("2", atom("boom"));
    assert_eq!(tree.log(), "T2");
    regrow::server::resume(supervisor, Some(5_000)).unwrap();
    tree.settle();
    assert_eq!(tree.log(), "S2");
}

// ---- in the middle ----

#[test]
fn an_init_that_hangs_does_not_hold_up_a_supervisor_that_is_told_to_end() {
    let tree = Tree::new();
    let hangs = || {
        tree.worker_with("hang", |_, _| {
            let _ = process::receive(None, |_| false);
            READY
        })
    };
    // Two levels: the upper one hurries the lower one, which gives the init its shutdown time.
    let low = SupervisorSpec { children: vec![tree.worker("b"), hangs()], ..tree.spec() };
    let supervisor = tree.spawn(SupervisorSpec { children: vec![tree.worker("a"), child("low", low)], ..tree.spec() });
    let end = tree.watch(supervisor);
    tree.settle();
    assert_eq!(tree.log(), "Sa Sb Shang");
    stopped(supervisor);
    tree.advance(4_999);
    assert!(is_alive(supervisor));
    tree.advance(1);
    assert_eq!(tree.log(), "Tb Ta");
    let low = "{shutdown,{failed_to_start_child,hang,timeout}}";
    let reason = format!("{{shutdown,{{failed_to_start_child,low,{low}}}}}");
    assert_eq!(end.lock().unwrap().as_deref(), Some(reason.as_str()));
}

#[test]
fn the_parents_exit_is_obeyed_after_what_is_under_way() {
    let tree = Tree::new();
    // The init of 2 ends the supervisor: 3 is started all the same, as in OTP, and then all are stopped.
    let ends = tree.worker_with("2", |_, _| {
        let me = process::current().expect("a callback");
        let supervisor = me.parent();
        std::thread::spawn(move || exit_signal(supervisor, atom("shutdown")).unwrap()).join().unwrap();
        READY
    });
    let children = vec![tree.worker("1"), ends, tree.worker("3")];
    let supervisor = tree.start(SupervisorSpec { children, ..tree.spec() });
    tree.settle();
    assert_eq!(tree.log(), "S1 S2 S3 T3 T2 T1");
    assert!(!is_alive(supervisor));
}

#[test]
fn a_child_killed_in_its_init_fails_the_start() {
    let tree = Tree::new();
    let hangs = tree.worker_with("a", |_, _| {
        let _ = process::receive(None, |_| false);
        READY
    });
    let supervisor = tree.start(tree.spec());
    let pending = supervisor::start_child_async(supervisor, hangs).unwrap();
    // Asked meanwhile, answered afterwards.
    let children = supervisor::which_children_async(supervisor).unwrap();
    tree.settle();
    assert_eq!(children.wait(Some(0)).err(), Some(Error::Timeout));
    let inside = tree
        .runtime
        .0
        .all_processes()
        .into_iter()
        .find(|&pid| process::with_process(pid, |process| process.parent() == supervisor) == Some(true));
    exit_signal(inside.expect("it is on its way"), atom("kill")).unwrap();
    tree.settle();
    assert!(matches!(pending.wait(Some(0)), Ok(Outcome::Failed(Error::Start(reason))) if reason == atom("killed")));
    assert!(matches!(children.wait(Some(0)), Ok(Outcome::Reply(list)) if list.is_nil()));
}

#[test]
fn whoever_waits_for_a_supervisor_hears_of_its_end() {
    let tree = Tree::new();
    let hangs = tree.worker_with("a", |_, _| {
        let _ = process::receive(None, |_| false);
        READY
    });
    let supervisor = tree.start(tree.spec());
    let first = supervisor::start_child_async(supervisor, hangs).unwrap();
    let second = supervisor::which_children_async(supervisor).unwrap();
    tree.settle();
    exit_signal(supervisor, atom("kill")).unwrap();
    for pending in [first, second] {
        assert!(matches!(pending.wait(Some(0)), Ok(Outcome::Died(reason)) if reason == atom("killed")));
    }
}

#[test]
fn requests_wait_their_turn_while_a_child_is_stopped() {
    let tree = Tree::new();
    let slow = child(
        "slow",
        Worker {
            ending: Arc::new(|| {
                let _ = process::sleep(None, 300);
            }),
            ..tree.bare("slow")
        },
    );
    let children = vec![tree.worker("a"), slow];
    let supervisor = tree.start(SupervisorSpec { strategy: Strategy::OneForAll, children, ..tree.spec() });
    tree.log();
    tree.kill("a");
    let pending = supervisor::which_children_async(supervisor).unwrap();
    tree.settle();
    assert_eq!(pending.wait(Some(0)).err(), Some(Error::Timeout));
    tree.advance(300);
    assert_eq!(tree.log(), "Tslow Sa Sslow");
    assert!(matches!(pending.wait(Some(0)), Ok(Outcome::Reply(_))));
}

#[test]
fn trees_may_be_deep() {
    let tree = Tree::new();
    let mut spec = SupervisorSpec { children: vec![tree.worker("leaf")], ..tree.spec() };
    for _ in 0..50 {
        spec = SupervisorSpec { children: vec![child("low", spec)], ..tree.spec() };
    }
    let supervisor = tree.start(spec);
    tree.kill("leaf");
    assert!(is_alive(tree.pid("leaf")));
    stopped(supervisor);
    tree.settle();
    assert!(!is_alive(supervisor) && !is_alive(tree.pid("leaf")));
}

#[test]
fn a_group_of_ten_thousand_goes_down_and_comes_up_again() {
    let tree = Tree::new();
    let one = tree.bare("w");
    let children = (0..10_000).map(|number| ChildSpec { id: Term::int(number), ..child("w", one.clone()) });
    let spec = SupervisorSpec { strategy: Strategy::OneForAll, children: children.collect(), ..tree.spec() };
    let supervisor = tree.start(spec);
    tree.kill("w");
    let count = supervisor::count_children(supervisor).unwrap();
    assert_eq!((count.specs, count.active), (10_000, 10_000));
    assert_eq!(one.starts.load(Ordering::SeqCst), 20_000);
}

#[test]
fn a_tree_with_names_comes_back_at_once_after_its_supervisor_was_killed() {
    let tree = Tree::new();
    let named = |name: &'static str, mut spec: ChildSpec| {
        spec.start.name = Some(name.into());
        spec
    };
    let low = SupervisorSpec { children: vec![named("leaf", tree.worker("leaf"))], ..tree.spec() };
    let spec =
        SupervisorSpec { children: vec![named("a", tree.worker("a")), named("low", child("low", low))], ..tree.spec() };
    for _ in 0..common::rounds(1_000) {
        let supervisor = tree.start(spec.clone());
        exit_signal(supervisor, atom("kill")).unwrap();
        // Whoever finds it dead finds the names of all below it free, although they are still ending.
        while is_alive(supervisor) {
            std::thread::yield_now();
        }
    }
    tree.settle();
    assert!(["a", "low", "leaf"].iter().all(|&name| process::whereis(&tree.runtime.0, name).is_none()));
}

#[test]
fn kills_and_requests_from_many_threads_leave_a_whole_tree() {
    let runtime = Runtime::new();
    let log: Arc<Mutex<Vec<String>>> = Arc::default();
    let tree = Tree { runtime, log, pids: Arc::default() };
    for strategy in [Strategy::OneForOne, Strategy::OneForAll, Strategy::RestForOne] {
        let names = ["1", "2", "3", "4"];
        let children = names.map(|name| tree.worker(name)).into();
        let spec = SupervisorSpec { strategy, max_restarts: u32::MAX, children, ..tree.spec() };
        let supervisor = tree.start(spec);
        std::thread::scope(|scope| {
            for thread in 0..4 {
                let tree = &tree;
                scope.spawn(move || {
                    for round in 0..common::rounds(200) {
                        let name = names[(round + thread) % 4];
                        let id = atom(name);
                        match (round / 3 + thread) % 4 {
                            0 => drop(exit_signal(tree.pid(name), atom("kill"))),
                            1 => supervisor::terminate_child(supervisor, &id).unwrap(),
                            2 => drop(supervisor::restart_child(supervisor, &id)),
                            _ => assert_eq!(supervisor::count_children(supervisor).unwrap().specs, 4),
                        }
                    }
                });
            }
        });
        tree.settle();
        for name in names {
            let restarted = supervisor::restart_child(supervisor, &atom(name));
            assert!(matches!(&restarted, Ok(Some(_)) | Err(Error::Refused(_))), "{restarted:?}");
        }
        assert_eq!(which(supervisor), "'4'/+ '3'/+ '2'/+ '1'/+");
        stopped(supervisor);
        tree.settle();
        assert!(names.iter().all(|name| !is_alive(tree.pid(name))));
    }
}

// ---- reports ----

#[test]
fn reports_say_who_what_and_why() {
    let lines = Arc::new(Mutex::new(Vec::new()));
    let tell = lines.clone();
    let options = Options {
        workers: 1,
        manual_clock: true,
        stack_size: 256 * 1024,
        max_processes: 1_000,
        log_level: LogLevel::Error as u32,
        logger: Box::new(move |_, text, report| {
            let field = |name| Some(report?.as_map()?.get(&atom(name))?.to_string());
            tell.lock().unwrap().push((text.to_string(), field("context"), field("reason"), field("id")));
        }),
        undelivered: None,
    };
    let tree = Tree::new();
    let node = runtime::start(options, &tree.spec()).unwrap();
    let fails = tree.worker_with("a", |context, attempt| match attempt {
        2 => context.stop(atom("nope")),
        _ => READY,
    });
    let spec = SupervisorSpec { max_restarts: 2, children: vec![fails], ..tree.spec() };
    let Spawned { pid: supervisor, .. } = process::spawn_and_wait(&node, spec.build(), None).unwrap();
    process::register(&node, supervisor, "tree").unwrap();
    let kill = || {
        exit_signal(tree.pid("a"), atom("kill")).unwrap();
        runtime::settle(&node, Some(10_000)).unwrap();
    };
    kill();
    kill();
    runtime::shutdown(node.root(), Some(5_000)).unwrap();
    let lines = lines.lock().unwrap();
    let contexts: Vec<_> = lines
        .iter()
        .map(|(_, context, reason, id)| {
            [context, reason, id].map(|field| field.as_deref().unwrap_or("").to_string()).join(" ")
        })
        .collect();
    let expected = [
        "child_terminated killed a",
        "start_error nope a",
        "child_terminated killed a",
        "shutdown reached_max_restart_intensity a",
    ];
    let of_supervisor: Vec<_> = contexts.iter().map(String::as_str).filter(|line| !line.starts_with(' ')).collect();
    assert_eq!(of_supervisor, expected);
    let title = format!("supervisor {} (tree): child_terminated, reason killed, child a ", Term::pid(supervisor));
    assert!(lines[0].0.starts_with(&title), "{}", lines[0].0);
}
