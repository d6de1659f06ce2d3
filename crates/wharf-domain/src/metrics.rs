//! Measures over counts and times: when a shop's silence is news.

use crate::time::{DAY, HOUR, Timestamp};

/// An alarm needs at least this many orders that should have come: by chance a shop that expects five misses all of them
/// less than once in a hundred times.
const EXPECTED_MILLI: i64 = 5_000;
/// Days of habit before silence can be judged.
const LEAST_DAYS: i64 = 3;

/// Whether a shop is silent against its own habit. `hours` are its orders by hour of placing, oldest first, without holes,
/// up to now; `last` is its newest order. What should have come since then is the mean of the same hours of the day on
/// the days before; nights that are always quiet raise no alarm.
pub fn silent_since(hours: &[(Timestamp, i64)], last: Timestamp, now: Timestamp) -> bool {
    let Some((first, _)) = hours.iter().find(|(_, orders)| *orders > 0) else { return false };
    if last.since(*first) < LEAST_DAYS * DAY || now.since(last) < HOUR {
        return false;
    }
    let mean_milli = |hour: Timestamp| {
        let same = hours.iter().filter(|(at, _)| *at >= *first && *at < last.hour_floor() && (hour.since(*at)).rem_euclid(DAY) == 0);
        let (sum, days) = same.fold((0, 0), |(sum, days), (_, orders)| (sum + orders, days + 1));
        if days == 0 { 0 } else { sum * 1000 / days }
    };
    let mut expected = 0;
    let mut hour = last.hour_floor();
    while hour < now {
        // The part of the hour that lies between the last order and now.
        let part = (now.min(hour.plus(HOUR))).since(last.max(hour)).clamp(0, HOUR);
        expected += mean_milli(hour) * (part / 1000) / (HOUR / 1000);
        if expected >= EXPECTED_MILLI {
            return true;
        }
        hour = hour.plus(HOUR);
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Ten days: four orders an hour from 08:00 to 20:00, none at night.
    fn habit(until: Timestamp) -> Vec<(Timestamp, i64)> {
        (0..)
            .map(|h| Timestamp(h * HOUR))
            .take_while(|at| *at < until)
            .map(|at| (at, if (8..20).contains(&(at.0 / HOUR % 24)) { 4 } else { 0 }))
            .collect()
    }

    #[test]
    fn silence_by_day_is_news_and_the_night_is_not() {
        let evening = Timestamp(10 * DAY + 20 * HOUR - 1);
        let mut hours = habit(evening);
        assert!(!silent_since(&hours, evening, evening.plus(11 * HOUR)), "nobody buys at night");
        hours.extend((20..34).map(|h| (Timestamp(10 * DAY + h * HOUR), 0)));
        assert!(silent_since(&hours, evening, Timestamp(11 * DAY + 10 * HOUR)), "by ten in the morning eight orders are missing");
    }

    #[test]
    fn a_short_pause_or_a_young_shop_is_no_alarm() {
        let noon = Timestamp(10 * DAY + 12 * HOUR);
        assert!(!silent_since(&habit(noon), noon, noon.plus(HOUR / 2)));
        let young: Vec<_> = habit(Timestamp(2 * DAY));
        assert!(!silent_since(&young, Timestamp(DAY + 12 * HOUR), Timestamp(2 * DAY)));
        assert!(!silent_since(&[], Timestamp(0), Timestamp(DAY)));
    }
}
