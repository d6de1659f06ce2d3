//! Exact money: integer minor units with an ISO 4217 currency of 0, 2 or 3 decimals. Nothing here is a float.

use serde::{Deserialize, Serialize};
use std::fmt;

/// An ISO 4217 currency code, such as `CNY`, `JPY` or `KWD`.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Currency([u8; 3]);

/// Chinese yuan.
pub const CNY: Currency = Currency(*b"CNY");

/// Why a text is no amount or no currency.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MoneyError {
    /// Not an ISO 4217 code.
    #[error("{0:?} is no ISO 4217 currency")]
    Currency(String),
    /// Not a decimal number.
    #[error("{0:?} is no amount")]
    Amount(String),
    /// More decimals than the currency has.
    #[error("{amount:?} has more decimals than {currency} allows")]
    Precision {
        /// The text.
        amount: String,
        /// The currency.
        currency: Currency,
    },
    /// Outside the range of 64 bits.
    #[error("{0:?} is too large")]
    Range(String),
    /// Two currencies in one sum.
    #[error("{0} and {1} cannot be added")]
    Mixed(Currency, Currency),
}

impl Currency {
    /// The currency of an ISO 4217 code; the case does not matter.
    pub fn new(code: &str) -> Result<Self, MoneyError> {
        let upper = code.trim().to_ascii_uppercase();
        if iso_currency::Currency::from_code(&upper).is_none() {
            return Err(MoneyError::Currency(code.to_owned()));
        }
        let bytes: [u8; 3] = upper.as_bytes().try_into().map_err(|_| MoneyError::Currency(code.to_owned()))?;
        Ok(Currency(bytes))
    }

    /// The three letters.
    pub fn code(&self) -> &str {
        std::str::from_utf8(&self.0).unwrap_or("XXX")
    }

    /// Decimals of the minor unit: 2 for CNY, 0 for JPY, 3 for KWD.
    pub fn exponent(self) -> u32 {
        iso_currency::Currency::from_code(self.code()).and_then(|c| c.exponent()).map_or(2, u32::from)
    }
}

impl fmt::Debug for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}
impl fmt::Display for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}
impl Serialize for Currency {
    fn serialize<S: serde::Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.serialize_str(self.code())
    }
}
impl<'de> Deserialize<'de> for Currency {
    fn deserialize<D: serde::Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        let code = String::deserialize(d)?;
        Currency::new(&code).map_err(serde::de::Error::custom)
    }
}

/// An amount in minor units of its currency. Its JSON is `{"amount": "12.34", "currency": "CNY"}`.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Money {
    /// Minor units: fen, cents, yen, fils.
    pub minor: i64,
    /// The currency.
    pub currency: Currency,
}

impl Money {
    /// An amount of minor units.
    pub const fn new(minor: i64, currency: Currency) -> Self {
        Money { minor, currency }
    }

    /// Nothing.
    pub const fn zero(currency: Currency) -> Self {
        Money { minor: 0, currency }
    }

    /// Reads a plain decimal such as `12.3`, `-0.05`, `1234`. Trailing zeros beyond the currency's decimals are
    /// accepted (`12.340` CNY), other digits there are an error: nothing is ever rounded in silence.
    pub fn parse(text: &str, currency: Currency) -> Result<Self, MoneyError> {
        let bad = || MoneyError::Amount(text.to_owned());
        let trimmed = text.trim();
        let (negative, digits) = match trimmed.as_bytes().first() {
            Some(b'-') => (true, &trimmed[1..]),
            Some(b'+') => (false, &trimmed[1..]),
            _ => (false, trimmed),
        };
        let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
        if (whole.is_empty() && fraction.is_empty())
            || !whole.bytes().all(|b| b.is_ascii_digit())
            || !fraction.bytes().all(|b| b.is_ascii_digit())
        {
            return Err(bad());
        }
        let exponent = currency.exponent() as usize;
        let (kept, rest) = fraction.split_at(fraction.len().min(exponent));
        if rest.bytes().any(|b| b != b'0') {
            return Err(MoneyError::Precision { amount: text.to_owned(), currency });
        }
        let range = || MoneyError::Range(text.to_owned());
        let mut minor: i64 = 0;
        for byte in whole.bytes().chain(kept.bytes()).chain(std::iter::repeat_n(b'0', exponent - kept.len())) {
            minor = minor.checked_mul(10).and_then(|m| m.checked_add(i64::from(byte - b'0'))).ok_or_else(range)?;
        }
        Ok(Money { minor: if negative { -minor } else { minor }, currency })
    }

    /// The amount as a plain decimal with all decimals of its currency.
    pub fn amount(&self) -> String {
        let exponent = self.currency.exponent();
        if exponent == 0 {
            return self.minor.to_string();
        }
        let unit = 10u64.pow(exponent);
        let absolute = self.minor.unsigned_abs();
        let sign = if self.minor < 0 { "-" } else { "" };
        format!("{sign}{}.{:0width$}", absolute / unit, absolute % unit, width = exponent as usize)
    }

    /// The sum, of one currency and within range.
    pub fn plus(self, other: Money) -> Result<Money, MoneyError> {
        if self.currency != other.currency {
            return Err(MoneyError::Mixed(self.currency, other.currency));
        }
        let minor = self.minor.checked_add(other.minor).ok_or_else(|| MoneyError::Range(self.amount()))?;
        Ok(Money { minor, currency: self.currency })
    }
}

impl fmt::Debug for Money {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.amount(), self.currency)
    }
}
impl fmt::Display for Money {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.amount(), self.currency)
    }
}

#[derive(Serialize, Deserialize)]
struct MoneyJson {
    amount: String,
    currency: Currency,
}
impl Serialize for Money {
    fn serialize<S: serde::Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        MoneyJson { amount: self.amount(), currency: self.currency }.serialize(s)
    }
}
impl<'de> Deserialize<'de> for Money {
    fn deserialize<D: serde::Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        let json = MoneyJson::deserialize(d)?;
        Money::parse(&json.amount, json.currency).map_err(serde::de::Error::custom)
    }
}

/// Splits `total` over `weights` so that the parts sum to it to the last unit: largest remainder, ties to the earlier
/// line. Weights are taken as their absolute values; when all are zero the parts are as equal as units allow.
pub fn split(total: i64, weights: &[i64]) -> Vec<i64> {
    if weights.is_empty() {
        return Vec::new();
    }
    let ones = vec![1i64; weights.len()];
    let weights = if weights.iter().all(|w| *w == 0) { &ones[..] } else { weights };
    let sum: i128 = weights.iter().map(|w| i128::from(w.unsigned_abs())).sum();
    let magnitude = i128::from(total.unsigned_abs());
    let mut parts: Vec<i128> = Vec::with_capacity(weights.len());
    let mut remainders: Vec<(i128, usize)> = Vec::with_capacity(weights.len());
    for (index, weight) in weights.iter().enumerate() {
        let product = magnitude * i128::from(weight.unsigned_abs());
        parts.push(product / sum);
        remainders.push((product % sum, index));
    }
    let missing = (magnitude - parts.iter().sum::<i128>()) as usize;
    remainders.sort_by(|a, b| b.0.cmp(&a.0).then(a.1.cmp(&b.1)));
    for (_, index) in remainders.into_iter().take(missing) {
        parts[index] += 1;
    }
    parts.into_iter().map(|p| if total < 0 { -(p as i64) } else { p as i64 }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn decimals_follow_the_currency() {
        let jpy = Currency::new("JPY").expect("yen");
        let kwd = Currency::new("kwd").expect("dinar");
        assert_eq!(Money::parse("1234", jpy).expect("yen").minor, 1234);
        assert_eq!(Money::parse("1.234", kwd).expect("fils").minor, 1234);
        assert_eq!(Money::parse("12.3", CNY).expect("yuan").amount(), "12.30");
        assert_eq!(Money::parse("-0.05", CNY).expect("yuan").minor, -5);
        assert_eq!(Money::parse("12.340", CNY).expect("yuan").minor, 1234);
        assert!(matches!(Money::parse("12.345", CNY), Err(MoneyError::Precision { .. })));
        for bad in ["", ".", "1,000.00", "abc", "1e3", "--1", "99999999999999999999"] {
            assert!(Money::parse(bad, CNY).is_err(), "{bad:?}");
        }
        assert!(Currency::new("XYZ").is_err());
    }

    proptest! {
        #[test]
        fn an_amount_survives_its_text(minor in -1_000_000_000_000_000i64..1_000_000_000_000_000) {
            for code in ["CNY", "JPY", "KWD"] {
                let money = Money::new(minor, Currency::new(code).expect("known"));
                prop_assert_eq!(Money::parse(&money.amount(), money.currency).expect("own text"), money);
            }
        }

        #[test]
        fn a_split_sums_to_the_last_unit(total in -1_000_000_000i64..1_000_000_000, weights in prop::collection::vec(0i64..1_000_000_000, 1..40)) {
            let parts = split(total, &weights);
            prop_assert_eq!(parts.len(), weights.len());
            prop_assert_eq!(parts.iter().sum::<i64>(), total);
            prop_assert!(parts.iter().all(|p| p.signum() * total.signum() >= 0));
        }
    }
}
