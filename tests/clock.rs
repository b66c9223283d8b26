//! The room `clock`: the manual clock, and the timers against a model that is too simple to be wrong.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use proptest::prelude::*;
use regrow::clock::{Clock, OwnerId, TimerId, TimerKind, Timers};

const MS: u64 = 1_000_000;
const HOUR: u64 = 3_600_000 * MS;

fn fire<T: Send>(timers: &Timers<T>, now_ns: u64) -> Vec<T> {
    let mut out = Vec::new();
    assert!(!timers.fire_due(now_ns, usize::MAX, &mut out));
    out.into_iter().map(|(_, _, payload)| payload).collect()
}

#[test]
fn a_manual_clock_stands_still_until_it_is_moved_and_never_goes_back() {
    let clock = Clock::manual();
    assert!(clock.is_manual());
    assert_eq!(clock.now(), 0);
    clock.advance_to(5);
    clock.advance_to(3);
    assert_eq!(clock.now(), 5);
}

#[test]
fn a_monotonic_clock_starts_near_zero_and_never_goes_back() {
    let clock = Clock::monotonic();
    assert!(!clock.is_manual());
    let times: Vec<u64> = (0..1000).map(|_| clock.now()).collect();
    assert!(times[0] < HOUR);
    assert!(times.is_sorted());
}

#[test]
fn the_time_is_told_exactly_when_a_deadline_is_near_and_never_too_late_when_it_is_far() {
    let manual = Clock::manual();
    manual.advance_to(7);
    assert_eq!([manual.now_for(8), manual.now_for(HOUR)], [7, 7]);
    let clock = Clock::monotonic();
    for _ in 0..1000 {
        let before = clock.now();
        assert!(clock.now_for(before) >= before && clock.now_for(before + 900 * MS) >= before);
        let told = clock.now_for(HOUR);
        assert!(told <= clock.now());
    }
}

#[test]
#[should_panic(expected = "not moved by hand")]
fn a_monotonic_clock_is_not_moved_by_hand() {
    Clock::monotonic().advance_to(1);
}

#[test]
fn a_timer_fires_at_its_deadline_to_the_nanosecond_and_not_before() {
    let timers = Timers::new();
    for due in [1, MS - 1, MS, MS + 1, 64 * MS, 64 * MS + 7, HOUR + 1] {
        timers.start(due, TimerKind::User, due);
        assert_eq!(fire(&timers, due - 1), []);
        assert_eq!(fire(&timers, due), [due]);
    }
}

#[test]
fn a_deadline_that_has_passed_is_fired_next_and_in_its_order() {
    let timers = Timers::new();
    assert_eq!(fire(&timers, HOUR), [0; 0]);
    timers.start(HOUR, TimerKind::User, 3);
    timers.start(7, TimerKind::User, 1);
    timers.start(HOUR - 1, TimerKind::User, 2);
    timers.start(HOUR + 1, TimerKind::User, 4);
    assert_eq!(fire(&timers, HOUR), [1, 2, 3]);
}

#[test]
fn timers_of_one_deadline_fire_in_the_order_they_were_started() {
    let timers = Timers::new();
    for name in 0..100 {
        timers.start(HOUR, TimerKind::User, name);
        timers.start(HOUR / 2 + name, TimerKind::User, 1000);
        fire(&timers, HOUR / 100 * name); // moves some of them from level to level
    }
    let fired: Vec<u64> = fire(&timers, HOUR).into_iter().filter(|name| *name < 1000).collect();
    assert!(fired.into_iter().eq(0..100));
}

#[test]
fn the_farthest_deadlines_are_kept_apart() {
    let timers = Timers::new();
    let dues = [u64::MAX, u64::MAX - 1, u64::MAX - MS, u64::MAX / 2, 1 << 63, 1];
    for due in dues {
        assert_eq!(timers.start(due, TimerKind::User, due).earliest, timers.next_due() == Some((due, TimerKind::User)));
    }
    assert_eq!(fire(&timers, u64::MAX - 2), [1, u64::MAX / 2, 1 << 63, u64::MAX - MS]);
    assert_eq!(timers.next_due(), Some((u64::MAX - 1, TimerKind::User)));
    assert_eq!(fire(&timers, u64::MAX), [u64::MAX - 1, u64::MAX]);
    assert_eq!(timers.next_due_hint(), u64::MAX);
}

#[test]
fn a_stale_or_made_up_id_is_refused() {
    let timers = Timers::new();
    let cancelled = timers.start(HOUR, TimerKind::User, 'a').id;
    assert_eq!(timers.read(cancelled), Some(HOUR));
    assert_eq!(timers.cancel(cancelled), Some(('a', HOUR)));
    let alive = timers.start(HOUR, TimerKind::User, 'b').id;
    assert_ne!(alive, cancelled);
    for id in [TimerId::NONE, cancelled, TimerId::from_bits(u64::MAX), TimerId::from_bits(alive.to_bits() + 1)] {
        assert_eq!(timers.cancel(id), None);
        assert_eq!(timers.read(id), None);
    }
    assert_eq!(fire(&timers, HOUR), ['b']);
    assert_eq!(timers.cancel(alive), None);
}

#[test]
fn ids_stay_stale_when_the_memory_of_a_burst_was_given_back() {
    let timers = Timers::new();
    let burst: Vec<TimerId> = (0..50_000).map(|due| timers.start(due, TimerKind::User, 'a').id).collect();
    fire(&timers, HOUR);
    let next: Vec<TimerId> = (0..50_000).map(|_| timers.start(2 * HOUR, TimerKind::User, 'b').id).collect();
    assert!(burst.iter().all(|id| timers.cancel(*id).is_none()));
    assert!(next.iter().all(|id| timers.cancel(*id).is_some()));
    assert_eq!(timers.len(), 0);
}

#[test]
fn a_payload_may_know_its_id() {
    let timers = Timers::new();
    let started = timers.start_with(1, TimerKind::Sleep, |id| id);
    assert_ne!(started.id, TimerId::NONE);
    assert_eq!(TimerId::from_bits(started.id.to_bits()), started.id);
    assert_eq!(timers.cancel(started.id), Some((started.id, 1)));
}

#[test]
fn the_hint_is_never_late_and_a_start_below_it_says_so() {
    let timers = Timers::new();
    assert_eq!((timers.next_due_hint(), timers.next_due()), (u64::MAX, None));
    let first = timers.start(2 * HOUR, TimerKind::Supervision, ());
    assert!(first.earliest);
    assert!(!timers.start(2 * HOUR, TimerKind::User, ()).earliest);
    assert_eq!(timers.next_due(), Some((2 * HOUR, TimerKind::Supervision)));
    let second = timers.start(HOUR, TimerKind::Sleep, ());
    assert!(second.earliest);
    assert_eq!(timers.next_due_hint(), HOUR);
    timers.cancel(second.id);
    assert!(timers.next_due_hint() <= 2 * HOUR);
    assert_eq!(timers.next_due(), Some((2 * HOUR, TimerKind::Supervision)));
    assert_eq!(timers.next_due_hint(), 2 * HOUR);
}

#[test]
fn who_sleeps_until_the_hint_fires_each_at_its_deadline_and_hardly_wakes_more_often() {
    let timers = Timers::new();
    // One in an hour, some that lie apart, and very many together, in no order.
    let apart = (0..100).map(|name| 7 + name * 333 * MS);
    let together = (0..5000).map(|name| HOUR / 2 + name * 7919 % 5000 * (MS / 3));
    let mut dues: Vec<u64> = apart.chain(together).chain([HOUR]).collect();
    for due in &dues {
        timers.start(*due, TimerKind::User, *due);
    }
    dues.sort_unstable();
    let (mut fired, mut wakes) = (Vec::new(), 0);
    while timers.next_due_hint() < u64::MAX {
        let now = timers.next_due_hint();
        let names = fire(&timers, now);
        assert!(names.iter().all(|due| *due == now));
        assert!(timers.next_due_hint() > now);
        fired.extend(names);
        wakes += 1;
    }
    assert_eq!(fired, dues);
    // For nothing where a slot begins that has many, on three levels at most, and once in a tick.
    assert!((dues.len()..dues.len() + 100).contains(&wakes), "{wakes} wakes for {} timers", dues.len());
}

#[test]
fn firing_stops_at_its_limit_and_says_that_more_are_due() {
    let timers = Timers::new();
    for due in (0..10).rev() {
        timers.start(due, TimerKind::User, due);
    }
    let mut out = Vec::new();
    assert!(timers.fire_due(8, 5, &mut out));
    assert!(!timers.fire_due(8, 4, &mut out));
    assert!(out.iter().map(|(_, due, _)| *due).eq(0..9));
    assert_eq!(timers.next_due(), Some((9, TimerKind::User)));
}

#[test]
fn payloads_of_timers_that_never_fired_are_dropped_with_the_timers() {
    let token = Arc::new(());
    let timers = Timers::new();
    for due in 0..100 {
        timers.start(due, TimerKind::User, token.clone());
    }
    drop(timers);
    assert_eq!(Arc::strong_count(&token), 1);
}

#[test]
fn exactly_one_of_cancel_and_fire_gets_the_payload() {
    exactly_one_gets_it(&Timers::new());
    exactly_one_gets_it(&Timers::for_threads(4));
}

fn exactly_one_gets_it(timers: &Timers<usize>) {
    let taken: Vec<AtomicUsize> = (0..20_000).map(|_| AtomicUsize::new(0)).collect();
    std::thread::scope(|scope| {
        let taken = &taken;
        let start = |name: usize| timers.start(name as u64 * 1000, TimerKind::User, name).id;
        // By four threads, a quarter each.
        let starters = (0..4).map(|first| scope.spawn(move || (first..taken.len()).step_by(4).map(start).collect()));
        let starters: Vec<_> = starters.collect();
        let ids: Vec<TimerId> = starters
            .into_iter()
            .flat_map(|starter| -> Vec<TimerId> { starter.join().expect("it starts them") })
            .collect();
        for _ in 0..2 {
            let ids = ids.clone();
            scope.spawn(move || {
                for id in ids.into_iter().rev() {
                    if let Some((name, _)) = timers.cancel(id) {
                        taken[name].fetch_add(1, Ordering::Relaxed);
                    }
                }
            });
        }
        scope.spawn(move || {
            let mut out = Vec::new();
            for now in 0..taken.len() as u64 {
                timers.fire_due(now * 1000, 3, &mut out);
                for (_, due, name) in out.drain(..) {
                    assert!(due <= now * 1000);
                    taken[name].fetch_add(1, Ordering::Relaxed);
                }
            }
        });
    });
    assert!(taken.iter().all(|times| times.load(Ordering::Relaxed) == 1));
    assert_eq!(timers.len(), 0);
}

#[test]
fn all_timers_of_an_owner_go_together_and_no_others() {
    let timers = Timers::new();
    let (mut mine, mut yours) = (OwnerId::NONE, OwnerId::NONE);
    assert!(timers.cancel_owned(mine, 10, &mut Vec::<u64>::new()));
    let start = |owner: &mut OwnerId, due: u64| timers.start_owned(owner, due, TimerKind::User, |_| due).id;
    let nobodys = timers.start(7, TimerKind::User, 7).id;
    let first: Vec<TimerId> = (0..10).map(|due| start(&mut mine, due * HOUR)).collect();
    let other = start(&mut yours, 3 * HOUR);
    assert_ne!(mine, yours);
    assert_eq!(timers.cancel(first[9]), Some((9 * HOUR, 9 * HOUR)));

    // One that is being fired is its owner's until it has done its work, and cannot be cancelled any more.
    assert_eq!(fire(&timers, HOUR), [0, 7, HOUR]);
    assert!(timers.is_firing(first[0], mine) && !timers.is_firing(first[0], yours));
    assert!(!timers.is_firing(nobodys, OwnerId::NONE) && !timers.is_firing(first[2], mine));
    assert_eq!((timers.cancel(first[0]), timers.read(first[0])), (None, None));
    timers.finish(&[first[0], nobodys]);
    assert!(!timers.is_firing(first[0], mine) && timers.is_firing(first[1], mine));

    let mut out = Vec::new();
    assert!(!timers.cancel_owned(mine, 4, &mut out));
    assert_eq!(out.len(), 4);
    assert!(timers.cancel_owned(mine, 4, &mut out));
    out.sort_unstable();
    assert!(out.into_iter().eq((2..9).map(|hours| hours * HOUR)));
    assert!(!timers.is_firing(first[1], mine));
    timers.finish(&[first[1]]);
    assert_eq!((timers.len(), timers.read(other)), (1, Some(3 * HOUR)));
    assert_eq!(timers.cancel(other), Some((3 * HOUR, 3 * HOUR)));
}

#[test]
fn a_slot_whose_timers_come_and_go_keeps_its_order_and_no_memory_for_them() {
    let timers = Timers::new();
    let long: Vec<TimerId> = (0..100).map(|name| timers.start(HOUR - name % 10, TimerKind::User, name).id).collect();
    for (round, named) in long.iter().enumerate().take(20) {
        let short: Vec<TimerId> = (0..500).map(|name| timers.start(HOUR, TimerKind::User, 1000 + name).id).collect();
        for id in short.iter().skip(round % 3).step_by(3).chain(&short) {
            timers.cancel(*id);
        }
        assert_eq!(timers.read(*named), Some(HOUR - round as u64 % 10));
    }
    assert_eq!(timers.cancel(long[99]).map(|(name, _)| name), Some(99));
    let mut expected: Vec<u64> = (0..99).collect();
    expected.sort_by_key(|name| HOUR - name % 10);
    assert_eq!(fire(&timers, HOUR), expected);
}

/// A cancel leaves something behind in its slot, under the number of its timer.
#[test]
fn who_has_a_number_of_one_that_was_cancelled_fires_at_its_own_time_and_once() {
    for due in [HOUR + 9, HOUR + 3, HOUR + 1, 2 * HOUR, MS] {
        let timers = Timers::new();
        let first = timers.start(HOUR + 5, TimerKind::User, 0).id;
        let second = timers.start(HOUR + 2, TimerKind::User, 1).id;
        assert_eq!(timers.cancel(first), Some((0, HOUR + 5)));
        let again = timers.start(due, TimerKind::User, 2).id;
        let number = |id: TimerId| id.to_bits() as u32;
        assert!(again != first && number(again) == number(first));
        assert_eq!(timers.next_due().map(|(due, _)| due), Some(due.min(HOUR + 2)));
        let mut expected = vec![(second, HOUR + 2, 1), (again, due, 2)];
        expected.sort_by_key(|(_, due, _)| *due);
        let mut out = Vec::new();
        assert!(!timers.fire_due(2 * HOUR, usize::MAX, &mut out));
        assert_eq!(out, expected);
        assert!(timers.is_empty());
    }
}

#[derive(Clone, Debug)]
enum Step {
    Start(u64),
    Cancel(usize),
    CancelOwned(usize, usize),
    Fire(u64, usize),
    NextDue,
}

fn spans() -> impl Strategy<Value = u64> {
    prop_oneof![
        3 => 0..3 * MS,
        2 => (0..200u64).prop_map(|ms| ms * MS),
        2 => 0..10_000 * MS,
        1 => 0..1000 * HOUR,
        1 => any::<u64>(),
    ]
}

fn steps() -> impl Strategy<Value = Step> {
    prop_oneof![
        5 => spans().prop_map(Step::Start),
        2 => any::<usize>().prop_map(Step::Cancel),
        1 => (0..3usize, 1..6usize).prop_map(|(owner, max)| Step::CancelOwned(owner, max)),
        3 => (spans(), prop_oneof![Just(usize::MAX), 0..4usize]).prop_map(|(span, max)| Step::Fire(span, max)),
        2 => Just(Step::NextDue),
    ]
}

const KINDS: [TimerKind; 3] = [TimerKind::User, TimerKind::Supervision, TimerKind::Sleep];

proptest! {
    #![proptest_config(ProptestConfig { cases: 1000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn timers_do_what_a_sorted_map_does(steps in prop::collection::vec(steps(), 1..120)) {
        let timers = Timers::new();
        let mut model: BTreeMap<(u64, usize), TimerId> = BTreeMap::new();
        let mut started: Vec<(TimerId, u64)> = Vec::new();
        let (mut now, mut asleep_until) = (0u64, u64::MAX);
        // The first of three is nobody.
        let mut owners = [OwnerId::NONE; 3];
        for step in steps {
            match step {
                Step::Start(span) => {
                    let name = started.len();
                    // Some deadlines have passed already.
                    let due = now.saturating_add(span).saturating_sub(if name.is_multiple_of(5) { MS } else { 0 });
                    let answer = match name % 4 {
                        owner @ 1..3 => timers.start_owned(&mut owners[owner], due, KINDS[name % 3], |_| name),
                        _ => timers.start(due, KINDS[name % 3], name),
                    };
                    prop_assert!(answer.earliest || due >= asleep_until);
                    if answer.earliest {
                        prop_assert!(model.keys().all(|(other, _)| due < *other));
                        asleep_until = due;
                    }
                    prop_assert!(started.iter().all(|(id, _)| *id != answer.id));
                    started.push((answer.id, due));
                    model.insert((due, name), answer.id);
                }
                Step::Cancel(which) if !started.is_empty() => {
                    let name = which % started.len();
                    let (id, due) = started[name];
                    let expected = model.remove(&(due, name)).map(|_| (name, due));
                    prop_assert_eq!(timers.read(id), expected.map(|_| due));
                    prop_assert_eq!(timers.cancel(id), expected);
                }
                Step::Cancel(_) => {}
                Step::CancelOwned(owner, max) => {
                    let mut out = Vec::new();
                    if timers.cancel_owned(owners[owner], max, &mut out) {
                        owners[owner] = OwnerId::NONE;
                        let left = model.keys().any(|(_, name)| name % 4 == owner && !out.contains(name));
                        prop_assert!(owner == 0 || !left);
                    } else {
                        prop_assert_eq!(out.len(), max);
                    }
                    for name in out {
                        prop_assert_eq!(name % 4, owner);
                        prop_assert!(model.remove(&(started[name].1, name)).is_some());
                    }
                }
                Step::Fire(span, max) => {
                    now = now.saturating_add(span);
                    let mut out = Vec::new();
                    let more = timers.fire_due(now, max, &mut out);
                    let due: Vec<_> = model.range(..=(now, usize::MAX)).take(max).map(|(key, id)| (*key, *id)).collect();
                    for (key, _) in &due {
                        model.remove(key);
                    }
                    timers.finish(&out.iter().map(|(id, ..)| *id).collect::<Vec<_>>());
                    prop_assert!(out.into_iter().eq(due.into_iter().map(|((due, name), id)| (id, due, name))));
                    prop_assert_eq!(more, model.range(..=(now, usize::MAX)).next().is_some());
                    if asleep_until <= now {
                        asleep_until = timers.next_due().map_or(u64::MAX, |(due, _)| due);
                    }
                }
                Step::NextDue => {
                    let expected = model.keys().next().map(|(due, name)| (*due, KINDS[name % 3]));
                    prop_assert_eq!(timers.next_due(), expected);
                    asleep_until = expected.map_or(u64::MAX, |(due, _)| due);
                    prop_assert_eq!(timers.next_due_hint(), asleep_until);
                }
            }
            prop_assert_eq!(timers.len(), model.len());
            prop_assert!(model.keys().all(|(due, _)| timers.next_due_hint() <= *due));
        }
    }

    #[test]
    fn many_timers_of_one_slot_keep_their_order(dues in prop::collection::vec(0..3 * MS, 1..400), limit in 1..50usize) {
        let timers = Timers::new();
        for (name, due) in dues.iter().enumerate() {
            timers.start(70 * MS + due, TimerKind::User, name);
        }
        let mut expected: Vec<(u64, usize)> = dues.iter().enumerate().map(|(name, due)| (70 * MS + due, name)).collect();
        expected.sort();
        let mut out = Vec::new();
        while timers.fire_due(73 * MS, limit, &mut out) {}
        prop_assert!(out.into_iter().map(|(_, due, name)| (due, name)).eq(expected));
    }
}
