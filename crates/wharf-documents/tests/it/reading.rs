//! Eyes for the tests: small readers of PNG, PDF and ZPL that know nothing of the writers, and a barcode scanner.

use flate2::read::ZlibDecoder;
use rxing::{BarcodeFormat, helpers::detect_in_luma};
use std::{collections::HashMap, io::Read as _};

/// From and to, across and down.
type Extent = ((f32, f32), (f32, f32));

/// A grey picture, 0 black to 255 white.
#[derive(Clone)]
pub(crate) struct Sheet {
    pub(crate) width: usize,
    pub(crate) height: usize,
    pub(crate) pixels: Vec<u8>,
}

impl Sheet {
    pub(crate) fn white(width: usize, height: usize) -> Self {
        Sheet { width, height, pixels: vec![255; width * height] }
    }

    fn fill(&mut self, x: (usize, usize), y: (usize, usize), shade: u8) {
        for row in y.0..y.1.min(self.height) {
            self.pixels[row * self.width..][x.0.min(self.width)..x.1.min(self.width)].fill(shade);
        }
    }

    /// Fills boxes as one shape: each pixel takes as much ink as the boxes cover of it together.
    fn cover(&mut self, boxes: impl Iterator<Item = Extent>, shade: u8) {
        let mut covered: HashMap<usize, f32> = HashMap::new();
        for (x, y) in boxes {
            let share = |(from, to): (f32, f32), at: usize| (to.min(at as f32 + 1.0) - from.max(at as f32)).max(0.0);
            for row in y.0 as usize..(y.1.ceil() as usize).min(self.height) {
                for column in x.0 as usize..(x.1.ceil() as usize).min(self.width) {
                    *covered.entry(row * self.width + column).or_default() += share(x, column) * share(y, row);
                }
            }
        }
        for (at, coverage) in covered {
            let ink = f32::from(self.pixels[at]) * (1.0 - coverage.min(1.0)) + f32::from(shade) * coverage.min(1.0);
            self.pixels[at] = ink.round() as u8;
        }
    }

    /// What a scanner reads as the given kind of code.
    pub(crate) fn scan(&self, format: BarcodeFormat) -> Option<String> {
        let read = detect_in_luma(self.pixels.clone(), self.width as u32, self.height as u32, Some(format));
        read.ok().map(|result| result.getText().to_owned())
    }
}

fn inflate(data: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    ZlibDecoder::new(data).read_to_end(&mut out).expect("whole zlib data");
    out
}

/// A PNG of eight bit grey without filters.
pub(crate) fn png(bytes: &[u8]) -> Sheet {
    assert_eq!(&bytes[..8], b"\x89PNG\r\n\x1a\n");
    let (mut at, mut data, mut size) = (8, Vec::new(), (0, 0));
    while at < bytes.len() {
        let length = u32::from_be_bytes(bytes[at..at + 4].try_into().expect("four")) as usize;
        let body = &bytes[at + 8..at + 8 + length];
        match &bytes[at + 4..at + 8] {
            b"IHDR" => {
                let number = |i: usize| u32::from_be_bytes(body[i..i + 4].try_into().expect("four")) as usize;
                size = (number(0), number(4));
                assert_eq!(&body[8..], [8, 0, 0, 0, 0]);
            }
            b"IDAT" => data.extend_from_slice(body),
            _ => {}
        }
        at += length + 12;
    }
    let (width, height) = size;
    let rows = inflate(&data);
    let pixels = rows.chunks(width + 1).flat_map(|row| row[1..].to_vec()).collect::<Vec<u8>>();
    assert_eq!(pixels.len(), width * height);
    Sheet { width, height, pixels }
}

/// A PDF as far as the tests look: its pages' sizes and content, in order.
pub(crate) struct Pdf {
    pub(crate) pages: Vec<PdfPage>,
    /// Font files inside.
    pub(crate) font_files: usize,
    /// Objects inside.
    pub(crate) objects: usize,
}

pub(crate) struct PdfPage {
    pub(crate) width: f32,
    pub(crate) height: f32,
    content: Vec<u8>,
}

fn find(bytes: &[u8], what: &[u8], from: usize) -> Option<usize> {
    bytes[from..].windows(what.len()).position(|w| w == what).map(|at| at + from)
}

fn numbers_after(text: &str, key: &str) -> Vec<f32> {
    let rest = text.split_once(key).map_or("", |(_, rest)| rest);
    let end = rest.find(['/', ']', '>']).unwrap_or(rest.len());
    rest[..end].split(|c: char| !c.is_ascii_digit() && c != '.').filter_map(|n| n.parse().ok()).collect()
}

pub(crate) fn pdf(bytes: &[u8]) -> Pdf {
    // The cross-reference table says where each object begins.
    let start = bytes.windows(9).rposition(|w| w == b"startxref").expect("a PDF") + 9;
    let start: usize = String::from_utf8_lossy(&bytes[start..]).split_whitespace().next().and_then(|n| n.parse().ok()).expect("an offset");
    let table = String::from_utf8_lossy(&bytes[start..]).into_owned();
    let mut lines = table.lines().skip(1);
    let count: usize = lines.next().and_then(|l| l.split(' ').nth(1)).and_then(|n| n.parse().ok()).expect("a count");
    let offsets: Vec<usize> = lines.take(count).map(|line| line[..10].parse().expect("an offset")).collect();
    let object = |number: usize| {
        let from = offsets[number];
        let end = [find(bytes, b"stream", from), find(bytes, b"endobj", from)].into_iter().flatten().min().expect("an end");
        (String::from_utf8_lossy(&bytes[from..end]).into_owned(), end)
    };
    let stream = |number: usize| {
        let (head, end) = object(number);
        assert!(head.contains("/FlateDecode"), "{head}");
        let from = find(bytes, b"\n", end).expect("a line end") + 1;
        inflate(&bytes[from..find(bytes, b"endstream", from).expect("an end")])
    };
    let heads: Vec<String> = (1..count).map(|number| object(number).0).collect();
    let kids = heads.iter().find(|head| head.contains("/Kids")).expect("a page tree");
    // A large document has a tree of pages; the samples of the tests are one level deep or found in file order.
    let root: Vec<usize> = numbers_after(kids, "/Kids").chunks(2).map(|pair| pair[0] as usize).collect();
    let leaves = if root.iter().all(|n| heads[n - 1].contains("/MediaBox")) {
        root
    } else {
        (1..count).filter(|n| heads[n - 1].contains("/MediaBox")).collect()
    };
    let pages = leaves.into_iter().map(|number| {
        let head = &heads[number - 1];
        let size = numbers_after(head, "/MediaBox");
        let content = numbers_after(head, "/Contents")[0] as usize;
        PdfPage { width: size[2], height: size[3], content: stream(content) }
    });
    let font_files = heads.iter().filter(|head| head.contains("/FontFile")).count();
    Pdf { pages: pages.collect(), font_files, objects: count - 1 }
}

impl PdfPage {
    /// Draws the filled paths of the page (all of them rectangles), not its text, at `scale` dots a point.
    pub(crate) fn draw(&self, scale: f32) -> Sheet {
        let mut sheet = Sheet::white((self.width * scale).round() as usize, (self.height * scale).round() as usize);
        let (mut operands, mut shade): (Vec<f32>, u8) = (Vec::new(), 0);
        let mut boxes: Vec<Extent> = Vec::new();
        let mut at = 0;
        let bytes = &self.content;
        while at < bytes.len() {
            match bytes[at] {
                b'(' => {
                    let mut depth = 0;
                    loop {
                        match bytes[at] {
                            b'\\' => at += 1,
                            b'(' => depth += 1,
                            b')' => depth -= 1,
                            _ => {}
                        }
                        at += 1;
                        if depth == 0 {
                            break;
                        }
                    }
                    continue;
                }
                b'<' if bytes.get(at + 1) != Some(&b'<') => {
                    at = find(bytes, b">", at).expect("an end") + 1;
                    continue;
                }
                c if c.is_ascii_whitespace() || b"[]<>/".contains(&c) => {
                    at += 1;
                    continue;
                }
                _ => {}
            }
            let end = bytes[at..].iter().position(|c| c.is_ascii_whitespace() || b"()[]<>/".contains(c)).map_or(bytes.len(), |n| n + at);
            let token = String::from_utf8_lossy(&bytes[at..end]).into_owned();
            at = end;
            if let Ok(number) = token.parse::<f32>() {
                operands.push(number);
                continue;
            }
            match token.as_str() {
                "g" => shade = (operands[0] * 255.0).round() as u8,
                "re" => {
                    let [x, y, width, height] = operands[..] else { panic!("a rectangle") };
                    let top = self.height - y - height;
                    boxes.push(((x * scale, (x + width) * scale), (top * scale, (top + height) * scale)));
                }
                "cm" | "c" | "v" | "y" | "l" | "m" => panic!("unexpected {token}"),
                "f" => sheet.cover(boxes.drain(..), shade),
                _ => {}
            }
            operands.clear();
        }
        sheet
    }
}

/// What a printer makes of one ZPL format, as far as our writer goes.
pub(crate) fn zpl(format: &str) -> Sheet {
    let number = |text: &str| text.trim().parse::<usize>().unwrap_or_else(|_| panic!("a number: {text:?}"));
    let command = |name: &str| format.split('^').find_map(|c| c.strip_prefix(name)).map(number).expect("a size");
    let mut sheet = Sheet::white(command("PW"), command("LL"));
    let (mut origin, mut reverse) = ((0, 0), false);
    for command in format.split('^') {
        if let Some(place) = command.strip_prefix("FO") {
            let (x, y) = place.split_once(',').expect("a place");
            origin = (number(x), number(y));
        } else if command.starts_with("FR") {
            reverse = true;
        } else if command.starts_with("FS") {
            reverse = false;
        } else if let Some(sizes) = command.strip_prefix("GB") {
            let sizes: Vec<usize> = sizes.split(',').map(number).collect();
            assert!(sizes[2] <= sizes[0].min(sizes[1]) && sizes[2] * 2 >= sizes[0].min(sizes[1]), "a filled box");
            sheet.fill((origin.0, origin.0 + sizes[0]), (origin.1, origin.1 + sizes[1]), 0);
        } else if let Some(graphic) = command.strip_prefix("GFA,") {
            let mut parts = graphic.splitn(4, ',');
            let mut next = || parts.next().expect("a part");
            let (total, _, row_bytes, data) = (number(next()), next(), number(next()), next());
            let rows = unpack(data.trim_end(), row_bytes * 2);
            assert_eq!(rows.len() * row_bytes, total, "as many bytes as announced");
            for (y, row) in rows.iter().enumerate() {
                for (x, nibble) in row.iter().enumerate() {
                    for bit in (0..4).filter(|bit| nibble >> (3 - bit) & 1 == 1) {
                        let at = (origin.1 + y) * sheet.width + origin.0 + x * 4 + bit;
                        sheet.pixels[at] = if reverse { 255 - sheet.pixels[at] } else { 0 };
                    }
                }
            }
        }
    }
    sheet
}

/// Zebra's compression of hexadecimal rows.
fn unpack(data: &str, row_nibbles: usize) -> Vec<Vec<u8>> {
    let mut rows: Vec<Vec<u8>> = Vec::new();
    let (mut row, mut count) = (Vec::new(), 0);
    for c in data.chars() {
        match c {
            'G'..='Y' => count += c as usize - 'F' as usize,
            'g'..='z' => count += (c as usize - 'f' as usize) * 20,
            ',' | '!' => row.resize(row_nibbles, if c == ',' { 0 } else { 15 }),
            ':' => row = rows.last().expect("a row before").clone(),
            digit => {
                let value = digit.to_digit(16).unwrap_or_else(|| panic!("{digit:?} in a graphic")) as u8;
                row.extend(std::iter::repeat_n(value, count.max(1)));
                count = 0;
            }
        }
        assert!(row.len() <= row_nibbles, "a row too long");
        if row.len() == row_nibbles {
            rows.push(std::mem::take(&mut row));
        }
    }
    assert!(row.is_empty() && count == 0, "a whole number of rows");
    rows
}
