//! The terms of regrow.h, called as C calls them: what they do, and with NULL, spent, invalid and other terms.
#![allow(improper_ctypes)]

use std::ffi::{CStr, CString, c_char, c_int, c_void};
use std::ptr::{null, null_mut};
use std::sync::atomic::{AtomicUsize, Ordering};

// So that the library is linked.
use regrow as _;

#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq)]
struct Term {
    meta: u64,
    value: u64,
}

#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq)]
struct Id(u64);

type Drop = Option<unsafe extern "C-unwind" fn(*mut c_void)>;

unsafe extern "C" {
    safe fn regrow_nil() -> Term;
    safe fn regrow_int(value: i64) -> Term;
    safe fn regrow_float(value: f64) -> Term;
    safe fn regrow_bool(value: bool) -> Term;
    fn regrow_atom(name: *const c_char) -> Term;
    fn regrow_text(utf8: *const c_char) -> Term;
    fn regrow_bytes(data: *const c_void, size: usize) -> Term;
    fn regrow_tuple(items: *mut Term, count: usize) -> Term;
    fn regrow_list(items: *mut Term, count: usize) -> Term;
    fn regrow_cons(head: Term, tail: Term) -> Term;
    fn regrow_map(keys: *mut Term, values: *mut Term, count: usize) -> Term;
    safe fn regrow_from_pid(pid: Id) -> Term;
    safe fn regrow_from_ref(reference: Id) -> Term;
    fn regrow_resource(pointer: *mut c_void, drop: Drop) -> Term;
    fn regrow_is_valid(term: *const Term) -> bool;
    fn regrow_is_nil(term: *const Term) -> bool;
    fn regrow_is_atom(term: *const Term, name: *const c_char) -> bool;
    fn regrow_is_int(term: *const Term) -> bool;
    fn regrow_is_float(term: *const Term) -> bool;
    fn regrow_is_bytes(term: *const Term) -> bool;
    fn regrow_is_tuple(term: *const Term) -> bool;
    fn regrow_is_list(term: *const Term) -> bool;
    fn regrow_is_map(term: *const Term) -> bool;
    fn regrow_is_pid(term: *const Term) -> bool;
    fn regrow_is_ref(term: *const Term) -> bool;
    fn regrow_is_resource(term: *const Term) -> bool;
    fn regrow_as_int(term: *const Term, value: *mut i64) -> bool;
    fn regrow_as_float(term: *const Term, value: *mut f64) -> bool;
    fn regrow_as_bool(term: *const Term, value: *mut bool) -> bool;
    fn regrow_as_atom(term: *const Term, name: *mut *const c_char) -> bool;
    fn regrow_as_text(term: *const Term, utf8: *mut *const c_char) -> bool;
    fn regrow_as_bytes(term: *const Term, data: *mut *const u8, size: *mut usize) -> bool;
    fn regrow_as_pid(term: *const Term, pid: *mut Id) -> bool;
    fn regrow_as_ref(term: *const Term, reference: *mut Id) -> bool;
    fn regrow_as_resource(term: *const Term, pointer: *mut *mut c_void) -> bool;
    fn regrow_tuple_size(term: *const Term, size: *mut usize) -> bool;
    fn regrow_tuple_get(term: *const Term, index: usize) -> *const Term;
    fn regrow_list_head(list: *const Term) -> *const Term;
    fn regrow_list_tail(list: *const Term) -> *const Term;
    fn regrow_list_length(list: *const Term, length: *mut usize) -> bool;
    fn regrow_map_size(term: *const Term, size: *mut usize) -> bool;
    fn regrow_map_get(map: *const Term, key: *const Term) -> *const Term;
    fn regrow_map_at(map: *const Term, index: usize, key: *mut *const Term, value: *mut *const Term) -> bool;
    fn regrow_term_compare(left: *const Term, right: *const Term) -> c_int;
    fn regrow_term_equal(left: *const Term, right: *const Term) -> bool;
    fn regrow_term_clone(term: *const Term) -> Term;
    fn regrow_term_free(term: *mut Term);
    fn regrow_term_print(term: *const Term, text: *mut c_char, size: usize) -> usize;
    fn regrow_term_encode(term: *const Term, bytes: *mut Term) -> u32;
    fn regrow_term_decode(data: *const c_void, size: usize, term: *mut Term) -> u32;
    fn regrow_init(options: *const c_void, root: *mut Id) -> u32;
    fn regrow_shutdown(root: Id, timeout_ms: u32, stuck: *mut Term) -> u32;
}

/// A spent term is noticed by reading freed memory, which AddressSanitizer does not let pass.
const SPENT_IS_NOTICED: bool = !cfg!(feature = "sanitizer");

const OK: u32 = 0;
const ARGUMENT: u32 = 1;
const WRONG_KIND: u32 = 15;
const LIMIT: u32 = 16;
const FORKED: u32 = 17;

const NIL: Term = Term { meta: 0, value: 0 };
/// Words that no constructor gives, for places that must stay untouched.
const UNTOUCHED: Term = Term { meta: 0xdead, value: 0xbeef };

fn atom(name: &str) -> Term {
    let name = CString::new(name).unwrap();
    // SAFETY: a C string.
    unsafe { regrow_atom(name.as_ptr()) }
}

fn text(text: &str) -> Term {
    let text = CString::new(text).unwrap();
    // SAFETY: a C string.
    unsafe { regrow_text(text.as_ptr()) }
}

fn bytes(bytes: &[u8]) -> Term {
    // SAFETY: so many bytes are there.
    unsafe { regrow_bytes(bytes.as_ptr().cast(), bytes.len()) }
}

fn tuple<const N: usize>(mut items: [Term; N]) -> Term {
    // SAFETY: so many terms are there.
    unsafe { regrow_tuple(items.as_mut_ptr(), N) }
}

fn list<const N: usize>(mut items: [Term; N]) -> Term {
    // SAFETY: so many terms are there.
    unsafe { regrow_list(items.as_mut_ptr(), N) }
}

fn map<const N: usize>(mut keys: [Term; N], mut values: [Term; N]) -> Term {
    // SAFETY: so many terms are there.
    unsafe { regrow_map(keys.as_mut_ptr(), values.as_mut_ptr(), N) }
}

fn free(mut term: Term) {
    // SAFETY: a variable of ours.
    unsafe { regrow_term_free(&mut term) };
    assert_eq!(term, NIL);
}

fn is_valid(term: &Term) -> bool {
    // SAFETY: a variable of ours.
    unsafe { regrow_is_valid(term) }
}

fn invalid() -> Term {
    regrow_float(f64::NAN)
}

/// A term whose payload was freed, and whose memory nobody uses yet.
fn spent() -> Term {
    let term = text("long enough for a payload of its own");
    free(term);
    term
}

/// A resource that counts how often it is dropped, here.
fn counted(drops: &AtomicUsize) -> Term {
    unsafe extern "C-unwind" fn count(pointer: *mut c_void) {
        // SAFETY: the counter outlives its resources.
        unsafe { &*pointer.cast::<AtomicUsize>() }.fetch_add(1, Ordering::SeqCst);
    }
    // SAFETY: `count` runs on any thread.
    unsafe { regrow_resource(std::ptr::from_ref(drops).cast_mut().cast(), Some(count)) }
}

fn print(term: &Term) -> String {
    let mut text = [1; 200];
    // SAFETY: so many bytes are there.
    let length = unsafe { regrow_term_print(term, text.as_mut_ptr().cast(), text.len()) };
    let text = CStr::from_bytes_until_nul(&text).unwrap().to_str().unwrap();
    assert_eq!(length, text.len());
    text.to_string()
}

/// One term of each kind.
fn of_each_kind() -> [Term; 12] {
    [
        regrow_nil(),
        atom("ok"),
        regrow_int(7),
        regrow_float(2.5),
        text("short"),
        text("much longer than fits inside"),
        tuple([regrow_int(1), atom("x")]),
        list([regrow_int(1), regrow_int(2)]),
        map([atom("key")], [regrow_int(1)]),
        regrow_from_pid(Id(5)),
        regrow_from_ref(Id(6)),
        // SAFETY: nothing is done with the pointer.
        unsafe { regrow_resource(null_mut(), None) },
    ]
}

/// NULL, an invalid term, words that regrow never made and, where it is noticed, a spent term.
fn no_terms() -> Vec<*const Term> {
    let mut terms = vec![null(), &*Box::leak(Box::new(invalid()))];
    if SPENT_IS_NOTICED {
        terms.push(Box::leak(Box::new(spent())));
    }
    terms.push(Box::leak(Box::new(UNTOUCHED)));
    terms
}

#[test]
fn each_test_of_kind_says_yes_to_its_kind_alone() {
    type Test = unsafe extern "C" fn(*const Term) -> bool;
    let tests: [(Test, &[usize]); 10] = [
        (regrow_is_nil, &[0]),
        (regrow_is_int, &[2]),
        (regrow_is_float, &[3]),
        (regrow_is_bytes, &[4, 5]),
        (regrow_is_tuple, &[6]),
        (regrow_is_list, &[0, 7]),
        (regrow_is_map, &[8]),
        (regrow_is_pid, &[9]),
        (regrow_is_ref, &[10]),
        (regrow_is_resource, &[11]),
    ];
    let terms = of_each_kind();
    for (number, (test, kinds)) in tests.into_iter().enumerate() {
        for (index, term) in terms.iter().enumerate() {
            // SAFETY: a term.
            assert_eq!(unsafe { test(term) }, kinds.contains(&index), "test {number} of {}", print(term));
        }
        // SAFETY: these are noticed.
        no_terms().into_iter().for_each(|term| assert!(!unsafe { test(term) }));
    }
    assert!(terms.iter().all(is_valid));
    // SAFETY: these are noticed.
    assert!(no_terms().into_iter().all(|term| !unsafe { regrow_is_valid(term) }));
    terms.into_iter().for_each(free);
}

/// Calls a reader on every kind of term, on what is none, and without a place; it must read `kinds` alone.
fn check_reader<T: Copy + PartialEq + std::fmt::Debug>(
    reader: unsafe extern "C" fn(*const Term, *mut T) -> bool, untouched: T, kinds: &[usize],
) {
    let terms = of_each_kind();
    let all = terms.iter().map(std::ptr::from_ref).enumerate().chain(no_terms().into_iter().map(|term| (99, term)));
    for (index, term) in all {
        let mut value = untouched;
        // SAFETY: terms, or what is noticed, and a place for the value.
        let read = unsafe { reader(term, &mut value) };
        assert_eq!(read, kinds.contains(&index), "kind {index}");
        assert!(read || value == untouched, "written on failure");
        // SAFETY: NULL is noticed.
        assert!(!unsafe { reader(term, null_mut()) });
    }
    terms.into_iter().for_each(free);
}

#[test]
fn each_reader_reads_its_kind_alone_and_else_writes_nothing() {
    check_reader(regrow_as_int, -1, &[2]);
    check_reader(regrow_as_float, -1.0, &[3]);
    check_reader(regrow_as_bool, true, &[]);
    check_reader(regrow_as_atom, null(), &[1]);
    check_reader(regrow_as_text, null(), &[1, 4, 5]);
    check_reader(regrow_as_pid, Id(99), &[9]);
    check_reader(regrow_as_ref, Id(99), &[10]);
    check_reader(regrow_as_resource, std::ptr::dangling_mut(), &[11]);
    check_reader(regrow_tuple_size, 99, &[6]);
    check_reader(regrow_list_length, 99, &[0, 7]);
    check_reader(regrow_map_size, 99, &[8]);
}

#[test]
fn readers_read_what_constructors_were_given() {
    fn read<T: Copy>(reader: unsafe extern "C" fn(*const Term, *mut T) -> bool, term: Term, mut value: T) -> T {
        // SAFETY: a term and a place.
        assert!(unsafe { reader(&term, &mut value) });
        free(term);
        value
    }
    assert_eq!(read(regrow_as_int, regrow_int(i64::MIN), 0), i64::MIN);
    assert_eq!(read(regrow_as_float, regrow_float(-0.5), 0.0), -0.5);
    assert!(read(regrow_as_bool, regrow_bool(true), false));
    assert!(!read(regrow_as_bool, atom("false"), true));
    assert_eq!(read(regrow_as_pid, regrow_from_pid(Id(77)), Id(0)), Id(77));
    assert_eq!(read(regrow_as_ref, regrow_from_ref(Id(78)), Id(0)), Id(78));
    // SAFETY: names of atoms stay for ever.
    assert_eq!(unsafe { CStr::from_ptr(read(regrow_as_atom, atom("größe"), null())) }, c"größe");
}

#[test]
fn text_of_every_length_is_read_in_place_and_ends_with_a_nul() {
    for length in 0..40 {
        let long = "x".repeat(length);
        let term = text(&long);
        let (mut read, mut data, mut size) = (null(), null(), 99);
        // SAFETY: a term and places; the text is read while the variable is there.
        unsafe {
            assert!(regrow_as_text(&term, &mut read));
            assert_eq!(CStr::from_ptr(read).to_str().unwrap(), long);
            assert!(regrow_as_bytes(&term, &mut data, &mut size));
            assert_eq!((data, size), (read.cast(), length));
            assert!(regrow_as_bytes(&term, null_mut(), &mut size) && regrow_as_bytes(&term, &mut data, null_mut()));
        }
        free(term);
    }
}

#[test]
fn text_with_a_nul_or_not_in_utf8_is_bytes_only() {
    for content in [&b"a\0b"[..], b"\xff", b"a longer one with a \0 in the middle"] {
        let term = bytes(content);
        let (mut read, mut data, mut size) = (null(), null(), 0);
        // SAFETY: a term and places; the bytes are read while the variable is there.
        unsafe {
            assert!(!regrow_as_text(&term, &mut read));
            assert!(regrow_as_bytes(&term, &mut data, &mut size));
            assert_eq!(std::slice::from_raw_parts(data, size), content);
        }
        free(term);
    }
    let (mut data, mut size) = (std::ptr::dangling(), 99);
    for term in no_terms().into_iter().chain([&regrow_int(1) as *const Term]) {
        // SAFETY: these are noticed.
        assert!(!unsafe { regrow_as_bytes(term, &mut data, &mut size) });
        assert_eq!((data, size), (std::ptr::dangling(), 99));
    }
}

#[test]
fn an_atom_with_a_nul_in_its_name_has_no_c_name() {
    let external = [131, 119, 3, b'a', 0, b'b'];
    let (mut term, mut name) = (UNTOUCHED, null());
    // SAFETY: so many bytes, and places.
    unsafe {
        assert_eq!(regrow_term_decode(external.as_ptr().cast(), external.len(), &mut term), OK);
        assert!(!regrow_as_atom(&term, &mut name) && !regrow_as_text(&term, &mut name));
        assert!(!regrow_is_atom(&term, c"a".as_ptr()));
    }
}

#[test]
fn an_atom_is_known_by_its_name() {
    let term = atom("ok");
    // SAFETY: a term, C strings, or what is noticed.
    unsafe {
        assert!(regrow_is_atom(&term, c"ok".as_ptr()));
        assert!(!regrow_is_atom(&term, c"o".as_ptr()) && !regrow_is_atom(&term, c"oka".as_ptr()));
        assert!(!regrow_is_atom(&term, c"\xff".as_ptr()) && !regrow_is_atom(&term, null()));
        assert!(!regrow_is_atom(&text("ok"), c"ok".as_ptr()));
        no_terms().into_iter().for_each(|term| assert!(!regrow_is_atom(term, c"ok".as_ptr())));
    }
}

#[test]
fn constructors_give_the_invalid_term_for_what_cannot_be() {
    let long = "x".repeat(256);
    // SAFETY: NULL is noticed.
    let nulls = unsafe {
        [
            regrow_atom(null()),
            regrow_text(null()),
            regrow_bytes(null(), 1),
            regrow_tuple(null_mut(), 1),
            regrow_list(null_mut(), 1),
            regrow_map(null_mut(), null_mut(), 1),
            regrow_term_clone(null()),
        ]
    };
    // SAFETY: C strings, or sizes that are noticed.
    let others = unsafe {
        [
            regrow_float(f64::INFINITY),
            regrow_atom(c"\xff".as_ptr()),
            atom(&long),
            regrow_text(c"\xc3".as_ptr()),
            regrow_bytes(c"x".as_ptr().cast(), usize::MAX),
            regrow_tuple(&mut NIL.clone(), usize::MAX),
            regrow_list(&mut NIL.clone(), usize::MAX / 16),
            regrow_term_clone(&invalid()),
        ]
    };
    for term in nulls.into_iter().chain(others) {
        assert_eq!(term, invalid());
        free(term);
    }
}

#[test]
fn empty_containers_need_no_array() {
    // SAFETY: no items.
    let terms = unsafe {
        [
            regrow_bytes(null(), 0),
            regrow_tuple(null_mut(), 0),
            regrow_list(null_mut(), 0),
            regrow_map(null_mut(), null_mut(), 0),
        ]
    };
    assert_eq!(terms.map(|term| print(&term)), ["<<>>", "{}", "[]", "#{}"]);
}

#[test]
fn arrays_are_left_nil_and_their_items_freed_also_on_failure() {
    let mut bad = vec![invalid(), UNTOUCHED];
    if SPENT_IS_NOTICED {
        bad.push(spent());
    }
    for bad in bad {
        for maker in [regrow_tuple, regrow_list] {
            let drops = AtomicUsize::new(0);
            let mut items = [counted(&drops), bad, counted(&drops)];
            // SAFETY: so many items.
            assert_eq!(unsafe { maker(items.as_mut_ptr(), 3) }, invalid());
            assert_eq!((items, drops.load(Ordering::SeqCst)), ([NIL; 3], 2));
        }
        for place in 0..2 {
            let drops = AtomicUsize::new(0);
            let mut arrays = [[regrow_int(1), counted(&drops)], [counted(&drops), counted(&drops)]];
            arrays[place][0] = bad;
            let [keys, values] = &mut arrays;
            // SAFETY: so many keys and values.
            assert_eq!(unsafe { regrow_map(keys.as_mut_ptr(), values.as_mut_ptr(), 2) }, invalid());
            assert_eq!((arrays, drops.load(Ordering::SeqCst)), ([[NIL; 2]; 2], 3 - place));
        }
        let drops = AtomicUsize::new(0);
        // SAFETY: terms that are given up.
        unsafe {
            assert_eq!(regrow_cons(bad, counted(&drops)), invalid());
            assert_eq!(regrow_cons(counted(&drops), bad), invalid());
        }
        assert_eq!(drops.load(Ordering::SeqCst), 2);
    }
    let drops = AtomicUsize::new(0);
    let mut items = [counted(&drops), regrow_int(1)];
    // SAFETY: so many items, and one array missing.
    assert_eq!(unsafe { regrow_map(items.as_mut_ptr(), null_mut(), 2) }, invalid());
    assert_eq!((items, drops.load(Ordering::SeqCst)), ([NIL; 2], 1));
    // SAFETY: so many items.
    free(unsafe { regrow_tuple([counted(&drops), NIL].as_mut_ptr(), 2) });
    assert_eq!(drops.load(Ordering::SeqCst), 2);
}

#[test]
fn a_map_may_have_its_keys_for_values() {
    let drops = AtomicUsize::new(0);
    let mut items = [counted(&drops)];
    // SAFETY: one item, in both arrays: it is moved as a key, and nil is its value.
    let map = unsafe { regrow_map(items.as_mut_ptr(), items.as_mut_ptr(), 1) };
    assert!(is_valid(&map));
    free(map);
    assert_eq!(drops.load(Ordering::SeqCst), 1);
}

#[test]
fn containers_lend_what_is_in_them() {
    let row = tuple([regrow_int(1), text("a text of more than fourteen bytes")]);
    let row_list = list([regrow_int(10), regrow_int(20)]);
    let dictionary = map([atom("b"), atom("a")], [regrow_int(2), regrow_int(1)]);
    let of = |pointer: *const Term| {
        // SAFETY: borrowed from a living container, or NULL.
        unsafe { pointer.as_ref() }.map(print)
    };
    // SAFETY: terms and places, or what is noticed.
    unsafe {
        assert_eq!(of(regrow_tuple_get(&row, 0)), Some("1".into()));
        assert_eq!(of(regrow_tuple_get(&row, 2)), None);
        assert_eq!(of(regrow_tuple_get(&row, usize::MAX)), None);
        assert_eq!(of(regrow_list_head(&row_list)), Some("10".into()));
        let tail = regrow_list_tail(&row_list);
        assert_eq!(of(tail), Some("[20]".into()));
        assert_eq!(of(regrow_list_tail(tail)), Some("[]".into()));
        assert_eq!(of(regrow_list_tail(regrow_list_tail(tail))), None);
        assert_eq!(of(regrow_map_get(&dictionary, &atom("b"))), Some("2".into()));
        assert_eq!(of(regrow_map_get(&dictionary, &atom("c"))), None);
        let (mut key, mut value) = (null(), null());
        assert!(regrow_map_at(&dictionary, 0, &mut key, &mut value));
        assert_eq!((of(key), of(value)), (Some("a".into()), Some("1".into())));
        assert!(
            regrow_map_at(&dictionary, 1, &mut key, null_mut())
                && regrow_map_at(&dictionary, 1, null_mut(), &mut value)
        );
        assert_eq!((of(key), of(value)), (Some("b".into()), Some("2".into())));
        for index in [2, usize::MAX / 2 + 1, usize::MAX] {
            assert!(!regrow_map_at(&dictionary, index, &mut key, &mut value));
        }
        assert_eq!(of(key), Some("b".into()));
        let number = regrow_int(3);
        for term in no_terms().into_iter().chain([&number as *const Term]) {
            assert!(regrow_tuple_get(term, 0).is_null());
            assert!(regrow_list_head(term).is_null() && regrow_list_tail(term).is_null());
            assert!(regrow_map_get(term, &number).is_null() && regrow_map_get(&dictionary, term).is_null());
            assert!(!regrow_map_at(term, 0, &mut key, &mut value));
        }
        let mut length = 99;
        let improper = regrow_cons(regrow_int(1), regrow_int(2));
        assert!(!regrow_list_length(&improper, &mut length) && length == 99);
        assert_eq!(print(&improper), "[1|2]");
        free(improper);
    }
    [row, row_list, dictionary].into_iter().for_each(free);
}

#[test]
fn terms_compare_as_in_erlang_and_no_term_is_below_all() {
    let (one, other_one, two) = (regrow_int(1), regrow_float(1.0), regrow_int(2));
    // SAFETY: terms, or what is noticed.
    unsafe {
        assert_eq!(regrow_term_compare(&one, &other_one), 0);
        assert!(regrow_term_compare(&one, &two) < 0 && regrow_term_compare(&two, &one) > 0);
        assert!(regrow_term_equal(&one, &regrow_int(1)) && !regrow_term_equal(&one, &other_one));
        for none in no_terms() {
            assert!(regrow_term_compare(none, &one) < 0 && regrow_term_compare(&one, none) > 0);
            assert_eq!(regrow_term_compare(none, null()), 0);
            assert!(!regrow_term_equal(none, &one) && !regrow_term_equal(&one, none));
            assert!(!regrow_term_equal(none, none));
        }
    }
}

#[test]
fn clones_share_and_the_last_one_frees() {
    let drops = AtomicUsize::new(0);
    let mut term = counted(&drops);
    // SAFETY: terms of ours, or what is noticed.
    unsafe {
        let clone = regrow_term_clone(&term);
        let (mut one, mut other) = (null_mut(), null_mut());
        assert!(regrow_as_resource(&term, &mut one) && regrow_as_resource(&clone, &mut other));
        assert!(one == other && !one.is_null());
        regrow_term_free(&mut term);
        regrow_term_free(&mut term);
        assert_eq!((term, drops.load(Ordering::SeqCst)), (NIL, 0));
        free(clone);
        assert_eq!(drops.load(Ordering::SeqCst), 1);
        regrow_term_free(null_mut());
        for none in no_terms() {
            assert_eq!(regrow_term_clone(none), invalid());
            if let Some(none) = none.as_ref() {
                free(*none);
            }
        }
    }
}

#[test]
fn a_term_frees_itself_from_its_own_variable() {
    unsafe extern "C-unwind" fn look(place: *mut c_void) {
        // SAFETY: the variable outlives its resource.
        unsafe {
            assert_eq!(*place.cast::<Term>(), NIL);
            regrow_term_free(place.cast());
        }
    }
    let mut term = NIL;
    // SAFETY: the pointer stays; `look` runs on any thread.
    unsafe {
        let place = &raw mut term;
        place.write(regrow_resource(place.cast(), Some(look)));
        regrow_term_free(place);
    }
}

#[test]
fn printing_cuts_as_snprintf_does_but_between_characters() {
    let term = atom("äöü");
    let full = print(&term);
    for size in 0..full.len() + 3 {
        let mut place = vec![0x55u8; size + 1];
        // SAFETY: so many bytes.
        let length = unsafe { regrow_term_print(&term, place.as_mut_ptr().cast(), size) };
        assert_eq!(length, full.len());
        assert_eq!(place[size], 0x55, "wrote beyond its {size} bytes");
        if size > 0 {
            let cut = CStr::from_bytes_until_nul(&place).unwrap().to_str().unwrap();
            assert!(full.starts_with(cut) && cut.len() + 2 >= size.min(full.len() + 1), "{cut}");
        }
    }
    // SAFETY: NULL is noticed.
    unsafe {
        assert_eq!(regrow_term_print(&term, null_mut(), 0), full.len());
        assert_eq!(regrow_term_print(&term, null_mut(), 10), full.len());
    }
    for none in no_terms() {
        let mut place = [0x55 as c_char; 40];
        // SAFETY: what is noticed, and so many bytes.
        assert!(unsafe { regrow_term_print(none, place.as_mut_ptr(), 40) } < 40);
        // SAFETY: it was just terminated.
        assert_eq!(unsafe { CStr::from_ptr(place.as_ptr()) }.to_str().unwrap(), print(&invalid()));
    }
}

#[test]
fn the_external_format_goes_there_and_back() {
    let term =
        tuple([atom("ok"), list([regrow_int(300), regrow_float(0.5)]), map([text("key")], [regrow_from_pid(Id(9))])]);
    let (mut external, mut back, mut data, mut size) = (UNTOUCHED, UNTOUCHED, null(), 0);
    // SAFETY: terms and places.
    unsafe {
        assert_eq!(regrow_term_encode(&term, &mut external), OK);
        assert!(regrow_as_bytes(&external, &mut data, &mut size));
        assert_eq!(*data, 131);
        assert_eq!(regrow_term_decode(data.cast(), size, &mut back), OK);
        assert!(regrow_term_equal(&term, &back));
    }
    [term, external, back].into_iter().for_each(free);
}

#[test]
fn what_has_no_external_form_is_told() {
    let drops = AtomicUsize::new(0);
    let resource = tuple([counted(&drops)]);
    let mut place = UNTOUCHED;
    // SAFETY: terms and places, or what is noticed.
    unsafe {
        assert_eq!(regrow_term_encode(&resource, &mut place), WRONG_KIND);
        no_terms().into_iter().for_each(|none| assert_eq!(regrow_term_encode(none, &mut place), ARGUMENT));
        assert_eq!(regrow_term_encode(&regrow_int(1), null_mut()), ARGUMENT);
    }
    assert_eq!(place, UNTOUCHED);
    free(resource);
    assert_eq!(drops.load(Ordering::SeqCst), 1);
}

#[test]
fn bytes_that_are_no_term_are_refused() {
    let mut place = UNTOUCHED;
    // A compressed term that says it unpacks to 1 GiB.
    let bomb = [131, 80, 0x40, 0, 0, 0, 0x78, 0x9c, 3, 0, 0, 0, 0, 1];
    let cases: [(&[u8], u32); 6] = [
        (b"", ARGUMENT),
        (b"\x83", ARGUMENT),
        (b"\x82a\x01", ARGUMENT),
        (b"\x83a\x01a", ARGUMENT),
        (b"\x83\x00", ARGUMENT),
        (&bomb, LIMIT),
    ];
    for (bytes, code) in cases {
        // SAFETY: so many bytes and a place.
        let got = unsafe { regrow_term_decode(bytes.as_ptr().cast(), bytes.len(), &mut place) };
        assert_eq!((got, place), (code, UNTOUCHED), "{bytes:?}");
    }
    // SAFETY: NULL is noticed.
    unsafe {
        assert_eq!(regrow_term_decode(null(), 3, &mut place), ARGUMENT);
        assert_eq!(regrow_term_decode(null(), 0, &mut place), ARGUMENT);
        assert_eq!(regrow_term_decode(b"\x83a\x01".as_ptr().cast(), 3, null_mut()), ARGUMENT);
    }
}

#[test]
fn in_the_child_of_a_fork_nothing_is_made_and_nothing_is_freed() {
    /// What the child sees, as its exit status: the number of the first check that fails.
    fn child(term: &mut Term, drops: &AtomicUsize) -> i32 {
        let before = *term;
        let mut items = [*term];
        let (mut external, mut value) = (UNTOUCHED, 0);
        // SAFETY: terms and places of ours.
        unsafe {
            let made = [
                regrow_int(1),
                regrow_text(c"a".as_ptr()),
                regrow_tuple(items.as_mut_ptr(), 1),
                regrow_term_clone(term),
            ];
            regrow_term_free(term);
            let checks = [
                made == [invalid(); 4],
                regrow_nil() == NIL,
                *term == before && items == [before],
                regrow_cons(*term, NIL) == invalid(),
                regrow_term_encode(term, &mut external) == FORKED && external == UNTOUCHED,
                // Reading goes on.
                regrow_is_resource(term) && !regrow_as_int(term, &mut value),
                drops.load(Ordering::SeqCst) == 0,
            ];
            checks.iter().position(|holds| !holds).map_or(0, |number| number as i32 + 1)
        }
    }
    let (drops, mut root, mut status) = (AtomicUsize::new(0), Id(0), -1);
    let mut term = counted(&drops);
    // SAFETY: the child does nothing but what is tested, and ends without its parent's destructors.
    unsafe {
        assert_eq!(regrow_init(null(), &mut root), OK);
        match libc::fork() {
            0 => libc::_exit(child(&mut term, &drops)),
            pid => assert_eq!(libc::waitpid(pid, &mut status, 0), pid),
        }
        assert_eq!((libc::WIFEXITED(status), libc::WEXITSTATUS(status)), (true, 0), "number of the check that failed");
        assert_eq!(regrow_shutdown(root, 10_000, null_mut()), OK);
    }
    free(term);
    assert_eq!(drops.load(Ordering::SeqCst), 1);
}
