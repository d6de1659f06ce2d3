//! Pages to PDF: one document, faces embedded once with the glyphs that were used, page after page without keeping any.

use crate::{
    DocumentError, Imprint,
    font::Fonts,
    page::{Area, Ink, Operation, Page, Run},
};
use krilla::{
    Document, SerializeSettings,
    color::luma,
    geom::{PathBuilder, Point, Rect},
    metadata::{DateTime, Metadata},
    num::NormalizedF32,
    page::PageSettings,
    paint::{Fill, FillRule, Stroke},
    surface::Surface,
    text::{GlyphId, KrillaGlyph},
};

/// Width of the stroke that makes letters bold, in sizes.
pub(crate) const BOLD_STROKE: f32 = 0.032;

pub(crate) struct Pdf<'f> {
    fonts: &'f Fonts,
    document: Document,
    pages: usize,
}

impl<'f> Pdf<'f> {
    pub(crate) fn new(fonts: &'f Fonts, imprint: &Imprint, title: &str) -> Self {
        let settings = SerializeSettings { enable_tagging: false, ..SerializeSettings::default() };
        let mut document = Document::new_with(settings);
        let made = crate::words::civil(imprint, imprint.printed_at);
        let mut date = DateTime::new(made.year().max(0).unsigned_abs());
        date = date.month(made.month().unsigned_abs()).day(made.day().unsigned_abs());
        date = date.hour(made.hour().unsigned_abs()).minute(made.minute().unsigned_abs()).second(made.second().unsigned_abs());
        let offset = imprint.zone.to_offset(crate::words::instant(imprint.printed_at)).seconds() / 60;
        let date = date.utc_offset_hour((offset / 60) as i8).utc_offset_minute((offset % 60).unsigned_abs() as u8);
        document.set_metadata(Metadata::new().title(title.to_owned()).creator("Wharf".to_owned()).creation_date(date));
        Pdf { fonts, document, pages: 0 }
    }

    pub(crate) fn add(&mut self, page: &Page<'_>) -> Result<(), DocumentError> {
        let settings = PageSettings::from_wh(page.width, page.height).ok_or_else(|| DocumentError::Pdf("a page has no size".to_owned()))?;
        let mut sheet = self.document.start_page_with(settings);
        let mut surface = sheet.surface();
        for operation in &page.operations {
            match operation {
                Operation::Text(run) => draw_text(&mut surface, self.fonts, run),
                Operation::Fill(area, ink) => draw_areas(&mut surface, std::iter::once(*area), *ink),
                Operation::Bars(area, bars) => {
                    let module = area.width / bars.modules.len() as f32;
                    let runs = stripes(&bars.modules).map(|(start, length)| Area {
                        x: area.x + start as f32 * module,
                        width: length as f32 * module,
                        ..*area
                    });
                    draw_areas(&mut surface, runs, Ink::Black);
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
                    draw_areas(&mut surface, runs, Ink::Black);
                }
            }
        }
        surface.finish();
        sheet.finish();
        self.pages += 1;
        Ok(())
    }

    pub(crate) fn finish(self) -> Result<Vec<u8>, DocumentError> {
        if self.pages == 0 {
            return Err(DocumentError::Empty);
        }
        self.document.finish().map_err(|error| DocumentError::Pdf(format!("{error:?}")))
    }
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

fn fill(ink: Ink) -> Fill {
    Fill { paint: luma::Color::new(ink.lightness()).into(), opacity: NormalizedF32::ONE, rule: FillRule::NonZero }
}

fn draw_areas(surface: &mut Surface<'_>, areas: impl Iterator<Item = Area>, ink: Ink) {
    let mut path = PathBuilder::new();
    for area in areas {
        if let Some(rect) = Rect::from_xywh(area.x, area.y, area.width, area.height) {
            path.push_rect(rect);
        }
    }
    if let Some(path) = path.finish() {
        surface.set_stroke(None);
        surface.set_fill(Some(fill(ink)));
        surface.draw_path(&path);
    }
}

fn draw_text(surface: &mut Surface<'_>, fonts: &Fonts, run: &Run) {
    surface.set_fill(Some(fill(run.ink)));
    surface.set_stroke(run.bold.then(|| Stroke {
        paint: luma::Color::new(run.ink.lightness()).into(),
        width: run.size * BOLD_STROKE,
        ..Stroke::default()
    }));
    // Runs of one face: nearly always the whole line.
    let mut x = run.x;
    let mut ends = run.text.char_indices().map(|(at, c)| at + c.len_utf8());
    let mut from = 0;
    for group in run.glyphs.chunk_by(|a, b| a.face == b.face) {
        let start = from;
        let glyphs: Vec<KrillaGlyph> = group
            .iter()
            .map(|glyph| {
                let end = ends.next().unwrap_or(run.text.len());
                let text_range = from - start..end - start;
                from = end;
                KrillaGlyph {
                    glyph_id: GlyphId::new(glyph.id),
                    text_range,
                    x_advance: glyph.advance,
                    x_offset: 0.0,
                    y_offset: 0.0,
                    y_advance: 0.0,
                    location: None,
                }
            })
            .collect();
        let face = fonts.face(group[0].face).pdf.clone();
        surface.draw_glyphs(Point::from_xy(x, run.baseline), &glyphs, face, &run.text[start..from], run.size, false);
        x += group.iter().map(|g| g.advance).sum::<f32>() * run.size;
    }
}
