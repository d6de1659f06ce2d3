//! Barcodes as modules, without any idea of paper: Code 128 (shortest mix of sets A, B and C), EAN-13 and QR.

use crate::DocumentError;
use qrcode::{EcLevel, Version, bits::Bits};

/// A linear code: `true` is a bar, each entry one module.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bars {
    /// The modules from left to right, without quiet zones.
    pub modules: Vec<bool>,
    /// Blank modules that a reader needs on either side.
    pub quiet_modules: usize,
}

/// A matrix code: `true` is dark, row by row, without quiet zone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Matrix {
    /// Modules of one side.
    pub side: usize,
    /// `side × side` modules.
    pub modules: Vec<bool>,
}

/// Widths of bars and spaces of the values 0 to 105, and of the stop (ISO/IEC 15417).
const PATTERNS: [&str; 107] = [
    "212222", "222122", "222221", "121223", "121322", "131222", "122213", "122312", "132212", "221213", "221312", "231212", "112232",
    "122132", "122231", "113222", "123122", "123221", "223211", "221132", "221231", "213212", "223112", "312131", "311222", "321122",
    "321221", "312212", "322112", "322211", "212123", "212321", "232121", "111323", "131123", "131321", "112313", "132113", "132311",
    "211313", "231113", "231311", "112133", "112331", "132131", "113123", "113321", "133121", "313121", "211331", "231131", "213113",
    "213311", "213131", "311123", "311321", "331121", "312113", "312311", "332111", "314111", "221411", "431111", "111224", "111422",
    "121124", "121421", "141122", "141221", "112214", "112412", "122114", "122411", "142112", "142211", "241211", "221114", "413111",
    "241112", "134111", "111242", "121142", "121241", "114212", "124112", "124211", "411212", "421112", "421211", "212141", "214121",
    "412121", "111143", "111341", "131141", "114113", "114311", "411113", "411311", "113141", "114131", "311141", "411131", "211412",
    "211214", "211232", "2331112",
];
const SHIFT: u8 = 98;
const STOP: u8 = 106;

/// The designator of UTF-8 among the extended channel interpretations.
const ECI_UTF_8: u32 = 26;

/// The code sets, in the order of their start characters 103, 104, 105.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Set {
    A,
    B,
    C,
}
const SETS: [Set; 3] = [Set::A, Set::B, Set::C];

impl Set {
    fn start(self) -> u8 {
        103 + self as u8
    }
    /// The value that switches to this set from another.
    fn switch(self) -> u8 {
        101 - self as u8
    }
    /// The value of one character in this set, if it has it.
    fn value(self, byte: u8) -> Option<u8> {
        match (self, byte) {
            (Set::A, 0..=31) => Some(byte + 64),
            (Set::A, 32..=95) | (Set::B, 32..=127) => Some(byte - 32),
            _ => None,
        }
    }
}

/// The values of the shortest Code 128 of an ASCII text, from the start character to the check character.
fn code128_values(text: &str) -> Result<Vec<u8>, DocumentError> {
    let refuse = |cause| DocumentError::Barcode { symbology: "Code 128", text: text.to_owned(), cause };
    let bytes = text.as_bytes();
    if bytes.is_empty() {
        return Err(refuse("it is empty"));
    }
    if !text.is_ascii() {
        return Err(refuse("only ASCII characters can be encoded"));
    }
    // The cheapest way to have encoded `at` bytes and be in a set: its cost, the state before, and the values it added.
    type Way = (usize, Option<(usize, usize)>, Vec<u8>);
    let mut ways: Vec<[Option<Way>; 3]> = (0..=bytes.len()).map(|_| [None, None, None]).collect();
    for (index, set) in SETS.into_iter().enumerate() {
        ways[0][index] = Some((1, None, vec![set.start()]));
    }
    fn offer(slot: &mut Option<Way>, way: Way) {
        if slot.as_ref().is_none_or(|known| way.0 < known.0) {
            *slot = Some(way);
        }
    }
    for at in 0..=bytes.len() {
        if at > 0 {
            for from in 0..3 {
                for (to, set) in SETS.into_iter().enumerate() {
                    if let Some((cost, ..)) = ways[at][from].as_ref().filter(|_| from != to) {
                        let way = (cost + 1, Some((at, from)), vec![set.switch()]);
                        offer(&mut ways[at][to], way);
                    }
                }
            }
        }
        let Some(&byte) = bytes.get(at) else { break };
        for (index, set) in SETS.into_iter().enumerate() {
            let Some(cost) = ways[at][index].as_ref().map(|way| way.0) else { continue };
            if let Some(value) = set.value(byte) {
                offer(&mut ways[at + 1][index], (cost + 1, Some((at, index)), vec![value]));
            }
            let other = match set {
                Set::A => Some(Set::B),
                Set::B => Some(Set::A),
                Set::C => None,
            };
            if let Some(value) = other.and_then(|other| other.value(byte)) {
                offer(&mut ways[at + 1][index], (cost + 2, Some((at, index)), vec![SHIFT, value]));
            }
            if let (Set::C, Some([tens, ones])) = (set, bytes.get(at..at + 2))
                && tens.is_ascii_digit()
                && ones.is_ascii_digit()
            {
                let value = (tens - b'0') * 10 + (ones - b'0');
                offer(&mut ways[at + 2][index], (cost + 1, Some((at, index)), vec![value]));
            }
        }
    }
    let end = bytes.len();
    let best = (0..3).filter(|i| ways[end][*i].is_some()).min_by_key(|i| ways[end][*i].as_ref().map(|way| way.0));
    let mut state = best.map(|index| (end, index));
    let mut pieces = Vec::new();
    while let Some((at, index)) = state {
        let Some((_, before, values)) = &ways[at][index] else { break };
        pieces.push(values.clone());
        state = *before;
    }
    let mut values: Vec<u8> = pieces.into_iter().rev().flatten().collect();
    let sum: usize = values.iter().enumerate().map(|(place, value)| place.max(1) * usize::from(*value)).sum();
    values.push((sum % 103) as u8);
    Ok(values)
}

/// Code 128 of an ASCII text.
pub fn code128(text: &str) -> Result<Bars, DocumentError> {
    let mut modules = Vec::new();
    for value in code128_values(text)?.into_iter().chain([STOP]) {
        for (index, width) in PATTERNS[usize::from(value)].bytes().enumerate() {
            modules.extend(std::iter::repeat_n(index % 2 == 0, usize::from(width - b'0')));
        }
    }
    Ok(Bars { modules, quiet_modules: 10 })
}

/// EAN-13 of 13 digits with a right check digit, or of 12 digits to which it is added.
pub fn ean13(text: &str) -> Result<Bars, DocumentError> {
    let refuse = |cause| DocumentError::Barcode { symbology: "EAN-13", text: text.to_owned(), cause };
    if !text.bytes().all(|b| b.is_ascii_digit()) || !(12..=13).contains(&text.len()) {
        return Err(refuse("it must be 12 or 13 digits"));
    }
    let mut digits: Vec<usize> = text.bytes().map(|b| usize::from(b - b'0')).collect();
    let sum: usize = digits.iter().take(12).enumerate().map(|(i, d)| if i % 2 == 0 { *d } else { 3 * d }).sum();
    let check = (10 - sum % 10) % 10;
    match digits.get(12) {
        None => digits.push(check),
        Some(last) if *last == check => {}
        Some(_) => return Err(refuse("the check digit is wrong")),
    }
    // Right-hand (even, R) patterns; L is their complement, G the mirror of R.
    const RIGHT: [u8; 10] = [0b1110010, 0b1100110, 0b1101100, 0b1000010, 0b1011100, 0b1001110, 0b1010000, 0b1000100, 0b1001000, 0b1110100];
    // Which of the six left digits are in G, by the first digit.
    const PARITY: [u8; 10] = [0b000000, 0b001011, 0b001101, 0b001110, 0b010011, 0b011001, 0b011100, 0b010101, 0b010110, 0b011010];
    let mut modules = vec![true, false, true];
    let push = |bits: u8, modules: &mut Vec<bool>| modules.extend((0..7).rev().map(|i| bits >> i & 1 == 1));
    for (place, digit) in digits[1..7].iter().enumerate() {
        let right = RIGHT[*digit];
        let in_g = PARITY[digits[0]] >> (5 - place) & 1 == 1;
        push(if in_g { right.reverse_bits() >> 1 } else { !right & 0x7f }, &mut modules);
    }
    modules.extend([false, true, false, true, false]);
    for digit in &digits[7..13] {
        push(RIGHT[*digit], &mut modules);
    }
    modules.extend([true, false, true]);
    Ok(Bars { modules, quiet_modules: 11 })
}

/// A QR code of any text, error correction level M.
pub fn qr(text: &str) -> Result<Matrix, DocumentError> {
    let refuse = |cause| DocumentError::Barcode { symbology: "QR", text: text.to_owned(), cause };
    if text.is_empty() {
        return Err(refuse("it is empty"));
    }
    let code = if text.is_ascii() {
        qrcode::QrCode::new(text).ok()
    } else {
        // Without a word about its encoding a reader guesses, and guesses Shift JIS for short Chinese.
        (1..=40).find_map(|version| {
            let mut bits = Bits::new(Version::Normal(version));
            bits.push_eci_designator(ECI_UTF_8).ok()?;
            bits.push_byte_data(text.as_bytes()).ok()?;
            bits.push_terminator(EcLevel::M).ok()?;
            qrcode::QrCode::with_bits(bits, EcLevel::M).ok()
        })
    };
    let code = code.ok_or_else(|| refuse("it is too long"))?;
    let modules = code.to_colors().into_iter().map(|c| c == qrcode::Color::Dark).collect();
    Ok(Matrix { side: code.width(), modules })
}
