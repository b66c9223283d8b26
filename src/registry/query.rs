//! Asking for entries by pattern.
//!
//! A pattern of values is asked of the entries of one key. A specification is asked of the triples `{Key, Pid, Value}`
//! of all entries: part by part, each seen at one moment, while others may change. A specification that names its keys
//! looks at those alone. What is asked runs outside all locks, on copies of what was found.
//!
//! Where it is from: Elixir's `Registry.match/4`, `select/2` and their like; there `'$_'` is the registry's own
//! `{Key, {Pid, Value}}`, here it is the triple.

use super::store::Store;
use crate::pattern::{BadSpec, Gives, Key, Part, Spec};
use crate::process::Error;
use crate::term::{Pid, Term};

fn refused(bad: BadSpec) -> Error {
    Error::Spec(bad.to_string())
}

/// Values that match `pattern`, and of which all `guards` hold.
pub fn of_values(pattern: &Term, guards: Option<&Term>) -> Result<Spec, Error> {
    match guards {
        None => Spec::pattern(pattern, Gives::True),
        Some(guards) => {
            let body = Term::list(vec![Term::bool(true)]);
            Spec::compile(&Term::list(vec![Term::tuple_of([pattern.clone(), guards.clone(), body])]))
        }
    }
    .map_err(refused)
}

pub fn of_entries(spec: &Term) -> Result<Spec, Error> {
    let compiled = Spec::compile(spec).map_err(refused)?;
    for (at, clause) in spec.list_iter().enumerate() {
        let head = clause.as_tuple().and_then(|parts| parts[0].as_tuple());
        if head.is_none_or(|head| head.len() != 3) {
            let problem = "an entry is a tuple {Key, Pid, Value}".to_string();
            return Err(refused(BadSpec { clause: at + 1, part: Part::Head, problem }));
        }
    }
    Ok(compiled)
}

pub fn matches(spec: &Spec, value: &Term) -> bool {
    spec.matcher(None).is_true(value)
}

/// Gives `found` what the specification makes of each entry it matches.
pub fn select(store: &Store, spec: &Spec, caller: Option<Pid>, mut found: impl FnMut(Term)) {
    let mut ask = |entries: Vec<Term>| {
        let mut matcher = spec.matcher(caller);
        entries.iter().for_each(|entry| matcher.run(entry).into_iter().for_each(|value| found(value.into_term())));
    };
    match spec.key(1) {
        Key::Any => store.parts().for_each(ask),
        Key::OneOf(keys) => {
            let mut asked: Vec<&Term> = Vec::new();
            for key in keys {
                if !asked.contains(&key) {
                    asked.push(key);
                    ask(store.triples(key));
                }
            }
        }
    }
}
