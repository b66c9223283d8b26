//! Terms from outside: making, reading, sharing, dropping, and that nothing recurses.

use std::ffi::c_void;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use regrow::term::{Atom, Kind, ListBuilder, Pid, Ref, Term, TermError, atoms, etf};

const MILLION: usize = 1_000_000;

fn deep_tuple(depth: usize) -> Term {
    (0..depth).fold(Term::int(7), |inner, _| Term::tuple_of([inner]))
}

fn deep_list(depth: usize) -> Term {
    (0..depth).fold(Term::nil(), |inner, _| Term::cons(inner, Term::nil()))
}

fn deep_map(depth: usize) -> Term {
    (0..depth).fold(Term::int(7), |inner, _| Term::map(vec![(Term::int(1), inner)]))
}

fn wide_and_deep(depth: usize) -> Term {
    (0..depth).fold(Term::nil(), |inner, _| {
        Term::tuple_of([Term::text("before, long enough"), inner, Term::nil(), Term::int(1)])
    })
}

fn long_list() -> Term {
    Term::list((0..MILLION as i64).map(Term::int).collect())
}

/// A resource that counts how often it is dropped.
fn counting(drops: &Arc<AtomicUsize>) -> Term {
    unsafe extern "C-unwind" fn count(pointer: *mut c_void) {
        // SAFETY: the pointer comes from `into_raw` below, and a resource is dropped once.
        let drops = unsafe { Arc::from_raw(pointer.cast::<AtomicUsize>()) };
        drops.fetch_add(1, Ordering::SeqCst);
    }
    // SAFETY: `count` may run on any thread.
    unsafe { Term::resource(Arc::into_raw(drops.clone()).cast_mut().cast(), Some(count)) }
}

#[test]
fn a_term_is_two_words_and_zero_is_the_empty_list() {
    assert_eq!(size_of::<Term>(), 16);
    assert_eq!(Term::nil().to_words(), (0, 0));
    // SAFETY: all zero is the empty list.
    assert!(unsafe { Term::from_words(0, 0) }.is_nil());
    assert!(Term::default().is_nil());
}

#[test]
fn readers_give_what_constructors_were_given() {
    assert_eq!(Term::int(-5).as_int(), Some(-5));
    assert_eq!(Term::float(2.5).as_float(), Some(2.5));
    assert_eq!(Term::atom(atoms::OK).as_atom(), Some(atoms::OK));
    assert!(Term::atom_named("ok").is_atom(atoms::OK));
    assert_eq!(Term::bool(true).as_bool(), Some(true));
    assert_eq!(Term::pid(Pid::new(3, 4)).as_pid(), Some(Pid::new(3, 4)));
    assert_eq!(Term::reference(Ref(9)).as_reference(), Some(Ref(9)));
    let tuple = Term::tuple_of([Term::int(1), Term::text("two")]);
    assert_eq!(tuple.as_tuple().map(<[Term]>::len), Some(2));
    assert_eq!(Term::tuple(vec![]).as_tuple(), Some(&[][..]));
    let list = Term::list(vec![Term::int(1), Term::int(2)]);
    assert_eq!(list.list_iter().filter_map(Term::as_int).collect::<Vec<_>>(), [1, 2]);
    assert_eq!(list.list_len(), Some(2));
    assert_eq!(Term::cons(Term::int(1), Term::int(2)).list_len(), None);
    assert_eq!(Term::int(1).as_float(), None);
    assert_eq!(Term::text("a").as_tuple(), None);
    assert_eq!(tuple.kind(), Kind::Tuple);
}

#[test]
fn bytes_of_every_length_around_the_short_ones_come_back() {
    for length in 0..40 {
        let bytes: Vec<u8> = (0..length).collect();
        let term = Term::bytes(&bytes);
        assert_eq!(term.as_bytes(), Some(&bytes[..]));
        assert_eq!(term.clone(), term);
        let moved = Box::new(term);
        assert_eq!(moved.as_bytes(), Some(&bytes[..]));
    }
}

#[test]
fn big_integers_that_fit_become_small() {
    assert_eq!(Term::big(false, &[5, 0, 0]).as_int(), Some(5));
    assert_eq!(Term::big(true, &(1u64 << 63).to_le_bytes()).as_int(), Some(i64::MIN));
    assert_eq!(Term::big(true, &[]).as_int(), Some(0));
    assert_eq!(Term::big(false, &(1u64 << 63).to_le_bytes()).kind(), Kind::Big);
    assert_eq!(Term::big(false, &(1u64 << 63).to_le_bytes()).to_string(), "9223372036854775808");
    assert_eq!(Term::big(true, &[0, 0, 0, 0, 0, 0, 0, 0, 1]).to_string(), "-18446744073709551616");
}

#[test]
fn in_a_map_the_later_of_equal_keys_wins_and_1_is_not_1_0() {
    let map = Term::map(vec![
        (Term::int(1), Term::text("a")),
        (Term::float(1.0), Term::text("b")),
        (Term::int(1), Term::text("c")),
    ]);
    let view = map.as_map().unwrap();
    assert_eq!(view.len(), 2);
    assert_eq!(view.get(&Term::int(1)), Some(&Term::text("c")));
    assert_eq!(view.get(&Term::float(1.0)), Some(&Term::text("b")));
    assert_eq!(view.get(&Term::int(2)), None);
    assert_eq!(map.to_string(), "#{1 => <<99>>,1.0 => <<98>>}");
}

#[test]
fn a_container_of_an_invalid_term_is_invalid_and_drops_the_rest() {
    let drops = Arc::new(AtomicUsize::new(0));
    assert!(Term::float(f64::NAN).is_invalid());
    assert!(Term::atom_named(&"x".repeat(256)).is_invalid());
    assert!(Term::tuple(vec![counting(&drops), Term::invalid()]).is_invalid());
    assert!(Term::list(vec![counting(&drops), Term::invalid()]).is_invalid());
    assert!(Term::map(vec![(counting(&drops), Term::invalid())]).is_invalid());
    assert!(Term::cons(counting(&drops), Term::invalid()).is_invalid());
    assert_eq!(drops.load(Ordering::SeqCst), 4);
    assert_eq!(etf::encode(&Term::invalid()), Err(etf::EncodeError::Invalid));
}

#[test]
fn taking_elements_leaves_nil_behind() {
    let mut elements = [Term::int(1), Term::text("long enough to be counted")];
    let tuple = Term::tuple_taking(&mut elements);
    assert!(elements.iter().all(Term::is_nil));
    assert_eq!(tuple.as_tuple().map(<[Term]>::len), Some(2));
    let mut elements = [Term::int(1), Term::invalid()];
    assert!(Term::tuple_taking(&mut elements).is_invalid());
    assert!(elements.iter().all(Term::is_nil));
}

#[test]
fn a_resource_is_dropped_once_when_its_last_owner_goes() {
    let drops = Arc::new(AtomicUsize::new(0));
    let resource = counting(&drops);
    let list = Term::list(vec![resource.clone(), Term::tuple_of([resource.clone()]), resource.clone()]);
    assert_eq!(resource, list.as_cons().unwrap().0.clone());
    assert_ne!(resource, counting(&drops));
    assert_eq!(drops.swap(0, Ordering::SeqCst), 1);
    drop(resource);
    assert_eq!(drops.load(Ordering::SeqCst), 0);
    let copy = list.clone();
    drop(list);
    assert_eq!(drops.load(Ordering::SeqCst), 0);
    drop(copy);
    assert_eq!(drops.load(Ordering::SeqCst), 1);
    assert_eq!(etf::encode(&counting(&drops)), Err(etf::EncodeError::Resource));
}

#[test]
fn what_a_resource_keeps_goes_with_its_last_owner_however_deep_it_lies() {
    let drops = Arc::new(AtomicUsize::new(0));
    let kept = Term::list(vec![counting(&drops), Term::int(7)]);
    let keeping = Term::keeping(kept.clone());
    assert_eq!((keeping.kept(), keeping.kind()), (Some(&kept), Kind::Resource));
    assert!(kept.kept().is_none() && counting(&drops).kept().is_none());
    drops.store(0, Ordering::SeqCst);
    let copy = Term::tuple_of([keeping.clone(), Term::int(1)]);
    drop((kept, keeping));
    assert_eq!(drops.load(Ordering::SeqCst), 0);
    // Each in a list, between others.
    let deep = (0..MILLION).fold(copy, |inner, at| match at % 2 {
        0 => Term::keeping(inner),
        _ => Term::list(vec![Term::text("before, long enough"), inner, Term::text("behind, long enough")]),
    });
    assert_eq!(drops.load(Ordering::SeqCst), 0);
    drop(deep);
    assert_eq!(drops.load(Ordering::SeqCst), 1);
    assert!(Term::keeping(Term::invalid()).is_invalid());
}

#[test]
fn a_resource_shared_by_threads_is_dropped_once() {
    for _ in 0..50 {
        let drops = Arc::new(AtomicUsize::new(0));
        let term = Term::tuple_of([counting(&drops), Term::text("something longer")]);
        std::thread::scope(|scope| {
            for _ in 0..4 {
                let term = term.clone();
                scope.spawn(move || (0..200).for_each(|_| drop(term.clone())));
            }
            drop(term);
        });
        assert_eq!(drops.load(Ordering::SeqCst), 1);
    }
}

#[test]
fn a_drop_that_panics_does_not_stop_the_freeing() {
    let drops = Arc::new(AtomicUsize::new(0));
    let bad = Term::resource_with(std::ptr::null_mut(), Box::new(|_| panic!("in a drop")));
    drop(Term::list(vec![counting(&drops), bad, counting(&drops)]));
    assert_eq!(drops.load(Ordering::SeqCst), 2);
}

#[test]
fn a_drop_may_drop_terms() {
    let drops = Arc::new(AtomicUsize::new(0));
    let inner = Term::list(vec![counting(&drops), deep_tuple(1000)]);
    let outer = Term::resource_with(std::ptr::null_mut(), Box::new(move |_| drop(inner)));
    drop(Term::tuple_of([outer, counting(&drops)]));
    assert_eq!(drops.load(Ordering::SeqCst), 2);
}

#[test]
fn a_million_levels_do_not_recurse() {
    type Make = fn(usize) -> Term;
    let shapes: [(Make, usize); 4] =
        [(deep_tuple, MILLION), (deep_list, MILLION), (deep_map, MILLION / 5), (wide_and_deep, MILLION / 5)];
    for (make, depth) in shapes {
        let (a, b) = (make(depth), make(depth));
        assert!(a.eq_exact(&b) && a.eq_value(&b));
        assert!(a.cmp_erlang(&make(depth - 1)).is_ne());
        assert_eq!(hash(&a), hash(&b));
        assert_eq!(a.to_string(), b.to_string());
        let bytes = etf::encode(&a).unwrap();
        assert_eq!(etf::decode(&bytes, &etf::Limits::default()).unwrap(), a);
        drop(a);
        drop(b);
    }
}

#[test]
fn a_list_of_a_million_cells_does_not_recurse() {
    let (a, b) = (long_list(), long_list());
    assert_eq!(a, b);
    assert_eq!(hash(&a), hash(&b));
    assert_eq!(a.list_len(), Some(MILLION));
    let bytes = etf::encode(&a).unwrap();
    assert_eq!(etf::decode(&bytes, &etf::Limits::default()).unwrap(), b);
    assert!(a.to_string().ends_with("999998,999999]"));
}

#[test]
fn every_resource_in_a_tangled_term_is_dropped_once() {
    let drops = Arc::new(AtomicUsize::new(0));
    let mut made = 0;
    let mut term = Term::nil();
    for level in 0..10_000 {
        let mut fresh = || {
            made += 1;
            counting(&drops)
        };
        let shared = Term::tuple_of([fresh(), Term::text("padding, padding")]);
        term = match level % 4 {
            0 => Term::tuple_of([shared.clone(), term, fresh(), shared]),
            1 => Term::list_with_tail(vec![fresh(), shared], term),
            2 => Term::map(vec![(Term::int(1), term), (shared, fresh())]),
            _ => Term::cons(term, Term::cons(shared.clone(), shared)),
        };
    }
    assert_eq!(drops.load(Ordering::SeqCst), 0);
    drop(term);
    assert_eq!(drops.load(Ordering::SeqCst), made);
}

#[test]
fn words_that_are_no_term_are_told_apart() {
    // SAFETY: only kinds without a payload, and nonsense of which no payload is read.
    let check = |meta, value| unsafe { Term::check_words(meta, value) };
    assert!(check(0, 0));
    assert!(!check(0, 1));
    assert!(!check(0x100, 0));
    assert!(!check(0x0a, 0) && !check(0x7f, 0) && !check(0xff, 0));
    assert!(!check(3, f64::NAN.to_bits()));
    assert!(!check(4, u64::MAX) && !check(4, 1 << 19));
    assert!(!check(7 | 15 << 8, 0));
    for kind in 0x80..=0xff {
        assert!(!check(kind, 0) && !check(kind | 1 << 63, 1) && !check(kind | 1 << 20 | 1 << 63, 8));
    }
    for term in [
        Term::int(1),
        Term::text("short"),
        Term::text("rather long for that"),
        Term::tuple_of([Term::nil()]),
        Term::big(true, &[1; 9]),
        Term::list(vec![Term::int(1)]),
        Term::map(vec![(Term::int(1), Term::int(1))]),
        Term::resource_with(std::ptr::null_mut(), Box::new(|_| ())),
    ] {
        let (meta, value) = term.to_words();
        // SAFETY: the words of a term that is alive, then taken back once.
        unsafe {
            assert!(Term::check_words(meta, value));
            drop(Term::from_words(meta, value));
        }
    }
}

#[test]
fn atoms_of_one_name_are_one_and_the_named_ones_have_their_places() {
    assert_eq!(Atom::new("a new one").unwrap(), Atom::new("a new one").unwrap());
    assert_eq!(Atom::existing("a new one").unwrap().as_str(), "a new one");
    assert_eq!(Atom::existing("nobody made this"), None);
    assert_eq!(Atom::new("EXIT"), Ok(atoms::EXIT));
    assert_eq!(atoms::OUT_OF_MEMORY.as_str(), "out_of_memory");
    assert_eq!(Atom::new(&"é".repeat(255)).unwrap().as_str().len(), 510);
    assert_eq!(Atom::new(&"é".repeat(256)), Err(TermError::AtomTooLong));
}

#[test]
fn threads_that_make_the_same_atoms_get_the_same() {
    let make = || (0..5000).map(|number| Atom::new(&format!("racing {number}")).unwrap()).collect::<Vec<_>>();
    let all: Vec<Vec<Atom>> =
        std::thread::scope(|scope| [0; 4].map(|_| scope.spawn(make)).map(|thread| thread.join().unwrap()).into());
    assert!(all.windows(2).all(|pair| pair[0] == pair[1]));
    assert!(all[0].iter().enumerate().all(|(number, atom)| atom.as_str() == format!("racing {number}")));
}

#[test]
fn references_are_fresh_on_every_thread() {
    let make = || (0..5000).map(|_| Ref::fresh()).collect::<Vec<_>>();
    let mut all: Vec<Ref> = std::thread::scope(|scope| {
        [0; 4].map(|_| scope.spawn(make)).into_iter().flat_map(|thread| thread.join().unwrap()).collect()
    });
    all.sort();
    all.dedup();
    assert_eq!(all.len(), 20_000);
    assert!(!all.contains(&Ref(0)));
}

#[test]
fn a_pid_is_an_index_and_a_generation() {
    let pid = Pid::new(Pid::INDEX_MAX, Pid::GENERATION_MAX);
    assert_eq!((pid.index(), pid.generation(), pid.0), (Pid::INDEX_MAX, Pid::GENERATION_MAX, u64::MAX));
    assert_eq!(Pid::NONE, Pid::new(0, 0));
    assert_eq!(Term::pid(Pid::new(9, 2)).to_string(), "<0.9.2>");
}

fn hash(term: &Term) -> u64 {
    use std::hash::{BuildHasher, BuildHasherDefault, DefaultHasher};
    BuildHasherDefault::<DefaultHasher>::default().hash_one(term)
}

#[test]
fn equal_terms_hash_alike() {
    let pairs = [
        (Term::float(0.0), Term::float(-0.0)),
        (Term::big(false, &[1; 20]), Term::big(false, &[[1; 20].as_slice(), &[0; 4]].concat())),
        (Term::text("long enough to be counted"), Term::text("long enough to be counted")),
        (Term::list(vec![Term::int(1)]), Term::cons(Term::int(1), Term::nil())),
    ];
    for (a, b) in pairs {
        assert_eq!(a, b);
        assert_eq!(hash(&a), hash(&b));
    }
    assert_ne!(hash(&Term::int(1)), hash(&Term::float(1.0)));
}

/// The check looks at freed memory on purpose, which AddressSanitizer is there to stop: skipped when its options are set.
#[test]
fn a_spent_term_is_noticed() {
    if std::env::var_os("ASAN_OPTIONS").is_some() {
        return eprintln!("SKIPPED: AddressSanitizer reports the read that this is about");
    }
    let (meta, value) = Term::tuple_of([Term::int(1), Term::int(2)]).to_words();
    // SAFETY: taken back once; what is read after that is the risk that `check_words` describes.
    unsafe {
        drop(Term::from_words(meta, value));
        assert!(!Term::check_words(meta, value));
        // In a debug build also when the memory belongs to another tuple by now.
        if !cfg!(debug_assertions) {
            return;
        }
        let others = [(); 8].map(|()| Term::tuple_of([Term::int(3), Term::int(4)]));
        assert!(!Term::check_words(meta, value));
        drop(others);
    }
}

#[test]
fn a_list_made_from_its_first_element_on_is_the_list_of_them() {
    let drops = Arc::new(AtomicUsize::new(0));
    for length in [0, 1, 2, 3, 1000] {
        let mut builder = ListBuilder::default();
        (0..length).for_each(|value| builder.push(Term::tuple_of([Term::int(value), counting(&drops)])));
        let list = builder.finish();
        assert_eq!(list.list_len(), Some(length as usize));
        let values = list.list_iter().map(|pair| pair.as_tuple().unwrap()[0].as_int().unwrap());
        assert!(values.eq(0..length));
        let shared = list.clone();
        drop(list);
        assert_eq!(drops.swap(0, Ordering::SeqCst), 0);
        drop(shared);
        assert_eq!(drops.swap(0, Ordering::SeqCst), length as usize);
    }
    // What is refused takes nothing away before the end, and one that is not finished goes as a whole.
    let mut refused = ListBuilder::default();
    refused.push(counting(&drops));
    refused.push(Term::invalid());
    refused.push(Term::int(1));
    assert_eq!(drops.load(Ordering::SeqCst), 0);
    assert!(refused.finish().is_invalid());
    assert_eq!(drops.swap(0, Ordering::SeqCst), 1);
    let mut unfinished = ListBuilder::default();
    (0..3).for_each(|_| unfinished.push(counting(&drops)));
    drop(unfinished);
    assert_eq!(drops.load(Ordering::SeqCst), 3);
}
