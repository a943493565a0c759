use std::time::{Duration, SystemTime};

use chrono::DateTime;

/// How long a request is repeated.
#[derive(Debug, Clone, Copy)]
pub(super) struct Patience {
    /// The pause before the second attempt; each further one is twice as long.
    pub first: Duration,
    /// The longest pause of our own.
    pub longest: Duration,
    /// How long a request may have been under way when its last attempt begins.
    pub in_all: Duration,
    /// The same while nothing has ever been answered: the server may not be there at all.
    pub at_first: Duration,
    /// The longest pause that a server may ask for.
    pub asked: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        Self {
            first: Duration::from_millis(100),
            longest: Duration::from_secs(5),
            in_all: Duration::from_secs(30),
            at_first: Duration::from_secs(10),
            asked: Duration::from_secs(300),
        }
    }
}

impl Patience {
    /// The pause after so many attempts, of which a random half is left out, so that many clients do not come
    /// back at the same moment. `luck` is from 0 to 1.
    pub(super) fn pause(&self, attempts: u32, luck: f64) -> Duration {
        let doubled = self.first.saturating_mul(1 << attempts.saturating_sub(1).min(20));
        doubled.min(self.longest).mul_f64(1.0 - luck / 2.0)
    }
}

/// What a Retry-After header asks for: seconds, or a date.
pub(super) fn retry_after(header: &str, now: SystemTime) -> Option<Duration> {
    if let Ok(seconds) = header.trim().parse() {
        return Some(Duration::from_secs(seconds));
    }
    let until: SystemTime = DateTime::parse_from_rfc2822(header.trim()).ok()?.into();
    Some(until.duration_since(now).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_up_to_a_bound_and_lose_at_most_half_to_chance() {
        let patience = Patience::default();
        let millis = |attempts, luck| patience.pause(attempts, luck).as_millis();
        assert_eq!([1, 2, 3, 6, 7, 99].map(|n| millis(n, 0.0)), [100, 200, 400, 3200, 5000, 5000]);
        assert_eq!(millis(3, 1.0), 200);
    }

    #[test]
    fn retry_after_is_read_as_seconds_and_as_a_date() {
        let now = DateTime::parse_from_rfc3339("2015-10-21T07:28:00Z").expect("a time").into();
        assert_eq!(retry_after("120", now), Some(Duration::from_secs(120)));
        let date = |text| retry_after(text, now).map(|wait| wait.as_secs());
        assert_eq!(date("Wed, 21 Oct 2015 07:28:30 GMT"), Some(30));
        assert_eq!(date("Wed, 21 Oct 2015 07:00:00 GMT"), Some(0));
        assert_eq!((date("soon"), date("-1")), (None, None));
    }
}
