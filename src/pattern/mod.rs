//! Match patterns and match specifications, as ETS has them.
//!
//! A *pattern* is a term in which `'_'` matches anything and `'$1'`, `'$2'`, ... match anything and give it a name; a
//! name that comes twice must match equal things. All else matches what is exactly equal (`1` is not `1.0`), but that a
//! map matches any map that has at least its keys.
//!
//! A *specification* is a list of clauses `{Head, Guards, Body}`. The first clause whose head matches and whose guards
//! are all `true` gives its result: the value of the last expression of its body. An expression is a name, `'$_'` (the
//! whole object), `'$$'` (all that has a name, in their order), a call `{Function, Argument, ...}`, a tuple
//! `{{Element, ...}}`, `{const, Term}`, a list or map of expressions, or any other term, which stands for itself.
//! A call that fails makes a guard fail; in a body its value is the atom `'EXIT'`.
//!
//! Promises:
//! * a specification is compiled once, to a small program; a malformed one is refused and the refusal says where;
//! * nothing recurses, however deep the specification and the object are;
//! * running a program calls no code of the user, and frees nothing that came from an object.
//!
//! Objects are any terms. Pure: any thread, no locks. Where it is from: "Match Specifications in Erlang", the part for
//! ETS; `tests/pattern.rs` compares with the Erlang that is installed.
//!
//! | file | what |
//! | --- | --- |
//! | `head.rs` | heads to programs |
//! | `expression.rs` | guards and bodies to programs |
//! | `run.rs` | running them |
//! | `function.rs` | what expressions may call |
//! | `arithmetic.rs` | integers of any size, floats |
#![forbid(unsafe_code)]

pub mod arithmetic;
mod expression;
mod function;
mod head;
mod run;

use crate::term::Term;
use expression::Expression;
use head::Op;
use std::fmt;

pub use run::{Matcher, Value};

/// A compiled specification.
#[derive(Debug)]
pub struct Spec {
    source: Term,
    clauses: Vec<Clause>,
    constants: Vec<Term>,
}

#[derive(Debug)]
struct Clause {
    flat: Option<Flat>,
    /// The checks that come after those of `flat`.
    head: Vec<Op>,
    registers: usize,
    /// The registers of the names, in the order of the names.
    names: Vec<u32>,
    guards: Vec<Expression>,
    body: Expression,
}

/// How most heads begin: the object is a tuple of that many elements, and of some of them each goes to a register.
#[derive(Debug)]
struct Flat {
    length: usize,
    picks: Vec<(u32, u32)>,
}

impl Flat {
    /// Takes these checks away from the others.
    fn take(head: &mut Vec<Op>) -> Option<Flat> {
        let Some(&Op::Tuple { at: 0, length }) = head.first() else { return None };
        let pick = |op: &Op| match *op {
            Op::Element { at: 0, index, to } if index < length => Some((index, to)),
            _ => None,
        };
        let picks: Vec<(u32, u32)> = head[1..].iter().map_while(pick).collect();
        head.drain(..=picks.len());
        Some(Flat { length: length as usize, picks })
    }
}

/// A part of a clause; guards and expressions of the body are counted from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// The list of clauses.
    Spec,
    Clause,
    Head,
    Guard(usize),
    Body(usize),
}

/// Why a specification is refused, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BadSpec {
    /// Which clause, from 1; 0 for the list itself.
    pub clause: usize,
    pub part: Part,
    pub problem: String,
}

impl fmt::Display for BadSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.part {
            Part::Spec => write!(f, "match specification: ")?,
            Part::Clause => write!(f, "clause {}: ", self.clause)?,
            Part::Head => write!(f, "clause {}, head: ", self.clause)?,
            Part::Guard(number) => write!(f, "clause {}, guard {number}: ", self.clause)?,
            Part::Body(number) => write!(f, "clause {}, body {number}: ", self.clause)?,
        }
        f.write_str(&self.problem)
    }
}

impl std::error::Error for BadSpec {}

/// What a pattern on its own gives for an object it matches.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Gives {
    /// All that has a name, as a list: `ets:match`.
    Names,
    /// The object: `ets:match_object`.
    Object,
    /// The atom `true`.
    True,
}

/// What the element at some position of an object must be for any clause to match.
#[derive(Debug, PartialEq)]
pub enum Key<'a> {
    /// Anything.
    Any,
    /// Equal to one of these; none means that nothing matches. For ETS a map without names is such a key, and no
    /// larger map is found by it, while elsewhere in a head it matches larger ones.
    OneOf(Vec<&'a Term>),
}

impl Spec {
    /// Compiles a list of clauses.
    pub fn compile(spec: &Term) -> Result<Spec, BadSpec> {
        let bad = |clause, part, problem: &str| BadSpec { clause, part, problem: problem.into() };
        let not_a_list = || bad(0, Part::Spec, "not a list of clauses");
        if spec.list_len().is_none() {
            return Err(not_a_list());
        }
        let mut compiled = Spec { source: spec.clone(), clauses: Vec::new(), constants: Vec::new() };
        for (index, clause) in spec.list_iter().enumerate() {
            let number = index + 1;
            let Some([head, guards, body]) = clause.as_tuple() else {
                return Err(bad(number, Part::Clause, "not a tuple {Head, Guards, Body}"));
            };
            if guards.list_len().is_none() {
                return Err(bad(number, Part::Clause, "the guards are not a list"));
            }
            if body.list_len().is_none_or(|length| length == 0) {
                return Err(bad(number, Part::Clause, "the body is not a list with an expression"));
            }
            compiled.add(number, head, guards, body)?;
        }
        Ok(compiled)
    }

    /// Compiles a pattern on its own.
    pub fn pattern(pattern: &Term, gives: Gives) -> Result<Spec, BadSpec> {
        let body = match gives {
            Gives::Names => Term::atom_named("$$"),
            Gives::Object => Term::atom_named("$_"),
            Gives::True => Term::bool(true),
        };
        let body = Term::list(vec![body]);
        Spec::compile(&Term::list(vec![Term::tuple_of([pattern.clone(), Term::nil(), body])]))
    }

    fn add(&mut self, clause: usize, head: &Term, guards: &Term, body: &Term) -> Result<(), BadSpec> {
        let bad = |part| move |problem| BadSpec { clause, part, problem };
        let head = head::compile(head, &mut self.constants).map_err(bad(Part::Head))?;
        let mut compiled_guards = Vec::new();
        for (index, guard) in guards.list_iter().enumerate() {
            let guard = expression::compile(guard, &head.names, &mut self.constants);
            compiled_guards.push(guard.map_err(bad(Part::Guard(index + 1)))?.into());
        }
        // All expressions of a body are looked at, and the last counts: none of them has an effect.
        let mut compiled_body = Vec::new();
        for (index, expression) in body.list_iter().enumerate() {
            let expression = expression::compile(expression, &head.names, &mut self.constants);
            compiled_body = expression.map_err(bad(Part::Body(index + 1)))?;
        }
        let mut ops = head.ops;
        self.clauses.push(Clause {
            flat: Flat::take(&mut ops),
            head: ops,
            registers: head.registers,
            names: head.names.into_values().collect(),
            guards: compiled_guards,
            body: compiled_body.into(),
        });
        Ok(())
    }

    /// What it was compiled from.
    pub fn source(&self) -> &Term {
        &self.source
    }

    /// What element `position` (from 1) of an object must be.
    pub fn key(&self, position: usize) -> Key<'_> {
        let mut keys = Vec::new();
        for clause in self.source.list_iter() {
            let Some([head, ..]) = clause.as_tuple() else { return Key::Any };
            match head.as_tuple() {
                Some(elements) => match elements.get(position.wrapping_sub(1)) {
                    Some(key) if head::is_nameless(key) => keys.push(key),
                    Some(_) => return Key::Any,
                    // Too short to be an object with such an element.
                    None => {}
                },
                None if head::is_nameless(head) => {}
                None => return Key::Any,
            }
        }
        Key::OneOf(keys)
    }

    /// Whether what it gives for an object with element `position` (from 1) surely has the same element there, as
    /// `ets:select_replace` demands. What is not seen at once counts as no.
    pub fn keeps(&self, position: usize) -> bool {
        self.source.list_iter().all(|clause| {
            let Some([head, _, body]) = clause.as_tuple() else { return false };
            let Some((expression, rest)) = body.as_cons() else { return false };
            let key = head.as_tuple().and_then(|elements| elements.get(position.wrapping_sub(1)));
            rest.is_nil() && expression::keeps(expression, position, key)
        })
    }
}
