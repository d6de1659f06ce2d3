//! Whole documents: their codes are read back from every form in which they leave, and pages are counted.

use crate::{
    reading::{self, Sheet},
    samples,
};
use rxing::BarcodeFormat;
use wharf_documents::{
    DocumentError, Fonts, LabelData, Language, Resolution, label_png, labels_zpl, render_labels, render_manifest, render_packing_slips,
    render_pick_list,
};

/// Dots a point at eight dots a millimetre, and at twelve.
const SCALES: [f32; 2] = [8.0 * 25.4 / 72.0, 12.0 * 25.4 / 72.0];
const RESOLUTIONS: [Resolution; 2] = [Resolution::Dots8, Resolution::Dots12];

fn labels() -> [LabelData; 4] {
    let long_number = LabelData { waybill_number: "YT-7788990011223344-ABCDEFGH".to_owned(), ..samples::label(7) };
    [samples::label(0), samples::crowded_label(), samples::bare_label(), long_number]
}

fn read_both(sheet: &Sheet, number: &str, what: &str) {
    for format in [BarcodeFormat::CODE_128, BarcodeFormat::QR_CODE] {
        assert_eq!(sheet.scan(format).as_deref(), Some(number), "{what}: {format:?}");
    }
}

#[test]
fn the_codes_of_a_label_are_read_from_the_picture_and_the_zpl_and_both_agree() {
    let imprint = samples::imprint(Language::Zh);
    for label in labels() {
        for resolution in RESOLUTIONS {
            let png = label_png(Fonts::builtin(), &imprint, &label, resolution).expect("a picture");
            let picture = reading::png(&png);
            let dots = resolution.dots_per_mm() as usize;
            assert_eq!((picture.width, picture.height), (100 * dots, 150 * dots));
            read_both(&picture, &label.waybill_number, "picture");
            let zpl = labels_zpl(Fonts::builtin(), &imprint, std::slice::from_ref(&label), resolution).expect("ZPL");
            assert!(zpl.starts_with("^XA") && zpl.ends_with("^XZ\n") && zpl.is_ascii());
            let printed = reading::zpl(&zpl);
            read_both(&printed, &label.waybill_number, "ZPL");
            let pairs = picture.pixels.iter().zip(&printed.pixels);
            let different = pairs.filter(|(a, b)| (**a < 128) != (**b < 128)).count();
            assert!(different * 500 < picture.pixels.len(), "{different} dots differ between picture and ZPL");
        }
    }
}

#[test]
fn the_codes_of_a_batch_are_read_from_its_pdf_page_by_page() {
    let imprint = samples::imprint(Language::Zh);
    let bytes = render_labels(Fonts::builtin(), &imprint, &labels()).expect("a PDF");
    let pdf = reading::pdf(&bytes);
    assert_eq!(pdf.pages.len(), 4);
    for (page, label) in pdf.pages.iter().zip(labels()) {
        assert!((page.width - 283.46).abs() < 0.1 && (page.height - 425.2).abs() < 0.1);
        for scale in SCALES {
            read_both(&page.draw(scale), &label.waybill_number, "PDF");
        }
    }
}

#[test]
fn a_batch_embeds_each_face_once_and_grows_by_its_pages_alone() {
    let imprint = samples::imprint(Language::Zh);
    let batch = |count: usize| {
        let labels: Vec<LabelData> = (0..count).map(samples::label).collect();
        let bytes = render_labels(Fonts::builtin(), &imprint, &labels).expect("a PDF");
        let pdf = reading::pdf(&bytes);
        assert_eq!(pdf.pages.len(), count);
        assert_eq!(pdf.font_files, 1);
        (pdf.objects, bytes.len())
    };
    let ((few, _), (many, size)) = (batch(10), batch(1_000));
    // A page, its content and its resources; the page tree may add a little.
    assert!(many - few <= 990 * 3 + 20, "{few} → {many} objects");
    assert!(size < 1_000 * 6_000, "{size} bytes");
}

#[test]
fn the_same_input_gives_the_same_bytes() {
    let imprint = samples::imprint(Language::Zh);
    let once = || render_labels(Fonts::builtin(), &imprint, &labels()).expect("a PDF");
    assert_eq!(once(), once());
}

#[test]
fn nothing_to_print_and_numbers_that_no_code_holds_are_refused() {
    let imprint = samples::imprint(Language::En);
    assert_eq!(render_labels(Fonts::builtin(), &imprint, &[]), Err(DocumentError::Empty));
    assert_eq!(labels_zpl(Fonts::builtin(), &imprint, &[], Resolution::Dots8), Err(DocumentError::Empty));
    assert_eq!(render_packing_slips(Fonts::builtin(), &imprint, &[]), Err(DocumentError::Empty));
    for number in ["", "运单号"] {
        let label = LabelData { waybill_number: number.to_owned(), ..samples::label(0) };
        assert!(matches!(render_labels(Fonts::builtin(), &imprint, &[label]), Err(DocumentError::Barcode { .. })));
    }
}

#[test]
fn texts_that_no_one_expects_break_neither_layout_nor_program() {
    let imprint = samples::imprint(Language::Zh);
    let odd = "👩‍👩‍👧 שלום עולם \u{202e}abc\u{0}\u{200b} ก็ 한국어 \u{1F3FB}\t\r\n\n\n𠮷 é e\u{301}".repeat(20);
    let party = wharf_documents::Party { name: odd.clone(), phone: odd.clone(), address: odd.clone() };
    let label = LabelData {
        carrier: odd.clone(),
        service: odd.clone(),
        routing_code: odd.clone(),
        routing_name: odd.clone(),
        sender: party.clone(),
        recipient: party,
        order_references: vec![odd.clone(); 40],
        remark: odd,
        ..samples::crowded_label()
    };
    let picture = reading::png(&label_png(Fonts::builtin(), &imprint, &label, Resolution::Dots8).expect("a picture"));
    read_both(&picture, &label.waybill_number, "odd texts");
    // Nothing is drawn outside the frame.
    for y in 0..picture.height {
        for x in (0..22).chain(picture.width - 22..picture.width) {
            assert!(picture.pixels[y * picture.width + x] > 250, "ink in the margin at {x}, {y}");
        }
    }
    render_labels(Fonts::builtin(), &imprint, &[label]).expect("a PDF");
}

#[test]
fn the_numbers_of_lists_and_slips_are_read_from_their_first_pages() {
    for language in [Language::Zh, Language::En] {
        let imprint = samples::imprint(language);
        let fonts = Fonts::builtin();
        let slip = samples::packing_slip(language, 40, false);
        let papers = [
            (render_pick_list(fonts, &imprint, &samples::pick_list(30, 17)).expect("a list"), "W261121-007", 2),
            (render_manifest(fonts, &imprint, &samples::manifest(47)).expect("a manifest"), "M261121-0003", 3),
            (render_packing_slips(fonts, &imprint, std::slice::from_ref(&slip)).expect("a slip"), "2987654321001234567", 2),
        ];
        for (bytes, number, pages) in papers {
            let pdf = reading::pdf(&bytes);
            assert_eq!(pdf.pages.len(), pages, "{number}");
            assert!((pdf.pages[0].width - 595.28).abs() < 0.1);
            let read = pdf.pages[0].draw(SCALES[0]).scan(BarcodeFormat::CODE_128);
            assert_eq!(read.as_deref(), Some(number));
        }
    }
}

#[test]
fn the_manifest_adds_up() {
    let manifest = samples::manifest(47);
    let totals = manifest.totals();
    assert_eq!(totals.parcels, 47);
    assert_eq!(totals.by_service.values().sum::<usize>(), 47);
    let weighed: u64 = manifest.parcels.iter().filter_map(|p| p.weight_grams).map(u64::from).sum();
    assert_eq!((totals.weight_grams, totals.unweighed), (weighed, 4));
    assert_eq!(totals.collect_minor.values().copied().collect::<Vec<_>>(), [5 * 12_800]);
}
