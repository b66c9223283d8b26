//! What a registry keeps beside its entries: a few values that are read often.

use crate::sync::RwLock;
use crate::term::Term;
use std::collections::HashMap;

pub(super) struct Meta(RwLock<HashMap<Term, Term>>);

impl Meta {
    pub fn new(values: &[(Term, Term)]) -> Meta {
        Meta(RwLock::new(values.iter().cloned().collect()))
    }

    pub fn get(&self, key: &Term) -> Option<Term> {
        self.0.read().get(key).cloned()
    }

    /// Gives what was there, to be freed outside the lock.
    pub fn put(&self, key: Term, value: Term) -> Option<(Term, Term)> {
        let mut kept = self.0.write();
        let before = kept.remove_entry(&key);
        kept.insert(key, value);
        before
    }

    /// As [`Meta::put`].
    pub fn delete(&self, key: &Term) -> Option<(Term, Term)> {
        self.0.write().remove_entry(key)
    }
}
