//! Bytes that are no term: every one of them an error, none a crash, none more memory than a constant times its length.
//! The allocator counts by thread, so that tests side by side do not see each other. Small payloads lie in blocks, which
//! it does not see: those of the term that came out are counted by themselves.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

use regrow::sync::blocks::Size;
use regrow::term::etf::{self, DecodeError, Limits};
use regrow::term::{Term, atoms};

/// Counts what each thread has allocated and not yet freed, and the most there was at once.
struct Counting;

thread_local! {
    static NOW: Cell<isize> = const { Cell::new(0) };
    static MOST: Cell<isize> = const { Cell::new(0) };
}

fn count(layout: Layout, sign: isize) {
    // What blocks are cut from is no term's.
    if layout.align() >= REGION {
        return;
    }
    let size = layout.size() as isize * sign;
    let now = NOW.get() + size;
    NOW.set(now);
    MOST.set(MOST.get().max(now));
}

// SAFETY: everything is the system allocator's; counting touches no memory of it.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count(layout, 1);
        // SAFETY: the caller's promise, handed on.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, memory: *mut u8, layout: Layout) {
        count(layout, -1);
        // SAFETY: the caller's promise, handed on.
        unsafe { System.dealloc(memory, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// No term's payload is aligned as that.
const REGION: usize = 1 << 20;

/// The bytes of the blocks in which the small payloads of a term lie.
fn small(term: &Term) -> usize {
    let (mut left, mut sum) = (vec![term], 0);
    while let Some(term) = left.pop() {
        let bytes = if let Some((head, tail)) = term.as_cons() {
            left.extend([head, tail]);
            40
        } else if let Some(elements) = term.as_tuple() {
            left.extend(elements);
            16 * (elements.len() + 1)
        } else if let Some(map) = term.as_map() {
            left.extend(map.iter().flat_map(|(key, value)| [key, value]));
            16 * (2 * map.len() + 1)
        } else {
            let bytes = term.as_bytes().or(term.as_opaque()).or(term.as_big().map(|(_, magnitude)| magnitude));
            bytes.map_or(0, |bytes| bytes.len() + 17)
        };
        sum += Size::of(bytes).filter(|_| bytes > 0).map_or(0, Size::bytes);
    }
    sum
}

/// The most that a byte of input may cost: a list of bytes has 48 for each; a tuple of a tuple of a tuple ... 32
/// for each two bytes, and a place on a stack that doubles when it grows.
const COST: usize = 160;
/// And what an error, an atom or a page of the atom table may cost beside.
const BASE: usize = 64 << 10;

fn decode(bytes: &[u8]) -> Result<Term, DecodeError> {
    let before = NOW.get();
    MOST.set(before);
    let result = etf::decode(bytes, &Limits::default());
    let most = (MOST.get() - before) as usize + result.as_ref().map_or(0, small);
    // Packed bytes may be a thousand of others.
    let most = if bytes.get(1) == Some(&80) { most / 1032 } else { most };
    assert!(most <= bytes.len() * COST + BASE, "{most} bytes for {} of input", bytes.len());
    // Whatever came in can be used like any other term.
    if let Ok(term) = &result {
        let again = etf::encode(term).unwrap();
        assert_eq!(etf::decode(&again, &Limits::default()).as_ref(), Ok(term));
        assert_eq!(term.cmp_erlang(term), std::cmp::Ordering::Equal);
        let _ = term.to_string();
    }
    result
}

/// One of everything, as OTP 25 writes it, and the older forms.
fn samples() -> Vec<Vec<u8>> {
    let terms = [
        Term::tuple_of([
            Term::atom(atoms::OK),
            Term::int(1),
            Term::int(-1),
            Term::int(1 << 40),
            Term::big(true, &[7; 300]),
            Term::float(1.5),
            Term::atom_named("Ж"),
            Term::text("text"),
            Term::text("longer than fourteen bytes"),
        ]),
        Term::list(vec![Term::int(1), Term::int(2)]),
        Term::list_with_tail(vec![Term::int(1), Term::list(vec![Term::int(300)])], Term::int(2)),
        Term::map((0..5).map(|key| (Term::int(key), Term::map(vec![(Term::float(0.5), Term::nil())]))).collect()),
        Term::pid(regrow::term::Pid::new(1, 2)),
        Term::reference(regrow::term::Ref(77)),
        Term::tuple((0..300).map(Term::int).collect()),
    ];
    let mut samples: Vec<Vec<u8>> = terms.iter().map(|term| etf::encode(term).unwrap()).collect();
    samples.extend(
        [
            &b"\x83\x63\x31\x2e\x30\x30\x30\x30\x30\x30\x30\x30\x30\x30\x30\x30\x30\x30\x30\x30\x30\x30\x30\x30\x30e+00\0\0\0\0"[..],
            b"\x83\x4d\0\0\0\x02\x03\xff\xff",
            b"\x83\x73\x02ok",
            b"\x83\x76\0\x02ok",
            b"\x83\x67\x64\0\x03a@b\0\0\0\x01\0\0\0\x05\x02",
            b"\x83\x66\x64\0\x03a@b\0\0\0\x01\x02",
            b"\x83\x78\x64\0\x03a@b\0\0\x01\0\0\0\0\x01\0\0\0\x02",
            b"\x83\x65\x64\0\x03a@b\0\0\0\x01\x02",
            b"\x83\x72\0\x02\x64\0\x03a@b\x02\0\0\0\x01\0\0\0\x01",
            b"\x83\x71\x64\0\x05lists\x64\0\x03map\x61\x02",
            b"\x83\x70\0\0\0\x40\x01\x06\x53\x61\xaa\x46\x15\x90\xd1\xbd\xf1\xeb\x62\xd1\xa6\xeb\x08\0\0\0\x2a\0\0\0\x01\x64\0\x03erl\x61\x2a\x62\0\x32\x9b\x0d\x58\x64\0\x03a@b\0\0\0\x09\0\0\0\0\0\0\0\0\x68\x01\x6a",
            b"\x83\x75\0\0\0\x01\x67\x64\0\x03a@b\0\0\0\x01\0\0\0\x05\x02\x64\0\x01m\x61\x01\x61\x02\x6a",
            // A list of a thousand zeros, packed.
            b"\x83\x50\x00\x00\x03\xeb\x78\x9c\xcb\x66\x7e\xc1\x30\x0a\x46\xc1\x28\x18\xf6\x00\x00\x3e\x55\x01\x57",
        ]
        .map(<[u8]>::to_vec),
    );
    samples
}

#[test]
fn samples_decode_and_none_of_their_beginnings_does() {
    for (number, sample) in samples().iter().enumerate() {
        assert!(decode(sample).is_ok(), "sample {number}: {:?}", decode(sample));
        for length in 0..sample.len() {
            assert!(decode(&sample[..length]).is_err(), "sample {number} cut at {length}");
        }
        let mut longer = sample.clone();
        longer.push(0);
        assert!(decode(&longer).is_err());
    }
}

#[test]
fn flipped_bytes_are_an_error_or_another_term() {
    for sample in samples() {
        for at in 1..sample.len() {
            for value in [0, 1, 0x7f, 0x80, 0xff, sample[at] ^ 1, sample[at].wrapping_add(1), 104, 105, 108, 112, 116] {
                let mut bytes = sample.clone();
                bytes[at] = value;
                let _ = decode(&bytes);
            }
        }
    }
}

#[test]
fn random_bytes_are_an_error_or_a_term() {
    // A xorshift with a fixed seed: the same bytes on every run.
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut random = move || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state
    };
    const TAGS: &[u8] = &[
        70, 77, 80, 88, 89, 90, 97, 98, 99, 100, 101, 102, 103, 104, 105, 106, 107, 108, 109, 110, 111, 112, 113, 114,
        115, 116, 117, 118, 119, 120, 0, 1, 2, 3, 255,
    ];
    for _ in 0..200_000 {
        let mut bytes = vec![131];
        for _ in 0..random() % 40 {
            bytes.push(match random() % 3 {
                0 => random() as u8,
                1 => (random() % 4) as u8,
                _ => TAGS[random() as usize % TAGS.len()],
            });
        }
        let _ = decode(&bytes);
    }
}

#[test]
fn lengths_that_cannot_be_are_refused_before_room_is_made() {
    let headers: [&[u8]; 9] = [
        b"\x69\xff\xff\xff\xff",
        b"\x69\x00\xff\xff\xff",
        b"\x6c\xff\xff\xff\xff",
        b"\x74\xff\xff\xff\xff",
        b"\x6d\xff\xff\xff\xff",
        b"\x6f\xff\xff\xff\xff\x00",
        b"\x4d\xff\xff\xff\xff\x01",
        b"\x70\xff\xff\xff\xff",
        b"\x50\xff\xff\xff\xff\x78\x9c",
    ];
    for header in headers {
        assert!(decode(&[b"\x83", header].concat()).is_err());
    }
    // Each level promises as much as is left: only their sum gives it away.
    let mut bytes = vec![131];
    for level in 0..20_000u32 {
        bytes.push(105);
        bytes.extend((100_000 - 5 * level).to_be_bytes());
    }
    assert!(decode(&bytes).is_err());
}

#[test]
fn the_dearest_inputs_stay_within_their_cost() {
    let nested = |level: &[u8], end: &[u8]| [b"\x83", level.repeat(200_000).as_slice(), end].concat();
    for bytes in [
        nested(b"\x68\x01", b"\x6a"),
        nested(b"\x6c\0\0\0\x01", &[&b"\x6a"[..], &b"\x6a".repeat(200_000)].concat()),
        nested(b"\x6c\0\0\0\0", b"\x6a"),
        nested(b"\x74\0\0\0\x01\x6a", b"\x6a"),
        nested(b"\x68\x02\x6a", b"\x6a"),
        [&b"\x83\x69"[..], &200_000u32.to_be_bytes(), &b"\x68\0".repeat(200_000)].concat(),
        [&b"\x83\x69"[..], &200_000u32.to_be_bytes(), &b"\x77\0".repeat(200_000)].concat(),
        [&b"\x83\x6b"[..], &[0xff, 0xff], &b"\x01".repeat(0xffff)].concat(),
    ] {
        assert!(decode(&bytes).is_ok());
    }
}

#[test]
fn limits_are_kept() {
    let limits = Limits { max_bytes: 100, max_depth: 3, max_new_atoms: 2, max_integer_bytes: 9 };
    let decode = |term: &Term| etf::decode(&etf::encode(term).unwrap(), &limits);
    let deep = |depth| (0..depth).fold(Term::int(1), |inner, _| Term::tuple_of([inner]));
    assert!(decode(&deep(3)).is_ok());
    assert_eq!(decode(&deep(4)), Err(DecodeError::TooDeep));
    assert!(decode(&Term::bytes(&[0; 94])).is_ok());
    assert_eq!(decode(&Term::bytes(&[0; 95])), Err(DecodeError::TooLarge));
    assert!(decode(&Term::big(false, &[1; 9])).is_ok());
    assert_eq!(decode(&Term::big(false, &[1; 10])), Err(DecodeError::TooLarge));
    let atoms = b"\x83\x68\x03\x77\x0bhostile one\x77\x0bhostile two\x77\x0dhostile three";
    assert_eq!(etf::decode(atoms, &limits), Err(DecodeError::TooManyAtoms));
    assert_eq!(regrow::term::Atom::existing("hostile three"), None);
    assert!(etf::decode(atoms, &limits).is_ok(), "the first two are known by now");
}

#[test]
fn a_packed_bomb_is_refused() {
    // What is packed may not claim to be more than the limit, nor more than it can be.
    let limits = Limits { max_bytes: 1000, ..Limits::default() };
    assert_eq!(etf::decode(b"\x83\x50\0\0\x03\xe9\x78\x9c\x01", &limits), Err(DecodeError::TooLarge));
    assert_eq!(decode(b"\x83\x50\x00\xff\xff\xff\x78\x9c\x01"), Err(DecodeError::Truncated));
}

#[test]
fn what_is_left_after_a_term_can_be_read_on() {
    let bytes = [etf::encode(&Term::int(1)).unwrap(), etf::encode(&Term::text("two")).unwrap()].concat();
    let (first, used) = etf::decode_prefix(&bytes, &Limits::default()).unwrap();
    assert_eq!((first, used), (Term::int(1), 3));
    assert_eq!(etf::decode(&bytes[used..], &Limits::default()), Ok(Term::text("two")));
    assert_eq!(etf::decode(&bytes, &Limits::default()), Err(DecodeError::Trailing));
}

#[test]
fn a_map_with_a_key_twice_is_refused_and_one_out_of_order_is_sorted() {
    assert_eq!(decode(b"\x83\x74\0\0\0\x02\x61\x01\x61\x01\x61\x01\x61\x02"), Err(DecodeError::DuplicateKey));
    let map = decode(b"\x83\x74\0\0\0\x03\x61\x02\x61\x0b\x46\x3f\xf0\0\0\0\0\0\0\x61\x0c\x61\x01\x61\x0a").unwrap();
    assert_eq!(map.to_string(), "#{1 => 10,2 => 11,1.0 => 12}");
}
