//! The market's memory on disk: one line a command, checksummed and fsynced before its answer goes out, and a snapshot
//! that is taken when a market with a long journal is opened, so that nothing pauses while it runs.

use super::WorldError;
use std::fs::{File, OpenOptions};
use std::io::{BufRead, BufReader, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

const JOURNAL: &str = "market.journal";
const SNAPSHOT: &str = "market.snapshot";
/// Records in a journal before an opening folds them into a snapshot.
const LONG: u64 = 20_000;

/// The open journal of one market directory.
#[derive(Debug)]
pub(crate) struct Journal {
    file: File,
}

/// What was found on disk.
pub(crate) struct Found {
    pub(crate) journal: Journal,
    /// Sequence number and state of the snapshot.
    pub(crate) snapshot: Option<(u64, Vec<u8>)>,
    /// Commands after the snapshot, in order.
    pub(crate) records: Vec<(u64, String)>,
}

/// Sums a line so that a torn one is seen (FNV-1a, 64 bits).
fn checksum(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3))
}

/// One line of the journal.
pub(crate) fn line(sequence: u64, command: &str) -> String {
    let body = format!("{sequence} {command}");
    format!("{:016x} {body}\n", checksum(body.as_bytes()))
}

impl Journal {
    /// Opens or creates the market of a directory. Only one process at a time may hold it.
    pub(crate) fn open(dir: &Path) -> Result<Found, WorldError> {
        let at = |what: &str, path: &Path, why: std::io::Error| WorldError::Disk(format!("{what} {}: {why}", path.display()));
        std::fs::create_dir_all(dir).map_err(|e| at("create", dir, e))?;
        let path = dir.join(JOURNAL);
        let mut file = OpenOptions::new().read(true).append(true).create(true).open(&path).map_err(|e| at("open", &path, e))?;
        match file.try_lock() {
            Ok(()) => {}
            Err(std::fs::TryLockError::WouldBlock) => return Err(WorldError::Busy(dir.display().to_string())),
            Err(std::fs::TryLockError::Error(why)) => return Err(at("lock", &path, why)),
        }
        let snapshot = read_snapshot(&dir.join(SNAPSHOT))?;
        let folded = snapshot.as_ref().map_or(0, |s| s.0);
        let mut records = Vec::new();
        let mut whole = 0u64;
        let mut reader = BufReader::new(&file);
        loop {
            let mut bytes = Vec::new();
            let read = reader.read_until(b'\n', &mut bytes).map_err(|e| at("read", &path, e))?;
            if read == 0 {
                break;
            }
            match parse(&bytes) {
                Some((sequence, command)) => {
                    whole += read as u64;
                    if sequence > folded {
                        records.push((sequence, command));
                    }
                }
                None => {
                    // Only the tail may be torn: a line after it means that the disk lost what it had promised.
                    let mut rest = Vec::new();
                    if reader.read_until(b'\n', &mut rest).map_err(|e| at("read", &path, e))? > 0 && parse(&rest).is_some() {
                        return Err(WorldError::Disk(format!("{} is damaged at byte {whole}", path.display())));
                    }
                    break;
                }
            }
        }
        drop(reader);
        file.set_len(whole).map_err(|e| at("truncate", &path, e))?;
        file.seek(SeekFrom::End(0)).map_err(|e| at("seek", &path, e))?;
        sync_dir(dir)?;
        Ok(Found { journal: Journal { file }, snapshot, records })
    }

    /// Appends whole lines and returns when they are on the disk.
    pub(crate) fn append(&mut self, lines: &[u8]) -> std::io::Result<()> {
        self.file.write_all(lines)?;
        self.file.sync_data()
    }

    /// True when an opening should fold this many records.
    pub(crate) fn is_long(records: u64) -> bool {
        records >= LONG
    }

    /// Writes a snapshot of everything up to `sequence`, then empties the journal. A kill between the two is harmless:
    /// records that a snapshot holds are passed over by their number.
    pub(crate) fn fold(&mut self, dir: &Path, sequence: u64, state: &[u8]) -> Result<(), WorldError> {
        let (fresh, path) = (dir.join("market.snapshot.new"), dir.join(SNAPSHOT));
        let at = |what: &str, path: &PathBuf, why: std::io::Error| WorldError::Disk(format!("{what} {}: {why}", path.display()));
        let mut file = File::create(&fresh).map_err(|e| at("create", &fresh, e))?;
        file.write_all(format!("{:016x} {sequence}\n", checksum(state)).as_bytes())
            .and_then(|()| file.write_all(state))
            .and_then(|()| file.sync_all())
            .map_err(|e| at("write", &fresh, e))?;
        std::fs::rename(&fresh, &path).map_err(|e| at("rename", &fresh, e))?;
        sync_dir(dir)?;
        self.file.set_len(0).and_then(|()| self.file.sync_all()).map_err(|e| at("empty", &dir.join(JOURNAL), e))
    }
}

fn parse(bytes: &[u8]) -> Option<(u64, String)> {
    let text = std::str::from_utf8(bytes.strip_suffix(b"\n")?).ok()?;
    let (sum, body) = text.split_once(' ')?;
    if u64::from_str_radix(sum, 16).ok()? != checksum(body.as_bytes()) {
        return None;
    }
    let (sequence, command) = body.split_once(' ')?;
    Some((sequence.parse().ok()?, command.to_owned()))
}

fn read_snapshot(path: &Path) -> Result<Option<(u64, Vec<u8>)>, WorldError> {
    let bytes = match std::fs::read(path) {
        Ok(bytes) => bytes,
        Err(why) if why.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(why) => return Err(WorldError::Disk(format!("read {}: {why}", path.display()))),
    };
    let damaged = || WorldError::Disk(format!("{} is damaged", path.display()));
    let end = bytes.iter().position(|b| *b == b'\n').ok_or_else(damaged)?;
    let head = std::str::from_utf8(&bytes[..end]).map_err(|_| damaged())?;
    let (sum, sequence) = head.split_once(' ').ok_or_else(damaged)?;
    let state = bytes[end + 1..].to_vec();
    if u64::from_str_radix(sum, 16).ok() != Some(checksum(&state)) {
        return Err(damaged());
    }
    Ok(Some((sequence.parse().map_err(|_| damaged())?, state)))
}

/// A new name in a directory is only there after the directory itself is on the disk.
fn sync_dir(dir: &Path) -> Result<(), WorldError> {
    File::open(dir).and_then(|d| d.sync_all()).map_err(|why| WorldError::Disk(format!("sync {}: {why}", dir.display())))
}
