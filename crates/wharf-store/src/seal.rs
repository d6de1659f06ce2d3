//! Sealing personal data and secrets at rest, and blind indexes to find them again.
//!
//! A sealed value is `[key number][24 bytes nonce][XChaCha20-Poly1305 ciphertext]`. The key number lets keys rotate: new
//! values take the newest key, old ones open with theirs. Blind indexes are HMAC-SHA256 under a key of their own, derived
//! from the oldest master key, so that rotation does not lose them.

use chacha20poly1305::aead::rand_core::RngCore;
use chacha20poly1305::aead::{Aead, AeadCore, KeyInit, OsRng, Payload};
use chacha20poly1305::{XChaCha20Poly1305, XNonce};
use hmac::{Hmac, Mac};
use sha2::Sha256;
use std::collections::BTreeMap;
use std::io::Write;
use std::path::Path;
use std::sync::Arc;

const NONCE_BYTES: usize = 24;

/// Why sealed bytes did not open, or why there are no keys.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SealError {
    /// Cut, changed, or sealed with another key.
    #[error("the sealed value is damaged or was sealed with another key")]
    Damaged,
    /// Sealed with a key that is not in the key file.
    #[error("key number {0} is missing from the key file")]
    UnknownKey(u8),
    /// The key file or `WHARF_KEY` cannot be read as keys.
    #[error("keys: {0}")]
    Keys(String),
}

struct Inner {
    ciphers: BTreeMap<u8, XChaCha20Poly1305>,
    newest: u8,
    /// Keyed and not fed yet: a clone of it saves setting the key for each text.
    blind: Hmac<Sha256>,
}

/// The master keys of one installation. Cheap to clone; has no `Debug`, so that it cannot reach a log.
#[derive(Clone)]
pub struct Keys {
    inner: Arc<Inner>,
}

/// 128 random bits as hex: a name that no other process has.
pub(crate) fn random_hex() -> String {
    let mut bytes = [0u8; 16];
    OsRng.fill_bytes(&mut bytes);
    hex::encode(bytes)
}

fn keyed(key: &[u8; 32]) -> Hmac<Sha256> {
    // HMAC takes a key of any length: this cannot fail.
    <Hmac<Sha256> as Mac>::new_from_slice(key).unwrap_or_else(|_| unreachable!("HMAC takes any key"))
}

fn derive(master: &[u8; 32], purpose: &str) -> [u8; 32] {
    let mut mac = keyed(master);
    mac.update(purpose.as_bytes());
    mac.finalize().into_bytes().into()
}

impl Keys {
    /// From text: `number:64 hex digits`, separated by commas, blanks or line ends; a lone key is number 1.
    pub fn parse(text: &str) -> Result<Keys, SealError> {
        let mut masters = BTreeMap::new();
        for part in text.lines().map(|line| line.split('#').next().unwrap_or("")).flat_map(|line| line.split([',', ' ', '\t', '\r'])) {
            if part.is_empty() {
                continue;
            }
            let (number, hexadecimal) = part.split_once(':').unwrap_or(("1", part));
            let number: u8 = number.parse().map_err(|_| SealError::Keys("a key number is 1 to 255".to_owned()))?;
            let mut master = [0u8; 32];
            hex::decode_to_slice(hexadecimal, &mut master).map_err(|_| SealError::Keys("a key is 64 hexadecimal digits".to_owned()))?;
            if number == 0 || masters.insert(number, master).is_some() {
                return Err(SealError::Keys(format!("key number {number} is zero or stands there twice")));
            }
        }
        let (Some((_, oldest)), Some((&newest, _))) = (masters.first_key_value(), masters.last_key_value()) else {
            return Err(SealError::Keys("there is no key".to_owned()));
        };
        let blind = keyed(&derive(oldest, "wharf blind index 1"));
        let ciphers =
            masters.iter().map(|(number, master)| (*number, XChaCha20Poly1305::new(&derive(master, "wharf seal 1").into()))).collect();
        Ok(Keys { inner: Arc::new(Inner { ciphers, newest, blind }) })
    }

    /// Reads the key file; makes one with a fresh key, readable by its owner alone, when there is none.
    pub fn load_or_create(path: &Path) -> Result<Keys, SealError> {
        let trouble = |what: &str, error: std::io::Error| SealError::Keys(format!("{what} {}: {error}", path.display()));
        let mut options = std::fs::OpenOptions::new();
        options.write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        match options.open(path) {
            Ok(mut file) => {
                let text = Keys::generate();
                file.write_all(text.as_bytes()).and_then(|()| file.sync_all()).map_err(|error| trouble("cannot write", error))?;
                Keys::parse(&text)
            }
            Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {
                Keys::parse(&std::fs::read_to_string(path).map_err(|error| trouble("cannot read", error))?)
            }
            Err(error) => Err(trouble("cannot create", error)),
        }
    }

    /// The text of a fresh key file.
    pub fn generate() -> String {
        let master = XChaCha20Poly1305::generate_key(&mut OsRng);
        format!(
            "# Wharf: the key that seals personal data and secrets. Without it they cannot be read. Keep a copy elsewhere.\n1:{}\n",
            hex::encode(master)
        )
    }

    /// Seals bytes: nobody reads or changes them without the key.
    pub fn seal(&self, plain: &[u8]) -> Vec<u8> {
        let number = self.inner.newest;
        let nonce = XChaCha20Poly1305::generate_nonce(&mut OsRng);
        let mut out = Vec::with_capacity(1 + NONCE_BYTES + plain.len() + 16);
        out.push(number);
        out.extend_from_slice(&nonce);
        let cipher = &self.inner.ciphers[&number];
        // Encryption fails only beyond 256 GB.
        let sealed = cipher.encrypt(&nonce, Payload { msg: plain, aad: &[number] }).unwrap_or_else(|_| unreachable!("too long to seal"));
        out.extend_from_slice(&sealed);
        out
    }

    /// Opens what [`Keys::seal`] sealed.
    pub fn open(&self, sealed: &[u8]) -> Result<Vec<u8>, SealError> {
        let (&number, rest) = sealed.split_first().ok_or(SealError::Damaged)?;
        let cipher = self.inner.ciphers.get(&number).ok_or(SealError::UnknownKey(number))?;
        let (nonce, body) = rest.split_at_checked(NONCE_BYTES).ok_or(SealError::Damaged)?;
        cipher.decrypt(XNonce::from_slice(nonce), Payload { msg: body, aad: &[number] }).map_err(|_| SealError::Damaged)
    }

    /// Seals a value as JSON.
    pub fn seal_json(&self, value: &impl serde::Serialize) -> Vec<u8> {
        self.seal(&serde_json::to_vec(value).unwrap_or_default())
    }

    /// Opens a value sealed as JSON.
    pub fn open_json<T: serde::de::DeserializeOwned>(&self, sealed: &[u8]) -> Result<T, SealError> {
        serde_json::from_slice(&self.open(sealed)?).map_err(|_| SealError::Damaged)
    }

    /// The blind index of a text: equal for equal texts of one kind, tells nothing else without the key. Hex.
    pub fn blind(&self, kind: &str, text: &str) -> String {
        let mut mac = self.inner.blind.clone();
        mac.update(kind.as_bytes());
        mac.update(&[0]);
        mac.update(text.as_bytes());
        hex::encode(mac.finalize().into_bytes())
    }
}
