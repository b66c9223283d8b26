//! The room `registry`: what it tells listeners, its locks, what it keeps beside the entries, and asking by pattern.

mod common;

use common::{Closures, Runtime, atom, rounds};
use regrow::process::{self, Error, Startable};
use regrow::registry::{self, RegistrySpec};
use regrow::server::NOREPLY;
use regrow::term::{Pid, Term, atoms};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Barrier, Mutex};

/// Everything a listener heard, printed with the pids as the caller calls them.
type Heard = Arc<Mutex<Vec<Term>>>;

fn start(runtime: &Runtime, spec: RegistrySpec) -> Pid {
    process::spawn_and_wait(&runtime.0, spec.build(), Some(5_000)).expect("a registry starts").pid
}

fn listener(runtime: &Runtime, name: &str) -> Heard {
    let heard = Heard::default();
    let heard_too = heard.clone();
    let info = Box::new(move |_: &mut _, message: &Term| {
        heard_too.lock().unwrap().push(message.clone());
        NOREPLY
    });
    let pid = runtime.spawn(Closures { info, ..Closures::default() });
    process::register(&runtime.0, pid, name).unwrap();
    heard
}

fn spawn(runtime: &Runtime) -> Pid {
    runtime.spawn(Closures { info: Box::new(|context, _| context.stop(atom("boom"))), ..Closures::default() })
}

fn taken(heard: &Heard) -> Vec<String> {
    std::mem::take(&mut *heard.lock().unwrap()).iter().map(Term::to_string).collect()
}

#[test]
fn listeners_hear_of_every_entry_in_the_order_of_events() {
    let runtime = Runtime::new();
    let heard = listener(&runtime, "ears");
    let second = listener(&runtime, "more ears");
    let listeners = vec!["nobody".into(), "ears".into(), "more ears".into()];
    let reg = start(&runtime, RegistrySpec { listeners, ..Default::default() });
    let (a, b) = (spawn(&runtime), spawn(&runtime));
    let key = atom("k");
    for value in 1..=3 {
        registry::register(reg, key.clone(), a, Term::int(value)).unwrap();
    }
    registry::register(reg, key.clone(), b, Term::int(4)).unwrap();
    registry::unregister_match(reg, &key, a, &Term::int(1), None).unwrap();
    registry::unregister(reg, &key, a).unwrap();
    registry::unregister(reg, &key, a).unwrap();
    registry::unregister(reg, &atom("other"), a).unwrap();
    registry::register(reg, Term::int(7), b, Term::nil()).unwrap();
    registry::register(reg, Term::int(7), b, Term::nil()).unwrap();
    // A crash is told too; Elixir says nothing.
    process::send(b, atom("die")).unwrap();
    runtime.settle();
    let (r, a, b) = (Term::pid(reg), Term::pid(a), Term::pid(b));
    let mut told = taken(&heard);
    let mut last = told.split_off(7);
    last.sort();
    assert_eq!(
        told,
        [
            format!("{{register,{r},k,{a},1}}"),
            format!("{{register,{r},k,{a},2}}"),
            format!("{{register,{r},k,{a},3}}"),
            format!("{{register,{r},k,{b},4}}"),
            format!("{{unregister,{r},k,{a}}}"),
            format!("{{register,{r},7,{b},[]}}"),
            format!("{{register,{r},7,{b},[]}}"),
        ]
    );
    assert_eq!(last, [format!("{{unregister,{r},7,{b}}}"), format!("{{unregister,{r},k,{b}}}")]);
    assert_eq!(taken(&second).len(), 9);
}

#[test]
fn a_registry_with_a_name_is_called_by_it() {
    let runtime = Runtime::new();
    let heard = listener(&runtime, "ears");
    let spec = RegistrySpec { unique: true, listeners: vec!["ears".into()], ..Default::default() };
    let reg = start(&runtime, spec);
    process::register(&runtime.0, reg, "phonebook").unwrap();
    let a = spawn(&runtime);
    registry::register(reg, atom("k"), a, Term::int(1)).unwrap();
    assert!(registry::register(reg, atom("k"), a, Term::int(2)).is_err());
    runtime.settle();
    let name = Term::text("phonebook");
    assert_eq!(taken(&heard), [format!("{{register,{name},k,{},1}}", Term::pid(a))]);
}

#[test]
fn events_of_a_key_alternate_however_many_threads_fight_for_it() {
    let runtime = Runtime::new();
    let heard = listener(&runtime, "ears");
    let spec = RegistrySpec { unique: true, listeners: vec!["ears".into()], ..Default::default() };
    let reg = start(&runtime, spec);
    let barrier = Barrier::new(4);
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                let pid = spawn(&runtime);
                barrier.wait();
                for _ in 0..rounds(500) {
                    if registry::register(reg, atom("k"), pid, Term::nil()).is_ok() {
                        registry::unregister(reg, &atom("k"), pid).unwrap();
                    }
                }
                registry::register(reg, atom("k"), pid, Term::nil()).ok();
                process::exit_signal(pid, Term::atom(atoms::KILL)).unwrap();
            });
        }
    });
    runtime.settle();
    let heard = heard.lock().unwrap();
    let mut holder = None;
    for event in heard.iter() {
        let parts = event.as_tuple().unwrap();
        let pid = parts[3].as_pid().unwrap();
        if parts[0].is_atom(atoms::REGISTER) {
            assert_eq!(holder.replace(pid), None, "{event}");
        } else {
            assert_eq!(holder.take(), Some(pid), "{event}");
        }
    }
    assert_eq!(holder, None);
}

#[test]
fn partitions_change_no_result() {
    let runtime = Runtime::new();
    for unique in [true, false] {
        let results: Vec<String> = [1, 3, 64]
            .map(|partitions| {
                let reg = start(&runtime, RegistrySpec { unique, partitions, ..Default::default() });
                let pids: Vec<Pid> = (0..4).map(|_| spawn(&runtime)).collect();
                for n in 0..200 {
                    let pid = pids[n as usize % 4];
                    registry::register(reg, Term::int(n % 50), pid, Term::int(n)).ok();
                }
                registry::unregister(reg, &Term::int(3), pids[3]).unwrap();
                process::exit_signal(pids[1], Term::atom(atoms::KILL)).unwrap();
                runtime.settle();
                let mut result = format!("{} ", registry::count(reg).unwrap());
                for n in 0..50 {
                    for (pid, value) in registry::lookup(reg, &Term::int(n)).unwrap() {
                        let at = pids.iter().position(|&known| known == pid).unwrap();
                        result += &format!("{n}:{at}/{value} ");
                    }
                }
                result
            })
            .into();
        assert_eq!(results[0], results[1]);
        assert_eq!(results[0], results[2]);
    }
}

#[test]
fn what_is_kept_beside_the_entries_lives_as_long_as_the_registry() {
    let runtime = Runtime::new();
    let meta = vec![(atom("from the start"), Term::int(1))];
    let reg = start(&runtime, RegistrySpec { meta, ..Default::default() });
    assert_eq!(registry::meta(reg, &atom("from the start")), Ok(Some(Term::int(1))));
    assert_eq!(registry::meta(reg, &atom("k")), Ok(None));
    registry::put_meta(reg, atom("k"), Term::int(2)).unwrap();
    registry::put_meta(reg, atom("k"), Term::int(3)).unwrap();
    assert_eq!(registry::meta(reg, &atom("k")), Ok(Some(Term::int(3))));
    assert_eq!(registry::count(reg), Ok(0));
    registry::delete_meta(reg, &atom("k")).unwrap();
    registry::delete_meta(reg, &atom("k")).unwrap();
    assert_eq!(registry::meta(reg, &atom("k")), Ok(None));
    process::stop(reg, Term::atom(atoms::NORMAL), Some(5_000)).unwrap();
    assert_eq!(registry::meta(reg, &atom("k")), Err(Error::NoProcess));
    assert_eq!(registry::put_meta(reg, atom("k"), Term::nil()), Err(Error::NoProcess));
}

#[test]
fn a_lock_has_one_holder_for_each_key() {
    let runtime = Runtime::new();
    let reg = start(&runtime, RegistrySpec::default());
    let (inside, most, total) = (AtomicUsize::new(0), AtomicUsize::new(0), AtomicUsize::new(0));
    let count = rounds(200);
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                for _ in 0..count {
                    registry::lock(reg, &atom("k"), None, || {
                        most.fetch_max(inside.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
                        total.fetch_add(1, Ordering::SeqCst);
                        inside.fetch_sub(1, Ordering::SeqCst);
                    })
                    .unwrap();
                }
            });
        }
    });
    assert_eq!((most.into_inner(), total.into_inner()), (1, 8 * count));
    // Other keys are other locks; entries have nothing to do with them.
    let nested = registry::lock(reg, &atom("a"), None, || registry::lock(reg, &atom("b"), Some(0), || 1));
    assert_eq!(nested, Ok(Ok(1)));
    assert_eq!(registry::count(reg), Ok(0));
}

/// A process that takes the lock `k`, says `held`, and goes on when it is sent `go`.
fn holder(runtime: &Runtime, reg: Pid, heard: &Heard) -> Pid {
    let heard = heard.clone();
    let info = Box::new(move |_: &mut _, _: &Term| {
        let result = registry::lock(reg, &atom("k"), None, || {
            heard.lock().unwrap().push(Term::pid(process::current_pid()));
            let twice = registry::lock(reg, &atom("k"), None, || ());
            assert_eq!(twice, Err(Error::WouldDeadlock));
            process::receive(None, |message| *message == atom("go")).map(drop)
        });
        heard.lock().unwrap().push(atom(if result == Ok(Ok(())) { "gave back" } else { "lost" }));
        NOREPLY
    });
    let pid = runtime.spawn(Closures { info, ..Closures::default() });
    process::send(pid, atom("take")).unwrap();
    runtime.settle();
    pid
}

#[test]
fn a_lock_is_given_on_in_order_and_passes_over_the_dead() {
    let runtime = Runtime::manual();
    let reg = start(&runtime, RegistrySpec::default());
    let heard = Heard::default();
    let [a, b, c, d] = [0; 4].map(|_| holder(&runtime, reg, &heard));
    assert_eq!(taken(&heard), [Term::pid(a).to_string()]);
    // Nobody else is let in, and a wait of no time ends at once.
    assert_eq!(registry::lock(reg, &atom("k"), Some(0), || ()), Err(Error::Timeout));
    // A waiter that dies is passed over; a holder that dies gives the lock back.
    process::exit_signal(b, Term::atom(atoms::KILL)).unwrap();
    process::exit_signal(a, Term::atom(atoms::KILL)).unwrap();
    runtime.settle();
    let told = taken(&heard);
    assert!(told.contains(&Term::pid(c).to_string()), "{told:?}");
    assert!(!told.contains(&Term::pid(b).to_string()) && !told.contains(&Term::pid(d).to_string()), "{told:?}");
    process::send(c, atom("go")).unwrap();
    runtime.settle();
    let told = taken(&heard);
    assert!(told.contains(&"'gave back'".to_string()), "{told:?}");
    assert!(told.contains(&Term::pid(d).to_string()), "{told:?}");
    process::send(d, atom("go")).unwrap();
    runtime.settle();
    assert_eq!(registry::lock(reg, &atom("k"), Some(0), || 5), Ok(5));
}

#[test]
fn a_lock_of_a_dead_registry_or_of_no_registry_is_an_error() {
    let runtime = Runtime::new();
    let (reg, a) = (start(&runtime, RegistrySpec::default()), spawn(&runtime));
    assert_eq!(registry::lock(a, &atom("k"), None, || ()), Err(Error::WrongKind));
    process::stop(reg, Term::atom(atoms::NORMAL), Some(5_000)).unwrap();
    assert_eq!(registry::lock(reg, &atom("k"), None, || ()), Err(Error::NoProcess));
}

fn tuple<const N: usize>(parts: [Term; N]) -> Term {
    Term::tuple_of(parts)
}

fn list<const N: usize>(items: [Term; N]) -> Term {
    Term::list(items.into())
}

fn sorted(mut terms: Vec<Term>) -> Vec<Term> {
    terms.sort_by(Term::cmp_erlang);
    terms
}

/// What Elixir 1.14 gives for the same.
#[test]
fn entries_are_found_by_patterns_of_their_values() {
    let runtime = Runtime::new();
    let (reg, a) = (start(&runtime, RegistrySpec::default()), spawn(&runtime));
    let (key, any, one) = (Term::text("a"), atom("_"), atom("$1"));
    let pair = |n: i64, name: &str| tuple([Term::int(n), atom(name)]);
    registry::register(reg, key.clone(), a, pair(1, "x")).unwrap();
    registry::register(reg, key.clone(), a, pair(2, "y")).unwrap();
    registry::register(reg, atom("b"), a, pair(1, "z")).unwrap();
    let found = |pattern: Term, guards: Option<Term>| {
        let entries = registry::match_entries(reg, &key, &pattern, guards.as_ref()).unwrap();
        let count = registry::count_match(reg, &key, &pattern, guards.as_ref()).unwrap();
        assert_eq!(entries.list_len(), Some(count));
        entries.list_iter().map(|entry| entry.as_tuple().unwrap()[1].to_string()).collect::<Vec<_>>()
    };
    let greater = list([tuple([atom(">"), one.clone(), Term::int(1)])]);
    assert_eq!(found(tuple([Term::int(1), any.clone()]), None), ["{1,x}"]);
    assert_eq!(found(tuple([one.clone(), any.clone()]), Some(greater.clone())), ["{2,y}"]);
    assert_eq!(found(any.clone(), None), ["{1,x}", "{2,y}"]);
    assert_eq!(found(one.clone(), Some(Term::nil())), ["{1,x}", "{2,y}"]);
    assert_eq!(found(tuple([one.clone(), one.clone()]), None), [""; 0]);
    assert_eq!(registry::count_match(reg, &atom("no key"), &any, None), Ok(0));
    // A key is a key, whatever it looks like.
    for (key, value) in [("$1", 9), ("_", 10)] {
        registry::register(reg, atom(key), a, Term::int(value)).unwrap();
        assert_eq!(registry::count_match(reg, &atom(key), &any, None), Ok(1));
    }
    registry::unregister_match(reg, &key, a, &tuple([one, any.clone()]), Some(&greater)).unwrap();
    assert_eq!(registry::lookup(reg, &key), Ok(vec![(a, pair(1, "x"))]));
}

/// What Elixir 1.14 gives for the same.
#[test]
fn a_specification_is_asked_of_key_pid_and_value() {
    let runtime = Runtime::new();
    for partitions in [1, 64] {
        let reg = start(&runtime, RegistrySpec { partitions, ..Default::default() });
        let (a, b) = (spawn(&runtime), spawn(&runtime));
        let pair = |n: i64, name: &str| tuple([Term::int(n), atom(name)]);
        registry::register(reg, Term::text("a"), a, pair(1, "x")).unwrap();
        registry::register(reg, Term::text("a"), a, pair(2, "y")).unwrap();
        registry::register(reg, atom("b"), b, pair(1, "z")).unwrap();
        let [one, two, three] = ["$1", "$2", "$3"].map(atom);
        let select = |head: Term, guards: Term, body: Term| {
            let spec = list([tuple([head, guards, list([body])])]);
            let found = sorted(registry::select(reg, &spec).unwrap());
            let yes = found.iter().filter(|value| value.as_bool() == Some(true)).count();
            assert_eq!(registry::count_select(reg, &spec), Ok(yes));
            found
        };
        let all = tuple([one.clone(), two.clone(), three.clone()]);
        let made = tuple([tuple([one.clone(), three.clone()])]);
        let expected = [
            tuple([atom("b"), pair(1, "z")]),
            tuple([Term::text("a"), pair(1, "x")]),
            tuple([Term::text("a"), pair(2, "y")]),
        ];
        assert_eq!(select(all.clone(), Term::nil(), made), expected);
        let first_is_one =
            list([tuple([atom("=="), tuple([atom("element"), Term::int(1), three.clone()]), Term::int(1)])]);
        assert_eq!(select(all.clone(), first_is_one, one.clone()), [atom("b"), Term::text("a")]);
        // By pid, and by key: the keys that are named are looked at alone.
        assert_eq!(select(tuple([one.clone(), Term::pid(b), atom("_")]), Term::nil(), one.clone()), [atom("b")]);
        assert_eq!(select(tuple([Term::text("a"), one.clone(), atom("_")]), Term::nil(), Term::bool(true)).len(), 2);
        assert_eq!(select(tuple([atom("none"), one.clone(), atom("_")]), Term::nil(), Term::bool(true)), []);
        let two_heads = ["b", "b"]
            .map(|key| tuple([tuple([atom(key), atom("_"), atom("_")]), Term::nil(), list([Term::bool(true)])]));
        assert_eq!(registry::select(reg, &list(two_heads)), Ok(vec![Term::bool(true)]));
    }
}

#[test]
fn a_specification_that_makes_no_sense_says_where() {
    let runtime = Runtime::new();
    let reg = start(&runtime, RegistrySpec::default());
    let (any, yes) = (atom("_"), list([Term::bool(true)]));
    let clause = |head: Term, guards: Term| tuple([head, guards, yes.clone()]);
    let head = tuple([any.clone(), any.clone(), any.clone()]);
    let bad_guard = list([tuple([atom("no such function")])]);
    for (spec, place) in [
        (atom("foo"), "match specification: "),
        (list([clause(atom("$1"), Term::nil())]), "clause 1, head: an entry is a tuple {Key, Pid, Value}"),
        (list([clause(head.clone(), Term::nil()), clause(tuple([any.clone()]), Term::nil())]), "clause 2, head: "),
        (list([clause(head.clone(), bad_guard.clone())]), "clause 1, guard 1: "),
        (list([tuple([head.clone(), Term::nil(), Term::nil()])]), "clause 1: "),
    ] {
        for error in [registry::select(reg, &spec).map(drop), registry::count_select(reg, &spec).map(drop)] {
            let Err(Error::Spec(text)) = error else { panic!("{spec} is taken") };
            assert!(text.starts_with(place), "{text}");
        }
    }
    let refused = registry::match_entries(reg, &atom("k"), &any, Some(&bad_guard));
    assert!(matches!(refused, Err(Error::Spec(_))));
    assert!(registry::unregister_match(reg, &atom("k"), reg, &any, Some(&any)).is_err());
}

/// An end that takes more than one slice (1,024 entries) still tells of each key once, when its last entry goes.
#[test]
fn a_long_end_tells_of_each_key_once() {
    let runtime = Runtime::new();
    let heard = listener(&runtime, "ears");
    let reg = start(&runtime, RegistrySpec { listeners: vec!["ears".into()], ..Default::default() });
    let a = spawn(&runtime);
    for n in 0..3_000 {
        for key in ["often", "too"] {
            registry::register(reg, atom(key), a, Term::int(n)).unwrap();
        }
        registry::register(reg, Term::int(n), a, Term::nil()).unwrap();
    }
    runtime.settle();
    assert_eq!(taken(&heard).len(), 9_000);
    process::exit_signal(a, Term::atom(atoms::KILL)).unwrap();
    runtime.settle();
    let mut told = taken(&heard);
    assert_eq!(told.len(), 3_002);
    told.sort();
    told.dedup();
    assert_eq!(told.len(), 3_002);
}
