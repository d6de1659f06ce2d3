//! Pages to PDF: one document, each face embedded once with the glyphs that were used, page after page without keeping any.

use crate::{
    DocumentError, Imprint,
    font::{Face, Fonts},
    page::{Area, Ink, Operation, Page, Run},
    words,
};
use flate2::{Compression, write::ZlibEncoder};
use pdf_writer::{
    Content, Date, Filter, Finish, Name, Rect, Ref, Str, TextStr,
    types::{CidFontType, FontFlags, SystemInfo, TextRenderingMode, UnicodeCmap},
};
use std::{collections::BTreeMap, io::Write as _};
use subsetter::GlyphRemapper;

/// Width of the stroke that makes letters bold, in sizes.
pub(crate) const BOLD_STROKE: f32 = 0.032;

const CATALOG: Ref = Ref::new(1);
const TREE: Ref = Ref::new(2);
const INFO: Ref = Ref::new(3);
const RESOURCES: Ref = Ref::new(4);
const FIRST_FREE: i32 = 5;
const IDENTITY: SystemInfo<'_> = SystemInfo { registry: Str(b"Adobe"), ordering: Str(b"Identity"), supplement: 0 };

pub(crate) struct Pdf<'f> {
    fonts: &'f Fonts,
    document: pdf_writer::Pdf,
    next: i32,
    pages: Vec<Ref>,
    used: BTreeMap<u16, Used>,
}

/// The glyphs of a face that were drawn: their numbers in the embedded part, and what each one means and measures.
#[derive(Default)]
struct Used {
    glyphs: GlyphRemapper,
    meanings: BTreeMap<u16, (char, f32)>,
}

impl<'f> Pdf<'f> {
    pub(crate) fn new(fonts: &'f Fonts, imprint: &Imprint, title: &str) -> Self {
        let mut document = pdf_writer::Pdf::new();
        let made = words::civil(imprint, imprint.printed_at);
        let minutes = imprint.zone.to_offset(words::instant(imprint.printed_at)).seconds() / 60;
        let date = Date::new(made.year().max(0).unsigned_abs())
            .month(made.month().unsigned_abs())
            .day(made.day().unsigned_abs())
            .hour(made.hour().unsigned_abs())
            .minute(made.minute().unsigned_abs())
            .second(made.second().unsigned_abs())
            .utc_offset_hour((minutes / 60) as i8)
            .utc_offset_minute((minutes % 60).unsigned_abs() as u8);
        document.document_info(INFO).title(TextStr(title)).creator(TextStr("Wharf")).creation_date(date);
        Pdf { fonts, document, next: FIRST_FREE, pages: Vec::new(), used: BTreeMap::new() }
    }

    fn reference(&mut self) -> Ref {
        self.next += 1;
        Ref::new(self.next - 1)
    }

    pub(crate) fn add(&mut self, page: &Page<'_>) -> Result<(), DocumentError> {
        let mut content = Content::new();
        for operation in &page.operations {
            match operation {
                Operation::Text(run) => self.text(&mut content, page.height, run),
                Operation::Fill(area, ink) => fill(&mut content, page.height, std::iter::once(*area), *ink),
                Operation::Bars(area, bars) => {
                    let module = area.width / bars.modules.len() as f32;
                    let runs = stripes(&bars.modules).map(|(start, length)| Area {
                        x: area.x + start as f32 * module,
                        width: length as f32 * module,
                        ..*area
                    });
                    fill(&mut content, page.height, runs, Ink::Black);
                }
                Operation::Matrix(area, matrix) => {
                    let module = area.width / matrix.side as f32;
                    let rows = matrix.modules.chunks(matrix.side).enumerate();
                    let runs = rows.flat_map(|(row, modules)| {
                        stripes(modules).map(move |(start, length)| Area {
                            x: area.x + start as f32 * module,
                            y: area.y + row as f32 * module,
                            width: length as f32 * module,
                            height: module,
                        })
                    });
                    fill(&mut content, page.height, runs, Ink::Black);
                }
            }
        }
        let (page_ref, content_ref) = (self.reference(), self.reference());
        let packed = pack(&content.finish())?;
        self.document.stream(content_ref, &packed).filter(Filter::FlateDecode);
        let mut entry = self.document.page(page_ref);
        entry.parent(TREE).media_box(Rect::new(0.0, 0.0, page.width, page.height)).contents(content_ref);
        entry.pair(Name(b"Resources"), RESOURCES);
        entry.finish();
        self.pages.push(page_ref);
        Ok(())
    }

    fn text(&mut self, content: &mut Content, page_height: f32, run: &Run) {
        let grey = f32::from(run.ink.lightness()) / 255.0;
        content.set_fill_gray(grey);
        if run.bold {
            content.set_stroke_gray(grey).set_line_width(run.size * BOLD_STROKE);
        }
        content.begin_text();
        content.set_text_rendering_mode(if run.bold { TextRenderingMode::FillStroke } else { TextRenderingMode::Fill });
        content.set_text_matrix([1.0, 0.0, 0.0, 1.0, run.x, page_height - run.baseline]);
        // Groups of one face: nearly always the whole line. The text position moves on by itself.
        let mut characters = run.text.chars();
        for group in run.glyphs.chunk_by(|a, b| a.face == b.face) {
            let face = group[0].face;
            let used = self.used.entry(face).or_default();
            let mut codes = Vec::with_capacity(group.len() * 2);
            for (glyph, character) in group.iter().zip(&mut characters) {
                let code = used.glyphs.remap(glyph.id);
                used.meanings.entry(code).or_insert((character, glyph.advance));
                codes.extend(code.to_be_bytes());
            }
            content.set_font(Name(face_name(face).as_bytes()), run.size).show(Str(&codes));
        }
        content.end_text();
    }

    pub(crate) fn finish(mut self) -> Result<Vec<u8>, DocumentError> {
        if self.pages.is_empty() {
            return Err(DocumentError::Empty);
        }
        let mut faces = Vec::new();
        for (index, used) in std::mem::take(&mut self.used) {
            let face = self.fonts.face(index);
            faces.push((face_name(index), self.embed(face, &used)?));
        }
        self.document.catalog(CATALOG).pages(TREE);
        let count = i32::try_from(self.pages.len()).map_err(|_| DocumentError::Pdf("too many pages".to_owned()))?;
        self.document.pages(TREE).kids(self.pages.iter().copied()).count(count);
        let mut resources = self.document.indirect(RESOURCES).dict();
        let mut entries = resources.insert(Name(b"Font")).dict();
        for (name, reference) in faces {
            entries.pair(Name(name.as_bytes()), reference);
        }
        entries.finish();
        resources.finish();
        Ok(self.document.finish())
    }

    /// Embeds the used part of a face as a composite font whose codes are glyph numbers.
    fn embed(&mut self, face: &Face, used: &Used) -> Result<Ref, DocumentError> {
        let refuse = |cause: String| DocumentError::Font(cause);
        let font = face.parsed()?;
        let part = subsetter::subset(face.bytes(), 0, &used.glyphs).map_err(|error| refuse(error.to_string()))?;
        let raw = ttf_parser::RawFace::parse(&part, 0).map_err(|error| refuse(error.to_string()))?;
        let compact = raw.table(ttf_parser::Tag::from_bytes(b"CFF "));
        let [font_ref, cid_ref, descriptor_ref, file_ref, map_ref] = std::array::from_fn(|_| self.reference());

        let names = font.names().into_iter();
        let own = names.filter(|name| name.name_id == ttf_parser::name_id::POST_SCRIPT_NAME).find_map(|name| name.to_string());
        let own: String = own.unwrap_or_default().chars().filter(char::is_ascii_alphanumeric).collect();
        // Six letters tell this part from other parts of the same face.
        let name = format!("{}+{}", tag(&part), if own.is_empty() { "Face" } else { &own });

        let kind = if compact.is_some() { CidFontType::Type0 } else { CidFontType::Type2 };
        let type0_name = if compact.is_some() { format!("{name}-Identity-H") } else { name.clone() };
        let mut entry = self.document.type0_font(font_ref);
        entry.base_font(Name(type0_name.as_bytes())).encoding_predefined(Name(b"Identity-H"));
        entry.descendant_font(cid_ref).to_unicode(map_ref);
        entry.finish();

        let mut cid = self.document.cid_font(cid_ref);
        cid.subtype(kind).base_font(Name(name.as_bytes())).system_info(IDENTITY).font_descriptor(descriptor_ref).default_width(1000.0);
        if compact.is_none() {
            cid.cid_to_gid_map_predefined(Name(b"Identity"));
        }
        let mut widths = cid.widths();
        for (code, (_, advance)) in used.meanings.iter().filter(|(_, (_, advance))| *advance != 1.0) {
            widths.consecutive(*code, [advance * 1000.0]);
        }
        widths.finish();
        cid.finish();

        let scale = 1000.0 / face.units_per_em();
        let bounds = font.global_bounding_box();
        let bounds = [bounds.x_min, bounds.y_min, bounds.x_max, bounds.y_max].map(|v| f32::from(v) * scale);
        let mut descriptor = self.document.font_descriptor(descriptor_ref);
        descriptor.name(Name(name.as_bytes())).flags(FontFlags::SYMBOLIC);
        descriptor.bbox(Rect::new(bounds[0], bounds[1], bounds[2], bounds[3])).italic_angle(0.0);
        descriptor.ascent(f32::from(font.ascender()) * scale).descent(f32::from(font.descender()) * scale);
        descriptor.cap_height(f32::from(font.capital_height().unwrap_or(font.ascender())) * scale).stem_v(90.0);
        if compact.is_some() {
            descriptor.font_file3(file_ref)
        } else {
            descriptor.font_file2(file_ref)
        };
        descriptor.finish();

        let packed = pack(compact.unwrap_or(&part))?;
        let mut file = self.document.stream(file_ref, &packed);
        file.filter(Filter::FlateDecode);
        if compact.is_some() {
            file.pair(Name(b"Subtype"), Name(b"CIDFontType0C"));
        }
        file.finish();

        // What is drawn can be searched and copied.
        let mut map: UnicodeCmap = UnicodeCmap::new(Name(b"Wharf"), IDENTITY);
        for (code, (character, _)) in &used.meanings {
            map.pair(*code, *character);
        }
        let packed = pack(&map.finish())?;
        self.document.cmap(map_ref, &packed).filter(Filter::FlateDecode);
        Ok(font_ref)
    }
}

fn face_name(index: u16) -> String {
    format!("F{index}")
}

/// Six capital letters made from the bytes: the same part always has the same tag.
fn tag(bytes: &[u8]) -> String {
    let mut crc = flate2::Crc::new();
    crc.update(bytes);
    let mut rest = crc.sum();
    let letters = std::iter::repeat_with(|| {
        let letter = b'A' + (rest % 26) as u8;
        rest /= 26;
        char::from(letter)
    });
    letters.take(6).collect()
}

fn pack(bytes: &[u8]) -> Result<Vec<u8>, DocumentError> {
    let mut encoder = ZlibEncoder::new(Vec::with_capacity(bytes.len() / 3), Compression::default());
    let packed = encoder.write_all(bytes).and_then(|()| encoder.finish());
    packed.map_err(|error| DocumentError::Pdf(error.to_string()))
}

/// Fills areas as one shape; pages count y from the top, PDF from the foot.
fn fill(content: &mut Content, page_height: f32, areas: impl Iterator<Item = Area>, ink: Ink) {
    content.set_fill_gray(f32::from(ink.lightness()) / 255.0);
    for area in areas {
        content.rect(area.x, page_height - area.y - area.height, area.width, area.height);
    }
    content.fill_nonzero();
}

/// Start and length of every run of dark modules.
pub(crate) fn stripes(modules: &[bool]) -> impl Iterator<Item = (usize, usize)> {
    let mut at = 0;
    std::iter::from_fn(move || {
        let start = at + modules[at..].iter().position(|dark| *dark)?;
        let length = modules[start..].iter().position(|dark| !*dark).unwrap_or(modules.len() - start);
        at = start + length;
        Some((start, length))
    })
}
