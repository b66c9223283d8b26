//! Match patterns and specifications, against what Erlang makes of the same.
//!
//! `REGROW_SPEC_SEED` repeats a run with the installed Erlang, `REGROW_SPEC_COUNT` makes more of them.

use regrow::pattern::{Gives, Key, Part, Spec};
use regrow::term::etf::{self, Limits};
use regrow::term::{Pid, Term};
use std::process::Command;

fn atom(name: &str) -> Term {
    Term::atom_named(name)
}

fn tuple(elements: impl IntoIterator<Item = Term>) -> Term {
    Term::tuple(elements.into_iter().collect())
}

fn list(elements: impl IntoIterator<Item = Term>) -> Term {
    Term::list(elements.into_iter().collect())
}

fn clause(head: Term, guards: Vec<Term>, body: Term) -> Term {
    tuple([head, list(guards), list([body])])
}

fn run(spec: &Term, object: &Term) -> Result<Option<Term>, String> {
    let spec = Spec::compile(spec).map_err(|error| error.to_string())?;
    let mut matcher = spec.matcher(None);
    Ok(matcher.run(object).map(|value| value.into_term()))
}

/// As from a table with the key in front.
fn select(spec: &Term, object: &Term) -> Result<Option<Term>, String> {
    if let Key::OneOf(keys) = Spec::compile(spec).map_err(|error| error.to_string())?.key(1)
        && !object.as_tuple().is_some_and(|object| keys.contains(&&object[0]))
    {
        return Ok(None);
    }
    run(spec, object)
}

/// `{Object, Spec, Result}` as `tests/match_specs.escript` makes it. What is wrong, if anything is.
fn check(case: &Term) -> Option<String> {
    let Some([object, spec, expected]) = case.as_tuple() else { return Some(format!("no case: {case}")) };
    let ours = match select(spec, object) {
        Ok(Some(value)) => tuple([atom("ok"), value]),
        Ok(None) => atom("false"),
        Err(_) => atom("error"),
    };
    (ours != *expected).then(|| format!("{object} with {spec}: here {ours}, in Erlang {expected}"))
}

fn check_all<'a>(cases: impl Iterator<Item = &'a Term>) -> usize {
    let mut matched = 0;
    let mut wrong = Vec::new();
    for case in cases {
        wrong.extend(check(case));
        matched += usize::from(case.as_tuple().is_some_and(|case| case[2].as_tuple().is_some()));
    }
    assert!(wrong.is_empty(), "{} differ:\n{}", wrong.len(), wrong[..wrong.len().min(10)].join("\n"));
    matched
}

#[test]
fn what_erlang_made_of_the_recorded_ones_is_made_here() {
    let text = include_str!("golden/match_specs.txt");
    let cases: Vec<Term> = text
        .lines()
        .map(|line| {
            let hex = line.rsplit('\t').next().unwrap();
            let byte = |at: usize| u8::from_str_radix(&hex[at..at + 2], 16).unwrap();
            let bytes: Vec<u8> = (0..hex.len()).step_by(2).map(byte).collect();
            etf::decode(&bytes, &Limits::default()).unwrap()
        })
        .collect();
    let matched = check_all(cases.iter());
    assert!(cases.len() >= 400 && matched * 4 > cases.len(), "{matched} of {} match", cases.len());
}

/// The one that is the same each time, and with the long counts another: what those find is looked into, and what is
/// merely tested must not depend on chance.
fn any_seed() -> u32 {
    let is_long =
        std::env::var("REGROW_ROUNDS").is_ok_and(|rounds| rounds.parse().is_ok_and(|rounds: f64| rounds > 1.0));
    if is_long { std::process::id() } else { 12146 }
}

fn variable(name: &str, otherwise: u32) -> u32 {
    std::env::var(name).map_or(otherwise, |value| value.parse().unwrap())
}

/// How many specifications one Erlang is asked about.
const BATCH: u32 = 500;

#[test]
fn what_the_installed_erlang_makes_of_random_ones_is_made_here() {
    let (seed, count) = (variable("REGROW_SPEC_SEED", any_seed()), variable("REGROW_SPEC_COUNT", 4_000));
    println!("REGROW_SPEC_SEED={seed}");
    let file = std::env::temp_dir().join(format!("regrow-specs-{}", std::process::id()));
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/match_specs.escript");
    let (mut matched, mut crashed) = (0, 0);
    for batch in 0..count.div_ceil(BATCH) {
        let seed = (seed + batch).to_string();
        let made = Command::new("escript").args([script, "make", &seed, &BATCH.to_string()]).arg(&file).output();
        match made {
            Err(error) => return println!("SKIPPED: no escript here: {error}"),
            // Some specifications crash OTP 25 itself; nothing is learnt from such a batch.
            Ok(made) if made.status.code().is_none() => {
                crashed += 1;
                continue;
            }
            Ok(made) => assert!(made.status.success(), "escript: {made:?}"),
        }
        let bytes = std::fs::read(&file).unwrap();
        let cases = etf::decode(&bytes, &Limits::default()).unwrap();
        matched += check_all(cases.list_iter());
    }
    println!("{matched} of {count} match; {crashed} batches of {BATCH} crashed Erlang");
    let _ = std::fs::remove_file(&file);
    assert!(matched * 8 > count as usize, "{matched}");
}

#[test]
fn a_malformed_specification_is_refused_and_says_where() {
    let fine = clause(tuple([atom("$1")]), vec![], atom("$1"));
    let place = |spec: Term| {
        let bad = Spec::compile(&spec).expect_err("refused");
        (bad.clause, bad.part, bad.to_string())
    };
    assert_eq!(place(atom("foo")).1, Part::Spec);
    assert_eq!(place(Term::cons(fine.clone(), atom("x"))).1, Part::Spec);
    assert_eq!(place(list([fine.clone(), tuple([])])).0, 2);
    let (number, part, text) = place(list([fine.clone(), clause(tuple([]), vec![], tuple([atom("foo"), atom("a")]))]));
    assert_eq!((number, part), (2, Part::Body(1)));
    assert_eq!(text, "clause 2, body 1: there is no function foo/1");
    let guards = vec![Term::bool(true), tuple([atom("hd"), atom("$2")])];
    let (number, part, text) = place(list([clause(tuple([atom("$1")]), guards, atom("a"))]));
    assert_eq!((number, part), (1, Part::Guard(2)));
    assert_eq!(text, "clause 1, guard 2: $2 is not in the head");
    let map = Term::map(vec![(atom("_"), Term::int(1))]);
    assert_eq!(place(list([clause(map, vec![], atom("a"))])).1, Part::Head);
    assert_eq!(place(list([tuple([atom("_"), Term::nil(), Term::nil()])])).1, Part::Clause);
}

#[test]
fn the_depth_of_a_specification_and_of_an_object_costs_no_stack() {
    const DEPTH: usize = 300_000;
    let nested = |inner: Term| (0..DEPTH).fold(inner, |term, _| tuple([term]));
    let object = tuple([nested(Term::int(7)), list((0..DEPTH as i64).map(Term::int))]);
    // {{{...'$1'...}}} in the head, not(not(...)) in a guard, {{{...}}} in the body.
    let head = tuple([nested(atom("$1")), list((0..DEPTH as i64).map(Term::int))]);
    let guard = (0..DEPTH).fold(Term::bool(true), |term, _| tuple([atom("not"), term]));
    let body = (0..DEPTH).fold(atom("$1"), |term, _| tuple([tuple([term])]));
    let spec = list([clause(head, vec![guard], body)]);
    let compiled = Spec::compile(&spec).unwrap();
    assert_eq!(compiled.key(1), Key::Any);
    assert!(compiled.matcher(None).run(&object).is_some_and(|value| *value == nested(Term::int(7))));
    // A long improper list of calls, and a broad tuple.
    let calls = Term::list_with_tail(vec![tuple([atom("hd"), Term::nil()]); DEPTH], atom("$1"));
    let spec = list([clause(atom("$1"), vec![], calls)]);
    assert!(run(&spec, &Term::int(1)).unwrap().is_some());
}

#[test]
fn a_key_that_is_fixed_is_found_and_one_that_is_kept() {
    let key = |head: Term| {
        let spec = list([clause(head, vec![], Term::bool(true))]);
        match Spec::compile(&spec).unwrap().key(1) {
            Key::Any => None,
            Key::OneOf(keys) => Some(keys.into_iter().cloned().collect::<Vec<_>>()),
        }
    };
    assert_eq!(key(tuple([Term::int(1), atom("_")])), Some(vec![Term::int(1)]));
    assert_eq!(key(tuple([tuple([atom("a"), Term::int(1)])])), Some(vec![tuple([atom("a"), Term::int(1)])]));
    assert_eq!(key(tuple([tuple([atom("a"), atom("$1")])])), None);
    let map = |value: Term| Term::map(vec![(atom("a"), value)]);
    assert_eq!(key(tuple([map(Term::int(1))])), Some(vec![map(Term::int(1))]));
    assert_eq!(key(tuple([map(atom("_"))])), None);
    assert_eq!(key(atom("_")), None);
    assert_eq!(key(tuple([])), Some(vec![]));
    assert_eq!(key(atom("foo")), Some(vec![]));
    let spec = Spec::pattern(&tuple([Term::int(1), atom("$1")]), Gives::Names).unwrap();
    assert_eq!(spec.key(2), Key::Any);
}

/// Each with what `ets:select_replace` of OTP 25 says to it, for tables with the key in front.
#[test]
fn only_what_surely_keeps_the_key_may_replace() {
    let keeps = |head: Term, body: Term| Spec::compile(&list([clause(head, vec![], body)])).unwrap().keeps(1);
    let pair = || tuple([atom("$1"), atom("$2")]);
    let made = |elements: Vec<Term>| tuple([tuple(elements)]);
    let of_object = || tuple([atom("element"), Term::int(1), atom("$_")]);
    assert!(keeps(pair(), made(vec![atom("$1"), atom("x")])));
    assert!(keeps(pair(), made(vec![atom("$1")])));
    assert!(keeps(pair(), atom("$_")));
    assert!(keeps(atom("$1"), atom("$_")));
    assert!(!keeps(pair(), made(vec![atom("$2"), atom("x")])));
    assert!(!keeps(pair(), atom("foo")));
    assert!(!keeps(atom("$1"), atom("$1")));
    assert!(!keeps(atom("$1"), made(vec![of_object(), atom("y")])));
    assert!(keeps(tuple([atom("_"), atom("$2")]), made(vec![of_object(), atom("x")])));
    assert!(!keeps(tuple([atom("_"), atom("$2")]), made(vec![atom("_"), atom("x")])));
    assert!(keeps(tuple([Term::int(1), atom("$2")]), made(vec![Term::int(1), atom("x")])));
    assert!(!keeps(tuple([Term::int(1), atom("$2")]), made(vec![Term::float(1.0), atom("x")])));
    let constant = tuple([atom("const"), tuple([Term::int(1), atom("x")])]);
    assert!(keeps(tuple([Term::int(1), atom("$2")]), constant));
    let nested = tuple([tuple([atom("$1")]), atom("$2")]);
    assert!(keeps(nested, made(vec![made(vec![atom("$1")]), Term::int(1)])));
    assert!(Spec::compile(&Term::nil()).unwrap().keeps(1));
}

#[test]
fn a_name_may_stand_for_the_whole_object_and_objects_are_any_terms() {
    let spec = list([
        clause(list([atom("$1"), atom("$1")]), vec![], atom("$1")),
        clause(Term::int(5), vec![], atom("five")),
        clause(atom("$3"), vec![tuple([atom("is_map"), atom("$3")])], tuple([tuple([atom("$_"), atom("$$")])])),
    ]);
    let object = Term::map(vec![(atom("a"), Term::int(1))]);
    assert_eq!(run(&spec, &object), Ok(Some(tuple([object.clone(), list([object])]))));
    assert_eq!(run(&spec, &Term::int(5)), Ok(Some(atom("five"))));
    assert_eq!(run(&spec, &list([Term::int(1), Term::int(1)])), Ok(Some(Term::int(1))));
    assert_eq!(run(&spec, &list([Term::int(1), Term::float(1.0)])), Ok(None));
}

#[test]
fn self_is_the_caller_and_fails_without_one() {
    let spec = Spec::compile(&list([clause(atom("_"), vec![], tuple([atom("self")]))])).unwrap();
    let pid = Pid::new(7, 1);
    assert!(spec.matcher(Some(pid)).run(&Term::nil()).is_some_and(|value| value.as_pid() == Some(pid)));
    assert!(spec.matcher(None).run(&Term::nil()).is_some_and(|value| *value == atom("EXIT")));
}

/// Heads, guards and bodies that are compiled in a way of their own, against the same in a form that is not; and one
/// matcher for all objects against one for each.
#[test]
fn short_forms_give_what_the_long_ones_give() {
    let name = |name: &str| atom(name);
    let int = Term::int;
    let heads = [
        name("$1"),
        tuple([]),
        tuple([name("$1"), name("$2")]),
        tuple([name("$1"), name("$1")]),
        tuple([name("_"), name("$1"), name("$2")]),
        tuple([name("$2"), int(1), name("$1")]),
        tuple([int(1), name("$1"), name("$1")]),
        tuple([name("$1"), tuple([name("$1"), name("$2")])]),
        tuple([tuple([name("$2")]), name("$1")]),
        tuple([name("$1"), list([name("$2"), int(1)]), name("$3")]),
    ];
    let values = [
        int(1),
        int(2),
        Term::float(1.0),
        Term::bool(true),
        tuple([]),
        tuple([int(1)]),
        tuple([int(1), int(2)]),
        list([int(2), int(1)]),
    ];
    let mut objects = values.to_vec();
    for a in &values {
        for b in &values {
            objects.push(tuple([a.clone(), b.clone()]));
            objects.extend([int(1), int(2)].map(|third| tuple([a.clone(), b.clone(), third])));
        }
    }
    let operands = [name("$1"), name("$2"), name("$_"), int(1), Term::float(1.0), Term::bool(true)];
    let mut expressions = operands.to_vec();
    for function in [">", ">=", "<", "=<", "==", "/=", "=:=", "=/="] {
        for a in &operands {
            expressions.extend(operands.iter().map(|b| tuple([atom(function), a.clone(), b.clone()])));
        }
    }
    for length in 0..5 {
        expressions.push(tuple([tuple(operands[..length].to_vec())]));
    }
    let mut matched = 0;
    for head in &heads {
        for expression in &expressions {
            let long = tuple([atom("hd"), list([expression.clone()])]);
            let both = [expression.clone(), Term::bool(true)];
            let pairs = [
                (clause(head.clone(), vec![], expression.clone()), clause(head.clone(), vec![], long)),
                (
                    clause(head.clone(), vec![expression.clone()], int(7)),
                    clause(head.clone(), vec![tuple([atom("and")].into_iter().chain(both))], int(7)),
                ),
            ];
            for (short, long) in pairs {
                let (short, long) = match (Spec::compile(&list([short])), Spec::compile(&list([long]))) {
                    (Ok(short), Ok(long)) => (short, long),
                    // A name that the head does not have.
                    (short, long) => {
                        assert!(short.is_err() && long.is_err());
                        continue;
                    }
                };
                let mut for_all = short.matcher(None);
                for object in &objects {
                    let expected = long.matcher(None).run(object).map(|value| value.into_term());
                    matched += usize::from(expected.is_some());
                    let alone = short.matcher(None).run(object).map(|value| value.into_term());
                    assert_eq!(alone, expected, "{} for {object}", short.source());
                    assert_eq!(for_all.run(object).map(|value| value.into_term()), expected);
                }
            }
        }
    }
    assert!(matched > 50_000, "{matched}");
}

#[test]
fn a_tuple_matches_tuples_of_its_length_only() {
    let of = |length: i64| tuple((1..=length).map(Term::int));
    for length in 0..4usize {
        let names = ["$1", "$2", "$3"].map(atom);
        let spec = list([clause(tuple(names[..length].to_vec()), vec![], atom("$_"))]);
        for other in 0..5 {
            let object = of(other);
            let expected = (other as usize == length).then(|| object.clone());
            assert_eq!(run(&spec, &object), Ok(expected), "{object} with {length} names");
        }
        assert_eq!(run(&spec, &Term::int(1)), Ok(None));
        assert_eq!(run(&spec, &list([Term::int(1), Term::int(2)])), Ok(None));
    }
}
