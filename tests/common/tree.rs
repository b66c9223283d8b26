//! Supervisors under test: workers that write down when they start and end, on a runtime with a manual clock.
#![allow(dead_code)]

use super::{Closures, Runtime, atom};
use regrow::process::{self, ChildStart, Error, Message, StartSpec, Startable, exit_signal, is_alive};
use regrow::runtime;
use regrow::server::{Context, NOREPLY, READY, Server};
use regrow::supervisor::{self, ChildSpec, Strategy, SupervisorSpec};
use regrow::term::{Atom, Pid, Term, atoms};
use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

pub type Init = Arc<dyn Fn(&mut Context, usize) -> regrow::server::Next + Send + Sync>;

/// A server that writes `S`name when it starts and `T`name when it is told that it ends.
#[derive(Clone)]
pub struct Worker {
    pub name: &'static str,
    pub log: Arc<Mutex<Vec<String>>>,
    pub pids: Arc<Mutex<HashMap<&'static str, Pid>>>,
    pub starts: Arc<AtomicUsize>,
    pub init: Init,
    pub trap: bool,
    pub timeout: Option<u32>,
    /// What terminate does.
    pub ending: Arc<dyn Fn() + Send + Sync>,
}

impl Startable for Worker {
    fn build(&self) -> ChildStart {
        let (first, last) = (self.clone(), self.clone());
        let closures = Closures {
            init: Box::new(move |context| {
                let attempt = first.starts.fetch_add(1, Ordering::SeqCst) + 1;
                first.log.lock().unwrap().push(format!("S{}", first.name));
                let _ = process::trap_exit(first.trap);
                let next = (first.init)(context, attempt);
                if next == READY {
                    first.pids.lock().unwrap().insert(first.name, process::current_pid());
                }
                next
            }),
            // A cast ends it, with what was cast as the reason.
            cast: Box::new(|context, reason| context.stop(reason.clone())),
            info: Box::new(|_, _| NOREPLY),
            terminate: Box::new(move |_| {
                last.log.lock().unwrap().push(format!("T{}", last.name));
                (last.ending)();
            }),
            ..Closures::default()
        };
        ChildStart::new(Server::new(closures))
    }
    fn kind(&self) -> Atom {
        atoms::SERVER
    }
    fn init_timeout(&self) -> Option<u32> {
        self.timeout
    }
}

pub struct Tree {
    pub runtime: Runtime,
    pub log: Arc<Mutex<Vec<String>>>,
    pub pids: Arc<Mutex<HashMap<&'static str, Pid>>>,
}

impl Tree {
    pub fn new() -> Tree {
        Tree { runtime: Runtime::manual(), log: Arc::default(), pids: Arc::default() }
    }

    /// Takes what was logged since the last look.
    pub fn log(&self) -> String {
        std::mem::take(&mut *self.log.lock().unwrap()).join(" ")
    }

    pub fn bare(&self, name: &'static str) -> Worker {
        Worker {
            name,
            log: self.log.clone(),
            pids: self.pids.clone(),
            starts: Arc::default(),
            init: Arc::new(|_, _| READY),
            trap: true,
            timeout: None,
            ending: Arc::new(|| {}),
        }
    }

    pub fn worker(&self, name: &'static str) -> ChildSpec {
        child(name, self.bare(name))
    }

    pub fn worker_with(
        &self, name: &'static str, init: impl Fn(&mut Context, usize) -> regrow::server::Next + Send + Sync + 'static,
    ) -> ChildSpec {
        child(name, Worker { init: Arc::new(init), ..self.bare(name) })
    }

    pub fn spec(&self) -> SupervisorSpec {
        SupervisorSpec { max_restarts: 10, ..SupervisorSpec::default() }
    }

    pub fn three(&self, strategy: Strategy) -> SupervisorSpec {
        let children = vec![self.worker("1"), self.worker("2"), self.worker("3")];
        SupervisorSpec { strategy, children, ..self.spec() }
    }

    pub fn try_start(&self, spec: SupervisorSpec) -> Result<Pid, Error> {
        process::spawn_and_wait(&self.runtime.0, spec.build(), None).map(|spawned| spawned.pid)
    }

    pub fn start(&self, spec: SupervisorSpec) -> Pid {
        self.try_start(spec).expect("the supervisor starts")
    }

    /// Starts without waiting.
    pub fn spawn(&self, spec: SupervisorSpec) -> Pid {
        process::spawn(&self.runtime.0, spec.build()).expect("the supervisor is spawned").pid
    }

    pub fn settle(&self) {
        self.runtime.settle();
    }

    pub fn advance(&self, ms: u64) {
        runtime::advance(&self.runtime.0, ms * 1_000_000).expect("a manual clock");
    }

    pub fn pid(&self, name: &str) -> Pid {
        self.pids.lock().unwrap()[name]
    }

    /// Has a worker end by itself, and waits until everything has followed from it.
    pub fn end(&self, name: &str, reason: Term) {
        let _ = process::Process::post(self.pid(name), Message::Cast(reason));
        self.settle();
    }

    pub fn kill(&self, name: &str) {
        exit_signal(self.pid(name), atom("kill")).unwrap();
        self.settle();
    }

    /// Starts, has `reason` of the end monitored, and gives what tells it.
    pub fn watch(&self, pid: Pid) -> Arc<Mutex<Option<String>>> {
        let seen = Arc::new(Mutex::new(None));
        let tell = seen.clone();
        let watcher = self.runtime.spawn(Closures {
            init: Box::new(move |_| {
                process::monitor(pid, None).unwrap();
                READY
            }),
            info: Box::new(move |_, message| {
                if let Some(parts) = message.as_tuple() {
                    *tell.lock().unwrap() = Some(parts[4].to_string());
                }
                NOREPLY
            }),
            ..Closures::default()
        });
        assert!(is_alive(watcher));
        seen
    }
}

pub fn child(name: &str, what: impl Startable + 'static) -> ChildSpec {
    ChildSpec::new(atom(name), StartSpec { what: Arc::new(what), name: None, via: None })
}

/// `id/pid` of which_children, where a pid that is alive is `+`, one that is not is `-`.
pub fn which(supervisor: Pid) -> String {
    let list = supervisor::which_children(supervisor).expect("a list of children");
    let show = |entry: &Term| {
        let parts = entry.as_tuple().expect("a tuple");
        let pid = match parts[1].as_pid() {
            Some(pid) if is_alive(pid) => "+".into(),
            Some(_) => "-".into(),
            None => parts[1].to_string(),
        };
        format!("{}/{pid}", parts[0])
    };
    list.list_iter().map(show).collect::<Vec<_>>().join(" ")
}

pub fn stopped(supervisor: Pid) {
    exit_signal(supervisor, atom("shutdown")).unwrap();
}
