//! Backoff: when is a child that keeps failing started again, and when no more?
//!
//! The first restart in a row waits `initial_ms`, each further one `factor_percent` of the one before, up to `max_ms`,
//! and each a little more or less, so that what failed together does not come back together. A child that was up for
//! `reset_after_ms` begins a new row. A child may have a limit of its own; its restarts are counted there then, and
//! not by its supervisor. A child that parks stays down at its limit, where OTP ends the supervisor.
//!
//! Pure: time and chance come in as arguments. It is opt-in: without it a child is restarted at once, as in OTP.
//! Where it is from: Akka's BackoffSupervisor (shape of the delays), OTP's intensity (the limit).

use super::intensity::Intensity;

/// How a child is restarted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Backoff {
    /// The first delay; 0: none, ever.
    pub initial_ms: u32,
    /// No delay is longer, but for the jitter.
    pub max_ms: u32,
    /// What the delay grows to each time: 200 doubles it, 100 keeps it.
    pub factor_percent: u32,
    /// How much longer or shorter each delay is by chance, at most: 0 to 100.
    pub jitter_percent: u32,
    /// A child that was up for so long had come to rest: the next delay is the first again.
    pub reset_after_ms: u32,
    /// Restarts, and within how many milliseconds; counted for this child alone. None: its supervisor counts.
    pub limit: Option<(u32, u32)>,
    /// At the limit, whoever counts: the child stays down until it is restarted by hand. Else the supervisor ends.
    pub park: bool,
}

impl Default for Backoff {
    /// No delay, no limit of its own: as in OTP.
    fn default() -> Backoff {
        Backoff {
            initial_ms: 0,
            max_ms: 30_000,
            factor_percent: 200,
            jitter_percent: 0,
            reset_after_ms: 30_000,
            limit: None,
            park: false,
        }
    }
}

/// What becomes of a child that has failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// Started again after so many milliseconds; 0: at once.
    Restart(u64),
    /// It stays down until somebody restarts it by hand.
    Park,
    /// Its supervisor has had enough, and ends.
    GiveUp,
}

/// What is remembered of one child.
#[derive(Debug, Clone)]
pub struct Failures {
    /// The restarts in a row.
    in_a_row: u32,
    /// When it came up last, unless it has not since.
    up_since: Option<u64>,
    own: Option<Intensity>,
}

impl Failures {
    /// Of a child that has never failed.
    pub fn new(backoff: &Backoff) -> Failures {
        let own = backoff.limit.map(|(max, period_ms)| Intensity::new(max, period_ms));
        Failures { in_a_row: 0, up_since: None, own }
    }

    /// It came up at `now` (nanoseconds that never go back).
    pub fn came_up(&mut self, now: u64) {
        self.up_since = Some(now);
    }

    /// It failed, running or on its way up. `shared`: its supervisor's count. `chance`: any number, as random as the
    /// jitter is to be.
    pub fn judge(&mut self, backoff: &Backoff, shared: &mut Intensity, now: u64, chance: u64) -> Verdict {
        let up_since = self.up_since.take();
        if up_since.is_some_and(|since| now.saturating_sub(since) >= u64::from(backoff.reset_after_ms) * 1_000_000) {
            self.in_a_row = 0;
        }
        let counted = self.own.as_mut().unwrap_or(shared);
        if !counted.add(now) {
            if !backoff.park {
                return Verdict::GiveUp;
            }
            // It is down, so that what it did does not count against its siblings; restarted by hand it begins anew.
            counted.forget();
            self.in_a_row = 0;
            return Verdict::Park;
        }
        let delay = delay(backoff, self.in_a_row, chance);
        self.in_a_row = self.in_a_row.saturating_add(1);
        Verdict::Restart(delay)
    }
}

/// The delay before restart `index` (from 0) of a row, in milliseconds.
pub fn delay(backoff: &Backoff, index: u32, chance: u64) -> u64 {
    // None, however often it is multiplied: 0 times infinity is no number.
    if backoff.initial_ms == 0 {
        return 0;
    }
    let max = f64::from(backoff.max_ms.max(backoff.initial_ms));
    let factor = f64::from(backoff.factor_percent) / 100.0;
    let grown = f64::from(backoff.initial_ms) * factor.powi(index.min(10_000) as i32);
    let ms = grown.min(max);
    // From -1 to 1.
    let swing = (chance >> 11) as f64 / (1u64 << 52) as f64 - 1.0;
    let ms = ms * (1.0 + swing * f64::from(backoff.jitter_percent) / 100.0);
    ms.round() as u64
}

/// A number that looks random, and is the same again for the same input: a run on a manual clock can be repeated.
pub fn chance(seed: u64) -> u64 {
    // SplitMix64.
    let mut mixed = seed.wrapping_add(0x9e37_79b9_7f4a_7c15);
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}
