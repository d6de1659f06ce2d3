//! Rebuilds when the web application changed: its files are embedded.

fn main() {
    println!("cargo:rerun-if-changed=../../web/dist");
}
