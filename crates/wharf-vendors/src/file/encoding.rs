//! Bytes to text: UTF-8 with or without a mark, UTF-16, GB18030, Shift-JIS and Western European, told apart by content.
//! The guess looks at the whole file for UTF-8 and at how high bytes pair up for the rest; decoding streams.

use super::error::FileError;
use super::input::{open_plain, read_full};
use wharf_connect::files::Input;
use encoding_rs::Encoding;
use std::io::Read;

/// An encoding and whether a mark stands before the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Charset(pub(crate) &'static Encoding);

impl Charset {
    /// The name that screens show.
    pub(crate) fn name(self) -> &'static str {
        self.0.name()
    }
}

const BLOCK: usize = 64 * 1024;
/// How much non-ASCII text the guess between double-byte encodings looks at.
const SAMPLE: usize = 256 * 1024;

/// Which encoding the text is in.
pub(crate) fn detect(input: &Input) -> Result<Charset, FileError> {
    let mut reader = open_plain(input)?;
    let mut block = vec![0u8; BLOCK];
    let mut utf8 = Utf8Check::default();
    let mut high = Vec::new();
    let mut first = true;
    loop {
        let got = read_full(&mut reader, &mut block)?;
        let bytes = &block[..got];
        if first {
            if bytes.starts_with(&[0xef, 0xbb, 0xbf]) {
                return Ok(Charset(encoding_rs::UTF_8));
            }
            if bytes.starts_with(&[0xff, 0xfe]) {
                return Ok(Charset(encoding_rs::UTF_16LE));
            }
            if bytes.starts_with(&[0xfe, 0xff]) {
                return Ok(Charset(encoding_rs::UTF_16BE));
            }
            if let Some(wide) = unmarked_utf16(bytes) {
                return Ok(Charset(wide));
            }
            first = false;
        }
        utf8.feed(bytes);
        if high.len() < SAMPLE {
            // Lines with high bytes only: pure ASCII says nothing and would crowd the sample.
            for line in bytes.split(|b| *b == b'\n').filter(|line| line.iter().any(|b| *b >= 0x80)) {
                high.extend_from_slice(line);
                high.push(b'\n');
                if high.len() >= SAMPLE {
                    break;
                }
            }
        }
        if got < BLOCK {
            break;
        }
    }
    if utf8.is_utf8() {
        return Ok(Charset(encoding_rs::UTF_8));
    }
    Ok(Charset(guess_legacy(&high)))
}

/// UTF-16 without a mark: every other byte of ASCII text is NUL.
fn unmarked_utf16(bytes: &[u8]) -> Option<&'static Encoding> {
    let pairs = bytes.len().min(4096) / 2;
    if pairs < 4 {
        return None;
    }
    let (mut even, mut odd) = (0, 0);
    for pair in bytes[..pairs * 2].chunks_exact(2) {
        even += usize::from(pair[0] == 0);
        odd += usize::from(pair[1] == 0);
    }
    if odd * 10 > pairs * 3 && even == 0 {
        Some(encoding_rs::UTF_16LE)
    } else if even * 10 > pairs * 3 && odd == 0 {
        Some(encoding_rs::UTF_16BE)
    } else {
        None
    }
}

/// Counts well-formed and broken multi-byte sequences across blocks.
#[derive(Default)]
struct Utf8Check {
    need: u8,
    seen: u8,
    good: u64,
    bad: u64,
}

impl Utf8Check {
    fn feed(&mut self, bytes: &[u8]) {
        for byte in bytes {
            if self.need > 0 {
                if (0x80..0xc0).contains(byte) {
                    self.seen += 1;
                    if self.seen == self.need {
                        self.good += 1;
                        self.need = 0;
                    }
                    continue;
                }
                self.bad += 1;
                self.need = 0;
            }
            (self.need, self.seen) = match byte {
                0..=0x7f => (0, 0),
                0xc2..=0xdf => (1, 0),
                0xe0..=0xef => (2, 0),
                0xf0..=0xf4 => (3, 0),
                _ => {
                    self.bad += 1;
                    (0, 0)
                }
            };
        }
    }

    /// A sequence cut off at the very end does not count, and neither do a few broken bytes among much good text.
    fn is_utf8(&self) -> bool {
        self.bad == 0 || self.good > 50 * self.bad
    }
}

/// GB18030, Shift-JIS or Windows-1252, by how the high bytes of the sample pair up.
fn guess_legacy(bytes: &[u8]) -> &'static Encoding {
    let gb = gb_score(bytes);
    let sjis = sjis_score(bytes);
    let western = western_score(bytes);
    if western > gb && western > sjis {
        encoding_rs::WINDOWS_1252
    } else if sjis > gb {
        encoding_rs::SHIFT_JIS
    } else {
        encoding_rs::GB18030
    }
}

/// Points per high byte, from −1000 to 1000.
fn ratio(points: i64, high: i64) -> i64 {
    if high == 0 { 0 } else { points * 1000 / high }
}

fn gb_score(bytes: &[u8]) -> i64 {
    let (mut points, mut high, mut i) = (0, 0, 0);
    while i < bytes.len() {
        let lead = bytes[i];
        if lead < 0x80 {
            i += 1;
            continue;
        }
        high += 1;
        let trail = bytes.get(i + 1).copied().unwrap_or(0);
        match (lead, trail) {
            // Symbols and full-width forms, then the 3,755 common characters: what Chinese text is made of.
            (0xa1..=0xa3, 0xa1..=0xfe) | (0xb0..=0xd7, 0xa1..=0xfe) => points += 2,
            (0xd8..=0xf7, 0xa1..=0xfe) => points += 1,
            (0x81..=0xfe, 0x30..=0x39) if bytes.get(i + 2).is_some_and(|b| *b >= 0x81) => {
                i += 4;
                continue;
            }
            (0x81..=0xfe, 0x40..=0x7e | 0x80..=0xfe) => points -= 1,
            _ => {
                points -= 6;
                i += 1;
                continue;
            }
        }
        high += i64::from(trail >= 0x80);
        i += 2;
    }
    ratio(points, high)
}

fn sjis_score(bytes: &[u8]) -> i64 {
    let (mut points, mut high, mut i) = (0, 0, 0);
    while i < bytes.len() {
        let lead = bytes[i];
        if lead < 0x80 {
            i += 1;
            continue;
        }
        high += 1;
        let trail = bytes.get(i + 1).copied().unwrap_or(0);
        match (lead, trail) {
            // Kana and Japanese punctuation are in every Japanese text and rare as Chinese pairs.
            (0x82, 0x4f..=0xf1) | (0x83, 0x40..=0x96) | (0x81, 0x40..=0x7e | 0x80..=0xac) => points += 3,
            (0x88..=0x97, 0x40..=0x7e | 0x80..=0xfc) => points += 2,
            (0x98..=0x9f | 0xe0..=0xea, 0x40..=0x7e | 0x80..=0xfc) => {}
            (0xa1..=0xdf, _) => {
                // Half-width katakana: a single byte, and what Chinese text turns into when it is misread.
                points -= 1;
                i += 1;
                continue;
            }
            _ => {
                points -= 6;
                i += 1;
                continue;
            }
        }
        high += i64::from(trail >= 0x80);
        i += 2;
    }
    ratio(points, high)
}

/// Accented letters stand alone between ASCII letters.
fn western_score(bytes: &[u8]) -> i64 {
    let (mut points, mut high, mut i) = (0, 0, 0);
    while i < bytes.len() {
        if bytes[i] < 0x80 {
            i += 1;
            continue;
        }
        let mut end = i;
        while end < bytes.len() && bytes[end] >= 0x80 {
            end += 1;
        }
        let run = (end - i) as i64;
        high += run;
        let letter = |b: Option<&u8>| b.is_some_and(u8::is_ascii_alphabetic);
        let beside = letter(i.checked_sub(1).and_then(|p| bytes.get(p))) || letter(bytes.get(end));
        points += match run {
            1 if beside && bytes[i] >= 0xc0 => 2,
            1 if bytes[i] >= 0xa0 || bytes[i] == 0x80 || (0x91..=0x97).contains(&bytes[i]) => 1,
            _ => -run,
        };
        i = end;
    }
    ratio(points, high)
}

/// A stream of text blocks.
pub(crate) struct Decoded {
    reader: Box<dyn Read + Send>,
    decoder: encoding_rs::Decoder,
    raw: Vec<u8>,
    ended: bool,
}

impl Decoded {
    pub(crate) fn open(input: &Input, charset: Charset) -> Result<Self, FileError> {
        Ok(Decoded {
            reader: open_plain(input)?,
            decoder: charset.0.new_decoder_with_bom_removal(),
            raw: vec![0u8; BLOCK],
            ended: false,
        })
    }

    /// The next block, `None` at the end. Bytes that are no text become U+FFFD.
    pub(crate) fn next_block(&mut self) -> Result<Option<String>, FileError> {
        if self.ended {
            return Ok(None);
        }
        let got = read_full(&mut self.reader, &mut self.raw)?;
        self.ended = got < self.raw.len();
        let room = self.decoder.max_utf8_buffer_length(got).unwrap_or(got * 3 + 16);
        let mut text = String::with_capacity(room);
        let _ = self.decoder.decode_to_string(&self.raw[..got], &mut text, self.ended);
        Ok(Some(text))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(bytes: Vec<u8>) -> &'static str {
        detect(&Input::new("f", bytes)).expect("detects").name()
    }

    #[test]
    fn encodings_are_told_apart_by_content() {
        let zh = "订单编号,买家会员名,收货人姓名,收货地址 ,宝贝标题 \n=\"3515\",张三丰,李四,浙江省 杭州市 余杭区 文一西路969号(310000),夏季纯棉短袖\n";
        let ja = "order-id\tproduct-name\trecipient-name\n1\tステンレス マグカップ 保温\t山田 太郎\n2\t東京都千代田区丸の内\tあいうえお\n";
        let fr = "order-id\trecipient-name\tship-city\n1\tHélène Façade\tBesançon\n2\tJürgen Müller\tKöln\n";
        assert_eq!(name(zh.as_bytes().to_vec()), "UTF-8");
        assert_eq!(name([b"\xef\xbb\xbf", zh.as_bytes()].concat()), "UTF-8");
        assert_eq!(name(encoding_rs::GB18030.encode(zh).0.into_owned()), "gb18030");
        assert_eq!(name(encoding_rs::SHIFT_JIS.encode(ja).0.into_owned()), "Shift_JIS");
        assert_eq!(name(encoding_rs::WINDOWS_1252.encode(fr).0.into_owned()), "windows-1252");
        let wide: Vec<u8> = fr.encode_utf16().flat_map(u16::to_le_bytes).collect();
        assert_eq!(name(wide.clone()), "UTF-16LE");
        assert_eq!(name([&[0xff, 0xfe][..], &wide].concat()), "UTF-16LE");
        let wide: Vec<u8> = zh.encode_utf16().flat_map(u16::to_be_bytes).collect();
        assert_eq!(name([&[0xfe, 0xff][..], &wide].concat()), "UTF-16BE");
        // One short Chinese word among much ASCII, and a file cut in the middle of a character.
        assert_eq!(name(encoding_rs::GB18030.encode("a,b,c\n1,2,已付款\n").0.into_owned()), "gb18030");
        let mut cut = zh.as_bytes().to_vec();
        cut.truncate(cut.len() - 2);
        assert_eq!(name(cut), "UTF-8");
    }
}
