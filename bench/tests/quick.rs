//! The measuring program runs to its end at a small size: what it measures still exists, and what must be equal is equal.

use std::process::Command;

#[test]
fn a_quick_run_measures_every_goal_and_both_sides_agree() {
    let folder = tempfile::tempdir().expect("a folder");
    let results = folder.path().join("results.md");
    // Twice: the second run finds the database of the first.
    for _ in 0..2 {
        let ran = Command::new(env!("CARGO_BIN_EXE_wharf-bench"))
            .args(["--quick", "--folder"])
            .arg(folder.path().join("databases"))
            .arg("--results")
            .arg(&results)
            .output()
            .expect("the program starts");
        assert!(ran.status.success(), "{}", String::from_utf8_lossy(&ran.stderr));
        let page = std::fs::read_to_string(&results).expect("results");
        for goal in ["G1", "G1 flow", "G2 flow", "G2 flow p99", "G7 list", "G7 depth", "G8 counts", "G8 board"] {
            assert!(page.contains(&format!("| {goal} |")), "{goal} is missing:\n{page}");
        }
        assert!(!page.contains("NaN"), "{page}");
    }
}
