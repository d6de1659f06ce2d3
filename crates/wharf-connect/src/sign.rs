//! Signing primitives that several protocols share: digests and their hexadecimal spelling. What is signed, and in which
//! order, is each protocol's own affair and lives in its vendor's folder.

use hmac::{Hmac, Mac};
use md5::{Digest, Md5};
use sha2::Sha256;

/// MD5 as 32 upper-case hexadecimal digits.
pub fn md5_hex_upper(data: &[u8]) -> String {
    hex::encode_upper(Md5::digest(data))
}

/// HMAC-MD5 as 32 upper-case hexadecimal digits.
pub fn hmac_md5_hex_upper(key: &[u8], data: &[u8]) -> String {
    // HMAC takes a key of any length; the error type exists only for fixed-size MACs of the same trait.
    match Hmac::<Md5>::new_from_slice(key) {
        Ok(mut mac) => {
            mac.update(data);
            hex::encode_upper(mac.finalize().into_bytes())
        }
        Err(_) => String::new(),
    }
}

/// HMAC-SHA256 as 64 upper-case hexadecimal digits.
pub fn hmac_sha256_hex_upper(key: &[u8], data: &[u8]) -> String {
    match Hmac::<Sha256>::new_from_slice(key) {
        Ok(mut mac) => {
            mac.update(data);
            hex::encode_upper(mac.finalize().into_bytes())
        }
        Err(_) => String::new(),
    }
}

/// Compares two signatures in a time that does not tell where they differ.
pub fn same(left: &str, right: &str) -> bool {
    let (left, right) = (left.as_bytes(), right.as_bytes());
    left.len() == right.len() && left.iter().zip(right).fold(0u8, |acc, (a, b)| acc | (a ^ b)) == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digests_agree_with_their_specifications() {
        // RFC 1321 A.5, RFC 2202 case 2, RFC 4231 case 2.
        assert_eq!(md5_hex_upper(b"message digest"), "F96B697D7CB7938D525A2F31AAF161D0");
        assert_eq!(hmac_md5_hex_upper(b"Jefe", b"what do ya want for nothing?"), "750C783E6AB0B503EAA86E310A5DB738");
        assert_eq!(
            hmac_sha256_hex_upper(b"Jefe", b"what do ya want for nothing?"),
            "5BDCC146BF60754E6A042426089575C75A003F089D2739839DEC58B964EC3843"
        );
        assert!(same("AB", "AB") && !same("AB", "AC") && !same("AB", "ABC"));
    }
}
