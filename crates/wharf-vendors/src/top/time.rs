//! Times of the TOP wire: local times of Asia/Shanghai at a fixed +08:00, without a zone in the text.

use jiff::civil::DateTime;
use jiff::tz::{Offset, TimeZone};
use wharf_domain::time::Timestamp;

/// The platform's zone. It has had no daylight saving since 1991, and its wire never had.
const ZONE: Offset = Offset::constant(8);

/// Reads `yyyy-MM-dd HH:mm:ss`; a date alone is its midnight; 13 and 10 digits are milliseconds and seconds since 1970.
pub(crate) fn parse(text: &str) -> Option<Timestamp> {
    let text = text.trim();
    if !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit()) {
        let number: i64 = text.parse().ok()?;
        return match text.len() {
            13 => Some(Timestamp::from_millis(number)),
            10 => Some(Timestamp::from_seconds(number)),
            _ => None,
        };
    }
    let civil: DateTime = text.parse().ok().or_else(|| text.parse::<jiff::civil::Date>().ok().map(|date| date.at(0, 0, 0, 0)))?;
    from_civil(civil)
}

/// The instant of a local time.
pub(crate) fn from_civil(civil: DateTime) -> Option<Timestamp> {
    let instant = ZONE.to_timestamp(civil).ok()?;
    Some(Timestamp(instant.as_microsecond()))
}

/// The local time of an instant; fractions of a second are cut off.
pub(crate) fn civil(at: Timestamp) -> DateTime {
    let instant = jiff::Timestamp::from_second(at.seconds()).unwrap_or(jiff::Timestamp::UNIX_EPOCH);
    instant.to_zoned(TimeZone::fixed(ZONE)).datetime()
}

/// `yyyy-MM-dd HH:mm:ss` of an instant.
pub(crate) fn format(at: Timestamp) -> String {
    let local = civil(at);
    format!("{:04}-{:02}-{:02} {:02}:{:02}:{:02}", local.year(), local.month(), local.day(), local.hour(), local.minute(), local.second())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn midnight_of_the_platform_is_sixteen_hours_utc() {
        let at = parse("2026-03-18 00:00:00").expect("time");
        assert_eq!(at.seconds(), 1_773_763_200, "2026-03-17T16:00:00Z");
        assert_eq!(format(at), "2026-03-18 00:00:00");
        assert_eq!(format(at.plus(-1)), "2026-03-17 23:59:59");
        assert_eq!(parse("2026-03-18"), Some(at));
        assert_eq!(parse("1773763200000"), Some(at));
        for odd in ["", "soon", "2026-13-01 00:00:00", "18/03/2026", "12"] {
            assert_eq!(parse(odd), None, "{odd}");
        }
    }

    proptest! {
        #[test]
        fn an_instant_survives_its_text(seconds in 0i64..4_000_000_000) {
            let at = Timestamp::from_seconds(seconds);
            prop_assert_eq!(parse(&format(at)), Some(at));
        }
    }
}
