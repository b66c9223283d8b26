//! Terms against a real Erlang: random terms made there must decode, encode, print and compare here as they do there.
//! Needs `escript` (OTP 25) in the path; says so and passes where there is none. `REGROW_TERM_SEED` repeats a run,
//! `REGROW_TERM_COUNT` makes more terms.

use std::cmp::Ordering;
use std::hash::{BuildHasher, BuildHasherDefault, DefaultHasher};
use std::io::Write;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use regrow::term::etf::{self, Limits};
use regrow::term::{Pid, Pretty, Ref, Term};

/// Makes terms from a seed, and writes for each: its external form, what `~w` and `~0tp` print, its old and compressed forms,
/// how it compares with the one before, and its phash2. Or checks what was written here.
const SCRIPT: &str = r#"
main(["make", Seed, Count, File]) ->
    Terms = terms(list_to_integer(Seed), list_to_integer(Count)),
    {Rows, _} = lists:mapfoldl(fun(Row, Before) -> {row(Row, Before), Row} end, hd(Terms), Terms),
    ok = file:write_file(File, [block(Part) || Row <- Rows, Part <- Row]);
%% What came back from the other side must be the very terms.
main(["check", Seed, Count, File]) ->
    {ok, Bytes} = file:read_file(File),
    Rows = lists:zip(terms(list_to_integer(Seed), list_to_integer(Count)), binary_to_term(Bytes)),
    %% Pids, references and ports of that run are not those of this one.
    [throw({differs, A, B}) || {{Group, A}, B} <- Rows, Group =/= opaque, Group =/= closure, A =/= B],
    io:format("same");
%% Sorts terms of the other side, and gives them back as bytes.
main(["sort", File]) ->
    {ok, Bytes} = file:read_file(File),
    ok = file:write_file(File, term_to_binary(lists:sort(binary_to_term(Bytes)))).

row({Group, Term}, {_, Before}) ->
    [atom_to_binary(Group), term_to_binary(Term), unicode:characters_to_binary(io_lib:format("~w", [Term])),
     term_to_binary(Term, [{minor_version, 0}]), term_to_binary(Term, [{minor_version, 2}, compressed]),
     <<(order(Before, Term)), (if Before =:= Term -> 1; true -> 0 end)>>,
     unicode:characters_to_binary(io_lib:format("~0tp", [Term])),
     <<(erlang:phash2(Term, 1 bsl 32)):32>>].

order(A, B) when A == B -> 0;
order(A, B) when A < B -> 1;
order(_, _) -> 2.

block(Bytes) -> [<<(byte_size(Bytes)):32>>, Bytes].

terms(Seed, Count) ->
    rand:seed(exsss, Seed),
    Each = [each(Number rem 8, 4) || Number <- lists:seq(1, Count)],
    %% Near neighbours, so that not every comparison is decided at once.
    lists:flatmap(fun({Group, Term}) -> [{Group, Term}, {Group, touch(Term)}] end, Each).

each(0, _) -> 
    case rand:uniform(9) of
        5 -> Carried = plain(3), {closure, fun(X) -> {X, Carried} end};
        Which -> {opaque, opaque(Which)}
    end;
each(4, 4) -> {plain, element(rand:uniform(30), setelement(1, erlang:make_tuple(30, plain(3)), long()))};
each(1, Depth) -> {large, maps:from_list([{flat(), plain(Depth - 2)} || _ <- lists:seq(1, 33 + rand:uniform(60))])};
each(2, _) -> {plain, float()};
each(3, _) -> {plain, integer()};
each(_, Depth) -> {plain, plain(Depth)}.

touch(Term) when is_integer(Term) ->
    case rand:uniform(4) of
        1 -> Term + 1;
        2 -> Term;
        3 -> -Term;
        4 -> try float(Term) catch _:_ -> Term end
    end;
touch(Term) when is_float(Term) ->
    case rand:uniform(3) of 1 -> whole(Term); 2 -> -Term; 3 -> whole(Term + 1) end;
touch([Head | Tail]) -> case rand:uniform(2) of 1 -> [touch(Head) | Tail]; 2 -> [Head | touch(Tail)] end;
touch(Term) when is_tuple(Term), tuple_size(Term) > 0 ->
    At = rand:uniform(tuple_size(Term)),
    setelement(At, Term, touch(element(At, Term)));
touch(Term) when is_map(Term), map_size(Term) > 0 ->
    %% The same one in each run, where to_list has no order and 5 and 5.0 are both keys.
    [{_, Key, Value} | _] = lists:sort([{term_to_binary(K), K, V} || {K, V} <- maps:to_list(Term)]),
    case rand:uniform(3) of
        1 -> Term#{Key := touch(Value)};
        2 -> maps:put(touch(Key), Value, maps:remove(Key, Term));
        %% Never beyond 32 keys, where Erlang's order ends.
        3 when map_size(Term) =/= 32 -> Term#{touch(Key) => Value};
        3 -> Term
    end;
touch(<<Byte, Rest/bitstring>>) ->
    case rand:uniform(3) of 1 -> Rest; 2 -> <<(Byte bxor 1), Rest/bitstring>>; 3 -> <<Byte, Rest/bitstring, 1:1>> end;
touch(Term) -> Term.

%% trunc(-576460752303423488.0) makes an integer that equals no other in OTP 25; read again it is a sound one.
whole(Float) -> list_to_integer(integer_to_list(trunc(Float))).

plain(Depth) when Depth =< 0 -> flat();
plain(Depth) ->
    case rand:uniform(8) of
        1 -> list_to_tuple(several(Depth));
        2 -> several(Depth);
        3 -> several(Depth) ++ flat();
        4 -> maps:from_list([{plain(Depth - 2), plain(Depth - 1)} || _ <- lists:seq(1, rand:uniform(9) - 1)]);
        5 -> [rand:uniform(256) - 1 || _ <- lists:seq(1, rand:uniform(20))];
        6 -> maps:from_list([{flat(), flat()} || _ <- lists:seq(1, rand:uniform(32))]);
        _ -> flat()
    end.

%% Around the lengths where forms change.
long() ->
    case rand:uniform(3) of
        1 -> list_to_tuple([flat() || _ <- lists:seq(1, 253 + rand:uniform(4))]);
        2 -> [rand:uniform(256) - 1 || _ <- lists:seq(1, 65533 + rand:uniform(4))];
        3 -> 1 bsl (8 * 253 + rand:uniform(24))
    end.

several(Depth) -> [plain(Depth - 1) || _ <- lists:seq(1, rand:uniform(6) - 1)].

flat() ->
    case rand:uniform(8) of
        1 -> integer();
        2 -> float();
        3 -> atom();
        4 -> rand:bytes(rand:uniform(30) - 1);
        5 -> bits();
        6 -> rand:uniform(10);
        7 -> element(rand:uniform(4), {[], {}, #{}, <<>>});
        8 -> text()
    end.

%% What people read as text, or nearly.
text() ->
    Characters = some_of(["abc \"\\'\n\t\r\v\b\f\e", lists:seq(32, 126), lists:seq(160, 255),
                          [$a, $b, 955, 8364, 128512, 16#d7ff, 16#e000, 16#fffd], [$a, 127, 128, 159, 160, 0, 16#fffe]]),
    Text = [some_of(Characters) || _ <- lists:seq(1, rand:uniform(12))],
    case rand:uniform(3) of
        1 -> Text;
        2 -> case unicode:characters_to_binary(Text) of Bytes when is_binary(Bytes) -> Bytes; _ -> Text end;
        3 -> << <<Character>> || Character <- Text >>
    end.

some_of(List) -> lists:nth(rand:uniform(length(List)), List).

bits() ->
    Bytes = rand:bytes(rand:uniform(6)),
    Length = rand:uniform(byte_size(Bytes) * 8),
    <<Bits:Length/bitstring, _/bitstring>> = Bytes,
    Bits.

integer() ->
    Near = element(rand:uniform(9), {0, 255, 1 bsl 27, 1 bsl 31, 1 bsl 53, 1 bsl 59, 1 bsl 63, 1 bsl 64, 1 bsl 1000}),
    Value = case rand:uniform(4) of
        1 -> Near + rand:uniform(5) - 3;
        2 -> rand:uniform(1 bsl rand:uniform(70));
        3 -> rand:uniform(1 bsl (64 + rand:uniform(300)));
        4 -> rand:uniform(1 bsl 64) bsl rand:uniform(64)
    end,
    case rand:uniform(2) of 1 -> Value; 2 -> -Value end.

float() ->
    case rand:uniform(7) of
        1 -> rand:uniform();
        2 -> float(rand:uniform(1 bsl rand:uniform(70)));
        3 -> element(rand:uniform(5), {0.0, -0.0, 1.0, 5.0e-324, 1.7976931348623157e308});
        4 -> rand:uniform(100000) / math:pow(10, rand:uniform(30));
        5 -> rand:uniform(100000) * math:pow(10, rand:uniform(30));
        6 -> -float(integer() rem (1 bsl 1000));
        7 -> bit_float()
    end.

bit_float() ->
    case rand:bytes(8) of <<Float/float>> -> Float; _ -> bit_float() end.

atom() ->
    Characters = case rand:uniform(5) of
        1 -> "abcxyzABC019_@";
        2 -> [223, 224, 246, 247, 248, 255, 192, 215, 222, $a, $b];
        3 -> lists:seq(0, 255);
        4 -> [$a, $b, 1078, 8364, 128512, 256];
        5 -> "if or"
    end,
    Length = case rand:uniform(20) of 1 -> rand:uniform(255); _ -> rand:uniform(5) - 1 end,
    %% Few long ones: names are kept for ever on both sides.
    list_to_atom([lists:nth(rand:uniform(length(Characters)), Characters) || _ <- lists:seq(1, Length)]).

opaque(1) -> self();
opaque(2) -> make_ref();
opaque(3) -> hd(erlang:ports());
opaque(4) -> fun lists:map/2;
opaque(6) -> binary_to_term(<<131, 103, 100, 3:16, "a@b", (rand:uniform(1000)):32, 5:32, 2>>);
opaque(7) -> binary_to_term(<<131, 114, 3:16, 100, 3:16, "a@b", 2, 7:32, (rand:uniform(1 bsl 32) - 1):32, 3:32>>);
opaque(8) -> binary_to_term(<<131, 120, 119, 3, "a@b", (rand:uniform(1 bsl 40)):64, 9:32>>);
opaque(9) -> #{{node(), self()} => [make_ref() | fun erlang:node/0]}.
"#;

fn escript(test: &str, arguments: &[&str]) -> Option<String> {
    let script = directory().join(format!("{test}.escript"));
    std::fs::write(&script, format!("#!/usr/bin/env escript\n%%! +pc unicode\n-mode(compile).\n{SCRIPT}")).unwrap();
    let started = Command::new("escript").arg(&script).args(arguments).stderr(Stdio::inherit()).output();
    let Ok(output) = started else {
        // Past the test harness, which would hide it.
        let _ = writeln!(std::io::stderr(), "SKIPPED {test}: no escript in the path");
        return None;
    };
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "escript failed: {text}");
    Some(text)
}

fn directory() -> PathBuf {
    let directory = PathBuf::from(env!("CARGO_TARGET_TMPDIR"));
    std::fs::create_dir_all(&directory).unwrap();
    directory
}

fn setting(name: &str, default: u64) -> u64 {
    std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(default)
}

fn hash(term: &Term) -> u64 {
    BuildHasherDefault::<DefaultHasher>::default().hash_one(term)
}

fn blocks(mut bytes: &[u8]) -> Vec<&[u8]> {
    let mut blocks = Vec::new();
    while let Some((length, rest)) = bytes.split_first_chunk() {
        let (block, rest) = rest.split_at(u32::from_be_bytes(*length) as usize);
        blocks.push(block);
        bytes = rest;
    }
    blocks
}

#[test]
fn random_terms_are_what_they_are_in_erlang() {
    let clock = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs();
    // Another one with the long counts only: what is merely tested must not depend on chance.
    let chance = if setting("REGROW_ROUNDS", 1) > 1 { clock } else { 1 };
    let (seed, count) = (setting("REGROW_TERM_SEED", chance), setting("REGROW_TERM_COUNT", 1000));
    println!("REGROW_TERM_SEED={seed} REGROW_TERM_COUNT={count}");
    let file = directory().join("random_terms.bin");
    let name = file.to_str().unwrap();
    let (seed, count) = (seed.to_string(), count.to_string());
    if escript("random_terms", &["make", &seed, &count, name]).is_none() {
        return;
    }

    let limits = Limits { max_new_atoms: usize::MAX, ..Limits::default() };
    let bytes = std::fs::read(&file).unwrap();
    let mut before: Option<Term> = None;
    let mut terms = Vec::new();
    for row in blocks(&bytes).chunks_exact(8) {
        let [group, external, printed, old, packed, order, pretty, phash2] = row else { unreachable!() };
        let printed = std::str::from_utf8(printed).unwrap();
        let term = etf::decode(external, &limits).unwrap_or_else(|error| panic!("{error}: {printed}"));
        let before = before.replace(term.clone()).unwrap_or(term.clone());

        // A closure keeps the bytes it came in, and these differ: it can only be decoded, not compared.
        let is_closure = *group == b"closure";
        let (old, packed) = (etf::decode(old, &limits).unwrap(), etf::decode(packed, &limits).unwrap());
        assert!(packed == term || is_closure, "compressed, {printed}");
        // The old form of a float is 20 digits of text, which is exact enough.
        assert!(old == term || is_closure, "minor version 0, {printed}");
        if *group != b"large" {
            assert_eq!(etf::encode(&term).unwrap(), *external, "{printed}");
        }
        // Pids and the like are elsewhere's.
        if [&b"plain"[..], b"large"].contains(group) {
            assert_eq!(term.phash2().to_be_bytes(), **phash2, "{printed}");
        }
        if *group == b"plain" {
            assert_eq!(term.to_string(), printed);
            assert_eq!(Pretty(&term).to_string(), std::str::from_utf8(pretty).unwrap());
        }
        if !is_closure && *group != b"opaque" {
            let expected = [Ordering::Equal, Ordering::Less, Ordering::Greater][order[0] as usize];
            assert_eq!(before.cmp_erlang(&term), expected, "{before} and {term}");
            assert_eq!(term.cmp_erlang(&before), expected.reverse(), "{term} and {before}");
        }
        assert_eq!(before == term, order[1] == 1, "{before} and {term}");
        if before == term {
            assert_eq!(hash(&before), hash(&term));
        }
        terms.push(term);
    }
    assert!(!terms.is_empty());

    std::fs::write(&file, etf::encode(&Term::list(terms)).unwrap()).unwrap();
    let answer = escript("random_terms", &["check", &seed, &count, name]);
    assert_eq!(answer.as_deref(), Some("same"));
}

#[test]
fn our_pids_and_references_come_back_from_erlang_in_the_same_order() {
    // Generations from 2^32 on keep their order here, but not in Erlang, which has 32 bits for the upper part.
    let pids = (0..60).map(|bit| 1u64 << bit).chain([0x0234_5678_9abc_def0, 3 << 27, 5 << 55]).map(Pid).map(Term::pid);
    let references = (0..64).map(|bit| 1u64 << bit).chain([u64::MAX, 3 << 17, 5 << 49]).map(Ref).map(Term::reference);
    let mut terms: Vec<Term> = pids.chain(references).collect();
    terms.sort_by(Term::cmp_erlang);
    terms.reverse();
    let file = directory().join("identities.bin");
    std::fs::write(&file, etf::encode(&Term::list(terms.clone())).unwrap()).unwrap();
    if escript("identities", &["sort", file.to_str().unwrap()]).is_none() {
        return;
    }
    terms.reverse();
    let back = etf::decode(&std::fs::read(&file).unwrap(), &Limits::default()).unwrap();
    assert_eq!(back.list_iter().cloned().collect::<Vec<_>>(), terms);
}

#[test]
fn every_pid_and_reference_comes_back() {
    for number in (0..64).map(|bit| 1u64 << bit).chain([0, u64::MAX, 0x9234_5678_9abc_def0]) {
        for term in [Term::pid(Pid(number)), Term::reference(Ref(number))] {
            assert_eq!(etf::decode(&etf::encode(&term).unwrap(), &Limits::default()), Ok(term));
        }
    }
}
