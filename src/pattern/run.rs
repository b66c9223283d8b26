//! Running a compiled specification on objects.

use super::expression::{Expression, Operand, Step};
use super::function;
use super::head::Op;
use super::{Clause, Spec};
use crate::term::{Pid, Term};
use std::ops::Deref;

/// A value of an expression: part of an object or of the specification, or made on the way.
#[derive(Debug)]
pub enum Value<'a> {
    Of(&'a Term),
    Made(Term),
}

impl Deref for Value<'_> {
    type Target = Term;

    #[inline]
    fn deref(&self) -> &Term {
        match self {
            Value::Of(term) => term,
            Value::Made(term) => term,
        }
    }
}

impl Value<'_> {
    /// The value as a term of its own.
    #[inline]
    pub fn into_term(self) -> Term {
        match self {
            Value::Of(term) => term.clone(),
            Value::Made(term) => term,
        }
    }
}

/// Runs one specification on any number of objects; keeps what memory it needs in between.
pub struct Matcher<'a> {
    spec: &'a Spec,
    caller: Option<Pid>,
    registers: Vec<&'a Term>,
    stack: Vec<Value<'a>>,
}

impl Spec {
    /// `caller`: what `{self}` gives; without one that call fails.
    pub fn matcher(&self, caller: Option<Pid>) -> Matcher<'_> {
        Matcher { spec: self, caller, registers: Vec::new(), stack: Vec::new() }
    }
}

impl<'a> Matcher<'a> {
    /// What the first clause that matches gives.
    #[inline]
    pub fn run(&mut self, object: &'a Term) -> Option<Value<'a>> {
        let spec = self.spec;
        spec.clauses.iter().find_map(|clause| self.clause(clause, object))
    }

    /// Whether the object is matched with the value `true`, which is what counting and deleting ask for.
    #[inline]
    pub fn is_true(&mut self, object: &'a Term) -> bool {
        self.run(object).is_some_and(|value| value.as_bool() == Some(true))
    }

    #[inline]
    fn clause(&mut self, clause: &'a Clause, object: &'a Term) -> Option<Value<'a>> {
        // What other objects left there is never read: each register is written first.
        if self.registers.len() < clause.registers {
            self.registers.resize(clause.registers, object);
        }
        self.registers[0] = object;
        if let Some(flat) = &clause.flat {
            let elements = object.as_tuple().filter(|elements| elements.len() == flat.length)?;
            for &(index, to) in &flat.picks {
                self.registers[to as usize] = &elements[index as usize];
            }
        }
        for op in &clause.head {
            if !self.check(*op) {
                return None;
            }
        }
        for guard in &clause.guards {
            let holds = match guard {
                Expression::Value(operand) => self.operand(*operand, object).as_bool() == Some(true),
                Expression::Compare(function, [a, b]) => {
                    function::holds(*function, self.operand(*a, object), self.operand(*b, object))
                }
                Expression::Tuple(_) => false,
                Expression::Steps(steps) => self.evaluate(steps, clause, object, false)?.as_bool() == Some(true),
            };
            if !holds {
                return None;
            }
        }
        match &clause.body {
            Expression::Value(operand) => Some(Value::Of(self.operand(*operand, object))),
            Expression::Compare(function, [a, b]) => {
                let holds = function::holds(*function, self.operand(*a, object), self.operand(*b, object));
                Some(Value::Made(Term::bool(holds)))
            }
            Expression::Tuple(elements) => Some(Value::Made(self.tuple_of(elements, object))),
            Expression::Steps(steps) => self.evaluate(steps, clause, object, true),
        }
    }

    #[inline]
    fn operand(&self, operand: Operand, object: &'a Term) -> &'a Term {
        match operand {
            Operand::Constant(index) => &self.spec.constants[index as usize],
            Operand::Name(register) => self.registers[register as usize],
            Operand::Object => object,
        }
    }

    #[inline]
    fn tuple_of(&self, elements: &[Operand], object: &'a Term) -> Term {
        let element = |operand: &Operand| self.operand(*operand, object).clone();
        // The usual sizes without a vector.
        match elements {
            [a] => Term::tuple_of([element(a)]),
            [a, b] => Term::tuple_of([element(a), element(b)]),
            [a, b, c] => Term::tuple_of([element(a), element(b), element(c)]),
            elements => Term::tuple(elements.iter().map(element).collect()),
        }
    }

    #[inline]
    fn check(&mut self, op: Op) -> bool {
        let spec = self.spec;
        let at = |register: u32| self.registers[register as usize];
        match op {
            Op::Tuple { at: tuple, length } => {
                at(tuple).as_tuple().is_some_and(|elements| elements.len() == length as usize)
            }
            Op::Element { at: tuple, index, to } => {
                let Some(element) = at(tuple).as_tuple().and_then(|elements| elements.get(index as usize)) else {
                    return false;
                };
                self.registers[to as usize] = element;
                true
            }
            Op::ElementIs { at: tuple, index, constant } => {
                let element = at(tuple).as_tuple().and_then(|elements| elements.get(index as usize));
                element.is_some_and(|element| element.eq_exact(&spec.constants[constant as usize]))
            }
            Op::Cons { at: list, head } => {
                let Some((first, rest)) = at(list).as_cons() else { return false };
                self.registers[head as usize] = first;
                self.registers[head as usize + 1] = rest;
                true
            }
            Op::Map { at: map } => at(map).as_map().is_some(),
            Op::Value { at: map, key, to } => {
                let Some(value) = at(map).as_map().and_then(|map| map.get(&spec.constants[key as usize])) else {
                    return false;
                };
                self.registers[to as usize] = value;
                true
            }
            Op::Is { at: place, constant } => at(place).eq_exact(&spec.constants[constant as usize]),
            Op::Same { at: place, other } => at(place).eq_exact(at(other)),
        }
    }

    /// None: a call failed, in a guard. In a body (`catches`) its value is `'EXIT'` and the rest goes on.
    fn evaluate(&mut self, steps: &[Step], clause: &Clause, object: &'a Term, catches: bool) -> Option<Value<'a>> {
        let spec = self.spec;
        self.stack.clear();
        let mut next = 0;
        while let Some(step) = steps.get(next) {
            next += 1;
            let value = match *step {
                Step::Constant(index) => Some(Value::Of(&spec.constants[index as usize])),
                Step::Name(register) => Some(Value::Of(self.registers[register as usize])),
                Step::Object => Some(Value::Of(object)),
                Step::Names => {
                    let named = clause.names.iter().map(|&register| self.registers[register as usize].clone());
                    Some(Value::Made(Term::list(named.collect())))
                }
                Step::Call(function) => {
                    let first = self.stack.len() - function.arguments();
                    let value = function::call(function, &mut self.stack[first..], self.caller);
                    self.stack.truncate(first);
                    value
                }
                Step::And(count) => self.all_of(count, true),
                Step::Or(count) => self.all_of(count, false),
                Step::AndAlso(end) | Step::OrElse(end) => {
                    let goes_on = matches!(step, Step::AndAlso(_));
                    match self.stack.last()?.as_bool() {
                        Some(value) if value == goes_on => {
                            self.stack.pop();
                        }
                        Some(_) => next = end as usize,
                        None if !catches => return None,
                        None => {
                            self.stack.pop();
                            self.stack.push(exit());
                            next = end as usize;
                        }
                    }
                    continue;
                }
                Step::Tuple(count) => Some(Value::Made(self.tuple(count))),
                Step::List(count) => {
                    let tail = self.stack.pop().map_or(Term::nil(), Value::into_term);
                    let first = self.stack.len() - count as usize;
                    let heads = self.stack.drain(first..).rev();
                    Some(Value::Made(heads.fold(tail, |tail, head| Term::cons(head.into_term(), tail))))
                }
                Step::Map(count) => {
                    let first = self.stack.len() - 2 * count as usize;
                    let mut values = self.stack.drain(first..).map(Value::into_term);
                    let mut pairs = Vec::with_capacity(count as usize);
                    while let (Some(key), Some(value)) = (values.next(), values.next()) {
                        pairs.push((key, value));
                    }
                    Some(Value::Made(Term::map(pairs)))
                }
            };
            match value {
                Some(value) => self.stack.push(value),
                None if catches => self.stack.push(exit()),
                None => return None,
            }
        }
        self.stack.pop()
    }

    /// Takes so many booleans off the stack.
    fn all_of(&mut self, count: u32, and: bool) -> Option<Value<'a>> {
        let first = self.stack.len() - count as usize;
        let mut result = Some(and);
        for value in self.stack.drain(first..) {
            result = match (result, value.as_bool()) {
                (Some(result), Some(value)) => Some(if and { result && value } else { result || value }),
                _ => None,
            };
        }
        result.map(|result| Value::Made(Term::bool(result)))
    }

    #[inline]
    fn tuple(&mut self, count: u32) -> Term {
        let first = self.stack.len() - count as usize;
        let mut values = self.stack.drain(first..).map(Value::into_term);
        // The usual sizes without a vector.
        let mut element = || values.next().unwrap_or_default();
        match count {
            1 => Term::tuple_of([element()]),
            2 => Term::tuple_of([element(), element()]),
            3 => Term::tuple_of([element(), element(), element()]),
            _ => Term::tuple(values.collect()),
        }
    }
}

fn exit<'a>() -> Value<'a> {
    Value::Made(Term::atom(crate::term::atoms::EXIT))
}
