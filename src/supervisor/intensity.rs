//! Restart intensity: may this supervisor restart once more?
//!
//! Keeps the times of the restarts within the last period; more than `max` of them and the answer is no. Pure: time
//! comes in as an argument. Rule: OTP `supervisor`, `add_restart`; but to the nanosecond, where OTP counts seconds.

use std::collections::VecDeque;

/// The restarts of one supervisor.
#[derive(Debug, Clone)]
pub struct Intensity {
    max: u32,
    period: u64,
    /// Oldest first; never more than `max` + 1.
    times: VecDeque<u64>,
}

impl Intensity {
    /// `max` restarts within `period_ms` milliseconds.
    pub fn new(max: u32, period_ms: u32) -> Intensity {
        Intensity { max, period: u64::from(period_ms) * 1_000_000, times: VecDeque::new() }
    }

    /// How many restarts in how many milliseconds.
    pub fn limits(&self) -> (u32, u32) {
        (self.max, u32::try_from(self.period / 1_000_000).unwrap_or(u32::MAX))
    }

    /// Counts a restart at `now` (nanoseconds that never go back). False: it is one too many.
    pub fn add(&mut self, now: u64) -> bool {
        // A restart exactly one period ago still counts.
        let threshold = now.saturating_sub(self.period);
        while self.times.front().is_some_and(|&time| time < threshold) {
            self.times.pop_front();
        }
        if self.times.len() > self.max as usize {
            self.times.pop_front();
        }
        self.times.push_back(now);
        self.times.len() <= self.max as usize
    }

    /// Begins anew.
    pub fn forget(&mut self) {
        self.times.clear();
    }
}
