//! The seven rules of ARCHITECTURE.md, enforced: a rule that the build does not enforce is not a rule.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::Command;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().expect("workspace root")
}

fn files(under: &Path, endings: &[&str]) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut stack = vec![under.to_path_buf()];
    while let Some(folder) = stack.pop() {
        for entry in std::fs::read_dir(&folder).unwrap_or_else(|e| panic!("{}: {e}", folder.display())) {
            let path = entry.expect("entry").path();
            let name = path.file_name().and_then(|n| n.to_str()).unwrap_or_default().to_owned();
            if path.is_dir() {
                if !matches!(name.as_str(), "node_modules" | "target" | "dist" | ".git") {
                    stack.push(path);
                }
            } else if endings.iter().any(|e| name.ends_with(e)) {
                found.push(path);
            }
        }
    }
    found.sort();
    found
}

fn text(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
}

fn shown(path: &Path) -> String {
    path.strip_prefix(root()).unwrap_or(path).display().to_string()
}

/// Code without comments and without its `#[cfg(test)]` tail: the rules are about what ships.
fn shipped(source: &str) -> String {
    let body = source.split("#[cfg(test)]\nmod ").next().unwrap_or_default();
    body.lines().filter(|l| !l.trim_start().starts_with("//")).collect::<Vec<_>>().join("\n")
}

#[test]
fn crates_depend_only_along_the_plan() {
    let allowed: BTreeMap<&str, &[&str]> = BTreeMap::from([
        ("wharf-domain", &[][..]),
        ("wharf-store", &["wharf-domain"][..]),
        ("wharf-connect", &["wharf-domain"][..]),
        ("wharf-vendors", &["wharf-connect", "wharf-domain"][..]),
        ("wharf-documents", &["wharf-domain"][..]),
        ("wharf-flows", &["wharf-domain", "wharf-store", "wharf-connect", "wharf-documents"][..]),
        ("wharf-server", &["wharf-domain", "wharf-store", "wharf-connect", "wharf-vendors", "wharf-documents", "wharf-flows"][..]),
        // It measures the product and is no part of it: it may use everything, and nothing may use it.
        ("wharf-bench", &["wharf-domain", "wharf-store", "wharf-connect", "wharf-vendors", "wharf-flows", "wharf-server"][..]),
    ]);
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--format-version", "1", "--no-deps", "--offline"])
        .current_dir(root())
        .output()
        .expect("cargo metadata runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let metadata: serde_json::Value = serde_json::from_slice(&output.stdout).expect("json");
    let mut seen = BTreeSet::new();
    for package in metadata["packages"].as_array().expect("packages") {
        let name = package["name"].as_str().expect("name");
        let edges = allowed.get(name).unwrap_or_else(|| panic!("{name} is not in the plan: a crate must earn itself"));
        seen.insert(name.to_owned());
        for dependency in package["dependencies"].as_array().expect("dependencies") {
            let target = dependency["name"].as_str().expect("name");
            let dev = dependency["kind"].as_str() == Some("dev");
            if target.starts_with("wharf-") && !dev {
                assert!(edges.contains(&target), "{name} may not depend on {target}");
            }
        }
    }
    assert_eq!(seen.len(), allowed.len(), "a crate of the plan is missing");
}

/// Each heavy dependency belongs to exactly one crate.
#[test]
fn heavy_dependencies_have_one_owner() {
    let owners = [
        ("rusqlite", "wharf-store"),
        ("postgres", "wharf-store"),
        ("reqwest", "wharf-connect"),
        ("pdf-writer", "wharf-documents"),
        ("rust_xlsxwriter", "wharf-documents"),
        ("calamine", "wharf-vendors"),
        ("axum", "wharf-server"),
        ("clap", "wharf-server"),
    ];
    for manifest in files(&root().join("crates"), &["Cargo.toml"]) {
        let source = text(&manifest);
        let production = source.split("[dev-dependencies]").next().unwrap_or_default();
        let name = manifest.parent().and_then(|p| p.file_name()).and_then(|n| n.to_str()).unwrap_or_default().to_owned();
        for (dependency, owner) in owners {
            if name != owner {
                assert!(
                    !production.lines().any(|l| l.starts_with(&format!("{dependency}."))),
                    "{name} uses {dependency}, which belongs to {owner}"
                );
            }
        }
    }
}

#[test]
fn sql_lives_in_the_store() {
    let marks = ["SELECT ", "INSERT INTO", "DELETE FROM", "UPDATE ", "CREATE TABLE", "rusqlite", "postgres::"];
    for file in files(&root().join("crates"), &[".rs"]) {
        let name = shown(&file);
        if name.starts_with("crates/wharf-store/") || name.contains("/tests/") || name.ends_with("tests.rs") {
            continue;
        }
        let source = shipped(&text(&file));
        for mark in marks {
            for (number, line) in source.lines().enumerate() {
                assert!(
                    !(line.contains(&format!("\"{mark}")) || mark.contains("::") && line.contains(mark)),
                    "{name}:{}: SQL outside the store: {line}",
                    number + 1
                );
            }
        }
    }
}

#[test]
fn only_the_dialect_and_the_engines_know_the_engine() {
    let listed = ["dialect.rs", "sqlite.rs", "postgres.rs", "migrate.rs"];
    for file in files(&root().join("crates/wharf-store/src"), &[".rs"]) {
        let name = shown(&file);
        if listed.iter().any(|l| name.ends_with(l))
            || name.contains("/sqlite/")
            || name.contains("/postgres/")
            || name.contains("/dialect/")
            || name.contains("/testing")
            || name.contains("/tests/")
            || name.ends_with("tests.rs")
        {
            continue;
        }
        let source = shipped(&text(&file));
        let branches = source.matches("Engine::Sqlite").count() + source.matches("Engine::Postgres").count();
        assert!(
            branches == 0 || name.ends_with("src/lib.rs") || name.ends_with("src/tx.rs") || name.ends_with("src/store.rs"),
            "{name} branches on the engine: put the difference into dialect.rs"
        );
    }
}

#[test]
fn a_vendor_is_one_folder_and_one_word() {
    // The list itself says who is a vendor: a folder beside it may be a protocol that several of them speak.
    let list = text(&root().join("crates/wharf-vendors/src/lib.rs"));
    let words = list.lines().find_map(|line| line.strip_prefix("vendors! {")?.strip_suffix('}')).expect("the vendors! list on one line");
    let ids: Vec<String> = words.split(',').map(|word| word.trim().to_owned()).filter(|word| !word.is_empty()).collect();
    for id in &ids {
        assert!(root().join("crates/wharf-vendors/src").join(id).is_dir(), "the vendor {id} has no folder");
    }
    assert!(ids.len() >= 4, "vendors found: {ids:?}");
    // `file` and `own` are English words: as a vendor they may only stand quoted.
    let mut sources = files(&root().join("crates"), &[".rs", ".sql"]);
    sources.extend(files(&root().join("web/src"), &[".ts", ".tsx", ".json"]));
    for file in sources {
        let name = shown(&file);
        if name.starts_with("crates/wharf-vendors/src/")
            || name.contains("/tests/")
            || name.ends_with("tests.rs")
            || name.contains(".test.")
            || name.contains("/cassettes/")
            || name.contains("schema.gen")
        {
            continue;
        }
        let source = shipped(&text(&file));
        for id in &ids {
            let needles: Vec<String> = match id.as_str() {
                "file" | "own" => continue,
                _ => vec![id.clone()],
            };
            for needle in needles {
                for (number, line) in source.lines().enumerate() {
                    assert!(!line.to_lowercase().contains(&needle), "{name}:{}: the vendor {id} leaks: {line}", number + 1);
                }
            }
        }
    }
}

#[test]
fn flows_know_no_faces_and_the_domain_does_no_io() {
    for (folder, banned) in [
        (
            "crates/wharf-domain/src",
            &["std::fs", "std::net", "std::env", "tokio::", "SystemTime", "Instant::now", "std::thread", "std::process"][..],
        ),
        ("crates/wharf-flows/src", &["axum", "clap", "std::env", "reqwest", "wharf_vendors"][..]),
        ("crates/wharf-vendors/src", &["reqwest", "std::fs", "std::net", "tokio::net", "SystemTime", "wharf_store"][..]),
        ("crates/wharf-documents/src", &["std::fs", "std::net", "tokio", "SystemTime"][..]),
    ] {
        for file in files(&root().join(folder), &[".rs"]) {
            let name = shown(&file);
            if name.ends_with("tests.rs") || name.contains("/tests/") {
                continue;
            }
            let source = shipped(&text(&file));
            for word in banned {
                for (number, line) in source.lines().enumerate() {
                    assert!(!line.contains(word), "{name}:{}: {word} has no place here: {line}", number + 1);
                }
            }
        }
    }
}

#[test]
fn every_module_says_what_lives_in_it() {
    for file in files(&root().join("crates"), &[".rs"]) {
        let source = text(&file);
        assert!(source.starts_with("//!"), "{} does not open with //!", shown(&file));
        assert!(!source.starts_with("//! placeholder"), "{} is a placeholder", shown(&file));
    }
}

#[test]
fn nothing_is_left_undone_or_switched_off() {
    let marks = ["TODO", "FIXME", "XXX", "unimplemented!", "todo!(", "#[ignore]", "#[allow("];
    for file in files(&root().join("crates"), &[".rs"]) {
        let name = shown(&file);
        if name.ends_with("tests/it/tidy.rs") {
            continue;
        }
        for (number, line) in text(&file).lines().enumerate() {
            for mark in marks {
                assert!(!line.contains(mark) || line.contains("unwrap_or(\"XXX\")"), "{name}:{}: {line}", number + 1);
            }
        }
    }
    for file in files(&root().join("web/src"), &[".ts", ".tsx"]) {
        for (number, line) in text(&file).lines().enumerate() {
            for mark in ["TODO", "FIXME", "@ts-ignore", "eslint-disable", "it.skip", "test.skip", "describe.skip"] {
                assert!(!line.contains(mark), "{}:{}: {line}", shown(&file), number + 1);
            }
        }
    }
}

#[test]
fn long_files_are_split_by_noun() {
    for file in files(&root().join("crates"), &[".rs"]) {
        let lines = text(&file).lines().count();
        assert!(lines <= 600, "{} has {lines} lines: split it by noun", shown(&file));
    }
}

/// docs/proof.md names tests and flows: each exists, and no flow of the harness is missing there.
#[test]
fn what_is_said_to_be_proved_is() {
    let page = text(&root().join("docs/proof.md"));
    let sources: Vec<String> = files(&root().join("crates"), &[".rs"]).iter().map(|file| text(file)).collect();
    let mut named = 0;
    for row in page.lines().filter(|line| line.starts_with("| ")) {
        for name in row.split('`').skip(1).step_by(2).filter(|name| name.contains('_') && !name.contains([':', '/', '.'])) {
            let signature = format!("fn {name}(");
            assert!(sources.iter().any(|source| source.contains(&signature)), "docs/proof.md names the test {name}, which does not exist");
            named += 1;
        }
    }
    assert!(named > 60, "only {named} names were found");
    let mut flows = BTreeSet::new();
    for file in files(&root().join("crates/wharf-flows/tests/it/steps"), &[".rs"]) {
        flows.extend(text(&file).lines().filter_map(|line| Some(line.trim().strip_prefix("flow: \"")?.split_once('"')?.0.to_owned())));
    }
    assert!(flows.len() > 30, "flows found: {flows:?}");
    for flow in flows {
        assert!(page.contains(&format!("\n| {flow} | ")), "docs/proof.md does not tell of the flow {flow}");
    }
}

/// Glossary manners in SQL: no bare `status`, instants end in `_at`, money in `_minor`.
#[test]
fn names_in_the_tables_follow_the_manners() {
    for file in files(&root().join("crates/wharf-store/migrations"), &[".sql"]) {
        for (number, line) in text(&file).lines().enumerate() {
            let word = line.split_whitespace().next().unwrap_or_default();
            assert!(
                word != "status" && word != "state" && word != "amount" && word != "price",
                "{}:{}: a bare `{word}`",
                shown(&file),
                number + 1
            );
        }
    }
}
