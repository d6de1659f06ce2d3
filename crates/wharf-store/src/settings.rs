//! Named settings of the installation, as JSON, with a version each; and the proof that the keys belong to the database.

use crate::error::StoreError;
use crate::tx::Tx;

const KEY_CHECK: &str = "seal.check";

/// A setting and its version.
pub fn get<T: serde::de::DeserializeOwned>(tx: &mut Tx<'_>, name: &str) -> Result<Option<(T, i64)>, StoreError> {
    let row = tx.query_opt("SELECT value, version FROM settings WHERE name = $1", &[name.into()])?;
    row.map(|row| Ok((row.json(0)?, row.int(1)?))).transpose()
}

/// Writes a setting. With `expected`, only when its version is still that one (0 = not there yet); false when it is not.
pub fn put(tx: &mut Tx<'_>, name: &str, value: &impl serde::Serialize, expected: Option<i64>) -> Result<bool, StoreError> {
    let value = crate::Value::json(value);
    let changed = match expected {
        None => tx.execute(
            "INSERT INTO settings (name, value) VALUES ($1, $2) ON CONFLICT (name) DO UPDATE SET value = excluded.value, version = settings.version + 1",
            &[name.into(), value],
        )?,
        Some(0) => tx.execute("INSERT INTO settings (name, value) VALUES ($1, $2) ON CONFLICT (name) DO NOTHING", &[name.into(), value])?,
        Some(version) => tx.execute(
            "UPDATE settings SET value = $2, version = version + 1 WHERE name = $1 AND version = $3",
            &[name.into(), value, version.into()],
        )?,
    };
    Ok(changed == 1)
}

/// Refuses keys that are not those the database was first opened with: its personal data would be unreadable.
pub(crate) fn check_keys(tx: &mut Tx<'_>) -> Result<(), StoreError> {
    let mark = tx.keys().blind("seal.check", "wharf");
    put(tx, KEY_CHECK, &mark, Some(0))?;
    match get::<String>(tx, KEY_CHECK)? {
        Some((stored, _)) if stored == mark => Ok(()),
        Some(_) | None => Err(StoreError::WrongKey),
    }
}
