//! Where the bytes of a file come from: they can be read more than once (a first pass counts, a second reads), and
//! never all at once unless the format makes it so.

use std::io::{self, Read};
use std::path::PathBuf;
use std::sync::Arc;

/// Bytes that can be opened again and again.
pub trait Bytes: Send + Sync {
    /// A fresh reader from the first byte.
    fn open(&self) -> io::Result<Box<dyn Read + Send>>;
}

impl Bytes for Vec<u8> {
    fn open(&self) -> io::Result<Box<dyn Read + Send>> {
        Ok(Box::new(io::Cursor::new(self.clone())))
    }
}

impl Bytes for Arc<Vec<u8>> {
    fn open(&self) -> io::Result<Box<dyn Read + Send>> {
        struct Shared(Arc<Vec<u8>>, usize);
        impl Read for Shared {
            fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
                let n = out.len().min(self.0.len() - self.1);
                out[..n].copy_from_slice(&self.0[self.1..self.1 + n]);
                self.1 += n;
                Ok(n)
            }
        }
        Ok(Box::new(Shared(self.clone(), 0)))
    }
}

impl Bytes for PathBuf {
    fn open(&self) -> io::Result<Box<dyn Read + Send>> {
        Ok(Box::new(std::fs::File::open(self)?))
    }
}

/// One file that a person handed in. The name is for messages only: nothing is ever recognised by it.
#[derive(Clone)]
pub struct Input {
    /// As the person knows it.
    pub name: String,
    /// What is in it.
    pub bytes: Arc<dyn Bytes>,
}

impl Input {
    /// A file held in memory.
    pub fn new(name: impl Into<String>, bytes: Vec<u8>) -> Self {
        Input { name: name.into(), bytes: Arc::new(Arc::new(bytes)) }
    }
    /// A file on disk.
    pub fn path(path: impl Into<PathBuf>) -> Self {
        let path = path.into();
        let name = path.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
        Input { name, bytes: Arc::new(path) }
    }
}
