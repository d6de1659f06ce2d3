//! The number range that a carrier gave the seller: prefix, serial with leading zeros, check digit, suffix. Pure.

use wharf_connect::{ConnectError, Settings};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum CheckDigit {
    None,
    /// ISO/IEC 7812: every second digit from the right is doubled.
    Luhn,
    /// UPU S10: eight digits weighed 8 6 4 2 3 5 9 7, modulus 11.
    S10,
}

/// A range as the settings describe it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Range {
    prefix: String,
    digits: usize,
    from: i64,
    to: i64,
    check: CheckDigit,
    suffix: String,
}

fn wrong(name: &str, why: &str) -> ConnectError {
    ConnectError::Refused { code: name.to_owned(), message: format!("号段设置 {name} 不正确 / the setting `{name}` {why}") }
}

fn serial(settings: &Settings, name: &str) -> Result<Option<i64>, ConnectError> {
    match settings.get(name) {
        None => Ok(None),
        Some(text) => text.parse::<i64>().ok().filter(|n| *n >= 0).map(Some).ok_or_else(|| wrong(name, "is no whole number")),
    }
}

impl Range {
    /// The range of an account; `None` when its numbers come from a file instead.
    pub(super) fn of(settings: &Settings) -> Result<Option<Range>, ConnectError> {
        let (from, to) = match (serial(settings, "number_from")?, serial(settings, "number_to")?) {
            (None, None) => return Ok(None),
            (Some(from), Some(to)) if from <= to => (from, to),
            (Some(_), Some(_)) => return Err(wrong("number_to", "is below the first serial")),
            (None, Some(_)) => return Err(wrong("number_from", "is missing")),
            (Some(_), None) => return Err(wrong("number_to", "is missing")),
        };
        let shape = Range::shape(settings)?;
        if to.to_string().len() > shape.digits {
            return Err(wrong("number_digits", "has no room for the last serial"));
        }
        Ok(Some(Range { from, to, ..shape }))
    }

    /// The form of the account's numbers, whatever their range.
    fn shape(settings: &Settings) -> Result<Range, ConnectError> {
        let affix = |name: &str| match settings.get(name) {
            None => Ok(String::new()),
            Some(text) if text.len() <= 10 && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-') => Ok(text.to_ascii_uppercase()),
            Some(_) => Err(wrong(name, "may hold at most ten letters, digits and dashes")),
        };
        let check = match settings.get_or("number_check", "none").to_ascii_lowercase().as_str() {
            "none" => CheckDigit::None,
            "luhn" => CheckDigit::Luhn,
            "s10" => CheckDigit::S10,
            _ => return Err(wrong("number_check", "is none of none, luhn, s10")),
        };
        let digits = settings.get_or("number_digits", "12").parse::<usize>().ok().filter(|n| (1..=18).contains(n));
        let digits = digits.ok_or_else(|| wrong("number_digits", "is no number from 1 to 18"))?;
        if check == CheckDigit::S10 && digits != 8 {
            return Err(wrong("number_digits", "must be 8 for a postal check digit"));
        }
        Ok(Range { prefix: affix("number_prefix")?, digits, from: 0, to: i64::MAX, check, suffix: affix("number_suffix")? })
    }

    /// Numbers with their serials, beginning after `after`.
    pub(super) fn after(&self, after: Option<i64>, count: usize) -> Vec<(i64, String)> {
        let first = after.map_or(self.from, |after| after.saturating_add(1).max(self.from));
        if first > self.to {
            return Vec::new();
        }
        (first..=self.to).take(count).map(|serial| (serial, self.number(serial))).collect()
    }

    fn number(&self, serial: i64) -> String {
        let digits = format!("{serial:0width$}", width = self.digits);
        let check = match self.check {
            CheckDigit::None => String::new(),
            CheckDigit::Luhn => luhn(&digits).to_string(),
            CheckDigit::S10 => s10(&digits).to_string(),
        };
        format!("{}{digits}{check}{}", self.prefix, self.suffix)
    }
}

/// Whether a number has the form that the settings describe.
pub(super) fn check(settings: &Settings, number: &str) -> Result<(), ConnectError> {
    let number = number.trim().to_ascii_uppercase();
    let odd = |why: &str| {
        Err(ConnectError::Refused { code: "number".into(), message: format!("单号 {number} 不符合格式 / {number} {why}") })
    };
    if number.is_empty() || number.len() > 40 || !number.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-') {
        return odd("is no waybill number: letters, digits and dashes, at most 40");
    }
    // Without a described range any plausible number is taken: it came from the carrier's own file.
    let Some(range) = Range::of(settings)? else { return Ok(()) };
    let Some(middle) = number.strip_prefix(range.prefix.as_str()).and_then(|rest| rest.strip_suffix(range.suffix.as_str())) else {
        return odd("does not begin and end as the account's numbers do");
    };
    let width = range.digits + usize::from(range.check != CheckDigit::None);
    if middle.len() != width || !middle.bytes().all(|b| b.is_ascii_digit()) {
        return odd("has not as many digits as the account's numbers");
    }
    match middle[..range.digits].parse::<i64>() {
        Ok(serial) if range.number(serial) == number => Ok(()),
        _ => odd("has a wrong check digit"),
    }
}

fn digits_of(text: &str) -> impl DoubleEndedIterator<Item = u32> + '_ {
    text.chars().filter_map(|c| c.to_digit(10))
}

fn luhn(digits: &str) -> u32 {
    let sum: u32 = digits_of(digits)
        .rev()
        .enumerate()
        .map(|(place, digit)| if place % 2 == 0 { digit * 2 / 10 + digit * 2 % 10 } else { digit })
        .sum();
    (10 - sum % 10) % 10
}

fn s10(digits: &str) -> u32 {
    let sum: u32 = digits_of(digits).zip([8, 6, 4, 2, 3, 5, 9, 7]).map(|(digit, weight)| digit * weight).sum();
    match 11 - sum % 11 {
        10 => 0,
        11 => 5,
        check => check,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn settings(fields: &[(&str, &str)]) -> Settings {
        Settings(fields.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect())
    }

    #[test]
    fn check_digits_agree_with_published_numbers() {
        assert_eq!(luhn("7992739871"), 3);
        // The specimen of the postal standard: RB 47312482 9 GB.
        assert_eq!(s10("47312482"), 9);
        let postal = settings(&[
            ("number_prefix", "rb"),
            ("number_suffix", "GB"),
            ("number_digits", "8"),
            ("number_check", "s10"),
            ("number_from", "47312482"),
            ("number_to", "47312483"),
        ]);
        let range = Range::of(&postal).expect("good").expect("described");
        assert_eq!(range.after(None, 5)[0], (47_312_482, "RB473124829GB".into()));
        assert_eq!(range.after(None, 5).len(), 2);
        assert_eq!(range.after(Some(47_312_483), 5), vec![]);
        assert!(check(&postal, "RB473124829GB").is_ok());
        assert!(check(&postal, "RB473124828GB").is_err());
    }

    #[test]
    fn odd_settings_are_refused_by_name() {
        for (fields, name) in [
            (vec![("number_from", "5")], "number_to"),
            (vec![("number_to", "5")], "number_from"),
            (vec![("number_from", "9"), ("number_to", "5")], "number_to"),
            (vec![("number_from", "x"), ("number_to", "5")], "number_from"),
            (vec![("number_from", "1"), ("number_to", "1000"), ("number_digits", "3")], "number_digits"),
            (vec![("number_from", "1"), ("number_to", "2"), ("number_check", "s10")], "number_digits"),
            (vec![("number_from", "1"), ("number_to", "2"), ("number_check", "crc")], "number_check"),
            (vec![("number_from", "1"), ("number_to", "2"), ("number_prefix", "a b")], "number_prefix"),
        ] {
            match Range::of(&settings(&fields)) {
                Err(ConnectError::Refused { code, .. }) => assert_eq!(code, name),
                other => panic!("{other:?}"),
            }
        }
        assert_eq!(Range::of(&Settings::default()), Ok(None));
        assert!(check(&Settings::default(), "773188880000001").is_ok());
        assert!(check(&Settings::default(), "two words").is_err());
    }

    proptest! {
        #[test]
        fn numbers_are_unique_rise_and_pass_their_own_check(from in 0i64..1_000_000, span in 0i64..200, cut in 0usize..50, kind in 0usize..2) {
            let check_digit = ["none", "luhn"][kind];
            let fields = settings(&[("number_prefix", "WH"), ("number_from", &from.to_string()), ("number_to", &(from + span).to_string()), ("number_check", check_digit)]);
            let range = Range::of(&fields).expect("good").expect("described");
            let mut all = range.after(None, cut);
            while let Some(last) = all.last().map(|(serial, _)| *serial) {
                let more = range.after(Some(last), 7);
                if more.is_empty() { break }
                all.extend(more);
            }
            if cut > 0 {
                prop_assert_eq!(all.len() as i64, span + 1);
            }
            prop_assert!(all.windows(2).all(|w| w[0].0 < w[1].0 && w[0].1 < w[1].1));
            for (_, number) in &all {
                prop_assert!(check(&fields, number).is_ok(), "{}", number);
            }
        }
    }
}
