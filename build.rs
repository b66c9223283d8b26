//! Writes regrow.h from src/ffi, and names the shared library.
//!
//! The header goes to OUT_DIR in every build. In a git checkout include/regrow.h is brought up to date as well, if it
//! differs; a packaged crate is left as it is. cbindgen passes over what it does not understand, so afterwards every
//! name that src/ffi exports is looked up in what it wrote.

use std::error::Error;
use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::{env, fs};

/// The files of src/ffi in the order in which the header has them, with the headings of their functions. To add one,
/// add a line.
const FILES: &[(&str, &str)] = &[
    ("types", ""),
    ("context", ""),
    ("runtime", "Runtime: start, stop, time, errors"),
    ("term_make", "Making terms"),
    ("term_read", "Reading terms"),
    ("process", "Processes"),
    ("priority", "Priority messages"),
    ("child", ""),
    ("start", "Starting"),
    ("process_body", "Plain processes"),
    ("ask", "Asking processes: calls, stops, states"),
    ("server", "Servers"),
    ("behaviour", ""),
    ("host", "Host processes"),
    ("address", "Addresses: by name instead of pid"),
    ("request", "Requests: what is waited for later"),
    ("supervisor", "Supervisors"),
    ("dynamic_supervisor", ""),
    ("partition_supervisor", "Partition supervisors"),
    ("observe", "Observing"),
    ("registry", "Registries"),
    ("agent", "Agents"),
    ("pubsub", "Groups and topics"),
    ("task", "Tasks"),
    ("task_supervisor", "Task supervisors"),
    ("table", "Tables"),
    ("table_select", "Selecting from tables"),
    ("exceptions", "Exceptions of C++"),
];
/// What exports nothing.
const SILENT: &[&str] = &["mod", "send", "support"];

const RULES: &str = "\
/*
 * regrow.h - processes, supervisors, registries, agents, tasks, groups and tables, for C.
 *
 * Generated from src/ffi by cbindgen; edit the Rust, not this file.
 *
 * Seven rules cover the whole header.
 *
 *   Ownership  A regrow_term passed by value is moved: regrow frees it, also when the call
 *              fails; so are the items of a plain array that comes with a count. A const
 *              pointer is borrowed for the call. Any other plain pointer is an
 *              out-parameter, written only on success; a term written there is yours to
 *              give to regrow_term_free(). Strings are UTF-8, NUL-terminated, copied.
 *   Structs    Start with `.size = sizeof x`; a field left zero takes its default. They are
 *              read during the call and may live on the stack.
 *   Errors     A function that can fail returns regrow_error; REGROW_OK is 0, and
 *              regrow_last_reason() gives the reason as OTP would. NULL where a pointer is
 *              needed is REGROW_ERR_ARGUMENT, never a crash. A term that could not be made
 *              is the invalid term, which containers pass on and every function refuses.
 *   Threads    Any function may be called from any thread, except those that take a
 *              regrow_context (only in the callback that got it), those that need an
 *              identity (in a callback, or a thread that has entered), those that are \"not in a
 *              callback\", two threads on one regrow_term variable, and signal handlers.
 *   Waiting    A function that may wait says so. In a callback the process is parked then,
 *              and its thread runs others: hold no lock over it, and no state that a
 *              library keeps for the thread. errno, the floating-point control words, the
 *              last error and, with regrow_exception_globals(), C++'s exceptions are kept.
 *   Callbacks  A callback must return: no longjmp, no C++ exception, no unwinding. An
 *              exception that leaves one aborts the program; a longjmp out of one is
 *              undefined. What it returns is a constant or what regrow_reply() and its like gave; zero is an
 *              error, so that a forgotten return is seen. A drop function runs exactly
 *              once, on any thread, also when the call fails.
 *   Forks      In the child of a fork no runtime lives: functions return
 *              REGROW_ERR_FORKED, and nothing is freed.
 *
 * Contents: CONTENTS
 *
 * Platforms: Linux on 64-bit little-endian machines.
 */";

/// What the compiler of the user's program checks.
const LAYOUT: &[(&str, u32)] = &[
    ("regrow_error", 4),
    ("regrow_next", 4),
    ("regrow_pid", 8),
    ("regrow_ref", 8),
    ("regrow_table", 8),
    ("regrow_term", 16),
    ("regrow_caller", 16),
    ("regrow_task", 16),
    ("size_t", 8),
    ("void *", 8),
];

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo:rerun-if-changed=build.rs");
    println!("cargo:rerun-if-changed=src/ffi");
    name_library()?;
    let root = PathBuf::from(env::var("CARGO_MANIFEST_DIR")?);
    let header = header(&root.join("src/ffi"))?;
    let out = PathBuf::from(env::var("OUT_DIR")?).join("regrow.h");
    fs::write(&out, &header)?;
    println!("cargo:rustc-env=REGROW_HEADER={}", out.display());
    let committed = root.join("include/regrow.h");
    if root.join(".git").exists() && fs::read_to_string(&committed).ok().as_ref() != Some(&header) {
        fs::create_dir_all(root.join("include"))?;
        fs::write(&committed, &header)?;
    }
    Ok(())
}

/// libregrow.so.0.1: before 1.0 a minor release may change the ABI. Never unloaded, since its threads would go on.
fn name_library() -> Result<(), Box<dyn Error>> {
    if env::var("CARGO_CFG_TARGET_OS")? == "linux" {
        let (major, minor) = (env::var("CARGO_PKG_VERSION_MAJOR")?, env::var("CARGO_PKG_VERSION_MINOR")?);
        let abi = if major == "0" { format!("0.{minor}") } else { major };
        println!("cargo:rustc-cdylib-link-arg=-Wl,-soname,libregrow.so.{abi}");
        println!("cargo:rustc-cdylib-link-arg=-Wl,-z,nodelete");
    }
    Ok(())
}

/// One file of src/ffi.
struct Source {
    path: PathBuf,
    heading: &'static str,
    text: String,
}

fn header(folder: &Path) -> Result<String, Box<dyn Error>> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        let stem = path.file_stem().and_then(|stem| stem.to_str()).unwrap_or_default();
        if !SILENT.contains(&stem) && !FILES.iter().any(|(name, _)| *name == stem) {
            return Err(format!("{} is not in the list FILES of build.rs", path.display()).into());
        }
    }
    let mut sources = Vec::new();
    for (stem, heading) in FILES {
        let path = folder.join(stem).with_extension("rs");
        if path.exists() {
            let text = fs::read_to_string(&path)?;
            sources.push(Source { path, heading, text });
        }
    }
    let mut text = tagged(&generate(&sources)?);
    look_up_all(&sources, &text)?;
    for source in &sources {
        text = hexadecimal(source, text);
        text = headed(source, text);
    }
    let end = text.rfind("#endif  /* REGROW_H */").ok_or("the include guard has no end")?;
    text.insert_str(end, &layout());
    Ok(text.replace("CONTENTS", &contents(&sources)))
}

/// The headings, in lines as long as those of the rules.
fn contents(sources: &[Source]) -> String {
    let headings = sources.iter().filter_map(|source| source.heading.split(':').next());
    let mut lines = vec![String::new()];
    for heading in headings.filter(|heading| !heading.is_empty()) {
        match lines.last_mut() {
            Some(line) if line.is_empty() => line.push_str(heading),
            Some(line) if line.len() + heading.len() < 75 => line.extend([" . ", heading]),
            _ => lines.push(heading.into()),
        }
    }
    lines.join("\n *           ").to_lowercase()
}

fn generate(sources: &[Source]) -> Result<String, Box<dyn Error>> {
    let mut config = cbindgen::Config {
        language: cbindgen::Language::C,
        style: cbindgen::Style::Type,
        documentation_style: cbindgen::DocumentationStyle::Cxx,
        sort_by: cbindgen::SortKey::None,
        cpp_compat: true,
        usize_is_size_t: true,
        no_includes: true,
        sys_includes: ["stdbool.h", "stddef.h", "stdint.h"].map(String::from).to_vec(),
        include_guard: Some("REGROW_H".into()),
        header: Some(RULES.into()),
        after_includes: Some(versions()?),
        line_length: 121,
        ..Default::default()
    };
    config.export.include = sources.iter().flat_map(|source| types(&source.text)).map(String::from).collect();
    let builder = cbindgen::Builder::new().with_config(config);
    let bindings = sources.iter().fold(builder, |builder, source| builder.with_src(&source.path)).generate()?;
    let mut text = Vec::new();
    bindings.write(&mut text);
    Ok(String::from_utf8(text)?)
}

fn versions() -> Result<String, Box<dyn Error>> {
    let mut text = String::from("\n/// The release that this header is from; regrow_version() tells the library's.\n");
    writeln!(text, "#define REGROW_VERSION \"{}\"", env::var("CARGO_PKG_VERSION")?)?;
    for part in ["MAJOR", "MINOR", "PATCH"] {
        writeln!(text, "#define REGROW_VERSION_{part} {}", env::var(format!("CARGO_PKG_VERSION_{part}"))?)?;
    }
    Ok(text.trim_end().into())
}

fn layout() -> String {
    let mut text = String::from(
        "\
/* The layout that the library was built for; an error here means an unsupported compiler or machine. */
#if defined(__cplusplus)
#define REGROW_LAYOUT(number, type, size) static_assert(sizeof(type) == (size), #type)
#elif defined(__STDC_VERSION__) && __STDC_VERSION__ >= 201112L
#define REGROW_LAYOUT(number, type, size) _Static_assert(sizeof(type) == (size), #type)
#else
#define REGROW_LAYOUT(number, type, size) typedef char regrow_layout_##number[sizeof(type) == (size) ? 1 : -1]
#endif
",
    );
    for (number, (name, size)) in LAYOUT.iter().enumerate() {
        text += &format!("REGROW_LAYOUT({number}, {name}, {size});\n");
    }
    text + "#undef REGROW_LAYOUT\n\n"
}

/// The first word of what follows each place where a line begins with `before`.
fn names<'a>(text: &'a str, before: &str) -> impl Iterator<Item = &'a str> {
    text.lines().filter_map(move |line| {
        let rest = line.strip_prefix(before)?;
        let end = rest.find(|character: char| !character.is_alphanumeric() && character != '_').unwrap_or(rest.len());
        Some(&rest[..end])
    })
}

fn types(text: &str) -> impl Iterator<Item = &str> {
    ["pub struct ", "pub enum ", "pub type ", "pub union "].into_iter().flat_map(move |before| names(text, before))
}

fn functions(text: &str) -> impl Iterator<Item = &str> {
    let lines = text.lines().zip(text.lines().skip(1));
    lines.filter(|(line, _)| *line == "#[unsafe(no_mangle)]").filter_map(|(_, line)| {
        let line = &line[line.find(" fn ")? + 4..];
        line.split('(').next()
    })
}

fn constants(text: &str) -> impl Iterator<Item = &str> {
    names(text, "pub const ")
}

/// Refuses a header that lacks something.
fn look_up_all(sources: &[Source], header: &str) -> Result<(), Box<dyn Error>> {
    for source in sources {
        let expected = types(&source.text)
            .map(|name| [format!("}} {name};"), format!(" {name};"), format!("(*{name})(")])
            .chain(functions(&source.text).map(|name| [format!(" {name}("), format!("*{name}("), String::from("\0")]))
            .chain(
                constants(&source.text)
                    .map(|name| [format!("#define {name} "), String::from("\0"), String::from("\0")]),
            );
        for ways in expected {
            if !ways.iter().any(|way| header.contains(way)) {
                return Err(format!("{}: the header lacks{}", source.path.display(), ways[0]).into());
            }
        }
        let marks = source.text.matches("no_mangle").count();
        if functions(&source.text).count() != marks {
            return Err(format!(
                "{}: #[unsafe(no_mangle)] stands alone, right above its function",
                source.path.display()
            )
            .into());
        }
    }
    Ok(())
}

/// Gives structs and enums a tag beside their name, so that other headers can declare them ahead.
fn tagged(header: &str) -> String {
    let lines: Vec<&str> = header.lines().collect();
    let mut text = String::new();
    for (number, line) in lines.iter().enumerate() {
        let end = || lines[number..].iter().find_map(|line| line.strip_prefix("} ")?.strip_suffix(';'));
        match (*line, end()) {
            ("typedef struct {" | "typedef enum {", Some(name)) => text += &line.replace('{', &format!("{name} {{")),
            _ => text += line,
        }
        text.push('\n');
    }
    text
}

/// Writes constants as their source does: cbindgen makes hexadecimal numbers decimal.
fn hexadecimal(source: &Source, mut header: String) -> String {
    for line in source.text.lines().filter(|line| line.starts_with("pub const ")) {
        let Some((name, value)) = line["pub const ".len()..].split_once(": ") else { continue };
        let Some((_, digits)) = value.split_once("= 0x") else { continue };
        let digits = digits.trim_end_matches(';').replace('_', "");
        let start = format!("#define {name} ");
        if let Some(at) = header.find(&start).map(|at| at + start.len()) {
            let end = header[at..].find('\n').map_or(header.len(), |end| at + end);
            header.replace_range(at..end, &format!("0x{}", digits.to_uppercase()));
        }
    }
    header
}

/// Puts the heading above the file's first function.
fn headed(source: &Source, mut header: String) -> String {
    if source.heading.is_empty() {
        return header; // it stays under the heading before
    }
    let Some(first) = functions(&source.text).next() else { return header };
    let lines: Vec<&str> = header.lines().collect();
    let is_it = |line: &&str| {
        !line.starts_with(['/', ' ']) && (line.contains(&format!(" {first}(")) || line.contains(&format!("*{first}(")))
    };
    let Some(mut at) = lines.iter().position(is_it) else { return header };
    while at > 0 && lines[at - 1].starts_with("///") {
        at -= 1;
    }
    let offset = lines[..at].iter().map(|line| line.len() + 1).sum();
    header.insert_str(offset, &format!("/* ---- {} ---- */\n\n", source.heading));
    header
}
