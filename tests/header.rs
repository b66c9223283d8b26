//! include/regrow.h: that it is what src/ffi makes, that nothing is missing, and who owns what.
//!
//! tests/golden/symbols.txt has a line for each function: its name, and for each parameter how it is passed.
//!
//! | word | what |
//! | --- | --- |
//! | value | a number, or a pointer that is only handed on |
//! | moved | regrow's from now on, also when the call fails |
//! | borrowed | read during the call |
//! | out | written on success; a term written there is the caller's |
//! | in-out | read, and written on success |
//! | array | its items are moved out |
//! | callback | a function |
//!
//! After a change of the face, `REGROW_UPDATE=1 cargo test --test header` writes the file anew; what the types leave
//! open (out, in-out or array) is guessed for new parameters and kept for old ones. Read the difference.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, fs};

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn header() -> String {
    fs::read_to_string(root().join("include/regrow.h")).expect("include/regrow.h is there")
}

/// A parameter: its name and its type.
type Parameter = (String, String);

/// The functions that the header declares, in its order.
fn prototypes(header: &str) -> Vec<(String, Vec<Parameter>)> {
    let code: Vec<&str> = header
        .lines()
        .filter(|line| !["///", "#", "*", "/*"].iter().any(|start| line.trim_start().starts_with(start)))
        .filter(|line| *line != "extern \"C\" {")
        .collect();
    let code = code.join(" ");
    let statements = code.split(';').map(str::trim).filter(|statement| !statement.contains(['{', '}']));
    let statements = statements.filter(|statement| !statement.starts_with("typedef") && statement.contains("regrow_"));
    statements
        .filter_map(|statement| {
            let (before, after) = statement.split_once('(')?;
            let name = before.rsplit([' ', '*']).next()?;
            let parameters = after.trim_end_matches(')').split(',').map(str::trim).filter(|text| *text != "void");
            name.starts_with("regrow_").then(|| (name.to_string(), parameters.map(parameter).collect()))
        })
        .collect()
}

fn parameter(text: &str) -> Parameter {
    let start = text.rfind([' ', '*']).map_or(0, |at| at + 1);
    let kind = text[..start].split_whitespace().collect::<Vec<_>>().join(" ");
    (text[start..].to_string(), kind.replace("* *", "**"))
}

/// How a parameter of that type can be passed, the likeliest first.
fn ways(kind: &str, is_array: bool) -> &'static [&'static str] {
    match kind {
        "regrow_term" => &["moved"],
        "void *" => &["value"],
        "regrow_context *" | "regrow_children *" => &["borrowed"],
        "regrow_request *" => &["borrowed", "moved"],
        _ if kind.ends_with("_callback") => &["callback"],
        _ if kind.ends_with("**") => &["out"],
        _ if kind.starts_with("const ") => &["borrowed"],
        "regrow_term *" if is_array => &["array", "out", "in-out"],
        _ if kind.ends_with('*') => &["out", "in-out", "array"],
        _ => &["value"],
    }
}

/// The golden list as written: each function with its parameters and how they are passed.
fn golden_path() -> PathBuf {
    root().join("tests/golden/symbols.txt")
}

fn golden(text: &str) -> Vec<(String, Vec<(String, String)>)> {
    let lines = text.lines().filter(|line| !line.is_empty());
    lines
        .map(|line| {
            let mut words = line.split(' ');
            let name = words.next().unwrap_or_default().to_string();
            let split = |word: &str| word.split_once('=').map(|(name, way)| (name.to_string(), way.to_string()));
            (name, words.map(|word| split(word).unwrap_or_else(|| panic!("no = in {word:?} of {line:?}"))).collect())
        })
        .collect()
}

/// What the golden list should be: as the header says, with what `old` decided where types leave it open.
fn expected(header: &str, old: &str) -> String {
    let old: BTreeMap<_, BTreeMap<_, _>> =
        golden(old).into_iter().map(|(name, parameters)| (name, parameters.into_iter().collect())).collect();
    let mut text = String::new();
    for (function, parameters) in prototypes(header) {
        text += &function;
        for (index, (name, kind)) in parameters.iter().enumerate() {
            let is_array = parameters[index..].iter().any(|(name, _)| name == "count");
            let ways = ways(kind, is_array);
            let old = old.get(&function).and_then(|parameters| parameters.get(name));
            let way = old.map(String::as_str).filter(|way| ways.contains(way)).unwrap_or(ways[0]);
            text += &format!(" {name}={way}");
        }
        text.push('\n');
    }
    text
}

#[test]
fn the_committed_header_is_the_generated_one() {
    let generated = fs::read_to_string(env!("REGROW_HEADER")).expect("the build wrote a header");
    assert!(header() == generated, "include/regrow.h is stale: touch src/ffi, build in a git checkout, and commit it");
}

#[test]
fn the_version_macros_are_those_of_the_crate() {
    let header = header();
    let macros: BTreeMap<&str, &str> =
        header.lines().filter_map(|line| line.strip_prefix("#define ")?.split_once(' ')).collect();
    assert_eq!(macros["REGROW_VERSION"].trim_matches('"'), env!("CARGO_PKG_VERSION"));
    assert_eq!(macros["REGROW_VERSION_MAJOR"], env!("CARGO_PKG_VERSION_MAJOR"));
    assert_eq!(macros["REGROW_VERSION_MINOR"], env!("CARGO_PKG_VERSION_MINOR"));
    assert_eq!(macros["REGROW_VERSION_PATCH"], env!("CARGO_PKG_VERSION_PATCH"));
    // Before 1.0 the ABI goes with the minor release, as the SONAME does.
    assert_eq!(env!("CARGO_PKG_VERSION_MAJOR"), "0", "from 1.0 on the ABI has a number of its own");
    assert_eq!(macros["REGROW_ABI_VERSION"], env!("CARGO_PKG_VERSION_MINOR"));
}

#[test]
fn the_golden_list_is_what_the_header_declares() {
    let old = fs::read_to_string(golden_path()).unwrap_or_default();
    let new = expected(&header(), &old);
    if env::var_os("REGROW_UPDATE").is_some() {
        fs::write(golden_path(), &new).expect("the golden list can be written");
        return;
    }
    let differences: Vec<_> = new
        .lines()
        .filter(|line| !old.lines().any(|other| other == *line))
        .map(|line| format!("the header has  {line}"))
        .chain(
            old.lines()
                .filter(|line| !new.lines().any(|other| other == *line))
                .map(|line| format!("the list has    {line}")),
        )
        .collect();
    assert!(
        old == new,
        "tests/golden/symbols.txt differs from the header; see tests/header.rs\n{}",
        differences.join("\n")
    );
}

#[test]
fn every_exported_function_is_declared_and_every_declared_one_exported() {
    let mut exported = Vec::new();
    for entry in fs::read_dir(root().join("src/ffi")).expect("src/ffi is there") {
        let path = entry.expect("src/ffi is readable").path();
        let source = fs::read_to_string(&path).expect("sources are text");
        let mut lines = source.lines();
        while let Some(line) = lines.next() {
            if line.trim() == "#[unsafe(no_mangle)]" {
                let line = lines.next().unwrap_or_default();
                let name = line.split_once("extern \"C\" fn ").and_then(|(_, name)| name.split('(').next());
                let name = name.unwrap_or_else(|| panic!("{}: no exported function: {line}", path.display()));
                exported.push(name.to_string());
            }
        }
    }
    exported.sort();
    let mut declared: Vec<_> = prototypes(&header()).into_iter().map(|(name, _)| name).collect();
    declared.sort();
    assert_eq!(declared, exported);
}

#[test]
fn every_declaration_has_a_comment() {
    let header = header();
    let lines: Vec<&str> = header.lines().collect();
    for (name, _) in prototypes(&header) {
        let is_it = |line: &&str| line.contains(&format!("{name}(")) && !line.starts_with(['/', ' ']);
        let at = lines.iter().position(is_it);
        let above = at.and_then(|at| lines[..at].last());
        assert!(above.is_some_and(|line| line.starts_with("///")), "{name} has no comment");
    }
}

#[test]
fn every_heading_says_something() {
    assert!(!header().contains("/* ----  ---- */"));
}

/// A comment that is wider also has the declaration below it broken into lines that it does not need.
#[test]
fn no_comment_is_wider_than_a_line() {
    let header = header();
    let wide: Vec<&str> =
        header.lines().filter(|line| line.trim_start().starts_with("///") && line.chars().count() > 120).collect();
    assert!(wide.is_empty(), "{}", wide.join("\n"));
}

#[test]
fn every_comment_says_from_where_a_function_may_be_called() {
    let header = header();
    let lines: Vec<&str> = header.lines().collect();
    let places = [
        "any thread",
        "may wait",
        "waits",
        "callback only",
        "needs an identity",
        "entered threads",
        "not in a callback",
    ];
    for (name, _) in prototypes(&header) {
        let is_it = |line: &&str| line.contains(&format!("{name}(")) && !line.starts_with(['/', ' ']);
        let at = lines.iter().position(is_it).expect("it is declared");
        let above = lines[..at].iter().rev().take_while(|line| line.starts_with("///"));
        let mut words: Vec<&str> = above.map(|line| line.trim_start_matches("///").trim()).collect();
        words.reverse();
        let comment = words.join(" ").to_lowercase();
        assert!(places.iter().any(|place| comment.contains(place)), "{name} does not say from where it may be called");
    }
}

#[test]
fn compilers_take_the_header_without_a_warning() {
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR"));
    let programs = [
        ("header.c", ["gcc", "clang"], ["c99", "c11", "c17", "c2x"].as_slice()),
        ("header.cc", ["g++", "clang++"], &["c++17", "c++20"]),
    ];
    let mut tried = 0;
    for (file, compilers, standards) in programs {
        let program = folder.join(file);
        // Twice, as two other headers would.
        let text = "#include \"regrow.h\"\n#include \"regrow.h\"\nint main(void) { return REGROW_OK; }\n";
        fs::write(&program, text).expect("the folder for tests is writable");
        for compiler in compilers {
            for standard in standards {
                let mut command = Command::new(compiler);
                command
                    .args(["-fsyntax-only", "-Wall", "-Wextra", "-Wpedantic", "-Werror", "-I"])
                    .arg(root().join("include"));
                let Ok(output) = command.arg(format!("-std={standard}")).arg(&program).output() else {
                    println!("skipped: there is no {compiler}");
                    break;
                };
                tried += 1;
                assert!(output.status.success(), "{compiler} {standard}:\n{}", String::from_utf8_lossy(&output.stderr));
            }
        }
    }
    assert!(tried > 0, "there is no C compiler");
}

#[test]
fn the_header_forbids_what_cannot_be_caught() {
    let header = header();
    let rule = header.split("Callbacks ").nth(1).expect("it has rules for callbacks");
    let rule = &rule[..rule.find("Forks ").expect("the next rule")];
    for word in ["longjmp", "C++ exception", "aborts", "undefined"] {
        assert!(rule.contains(word), "{word} is not in: {rule}");
    }
}
