//! Patterns of values: exactly equal, but that the atom `_` matches anything, as in ETS.

use crate::term::Term;

/// Whether `pattern` matches `value`. `_` is looked for in tuples and lists; maps are compared as a whole.
pub(super) fn matches(pattern: &Term, value: &Term) -> bool {
    let mut waiting = vec![(pattern, value)];
    while let Some((pattern, value)) = waiting.pop() {
        if pattern.as_atom().is_some_and(|atom| atom.as_str() == "_") {
            continue;
        }
        if let (Some(pattern), Some(value)) = (pattern.as_tuple(), value.as_tuple()) {
            if pattern.len() != value.len() {
                return false;
            }
            waiting.extend(pattern.iter().zip(value));
        } else if let (Some(pattern), Some(value)) = (pattern.as_cons(), value.as_cons()) {
            waiting.push((pattern.1, value.1));
            waiting.push((pattern.0, value.0));
        } else if pattern != value {
            return false;
        }
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    fn atom(name: &str) -> Term {
        Term::atom_named(name)
    }

    #[test]
    fn a_pattern_is_compared_exactly_and_the_underscore_matches_anything() {
        let value = Term::tuple_of([Term::int(1), Term::list(vec![atom("a"), Term::float(2.0)])]);
        assert!(matches(&value, &value));
        assert!(matches(&atom("_"), &value));
        assert!(matches(&Term::tuple_of([atom("_"), Term::list(vec![atom("a"), atom("_")])]), &value));
        assert!(!matches(&Term::tuple_of([Term::float(1.0), atom("_")]), &value));
        assert!(!matches(&Term::tuple_of([atom("_")]), &value));
        assert!(!matches(&Term::list(vec![atom("_")]), &value));
    }
}
