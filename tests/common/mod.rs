//! A runtime for tests, and servers made of closures.
#![allow(dead_code)]

pub mod tree;

use regrow::process::{self, Behaviour, ChildStart, Error, Flow, Init, Message, Node, Outcome, Process, Startable};
use regrow::runtime::{self, Options};
use regrow::server::{Body, Callbacks, Context, DONE, NOREPLY, Next, READY, Server};
use regrow::term::{Atom, Pid, Term, atoms};
use std::sync::Arc;

/// A root that does nothing but end when told to.
struct Root;

impl Behaviour for Root {
    fn init(&mut self, _me: &Process) -> Init {
        Init::Ready
    }
    fn message(&mut self, _me: &Process, message: Message) -> Flow {
        match message {
            Message::Exit { reason, .. } => Flow::Stop(reason),
            _ => Flow::Continue,
        }
    }
}

impl Startable for Root {
    fn build(&self) -> ChildStart {
        ChildStart { flags: process::FLAG_SYSTEM, ..ChildStart::new(Root) }
    }
    fn kind(&self) -> Atom {
        atoms::SUPERVISOR
    }
}

/// A runtime that is shut down when dropped.
pub struct Runtime(pub Arc<Node>);

impl Runtime {
    pub fn new() -> Runtime {
        Runtime::with(workers(), false)
    }

    pub fn manual() -> Runtime {
        Runtime::with(workers(), true)
    }

    pub fn with(workers: usize, manual_clock: bool) -> Runtime {
        let options = Options {
            workers,
            manual_clock,
            stack_size: 256 * 1024,
            max_processes: 1 << 24,
            log_level: 5,
            logger: Box::new(|_, _, _| {}),
            undelivered: None,
        };
        Runtime(runtime::start(options, &Root).expect("a runtime starts"))
    }

    pub fn spawn(&self, callbacks: impl Callbacks + 'static) -> Pid {
        let start = ChildStart::new(Server::new(callbacks));
        process::spawn_and_wait(&self.0, start, Some(5_000)).expect("a server starts").pid
    }

    /// A process that runs a function, which may wait.
    pub fn spawn_body(&self, body: impl FnOnce() + Send + 'static) {
        let body = Body::new(move |_: &mut Context| {
            body();
            DONE
        });
        process::spawn(&self.0, ChildStart::new(body)).expect("a process starts");
    }

    pub fn settle(&self) {
        runtime::settle(&self.0, Some(10_000)).expect("the runtime comes to rest");
    }
}

impl Drop for Runtime {
    fn drop(&mut self) {
        let ended = runtime::shutdown(self.0.root(), Some(10_000));
        if !std::thread::panicking() {
            ended.expect("the runtime ends");
        }
    }
}

pub fn workers() -> usize {
    std::env::var("REGROW_WORKERS").ok().and_then(|text| text.parse().ok()).unwrap_or(2)
}

/// How much more of the long counts to do: `REGROW_ROUNDS`, 1 if unset.
pub fn rounds(base: usize) -> usize {
    let factor: f64 = std::env::var("REGROW_ROUNDS").ok().and_then(|text| text.parse().ok()).unwrap_or(1.0);
    ((base as f64 * factor) as usize).max(1)
}

pub type Handler = Box<dyn FnMut(&mut Context, &Term) -> Next + Send>;

/// A server of closures.
pub struct Closures {
    pub init: Box<dyn FnMut(&mut Context) -> Next + Send>,
    pub call: Handler,
    pub cast: Handler,
    pub info: Handler,
    pub terminate: Box<dyn FnMut(&Term) + Send>,
}

impl Default for Closures {
    fn default() -> Closures {
        Closures {
            init: Box::new(|_| READY),
            call: Box::new(|context, request| context.reply(request.clone())),
            cast: Box::new(|_, _| NOREPLY),
            info: Box::new(|_, _| NOREPLY),
            terminate: Box::new(|_| {}),
        }
    }
}

impl Callbacks for Closures {
    fn init(&mut self, context: &mut Context) -> Next {
        (self.init)(context)
    }
    fn call(&mut self, context: &mut Context, request: &Term) -> Option<Next> {
        Some((self.call)(context, request))
    }
    fn cast(&mut self, context: &mut Context, message: &Term) -> Option<Next> {
        Some((self.cast)(context, message))
    }
    fn info(&mut self, context: &mut Context, message: &Term) -> Option<Next> {
        Some((self.info)(context, message))
    }
    fn resume(&mut self, _context: &mut Context, _argument: &Term) -> Option<Next> {
        None
    }
    fn terminate(&mut self, _context: &mut Context, reason: &Term) {
        (self.terminate)(reason);
    }
    fn state(&mut self) -> Option<Term> {
        None
    }
    fn replace_state(&mut self, _state: &Term) -> bool {
        false
    }
}

pub fn call(pid: Pid, request: Term, timeout: u32) -> Result<Term, Error> {
    match process::call(pid, Some(timeout), false, |reply| Message::Call { request, reply })? {
        Outcome::Reply(term) => Ok(term),
        Outcome::Died(reason) | Outcome::NotTaken(reason) => Err(Error::Exited(reason)),
        _ => Err(Error::WrongKind),
    }
}

pub fn atom(name: &str) -> Term {
    Term::atom_named(name)
}
