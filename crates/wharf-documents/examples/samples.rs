//! Writes one of every document into a folder, to be looked at: `cargo run -p wharf-documents --example samples -- DIR`.

#[path = "../tests/it/samples.rs"]
mod samples;

use std::{error::Error, fs, path::PathBuf};
use wharf_documents::{
    Fonts, Language, Resolution, label_png, labels_zpl, render_labels, render_manifest, render_packing_slips, render_pick_list,
};

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
    fs::write(folder.join("pick_list.pdf"), render_pick_list(fonts, &zh, &samples::pick_list(30, 17))?)?;
    fs::write(folder.join("pick_list_en.pdf"), render_pick_list(fonts, &en, &samples::pick_list(4, 3))?)?;
    let slips = [
        samples::packing_slip(Language::Zh, 3, false),
        samples::packing_slip(Language::Zh, 2, true),
        samples::packing_slip(Language::En, 3, false),
        samples::packing_slip(Language::En, 40, false),
    ];
    fs::write(folder.join("slips.pdf"), render_packing_slips(fonts, &zh, &slips)?)?;
    fs::write(folder.join("manifest.pdf"), render_manifest(fonts, &zh, &samples::manifest(47))?)?;
    fs::write(folder.join("manifest_en.pdf"), render_manifest(fonts, &en, &samples::manifest(3))?)?;
    Ok(())
}
