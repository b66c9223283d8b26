//! Partition supervisors: which partition a key belongs to, and that its process is found.

mod common;

use common::tree::{Tree, child, stopped, which};
use common::{Closures, atom};
use regrow::process::{self, ChildStart, Error, Startable, exit_signal, is_alive};
use regrow::server::{READY, Server};
use regrow::supervisor::{self, PartitionSpec, Strategy, SupervisorSpec, partition, partition_of, partitions};
use regrow::term::{Atom, Pid, Term, atoms, etf};
use std::sync::{Arc, Mutex};

#[test]
fn an_integer_goes_by_its_remainder_and_any_other_key_by_its_hash() {
    let of = |keys: std::ops::Range<i64>| keys.map(|key| partition_of(&Term::int(key), 4)).collect::<Vec<_>>();
    // FEATURES X1, measured with Elixir: 0..7 over 4. A negative one as its magnitude.
    assert_eq!(of(0..8), [0, 1, 2, 3, 0, 1, 2, 3]);
    assert_eq!(of(-5..0), [1, 0, 3, 2, 1]);
    assert_eq!(partition_of(&Term::int(i64::MIN), 5), 3);
    // 2^64 + 3 and its negative.
    for sign in [0, 1] {
        let big = etf::decode(&[131, 110, 9, sign, 3, 0, 0, 0, 0, 0, 0, 0, 1], &etf::Limits::default()).unwrap();
        assert_eq!(partition_of(&big, 7), 5);
    }
    // erlang:phash2(Key, 5).
    let tasks: Vec<_> = (1..=8).map(|at| partition_of(&Term::text(&format!("task_{at}")), 5) + 1).collect();
    assert_eq!(tasks, [3, 3, 3, 1, 5, 5, 1, 1]);
    assert_eq!(partition_of(&Term::float(1.0), 1), 0);
    assert_eq!(partition_of(&atom("a"), 0), 0);
}

fn start(tree: &Tree, spec: PartitionSpec) -> Pid {
    process::spawn_and_wait(&tree.runtime.0, spec.build(), None).expect("it starts").pid
}

#[test]
fn each_key_has_its_process_and_after_a_crash_the_next() {
    let tree = Tree::new();
    let spec = PartitionSpec { partitions: 4, ..PartitionSpec::new(tree.worker("p")) };
    let supervisor = start(&tree, spec);
    assert_eq!(which(supervisor), "3/+ 2/+ 1/+ 0/+");
    assert_eq!(partitions(supervisor), Ok(4));
    let at = |key: i64| partition(supervisor, &Term::int(key));
    let first: Vec<_> = (0..4).map(|key| at(key).unwrap()).collect();
    for key in 4..12 {
        assert_eq!(at(key), Ok(first[key as usize % 4]));
    }
    assert_eq!(supervisor::lookup(supervisor, &Term::int(2)), Ok(Term::pid(first[2])));
    exit_signal(first[1], atom("kill")).unwrap();
    tree.settle();
    let second = at(1).unwrap();
    assert!(second != first[1] && is_alive(second));
    assert_eq!((at(0), at(5)), (Ok(first[0]), Ok(second)));
    // One that is stopped is not there.
    supervisor::terminate_child(supervisor, &Term::int(3)).unwrap();
    assert_eq!(at(3), Err(Error::NoProcess));
    supervisor::restart_child(supervisor, &Term::int(3)).unwrap();
    assert!(at(3).is_ok());
    stopped(supervisor);
    tree.settle();
    assert_eq!((at(0), partitions(supervisor)), (Err(Error::NoProcess), Err(Error::NoProcess)));
}

#[test]
fn there_are_as_many_partitions_as_were_said_and_they_stay() {
    let tree = Tree::new();
    let supervisor = start(&tree, PartitionSpec { partitions: 2, ..PartitionSpec::new(tree.worker("p")) });
    assert_eq!(supervisor::start_child(supervisor, tree.worker("p")), Err(Error::WrongKind));
    supervisor::terminate_child(supervisor, &Term::int(0)).unwrap();
    assert_eq!(supervisor::delete_child(supervisor, &Term::int(0)), Err(Error::WrongKind));
    assert_eq!(supervisor::count_children(supervisor).unwrap().specs, 2);
    let other = tree.start(tree.spec());
    assert_eq!((partition(other, &Term::int(0)), partitions(other)), (Err(Error::WrongKind), Err(Error::WrongKind)));
    for partitions in [0, 65_537, u32::MAX] {
        let spec = PartitionSpec { partitions, ..PartitionSpec::new(tree.worker("p")) };
        assert!(matches!(spec.check(), Err(Error::Argument(_))));
    }
    // A worker of these tests takes no argument.
    let spec = PartitionSpec { with_number: true, ..PartitionSpec::new(tree.worker("p")) };
    assert!(matches!(spec.check(), Err(Error::Argument(_))));
    assert!(PartitionSpec::new(tree.worker("p")).partitions >= 1);
}

/// Writes its number.
#[derive(Clone)]
struct Numbered(Arc<Mutex<Vec<String>>>, Term);

impl Startable for Numbered {
    fn build(&self) -> ChildStart {
        let Numbered(log, number) = self.clone();
        ChildStart::new(Server::new(Closures {
            init: Box::new(move |_| {
                log.lock().unwrap().push(number.to_string());
                READY
            }),
            ..Closures::default()
        }))
    }
    fn kind(&self) -> Atom {
        atoms::SERVER
    }
    fn with_argument(&self, extra: &Term) -> Option<Arc<dyn Startable>> {
        Some(Arc::new(Numbered(self.0.clone(), extra.clone())))
    }
}

#[test]
fn partitions_may_be_told_their_numbers_and_follow_the_strategy() {
    let tree = Tree::new();
    let numbered = child("n", Numbered(tree.log.clone(), Term::nil()));
    let supervisor = SupervisorSpec { strategy: Strategy::RestForOne, ..tree.spec() };
    let spec = PartitionSpec { partitions: 3, with_number: true, supervisor, ..PartitionSpec::new(numbered) };
    let supervisor = start(&tree, spec);
    assert_eq!(tree.log(), "0 1 2");
    exit_signal(partition(supervisor, &Term::int(1)).unwrap(), atom("kill")).unwrap();
    tree.settle();
    assert_eq!(tree.log(), "1 2");
}

#[test]
fn a_partition_supervisor_lives_in_a_tree() {
    let tree = Tree::new();
    let inner = child("inner", PartitionSpec { partitions: 2, ..PartitionSpec::new(tree.worker("p")) });
    assert!(inner.is_supervisor);
    let outer = tree.start(SupervisorSpec { children: vec![inner], ..tree.spec() });
    let first = supervisor::lookup(outer, &atom("inner")).unwrap().as_pid().unwrap();
    let child = partition(first, &Term::int(0)).unwrap();
    exit_signal(first, atom("kill")).unwrap();
    tree.settle();
    let second = supervisor::lookup(outer, &atom("inner")).unwrap().as_pid().unwrap();
    assert!(second != first && !is_alive(child));
    assert!(partition(second, &Term::int(1)).is_ok_and(is_alive));
}
