//! Signing of TOP requests: which text is signed, and how. Both sides of the wire use it.

use std::collections::BTreeMap;
use wharf_connect::sign;

/// The digests the gateway knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SignMethod {
    /// `md5`: MD5(secret + S + secret).
    Md5,
    /// `hmac`: HMAC-MD5 with the secret as key.
    Hmac,
    /// `hmac-sha256`: HMAC-SHA256 with the secret as key.
    HmacSha256,
}

impl SignMethod {
    /// The method of its wire word.
    pub fn parse(word: &str) -> Option<Self> {
        match word.trim().to_ascii_lowercase().as_str() {
            "md5" => Some(SignMethod::Md5),
            "hmac" => Some(SignMethod::Hmac),
            "hmac-sha256" => Some(SignMethod::HmacSha256),
            _ => None,
        }
    }

    /// The wire word.
    pub const fn word(self) -> &'static str {
        match self {
            SignMethod::Md5 => "md5",
            SignMethod::Hmac => "hmac",
            SignMethod::HmacSha256 => "hmac-sha256",
        }
    }
}

/// Text parameters by key; iteration is in byte order, which is the order of signing.
pub type Params = BTreeMap<String, String>;

/// Removes parameters without a visible character. The platform's SDKs disagree on how to sign a blank value; all agree
/// on a request that has none.
pub fn drop_blank(params: &mut Params) {
    params.retain(|_, value| value.chars().any(|c| !c.is_whitespace()));
}

/// S: keys and raw values in byte order of the keys, without separators, `sign` left out, then a raw body if one is posted.
pub fn string_to_sign(params: &Params, body: Option<&str>) -> String {
    let mut text = String::new();
    for (key, value) in params.iter().filter(|(key, _)| key.as_str() != "sign") {
        text.push_str(key);
        text.push_str(value);
    }
    text.push_str(body.unwrap_or_default());
    text
}

/// The `sign` of a request, upper-case hexadecimal.
pub fn sign(method: SignMethod, secret: &str, params: &Params, body: Option<&str>) -> String {
    let text = string_to_sign(params, body);
    match method {
        SignMethod::Md5 => sign::md5_hex_upper(format!("{secret}{text}{secret}").as_bytes()),
        SignMethod::Hmac => sign::hmac_md5_hex_upper(secret.as_bytes(), text.as_bytes()),
        SignMethod::HmacSha256 => sign::hmac_sha256_hex_upper(secret.as_bytes(), text.as_bytes()),
    }
}
