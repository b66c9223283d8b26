//! Heads: a pattern becomes a list of checks on numbered places, its registers. Register 0 is the object.

use crate::term::{Kind, Term};
use std::collections::BTreeMap;

/// One check. Those that fail end the match.
#[derive(Debug, Clone, Copy)]
pub(super) enum Op {
    /// `at` is a tuple of that many elements.
    Tuple { at: u32, length: u32 },
    /// Element `index` of the tuple `at` goes to register `to`.
    Element { at: u32, index: u32, to: u32 },
    /// Element `index` of the tuple `at` equals a constant.
    ElementIs { at: u32, index: u32, constant: u32 },
    /// `at` is a list that is not empty; its head goes to `head`, its tail to `head + 1`.
    Cons { at: u32, head: u32 },
    /// `at` is a map.
    Map { at: u32 },
    /// The map `at` has the key; its value goes to `to`.
    Value { at: u32, key: u32, to: u32 },
    /// Equals a constant.
    Is { at: u32, constant: u32 },
    /// Equals another register.
    Same { at: u32, other: u32 },
}

/// A name's number: digits without zeros in front, ordered by value however many there are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Name(usize, &'static str);

pub(super) type Names = BTreeMap<Name, u32>;

/// `'$1'`: a name.
pub(super) fn name(term: &Term) -> Option<Name> {
    let digits = term.as_atom()?.as_str().strip_prefix('$')?;
    let is_number = match digits.as_bytes() {
        [b'0'] => true,
        [b'1'..=b'9', rest @ ..] => rest.iter().all(u8::is_ascii_digit),
        _ => false,
    };
    is_number.then_some(Name(digits.len(), digits))
}

pub(super) fn is_anything(term: &Term) -> bool {
    term.as_atom().is_some_and(|atom| atom.as_str() == "_")
}

/// Whether a pattern matches only what is exactly equal to it.
pub(super) fn is_plain(pattern: &Term) -> bool {
    let mut waiting = vec![pattern];
    while let Some(pattern) = waiting.pop() {
        match pattern.kind() {
            Kind::Atom if is_anything(pattern) || name(pattern).is_some() => return false,
            Kind::Map => return false,
            Kind::Tuple => waiting.extend(pattern.as_tuple().unwrap_or_default()),
            Kind::List => waiting.extend(pattern.as_cons().map(|(head, tail)| [head, tail]).into_iter().flatten()),
            _ => {}
        }
    }
    true
}

pub(super) struct Head {
    pub ops: Vec<Op>,
    pub registers: usize,
    pub names: Names,
}

struct Compiler<'a> {
    ops: Vec<Op>,
    registers: u32,
    names: Names,
    constants: &'a mut Vec<Term>,
}

/// Compiles a head.
pub(super) fn compile(head: &Term, constants: &mut Vec<Term>) -> Result<Head, String> {
    let mut compiler = Compiler { ops: Vec::new(), registers: 1, names: Names::new(), constants };
    let mut waiting = vec![(head, 0)];
    while let Some((pattern, at)) = waiting.pop() {
        compiler.add(pattern, at, &mut waiting)?;
    }
    Ok(Head { ops: compiler.ops, registers: compiler.registers as usize, names: compiler.names })
}

impl Compiler<'_> {
    fn register(&mut self) -> Result<u32, String> {
        self.registers = self.registers.checked_add(1).ok_or("the pattern is too large")?;
        Ok(self.registers - 1)
    }

    fn constant(&mut self, term: &Term) -> Result<u32, String> {
        let index = u32::try_from(self.constants.len()).map_err(|_| "too many constants")?;
        self.constants.push(term.clone());
        Ok(index)
    }

    /// Checks register `at` against a pattern, and puts what is to be checked further on the list.
    fn add<'t>(&mut self, pattern: &'t Term, at: u32, waiting: &mut Vec<(&'t Term, u32)>) -> Result<(), String> {
        match pattern.kind() {
            Kind::Atom if is_anything(pattern) => {}
            Kind::Atom if name(pattern).is_some() => self.bind(pattern, at),
            Kind::Tuple => {
                let elements = pattern.as_tuple().unwrap_or_default();
                self.ops.push(Op::Tuple { at, length: elements.len() as u32 });
                let first = waiting.len();
                for (index, element) in elements.iter().enumerate() {
                    let index = index as u32;
                    match element.kind() {
                        Kind::Atom if is_anything(element) => {}
                        Kind::Tuple | Kind::List | Kind::Map => {
                            let to = self.register()?;
                            self.ops.push(Op::Element { at, index, to });
                            waiting.push((element, to));
                        }
                        Kind::Atom if name(element).is_some() => {
                            let to = self.register()?;
                            self.ops.push(Op::Element { at, index, to });
                            self.bind(element, to);
                        }
                        _ => {
                            let constant = self.constant(element)?;
                            self.ops.push(Op::ElementIs { at, index, constant });
                        }
                    }
                }
                waiting[first..].reverse();
            }
            Kind::List => {
                let Some((first, rest)) = pattern.as_cons() else { return Ok(()) };
                let head = self.register()?;
                let tail = self.register()?;
                self.ops.push(Op::Cons { at, head });
                waiting.push((rest, tail));
                waiting.push((first, head));
            }
            Kind::Map => {
                self.ops.push(Op::Map { at });
                for (key, value) in pattern.as_map().into_iter().flatten() {
                    if !is_nameless(key) {
                        return Err("a map has a name or '_' in a key".into());
                    }
                    let to = self.register()?;
                    let key = self.constant(key)?;
                    self.ops.push(Op::Value { at, key, to });
                    waiting.push((value, to));
                }
            }
            _ => {
                let constant = self.constant(pattern)?;
                self.ops.push(Op::Is { at, constant });
            }
        }
        Ok(())
    }

    fn bind(&mut self, pattern: &Term, at: u32) {
        let Some(name) = name(pattern) else { return };
        match self.names.get(&name) {
            Some(&other) => self.ops.push(Op::Same { at, other }),
            None => {
                self.names.insert(name, at);
            }
        }
    }
}

/// Whether a pattern has neither names nor `'_'`, maps and all.
pub(super) fn is_nameless(key: &Term) -> bool {
    let mut waiting = vec![key];
    while let Some(key) = waiting.pop() {
        match key.kind() {
            Kind::Atom if is_anything(key) || name(key).is_some() => return false,
            Kind::Tuple => waiting.extend(key.as_tuple().unwrap_or_default()),
            Kind::List => waiting.extend(key.as_cons().map(|(head, tail)| [head, tail]).into_iter().flatten()),
            Kind::Map => waiting.extend(key.as_map().into_iter().flatten().flat_map(|(key, value)| [key, value])),
            _ => {}
        }
    }
    true
}
