//! `wharf doctor` as a person runs it: exit 1 with the drift named, exit 0 once it is repaired.

use std::process::{Command, Output};
use wharf_store::StoreError;
use wharf_store::testing::{Bed, KEY, both_engines_with};

fn doctor(bed: &Bed, arguments: &[&str]) -> Output {
    let folder = std::env::temp_dir();
    Command::new(env!("CARGO_BIN_EXE_wharf"))
        .args(["--data", &folder.display().to_string(), "--database", &bed.url, "doctor"])
        .args(arguments)
        .env("WHARF_KEY", KEY)
        .output()
        .expect("wharf runs")
}

#[test]
fn doctor_exits_with_one_until_it_has_repaired() {
    both_engines_with(|bed| async move {
        // A memory cannot be opened by another process.
        if bed.url.is_empty() {
            return;
        }
        let healthy = doctor(&bed, &[]);
        assert_eq!(healthy.status.code(), Some(0), "{healthy:?}");
        let corrupted: Result<u64, StoreError> =
            bed.store.write(|tx| tx.execute("INSERT INTO phase_counts (shop_id, phase, n) VALUES (1, 'held', 3)", &[])).await;
        assert_eq!(corrupted, Ok(1));
        let seen = doctor(&bed, &["--json"]);
        assert_eq!(seen.status.code(), Some(1), "{seen:?}");
        let report: serde_json::Value = serde_json::from_slice(&seen.stdout).expect("JSON");
        assert_eq!((report["healthy"].as_bool(), report["drifts"][0]["kind"].as_str()), (Some(false), Some("phase_count")));
        assert_eq!(doctor(&bed, &[]).status.code(), Some(1), "to look mends nothing");
        let mended = doctor(&bed, &["--repair", "--json"]);
        assert_eq!(mended.status.code(), Some(0), "{mended:?}");
        assert_eq!(doctor(&bed, &[]).status.code(), Some(0));
    });
}
