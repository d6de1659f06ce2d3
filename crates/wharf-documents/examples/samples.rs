//! Writes one of every document into a folder, to be looked at: `cargo run -p wharf-documents --example samples -- DIR`.

#[path = "../tests/it/samples.rs"]
mod samples;

use std::{error::Error, fs, path::PathBuf};
use wharf_documents::{Fonts, Language, Resolution, label_png, labels_zpl, render_labels};

fn main() -> Result<(), Box<dyn Error>> {
    let folder = PathBuf::from(std::env::args().nth(1).unwrap_or_else(|| "target/samples".to_owned()));
    fs::create_dir_all(&folder)?;
    let fonts = Fonts::builtin();
    let (zh, en) = (samples::imprint(Language::Zh), samples::imprint(Language::En));
    let labels = [samples::label(0), samples::crowded_label(), samples::bare_label()];
    fs::write(folder.join("labels.pdf"), render_labels(fonts, &zh, &labels)?)?;
    fs::write(folder.join("labels.zpl"), labels_zpl(fonts, &zh, &labels, Resolution::Dots8)?)?;
    for (name, imprint, label) in [("label", &zh, &labels[0]), ("crowded", &zh, &labels[1]), ("bare", &en, &labels[2])] {
        fs::write(folder.join(format!("{name}.png")), label_png(fonts, imprint, label, Resolution::Dots8)?)?;
    }
    Ok(())
}
