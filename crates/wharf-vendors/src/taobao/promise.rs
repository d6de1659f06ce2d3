//! Shipping promises: the platform gives some as times and some as sentences.

use crate::top::time;
use jiff::civil::Date;
use wharf_domain::time::{DAY, HOUR, Timestamp};

/// The instant of a promise: a time, a date (its end), or a span after payment (`付款后2天内`, `48小时内发货`). `None` for a
/// sentence that names neither, and for a span before anything is paid.
pub(super) fn until(text: &str, paid_at: Option<Timestamp>) -> Option<Timestamp> {
    let text = text.trim();
    if let Some(at) = time::parse(text) {
        // A bare date promises its whole day.
        return if text.len() == 10 && text.contains('-') { Some(at.plus(DAY - 1_000_000)) } else { Some(at) };
    }
    date_in(text).or_else(|| paid_at.and_then(|paid| Some(paid.plus(span_in(text)?))))
}

/// The first date in a sentence, with its time of day or its last second.
fn date_in(text: &str) -> Option<Timestamp> {
    let numbers: Vec<i64> = numbers(text).map(|(number, _)| number).collect();
    let start = numbers.windows(3).position(|w| (2000..2200).contains(&w[0]) && (1..=12).contains(&w[1]) && (1..=31).contains(&w[2]))?;
    let at = |offset: usize| numbers.get(start + offset).copied();
    let date = Date::new(i16::try_from(at(0)?).ok()?, i8::try_from(at(1)?).ok()?, i8::try_from(at(2)?).ok()?).ok()?;
    let part = |offset: usize, below: i64| at(offset).filter(|n| (0..below).contains(n)).and_then(|n| i8::try_from(n).ok());
    let civil = match (part(3, 24), part(4, 60), text.contains(':')) {
        (Some(hour), Some(minute), true) => date.at(hour, minute, part(5, 60).unwrap_or(0), 0),
        _ => date.at(23, 59, 59, 0),
    };
    time::from_civil(civil)
}

/// The first span of days or hours in a sentence, in microseconds.
fn span_in(text: &str) -> Option<i64> {
    numbers(text).find_map(|(number, rest)| {
        let unit = if rest.starts_with(['天', '日']) {
            DAY
        } else if rest.starts_with("小时") || rest.starts_with("个小时") {
            HOUR
        } else {
            return None;
        };
        number.checked_mul(unit).filter(|span| *span <= 365 * DAY)
    })
}

/// Whole numbers of a text, each with what follows it.
fn numbers(text: &str) -> impl Iterator<Item = (i64, &str)> {
    let mut rest = text;
    std::iter::from_fn(move || {
        let start = rest.find(|c: char| c.is_ascii_digit())?;
        let tail = &rest[start..];
        let end = tail.find(|c: char| !c.is_ascii_digit()).unwrap_or(tail.len());
        rest = &tail[end..];
        Some((tail[..end].parse().unwrap_or(i64::MAX), rest.trim_start()))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn promises_are_read_from_times_dates_and_sentences() {
        let paid = time::parse("2026-03-18 13:31:40");
        for (text, expected) in [
            ("付款后2天内", Some("2026-03-20 13:31:40")),
            ("付款后 15 天内发货", Some("2026-04-02 13:31:40")),
            ("48小时内发货", Some("2026-03-20 13:31:40")),
            ("付款后24个小时内", Some("2026-03-19 13:31:40")),
            ("2026-04-20 23:59:59", Some("2026-04-20 23:59:59")),
            ("2026-04-20", Some("2026-04-20 23:59:59")),
            ("预计2026年04月20日前发货", Some("2026-04-20 23:59:59")),
            ("最晚 2026-04-20 18:00 发出", Some("2026-04-20 18:00:00")),
            ("尽快", None),
            ("", None),
            ("付款后99999999999999999999天内", None),
        ] {
            assert_eq!(until(text, paid).map(time::format).as_deref(), expected, "{text}");
        }
        assert_eq!(until("付款后2天内", None), None, "nothing is promised before payment");
    }

    proptest! {
        #[test]
        fn no_sentence_breaks_it(text in "\\PC{0,40}", paid in prop::option::of(0i64..2_000_000_000)) {
            let _ = until(&text, paid.map(Timestamp::from_seconds));
        }
    }
}
