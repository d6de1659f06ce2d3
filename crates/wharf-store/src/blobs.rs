//! Bytes by their hash: payloads, labels, files. Sealed where they hold personal data.
