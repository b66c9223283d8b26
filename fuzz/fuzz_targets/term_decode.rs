//! Any bytes: decoding gives an error or a term that holds together. Run: `cargo +nightly fuzz run term_decode`.
#![no_main]

use std::hash::{BuildHasher, BuildHasherDefault, DefaultHasher};

use libfuzzer_sys::fuzz_target;
use regrow::term::Term;
use regrow::term::etf::{self, Limits};

fn hash(term: &Term) -> u64 {
    BuildHasherDefault::<DefaultHasher>::default().hash_one(term)
}

fuzz_target!(|bytes: &[u8]| {
    // Atoms stay for ever, so a long run may not make many; short integers, since printing them is slow.
    let limits = Limits { max_new_atoms: 1, max_integer_bytes: 512, max_bytes: 1 << 20, ..Limits::default() };
    let Ok((term, used)) = etf::decode_prefix(bytes, &limits) else { return };
    assert!(used <= bytes.len());

    let encoded = etf::encode(&term).expect("what was decoded holds no resource");
    let again = etf::decode(&encoded, &Limits { max_bytes: usize::MAX, ..limits }).expect("what we encode we decode");
    assert!(again == term && again.eq_value(&term) && again.cmp_erlang(&term).is_eq());
    assert_eq!(hash(&again), hash(&term));
    assert_eq!(etf::encode(&again).as_ref(), Ok(&encoded));
    assert_eq!(again.to_string(), term.to_string());

    // The order is one: what a tuple's elements say to each other, they say the other way round.
    for pair in term.as_tuple().unwrap_or_default().windows(2) {
        assert_eq!(pair[0].cmp_erlang(&pair[1]), pair[1].cmp_erlang(&pair[0]).reverse());
        assert!(pair[0] != pair[1] || hash(&pair[0]) == hash(&pair[1]));
    }
});
