//! What stands in a cell: texts behind spreadsheet tricks, quantities, amounts with currency words, instants in a dozen
//! layouts. Nothing is guessed: what can be read in two ways is refused with the reason.

use jiff::civil::{Date, DateTime, Time};
use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};
use wharf_domain::money::Currency;
use wharf_domain::time::Timestamp;

/// Which character separates whole units from parts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DecimalStyle {
    /// By the look of each number.
    #[default]
    Auto,
    /// `1,234.56`
    Point,
    /// `1.234,56`
    Comma,
}

/// In which order day and month stand where the year comes last.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DayMonth {
    /// Only where one of them is above 12.
    #[default]
    Auto,
    /// `31/12/2026`
    DayFirst,
    /// `12/31/2026`
    MonthFirst,
}

fn is_blank(c: char) -> bool {
    c.is_whitespace() || matches!(c, '\u{feff}' | '\u{200b}' | '\u{a0}' | '\u{3000}')
}

/// The text behind the tricks that keep a spreadsheet from changing it: `="3515…"` and a leading apostrophe. Any other
/// formula stays the text that it is.
pub(crate) fn clean(cell: &str) -> &str {
    let mut text = cell.trim_matches(is_blank);
    if let Some(inner) = text.strip_prefix("=\"").and_then(|t| t.strip_suffix('"')) {
        text = inner.trim_matches(is_blank);
    }
    if let Some(rest) = text.strip_prefix('\'')
        && !rest.is_empty()
        && !rest.ends_with('\'')
    {
        text = rest.trim_matches(is_blank);
    }
    text
}

/// The text, or nothing where the cell says "nothing" in one of the ways tools do.
pub(crate) fn optional(cell: &str) -> Option<&str> {
    let text = clean(cell);
    let nothing = matches!(text, "" | "-" | "--" | "—" | "——" | "null" | "NULL" | "None" | "N/A" | "n/a" | "#N/A" | "无" | "空");
    (!nothing).then_some(text)
}

/// An identifier. Digits that a spreadsheet has rounded (`3.51512E+17`) are no identifier any more.
pub(crate) fn identifier(cell: &str) -> Result<Option<String>, String> {
    let Some(text) = optional(cell) else { return Ok(None) };
    let looks_scientific = text.split_once(['E', 'e']).is_some_and(|(mantissa, exponent)| {
        mantissa.contains('.')
            && mantissa.chars().all(|c| c.is_ascii_digit() || c == '.')
            && exponent.trim_start_matches('+').chars().all(|c| c.is_ascii_digit())
            && exponent.trim_start_matches('+').len() <= 2
            && !exponent.is_empty()
    });
    if looks_scientific || (text.starts_with('#') && text.chars().skip(1).all(|c| c == '#')) {
        return Err(format!("{text:?} is a number that a spreadsheet has rounded: its digits are lost"));
    }
    // A whole number that a spreadsheet shows with decimals.
    let text = match text.split_once('.') {
        Some((whole, zeros)) if whole.len() >= 6 && whole.bytes().all(|b| b.is_ascii_digit()) && !zeros.is_empty() && zeros.bytes().all(|b| b == b'0') => whole,
        _ => text,
    };
    Ok(Some(text.to_owned()))
}

/// A decimal number, exactly: `digits × 10^-scale`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Exact {
    /// All digits with the sign.
    pub(crate) digits: i128,
    /// How many of them stand behind the point.
    pub(crate) scale: u32,
}

/// An amount in minor units, and what was rounded away to get there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Minor {
    /// Minor units.
    pub(crate) minor: i64,
    /// False when digits beyond the minor unit were dropped.
    pub(crate) exact: bool,
}

impl Exact {

    /// The product with a whole number.
    pub(crate) fn times(self, n: i64) -> Option<Exact> {
        Some(Exact { digits: self.digits.checked_mul(i128::from(n))?, scale: self.scale })
    }

    /// In minor units of a currency, halves away from zero.
    pub(crate) fn minor(self, currency: Currency) -> Option<Minor> {
        let exponent = currency.exponent();
        let digits = if self.scale <= exponent {
            return Some(Minor { minor: i64::try_from(self.digits.checked_mul(10i128.pow(exponent - self.scale))?).ok()?, exact: true });
        } else {
            self.digits
        };
        let unit = 10i128.checked_pow(self.scale - exponent)?;
        let (whole, rest) = (digits / unit, digits % unit);
        let up = if rest.abs() * 2 >= unit { digits.signum() } else { 0 };
        Some(Minor { minor: i64::try_from(whole + up).ok()?, exact: rest == 0 })
    }

    /// As a whole number.
    pub(crate) fn whole(self) -> Option<i64> {
        let unit = 10i128.checked_pow(self.scale)?;
        if self.digits % unit != 0 { None } else { i64::try_from(self.digits / unit).ok() }
    }
}

const CURRENCY_WORDS: &[&str] = &[
    "人民币", "US$", "HK$", "NT$", "C$", "A$", "RMB", "CN¥", "元", "圆", "円", "块", "￥", "¥", "＄", "$", "€", "£", "฿", "₫", "₱", "₹", "₩", "R$", "RM", "Rp", "zł",
];

/// A number with whatever currency words, signs and separators stand around it. An empty cell is `None`.
pub(crate) fn number(cell: &str, style: DecimalStyle) -> Result<Option<Exact>, String> {
    let Some(shown) = optional(cell) else { return Ok(None) };
    let bad = || format!("{shown:?} is no number");
    let mut text: String = shown
        .chars()
        .filter_map(|c| match c {
            '\u{ff01}'..='\u{ff5e}' => char::from_u32(c as u32 - 0xfee0),
            '−' | '–' => Some('-'),
            '。' => Some('.'),
            c if is_blank(c) || c == '\'' || c == '’' => None,
            c => Some(c),
        })
        .collect();
    for word in CURRENCY_WORDS {
        if text.contains(word) {
            text = text.replace(word, "");
        }
    }
    // An ISO code before or behind the digits.
    let letters = |t: &str| t.chars().take_while(char::is_ascii_alphabetic).count();
    let lead = letters(text.trim_start_matches(['-', '+', '(']));
    if lead == 3 && Currency::new(&text.trim_start_matches(['-', '+', '('])[..3]).is_ok() {
        let at = text.len() - text.trim_start_matches(['-', '+', '(']).len();
        text.replace_range(at..at + 3, "");
    } else if text.len() > 3 && text.is_char_boundary(text.len() - 3) && Currency::new(&text[text.len() - 3..]).is_ok() {
        text.truncate(text.len() - 3);
    }
    let mut negative = false;
    if let Some(inner) = text.strip_prefix('(').and_then(|t| t.strip_suffix(')')) {
        negative = true;
        text = inner.to_owned();
    }
    for sign in ['-', '+'] {
        let rest = text.strip_prefix(sign).or_else(|| text.strip_suffix(sign)).map(str::to_owned);
        if let Some(rest) = rest {
            negative ^= sign == '-';
            text = rest;
            break;
        }
    }
    if text.is_empty() {
        // Only a currency word: a cell that says "元" says no number.
        return Err(bad());
    }
    let plain = separators(&text, style).ok_or_else(bad)?;
    let (whole, fraction) = plain.split_once('.').unwrap_or((&plain, ""));
    if (whole.is_empty() && fraction.is_empty()) || !whole.bytes().chain(fraction.bytes()).all(|b| b.is_ascii_digit()) {
        return Err(bad());
    }
    if whole.len() + fraction.len() > 30 {
        return Err(format!("{shown:?} is too large"));
    }
    let digits: i128 = format!("0{whole}{fraction}").parse().map_err(|_| bad())?;
    Ok(Some(Exact { digits: if negative { -digits } else { digits }, scale: fraction.len() as u32 }))
}

/// The digits with a point and without grouping; `None` where the grouping makes no sense.
fn separators(text: &str, style: DecimalStyle) -> Option<String> {
    let grouped = |text: &str, mark: char| {
        let mut parts = text.split(mark);
        let first = parts.next().unwrap_or_default();
        let digits = |p: &str| p.bytes().all(|b| b.is_ascii_digit());
        (1..=3).contains(&first.len()) && digits(first) && parts.all(|p| (p.len() == 3 || p.len() == 2) && digits(p)) && {
            // Indian grouping ends in three as well.
            text.rsplit(mark).next().is_some_and(|p| p.len() == 3)
        }
    };
    let (commas, points) = (text.matches(',').count(), text.matches('.').count());
    match style {
        DecimalStyle::Point => {
            let whole = text.split('.').next().unwrap_or_default();
            (points <= 1 && (commas == 0 || grouped(whole, ','))).then(|| text.replace(',', ""))
        }
        DecimalStyle::Comma => {
            let whole = text.split(',').next().unwrap_or_default();
            (commas <= 1 && (points == 0 || grouped(whole, '.'))).then(|| text.replace('.', "").replace(',', "."))
        }
        DecimalStyle::Auto => match (commas, points) {
            (0, 0 | 1) => Some(text.to_owned()),
            (0, _) => grouped(text, '.').then(|| text.replace('.', "")),
            (1, 0) if !grouped(text, ',') => Some(text.replace(',', ".")),
            (_, 0) => grouped(text, ',').then(|| text.replace(',', "")),
            _ if text.rfind('.') > text.rfind(',') => separators(text, DecimalStyle::Point),
            _ => separators(text, DecimalStyle::Comma),
        },
    }
}

/// A whole number of units.
pub(crate) fn quantity(cell: &str, style: DecimalStyle) -> Result<Option<i64>, String> {
    let text = clean(cell).trim_end_matches(['件', '个', '套', '盒', '包', '双', '台']);
    match number(text, style)? {
        None => Ok(None),
        Some(exact) => exact.whole().map(Some).ok_or_else(|| format!("{:?} is no whole number of units", clean(cell))),
    }
}

/// Reads an instant. `format` (strftime) is tried first where given; a text without zone is in `zone`.
pub(crate) fn instant(cell: &str, format: Option<&str>, order: DayMonth, zone: &TimeZone) -> Result<Option<Timestamp>, String> {
    let Some(shown) = optional(cell) else { return Ok(None) };
    if matches!(shown, "0000-00-00 00:00:00" | "0000-00-00") {
        return Ok(None);
    }
    if let Some(format) = format
        && let Ok(zoned) = jiff::fmt::strtime::parse(format, shown) {
            if let Ok(at) = zoned.to_timestamp() {
                return Ok(Some(from_jiff(at)));
            }
            if let Ok(local) = zoned.to_datetime() {
                return local_instant(local, zone).map(Some);
            }
            if let Ok(date) = zoned.to_date() {
                return local_instant(date.to_datetime(Time::midnight()), zone).map(Some);
            }
        }
        // Excel shows the same column in its own layout after one save: the common layouts stay readable.
    free_instant(shown, order, zone).map(Some)
}

fn from_jiff(at: jiff::Timestamp) -> Timestamp {
    Timestamp(at.as_microsecond())
}

fn local_instant(local: DateTime, zone: &TimeZone) -> Result<Timestamp, String> {
    let zoned = local.to_zoned(zone.clone()).map_err(|e| format!("{local} is no time there: {e}"))?;
    Ok(from_jiff(zoned.timestamp()))
}

/// Hours behind the abbreviations that reports write.
fn abbreviation(word: &str) -> Option<i32> {
    Some(match word {
        "UTC" | "GMT" | "Z" | "WET" => 0,
        "BST" | "CET" | "MET" | "WEST" => 60,
        "CEST" | "MEST" | "EET" => 120,
        "EEST" => 180,
        "JST" | "KST" => 540,
        "CST+8" => 480,
        "AEST" => 600,
        "AEDT" => 660,
        "IST" => 330,
        "PST" => -480,
        "PDT" | "MST" => -420,
        "MDT" => -360,
        "CDT" => -300,
        "EST" => -300,
        "EDT" => -240,
        "BRT" => -180,
        _ => return None,
    })
}

fn free_instant(shown: &str, order: DayMonth, zone: &TimeZone) -> Result<Timestamp, String> {
    let bad = || format!("{shown:?} is no time");
    let text: String = shown
        .chars()
        .map(|c| match c {
            '\u{ff10}'..='\u{ff19}' | '：' | '／' | '－' => char::from_u32(c as u32 - 0xfee0).unwrap_or(c),
            '年' | '月' => '-',
            '日' => ' ',
            '时' | '時' | '点' => ':',
            '分' => ':',
            '秒' => ' ',
            c if is_blank(c) => ' ',
            c => c,
        })
        .collect();
    let text = text.trim().trim_end_matches(':').trim();
    if let Ok(at) = text.parse::<jiff::Timestamp>() {
        return Ok(from_jiff(at));
    }
    if text.bytes().all(|b| b.is_ascii_digit()) {
        return match text.len() {
            13 => Ok(Timestamp::from_millis(text.parse().map_err(|_| bad())?)),
            10 => Ok(Timestamp::from_seconds(text.parse().map_err(|_| bad())?)),
            8 | 14 => {
                let part = |a: usize, b: usize| text.get(a..b).and_then(|t| t.parse::<i16>().ok()).unwrap_or(0);
                let date = Date::new(part(0, 4), part(4, 6) as i8, part(6, 8) as i8).map_err(|_| bad())?;
                let time = Time::new(part(8, 10) as i8, part(10, 12) as i8, part(12, 14) as i8, 0).map_err(|_| bad())?;
                local_instant(date.to_datetime(time), zone)
            }
            5 => serial(text.parse().map_err(|_| bad())?, zone).ok_or_else(bad),
            _ => Err(bad()),
        };
    }
    if text.split_once('.').is_some_and(|(a, b)| a.len() == 5 && !b.is_empty() && a.bytes().chain(b.bytes()).all(|c| c.is_ascii_digit())) {
        return serial(text.parse().map_err(|_| bad())?, zone).ok_or_else(bad);
    }
    // Words: weekday and month names, AM/PM, zones. Numbers: dates and times.
    let mut month_word: Option<i8> = None;
    let mut offset: Option<i32> = None;
    let mut half: Option<bool> = None;
    let mut numbers = String::new();
    // The T of ISO times stands between digits; that of `PST` does not.
    let bytes = text.as_bytes();
    let digit = |at: Option<usize>| at.and_then(|at| bytes.get(at)).is_some_and(u8::is_ascii_digit);
    let spaced: String = text
        .char_indices()
        .map(|(at, c)| if c == ',' || (c == 'T' && digit(at.checked_sub(1)) && digit(Some(at + 1))) { ' ' } else { c })
        .collect();
    for (prefix, pm) in [("上午", false), ("下午", true)] {
        if spaced.contains(prefix) {
            half = Some(pm);
        }
    }
    let spaced = spaced.replace("上午", " ").replace("下午", " ");
    for (index, word) in spaced.split_whitespace().enumerate() {
        let upper = word.to_ascii_uppercase().trim_end_matches('.').to_owned();
        if matches!(upper.as_str(), "AM" | "A.M") {
            half = Some(false);
        } else if matches!(upper.as_str(), "PM" | "P.M") {
            half = Some(true);
        } else if let Some(minutes) = abbreviation(&upper).filter(|_| index > 0) {
            offset = Some(minutes);
        } else if let Some(month) = month(&upper) {
            month_word = Some(month);
            numbers.push_str(" M");
        } else if matches!(upper.as_str(), "MON" | "TUE" | "WED" | "THU" | "FRI" | "SAT" | "SUN" | "(CST)") {
        } else {
            let word = match word.strip_suffix("PM").or_else(|| word.strip_suffix("pm")) {
                Some(rest) => {
                    half = Some(true);
                    rest
                }
                None => match word.strip_suffix("AM").or_else(|| word.strip_suffix("am")) {
                    Some(rest) => {
                        half = Some(false);
                        rest
                    }
                    None => word,
                },
            };
            let (word, zulu) = word.strip_suffix('Z').map_or((word, false), |w| (w, true));
            if zulu {
                offset = Some(0);
            }
            numbers.push(' ');
            numbers.push_str(word);
        }
    }
    let mut parts = numbers.split_whitespace().peekable();
    let (year, month, day) = if month_word.is_some() {
        // `Jan 15 2026`, `15 Jan 2026`; `15-Jan-2026` keeps its dashes below.
        let mut values = Vec::new();
        while let Some(part) = parts.peek() {
            if part.contains(':') || values.len() == 3 {
                break;
            }
            values.push(parts.next().unwrap_or_default());
        }
        let rest: Vec<i32> = values.iter().filter(|v| **v != "M").map(|v| v.parse().map_err(|_| bad())).collect::<Result<_, _>>()?;
        match rest[..] {
            [a, b] if a > 31 => (a, month_word.unwrap_or(0), b),
            [a, b] => (b, month_word.unwrap_or(0), a),
            _ => return Err(bad()),
        }
    } else {
        let date = parts.next().ok_or_else(bad)?;
        let fields: Vec<&str> = date.split(['-', '/', '.']).collect();
        let [a, b, c] = fields[..] else { return Err(bad()) };
        let named = month(&b.to_ascii_uppercase());
        let number = |t: &str| t.parse::<i32>().map_err(|_| bad());
        if let Some(named) = named {
            (century(number(c)?, c.len()), named, number(a)?)
        } else if a.len() == 4 {
            (number(a)?, number(b)? as i8, number(c)?)
        } else if c.len() == 4 || (c.len() == 2 && a.len() <= 2) {
            let (x, y) = (number(a)?, number(b)?);
            let year = century(number(c)?, c.len());
            let dotted = date.contains('.');
            match order {
                DayMonth::DayFirst => (year, y as i8, x),
                DayMonth::MonthFirst => (year, x as i8, y),
                DayMonth::Auto if dotted || x > 12 || x == y => (year, y as i8, x),
                DayMonth::Auto if y > 12 => (year, x as i8, y),
                DayMonth::Auto => return Err(format!("{shown:?} can be read in two ways: say which comes first, day or month")),
            }
        } else {
            return Err(bad());
        }
    };
    let date = Date::new(i16::try_from(year).map_err(|_| bad())?, month, i8::try_from(day).map_err(|_| bad())?).map_err(|_| bad())?;
    let mut time = Time::midnight();
    if let Some(part) = parts.next() {
        let (clock, shift) = match part.rfind(['+', '-']) {
            Some(at) if at > 0 => (&part[..at], Some(&part[at..])),
            _ => (part, None),
        };
        time = clock_time(clock, half).ok_or_else(bad)?;
        if let Some(shift) = shift {
            offset = Some(shift_minutes(shift).ok_or_else(bad)?);
        }
    }
    for part in parts {
        offset = Some(shift_minutes(part).or_else(|| part.strip_prefix("GMT").and_then(shift_minutes)).ok_or_else(bad)?);
    }
    let local = date.to_datetime(time);
    match offset {
        None => local_instant(local, zone),
        Some(minutes) => {
            let zone = jiff::tz::Offset::from_seconds(minutes * 60).map_err(|_| bad())?.to_time_zone();
            local_instant(local, &zone)
        }
    }
}

fn century(year: i32, digits: usize) -> i32 {
    if digits == 2 { 2000 + year } else { year }
}

fn month(word: &str) -> Option<i8> {
    const MONTHS: [&str; 12] = ["JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"];
    if word.len() < 3 || !word.bytes().all(|b| b.is_ascii_alphabetic()) {
        return None;
    }
    MONTHS.iter().position(|m| word.starts_with(m)).map(|p| p as i8 + 1)
}

fn clock_time(text: &str, half: Option<bool>) -> Option<Time> {
    let mut fields = text.split(':').filter(|f| !f.is_empty());
    let mut hour: i8 = fields.next()?.parse().ok()?;
    let minute: i8 = fields.next().map_or(Some(0), |m| m.parse().ok())?;
    let (second, nanos) = match fields.next() {
        None => (0, 0),
        Some(seconds) => {
            let (whole, fraction) = seconds.split_once(['.', ',']).unwrap_or((seconds, ""));
            let padded = format!("{fraction:0<9}");
            (whole.parse::<i8>().ok()?, padded.get(..9)?.parse::<i32>().ok()?)
        }
    };
    if fields.next().is_some() {
        return None;
    }
    match half {
        Some(true) if hour < 12 => hour += 12,
        Some(false) if hour == 12 => hour = 0,
        _ => {}
    }
    Time::new(hour, minute, second, nanos).ok()
}

fn shift_minutes(text: &str) -> Option<i32> {
    let sign = match text.as_bytes().first()? {
        b'+' => 1,
        b'-' => -1,
        _ => return None,
    };
    let digits: String = text[1..].chars().filter(|c| *c != ':').collect();
    if digits.is_empty() || digits.len() > 4 || !digits.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let value: i32 = digits.parse().ok()?;
    let minutes = if digits.len() <= 2 { value * 60 } else { value / 100 * 60 + value % 100 };
    (minutes <= 14 * 60).then_some(sign * minutes)
}

/// A date as a spreadsheet counts it: days since 1899-12-30.
fn serial(days: f64, zone: &TimeZone) -> Option<Timestamp> {
    if !(20_000.0..80_000.0).contains(&days) {
        return None;
    }
    let start = Date::new(1899, 12, 30).ok()?.to_datetime(Time::midnight());
    let seconds = (days * 86_400.0).round() as i64;
    let local = start.checked_add(jiff::SignedDuration::from_secs(seconds)).ok()?;
    local_instant(local, zone).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use wharf_domain::money::CNY;

    fn minor(text: &str) -> i64 {
        number(text, DecimalStyle::Auto).expect(text).expect(text).minor(CNY).expect(text).minor
    }

    #[test]
    fn tricks_around_texts() {
        assert_eq!(clean("=\"351512345678901234\""), "351512345678901234");
        assert_eq!(clean("'13812345678"), "13812345678");
        assert_eq!(clean(" \u{3000}x\u{a0}"), "x");
        assert_eq!(clean("=cmd|' /C calc'!A0"), "=cmd|' /C calc'!A0");
        assert_eq!(clean("=HYPERLINK(\"x\")"), "=HYPERLINK(\"x\")");
        assert_eq!(clean("+1+1"), "+1+1");
        assert_eq!(optional("-"), None);
        assert_eq!(identifier("3515123456789012.00"), Ok(Some("3515123456789012".into())));
        assert!(identifier("3.51512E+17").is_err());
        assert!(identifier("3.51512E17").is_err());
        assert_eq!(identifier("12E4"), Ok(Some("12E4".into())));
    }

    #[test]
    fn amounts_as_people_write_them() {
        for (text, want) in [
            ("0元", 0), ("12.5", 1250), ("￥1,234.50", 123_450), ("RMB 12.3", 1230), ("-1,052.64", -105_264), ("(3.00)", -300), ("5.00-", -500),
            ("1.234,56", 123_456), ("1234,5", 123_450), ("1,234", 123_400), ("1 234,50 €", 123_450), ("12.30 CNY", 1230), ("USD12", 1200), ("１２．５０", 1250),
            ("1,23,456.70", 12_345_670), ("'8.00", 800), ("+2", 200),
        ] {
            assert_eq!(minor(text), want, "{text}");
        }
        for bad in ["abc", "1.2.3", "1,2,3", "元", "*****", "12 件", "1e5", "1,2345.0"] {
            assert!(number(bad, DecimalStyle::Auto).is_err(), "{bad}");
        }
        assert_eq!(number("1,234", DecimalStyle::Comma).expect("reads").expect("some").minor(CNY).expect("fits").minor, 123);
        assert_eq!(quantity("3 件", DecimalStyle::Auto), Ok(Some(3)));
        assert_eq!(quantity("2.00", DecimalStyle::Auto), Ok(Some(2)));
        assert!(quantity("2.5", DecimalStyle::Auto).is_err());
        let tiny = number("0.001", DecimalStyle::Auto).expect("reads").expect("some").minor(CNY).expect("fits");
        assert_eq!((tiny.minor, tiny.exact), (0, false));
    }

    #[test]
    fn instants_in_every_layout() {
        let zone = TimeZone::get("Asia/Shanghai").expect("zone");
        let at = |text: &str| instant(text, None, DayMonth::Auto, &zone).map(|t| t.map(|t| jiff::Timestamp::from_microsecond(t.0).expect("fits").to_string()));
        for (text, want) in [
            ("2026-01-15T08:30:00+00:00", "2026-01-15T08:30:00Z"),
            ("2026-01-15T08:30:00Z", "2026-01-15T08:30:00Z"),
            ("2026-01-15T08:30:00-08:00", "2026-01-15T16:30:00Z"),
            ("2026-01-15 08:30:00", "2026-01-15T00:30:00Z"),
            ("2026/1/5 8:30", "2026-01-05T00:30:00Z"),
            ("2026年1月5日 8时30分", "2026-01-05T00:30:00Z"),
            ("2026年01月05日", "2026-01-04T16:00:00Z"),
            ("20260115083000", "2026-01-15T00:30:00Z"),
            ("Jan 15, 2026 12:00:00 AM PST", "2026-01-15T08:00:00Z"),
            ("15 Jan 2026 01:02:03 UTC", "2026-01-15T01:02:03Z"),
            ("14-Jul-2025", "2025-07-13T16:00:00Z"),
            ("15.01.2026 08:30:00 UTC", "2026-01-15T08:30:00Z"),
            ("2023/01/15 10:30:00 JST", "2023-01-15T01:30:00Z"),
            ("2026-01-15 下午 1:05:00", "2026-01-15T05:05:00Z"),
            ("1768465800000", "2026-01-15T08:30:00Z"),
            ("46037.5", "2026-01-15T04:00:00Z"),
            ("31/12/2025 10:00", "2025-12-31T02:00:00Z"),
        ] {
            assert_eq!(at(text), Ok(Some(want.to_owned())), "{text}");
        }
        assert_eq!(at("-"), Ok(None));
        for bad in ["03/04/2026", "2026-13-01", "hello", "2026-01-15 25:00"] {
            assert!(at(bad).is_err(), "{bad}");
        }
        assert_eq!(instant("03/04/2026", None, DayMonth::DayFirst, &zone), instant("2026-04-03", None, DayMonth::Auto, &zone));
        assert_eq!(instant("15|01|2026", Some("%d|%m|%Y"), DayMonth::Auto, &zone), instant("2026-01-15", None, DayMonth::Auto, &zone));
    }

    proptest! {
        #[test]
        fn no_cell_panics(text in "\\PC{0,40}") {
            let zone = TimeZone::UTC;
            let _ = clean(&text);
            let _ = identifier(&text);
            let _ = number(&text, DecimalStyle::Auto).map(|n| n.map(|n| n.minor(CNY)));
            let _ = quantity(&text, DecimalStyle::Comma);
            let _ = instant(&text, None, DayMonth::Auto, &zone);
        }
        #[test]
        fn no_near_date_panics(text in "[0-9/:. TZ+,月年日JanPM-]{0,30}") {
            let _ = instant(&text, Some("%Y-%m-%d"), DayMonth::Auto, &TimeZone::UTC);
            let _ = number(&text, DecimalStyle::Point);
        }
    }
}
