//! Files in: preview, commit, withdraw.
