//! Where the bytes of a file come from, and what kind of file they are. Bytes can be read more than once (a first pass
//! counts, a second reads), and never all at once unless the format is a workbook. Compressed input is bounded.

use super::error::FileError;
use wharf_connect::files::Input;
use std::io::{self, Read};

/// The largest text that a compressed file may hold.
pub(crate) const MAX_UNPACKED: u64 = 4 << 30;
/// The largest workbook file (XLS, XLSX), which must be held whole.
pub(crate) const MAX_WORKBOOK: u64 = 96 << 20;

/// What the first bytes say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Lines of text, perhaps compressed.
    Text,
    /// A ZIP container that may be a workbook.
    Zip,
    /// A compound file that may be an old workbook.
    Compound,
}

/// Reads the bytes, unpacking gzip, with a bound on what may come out.
pub(crate) fn open_plain(input: &Input) -> Result<Box<dyn Read + Send>, FileError> {
    let mut reader = input.bytes.open()?;
    let mut head = [0u8; 2];
    let got = read_full(&mut reader, &mut head)?;
    let chained = io::Cursor::new(head[..got].to_vec()).chain(reader);
    if head[..got] == [0x1f, 0x8b] {
        Ok(Box::new(Bounded { inner: flate2::read::MultiGzDecoder::new(chained), left: MAX_UNPACKED }))
    } else {
        Ok(Box::new(chained))
    }
}

struct Bounded<R> {
    inner: R,
    left: u64,
}

impl<R: Read> Read for Bounded<R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let n = self.inner.read(out)?;
        self.left = self.left.checked_sub(n as u64).ok_or_else(|| io::Error::other("the compressed file holds more than 4 GiB"))?;
        Ok(n)
    }
}

/// Fills `out` as far as the reader goes.
pub(crate) fn read_full(reader: &mut dyn Read, out: &mut [u8]) -> io::Result<usize> {
    let mut filled = 0;
    while filled < out.len() {
        match reader.read(&mut out[filled..]) {
            Ok(0) => break,
            Ok(n) => filled += n,
            Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
            Err(e) => return Err(e),
        }
    }
    Ok(filled)
}

/// All bytes of a workbook, or a refusal when there are too many.
pub(crate) fn read_workbook(input: &Input) -> Result<Vec<u8>, FileError> {
    let mut bytes = Vec::new();
    open_plain(input)?.take(MAX_WORKBOOK + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > MAX_WORKBOOK {
        return Err(FileError::TooLarge(format!("a workbook may have {} MiB; save larger tables as CSV", MAX_WORKBOOK >> 20)));
    }
    Ok(bytes)
}

/// Tells text from workbooks, and refuses what is no table, by content.
pub(crate) fn sniff(input: &Input) -> Result<Kind, FileError> {
    let mut head = vec![0u8; 4096];
    let got = read_full(&mut open_plain(input)?, &mut head)?;
    head.truncate(got);
    if head.is_empty() {
        return Err(FileError::Empty);
    }
    if head.starts_with(b"PK\x03\x04") || head.starts_with(b"PK\x05\x06") {
        return Ok(Kind::Zip);
    }
    if head.starts_with(&[0xd0, 0xcf, 0x11, 0xe0, 0xa1, 0xb1, 0x1a, 0xe1]) {
        return Ok(Kind::Compound);
    }
    for (magic, what) in [
        (&b"%PDF"[..], "a PDF document"),
        (b"Rar!", "a RAR archive"),
        (b"7z\xbc\xaf", "a 7z archive"),
        (b"\x89PNG", "a picture"),
        (b"\xff\xd8\xff", "a picture"),
        (b"GIF8", "a picture"),
        (b"SQLite format 3", "a database"),
    ] {
        if head.starts_with(magic) {
            return Err(FileError::NotATable(what.to_owned()));
        }
    }
    // UTF-16 puts a NUL beside every ASCII letter: without them the markup is readable in any encoding.
    let plain: Vec<u8> = head.iter().copied().filter(|b| *b != 0).collect();
    let text = String::from_utf8_lossy(&plain);
    let shown = text.trim_start_matches(|c: char| c.is_whitespace() || c == '\u{feff}' || c == '\u{fffd}');
    let start = shown.to_ascii_lowercase();
    if start.starts_with("<?xml") && (start.contains("schemas-microsoft-com:office:spreadsheet") || start.contains("<workbook")) {
        return Err(FileError::NotATable("an XML spreadsheet of 2003: open it and save it as XLSX or CSV".to_owned()));
    }
    let markup = ["<!doctype", "<html", "<head", "<body", "<table", "<script", "<meta", "<?xml", "<div", "<!--"];
    if markup.iter().any(|tag| start.starts_with(tag)) {
        // Lower case of ASCII keeps every offset.
        let title = start.find("<title>").map(|at| at + 7).and_then(|from| Some(shown[from..from + start[from..].find("</title>")?].trim().to_owned()));
        let what = match title {
            Some(title) if !title.is_empty() => format!("a web page (“{title}”) that was saved under the name of a table; sign in again and export once more"),
            _ if start.contains("<table") => "a web page with a table in it: open it in a spreadsheet program and save it as XLSX or CSV".to_owned(),
            _ => "a web page that was saved under the name of a table; sign in again and export once more".to_owned(),
        };
        return Err(FileError::NotATable(what));
    }
    Ok(Kind::Text)
}
