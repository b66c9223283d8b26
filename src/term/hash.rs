//! A hash for exact equality: terms that are `=:=` hash alike. Not Erlang's `phash2`, and not the same in the next
//! release; for tables in memory only.

use std::hash::{Hash, Hasher};

use super::{Term, kinds};

impl Hash for Term {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.hash_exact(state);
    }
}

impl Term {
    /// Feeds the term to a hasher. Each element is preceded by its kind, each container by its size, so that terms
    /// that differ only in how they nest feed different bytes.
    pub fn hash_exact<H: Hasher>(&self, state: &mut H) {
        let mut waiting: Vec<std::slice::Iter<'_, Term>> = Vec::new();
        let mut term = self;
        loop {
            let items = shallow(term, state);
            match items {
                [] => {}
                [rest @ .., last] => {
                    // A cons is [tail, head]: from the back, so that the tail comes last and long lists stay flat.
                    if !rest.is_empty() {
                        waiting.push(rest.iter());
                    }
                    term = last;
                    continue;
                }
            }
            term = loop {
                let Some(items) = waiting.last_mut() else { return };
                let next = items.next_back();
                if items.len() == 0 {
                    waiting.pop();
                }
                if let Some(next) = next {
                    break next;
                }
            };
        }
    }
}

impl Term {
    /// The two words of a term that lies in them and is equal to those alone that have the same ones; no float, since
    /// 0.0 and -0.0 are equal.
    #[inline]
    pub fn words(&self) -> Option<[u64; 2]> {
        (!self.is_counted() && self.tag() != kinds::FLOAT).then_some([self.meta, self.value])
    }

    /// The term of two words that [`Term::words`] gave; `[]` of any that no such term has.
    pub fn of_words([meta, value]: [u64; 2]) -> Term {
        let owns_nothing = (meta as u8) < kinds::FIRST_COUNTED;
        // SAFETY: of kinds that are not counted any two words may be asked about.
        if owns_nothing && unsafe { Term::check_words(meta, value) } {
            // SAFETY: a term that owns nothing is its words, taken back as often as one likes.
            return unsafe { Term::from_words(meta, value) };
        }
        Term::nil()
    }

    /// As the term of those bytes is hashed, without making it.
    pub fn hash_bytes<H: Hasher>(bytes: &[u8], state: &mut H) {
        if bytes.len() <= super::make::SHORT_MAX {
            return Term::bytes(bytes).hash_exact(state);
        }
        hash_data(kinds::BYTES, 0, bytes, state);
    }
}

fn hash_data<H: Hasher>(tag: u8, detail: u8, data: &[u8], state: &mut H) {
    state.write_u8(tag);
    state.write_u8(detail);
    state.write_usize(data.len());
    state.write(data);
}

/// Hashes a term but for its items, which it returns.
fn shallow<'a, H: Hasher>(term: &'a Term, state: &mut H) -> &'a [Term] {
    let tag = term.tag();
    match tag {
        kinds::FLOAT => {
            // -0.0 and 0.0 are equal.
            let bits = if term.value << 1 == 0 { 0 } else { term.value };
            state.write_u8(tag);
            state.write_u64(bits);
        }
        // Equal bytes are of the same kind: short ones are always inside.
        kinds::BYTES | kinds::BIG | kinds::OPAQUE => {
            hash_data(tag, term.detail(), super::heap::data(term), state);
        }
        kinds::CONS => state.write_u8(tag),
        kinds::TUPLE | kinds::MAP => {
            state.write_u8(tag);
            state.write_usize(super::heap::items(term).len());
        }
        // Equal resources are the same payload, so its address will do.
        kinds::RESOURCE => {
            state.write_u8(tag);
            state.write_u64(term.value);
        }
        _ => {
            state.write_u64(term.meta);
            state.write_u64(term.value);
        }
    }
    super::heap::items(term)
}
