//! What a template's instances are started with: its own argument, and one more.

use crate::term::Term;

/// Both as one list; what is no list is a list of one. As OTP appends the arguments of a `simple_one_for_one`.
pub fn appended(argument: &Term, extra: &Term) -> Term {
    let mut all = Vec::new();
    for term in [argument, extra] {
        if term.list_len().is_some() {
            all.extend(term.list_iter().cloned());
        } else {
            all.push(term.clone());
        }
    }
    Term::list(all)
}
