//! Pages to pictures: 8 bit grey, at a whole number of dots per millimetre so that bars fall on dots; and PNG of them.

use crate::{
    DocumentError,
    font::{Face, Fonts},
    page::{Area, Ink, Operation, Page, Run},
    pdf::{BOLD_STROKE, stripes},
    style,
};
use ab_glyph_rasterizer::{Point, Rasterizer, point};
use flate2::{Compression, Crc, write::ZlibEncoder};
use std::io::Write as _;
use ttf_parser::OutlineBuilder;

/// How finely a printer or a picture draws.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Resolution {
    /// 8 dots in a millimetre, 203 dpi: the usual label printer.
    Dots8,
    /// 12 dots in a millimetre, 300 dpi.
    Dots12,
}

impl Resolution {
    /// Dots in a millimetre.
    pub fn dots_per_mm(self) -> u32 {
        match self {
            Resolution::Dots8 => 8,
            Resolution::Dots12 => 12,
        }
    }
    /// Dots in a point.
    pub(crate) fn scale(self) -> f32 {
        self.dots_per_mm() as f32 / style::MM
    }
}

/// A grey picture, 0 black to 255 white.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Picture {
    pub(crate) width: usize,
    pub(crate) height: usize,
    pub(crate) pixels: Vec<u8>,
}

impl Picture {
    pub(crate) fn white(width: usize, height: usize) -> Self {
        Picture { width, height, pixels: vec![255; width * height] }
    }

    /// Lays ink over a pixel; what lies outside the picture is not drawn.
    fn blend(&mut self, x: i64, y: i64, ink: Ink, coverage: f32) {
        let (Ok(x), Ok(y)) = (usize::try_from(x), usize::try_from(y)) else { return };
        if x < self.width && y < self.height {
            let pixel = &mut self.pixels[y * self.width + x];
            let coverage = coverage.clamp(0.0, 1.0);
            *pixel = (f32::from(*pixel) * (1.0 - coverage) + f32::from(ink.lightness()) * coverage).round() as u8;
        }
    }

    /// Fills whole pixels; an area thinner than one still leaves one.
    fn fill(&mut self, area: Area, scale: f32, ink: Ink) {
        let from = |v: f32| (v * scale).round() as i64;
        let to = |start: f32, length: f32| from(start + length).max(from(start) + 1);
        for y in from(area.y)..to(area.y, area.height) {
            for x in from(area.x)..to(area.x, area.width) {
                self.blend(x, y, ink, 1.0);
            }
        }
    }
}

/// A page as a picture.
pub(crate) fn picture(page: &Page<'_>, resolution: Resolution) -> Picture {
    let scale = resolution.scale();
    let mut picture = Picture::white((page.width * scale).round() as usize, (page.height * scale).round() as usize);
    for operation in &page.operations {
        match operation {
            Operation::Text(run) => draw_text(&mut picture, page.fonts, run, scale, (0.0, 0.0)),
            Operation::Fill(area, ink) => picture.fill(*area, scale, *ink),
            Operation::Bars(area, bars) => {
                for bar in dots(*area, &bars.modules, scale) {
                    picture.fill(bar, 1.0, Ink::Black);
                }
            }
            Operation::Matrix(area, matrix) => {
                for square in matrix_dots(*area, &matrix.modules, matrix.side, scale) {
                    picture.fill(square, 1.0, Ink::Black);
                }
            }
        }
    }
    picture
}

/// Bars in dots: every module the same whole number of dots wide, the code centred in its area.
pub(crate) fn dots(area: Area, modules: &[bool], scale: f32) -> Vec<Area> {
    let width = (area.width * scale / modules.len() as f32 + 1e-3).floor().max(1.0);
    let left = ((area.x + area.width / 2.0) * scale - width * modules.len() as f32 / 2.0).round();
    let (top, height) = ((area.y * scale).round(), (area.height * scale).round());
    stripes(modules).map(|(start, length)| Area { x: left + start as f32 * width, y: top, width: length as f32 * width, height }).collect()
}

/// The dark stripes of a matrix code in dots, as `dots` makes them.
pub(crate) fn matrix_dots(area: Area, modules: &[bool], side: usize, scale: f32) -> Vec<Area> {
    let width = (area.width * scale / side as f32 + 1e-3).floor().max(1.0);
    let corner = |start: f32| ((start + area.width / 2.0) * scale - width * side as f32 / 2.0).round();
    let (left, top) = (corner(area.x), corner(area.y));
    let rows = modules.chunks(side).enumerate();
    rows.flat_map(|(row, line)| {
        stripes(line).map(move |(start, length)| Area {
            x: left + start as f32 * width,
            y: top + row as f32 * width,
            width: length as f32 * width,
            height: width,
        })
    })
    .collect()
}

/// Draws a run of text, its picture's origin at `origin` in points.
pub(crate) fn draw_text(picture: &mut Picture, fonts: &Fonts, run: &Run, scale: f32, origin: (f32, f32)) {
    let pixels = run.size * scale;
    let baseline = (run.baseline - origin.1) * scale;
    // A stroke around the letter makes it bold: the same letter drawn a little to every side comes to the same.
    let grow = if run.bold { pixels * BOLD_STROKE / 2.0 } else { 0.0 };
    let nudges = if run.bold { &BOLD_NUDGES[..] } else { &BOLD_NUDGES[..1] };
    let mut x = (run.x - origin.0) * scale;
    let mut parsed: Option<(u16, ttf_parser::Face<'_>)> = None;
    for glyph in &run.glyphs {
        if parsed.as_ref().is_none_or(|(index, _)| *index != glyph.face) {
            parsed = fonts.face(glyph.face).parsed().ok().map(|face| (glyph.face, face));
        }
        let Some((_, font)) = &parsed else { continue };
        let per_unit = pixels / fonts.face(glyph.face).units_per_em();
        let (pad, up) = ((pixels * 0.4).ceil() + 1.0, (pixels * 1.3).ceil());
        let (left, top) = ((x - pad).floor(), (baseline - up).floor());
        let width = (glyph.advance * pixels + 2.0 * pad).ceil() as usize + 1;
        let height = (pixels * 1.9).ceil() as usize + 2;
        let mut coverage = vec![0f32; width * height];
        for (dx, dy) in nudges {
            let from = point(x - left + dx * grow, baseline - top + dy * grow);
            let mut pen = Pen { raster: Rasterizer::new(width, height), scale: per_unit, origin: from, start: from, at: from };
            Face::outline(font, glyph.id, &mut pen);
            pen.raster.for_each_pixel(|index, value| coverage[index] = coverage[index].max(value));
        }
        for (index, value) in coverage.iter().enumerate().filter(|(_, value)| **value > 0.002) {
            picture.blend(left as i64 + (index % width) as i64, top as i64 + (index / width) as i64, run.ink, *value);
        }
        x += glyph.advance * pixels;
    }
}

/// Where a letter is drawn once more to make it bold, in half widths of the stroke.
const BOLD_NUDGES: [(f32, f32); 9] =
    [(0.0, 0.0), (1.0, 0.0), (-1.0, 0.0), (0.0, 1.0), (0.0, -1.0), (0.7, 0.7), (-0.7, -0.7), (0.7, -0.7), (-0.7, 0.7)];

/// Turns an outline (y upwards) into coverage (y downwards).
struct Pen {
    raster: Rasterizer,
    /// Pixels in a unit of the face.
    scale: f32,
    origin: Point,
    start: Point,
    at: Point,
}

impl Pen {
    fn place(&self, x: f32, y: f32) -> Point {
        point(self.origin.x + x * self.scale, self.origin.y - y * self.scale)
    }
}

impl OutlineBuilder for Pen {
    fn move_to(&mut self, x: f32, y: f32) {
        self.close();
        self.start = self.place(x, y);
        self.at = self.start;
    }
    fn line_to(&mut self, x: f32, y: f32) {
        let to = self.place(x, y);
        self.raster.draw_line(self.at, to);
        self.at = to;
    }
    fn quad_to(&mut self, cx: f32, cy: f32, x: f32, y: f32) {
        let to = self.place(x, y);
        self.raster.draw_quad(self.at, self.place(cx, cy), to);
        self.at = to;
    }
    fn curve_to(&mut self, cx0: f32, cy0: f32, cx1: f32, cy1: f32, x: f32, y: f32) {
        let to = self.place(x, y);
        self.raster.draw_cubic(self.at, self.place(cx0, cy0), self.place(cx1, cy1), to);
        self.at = to;
    }
    fn close(&mut self) {
        if self.at != self.start {
            self.raster.draw_line(self.at, self.start);
        }
        self.at = self.start;
    }
}

/// A grey PNG that knows its size in millimetres, so that it prints as large as it should.
pub(crate) fn png(picture: &Picture, resolution: Resolution) -> Result<Vec<u8>, DocumentError> {
    let refuse = |_| DocumentError::Pdf("a picture is too large".to_owned());
    let width = u32::try_from(picture.width).map_err(refuse)?;
    let height = u32::try_from(picture.height).map_err(refuse)?;
    let mut out = b"\x89PNG\r\n\x1a\n".to_vec();
    let mut header = Vec::with_capacity(13);
    header.extend(width.to_be_bytes());
    header.extend(height.to_be_bytes());
    header.extend([8, 0, 0, 0, 0]); // eight bits, grey, the only methods there are
    chunk(&mut out, b"IHDR", &header);
    let per_metre = (resolution.dots_per_mm() * 1000).to_be_bytes();
    chunk(&mut out, b"pHYs", &[&per_metre[..], &per_metre[..], &[1]].concat());
    let mut packed = ZlibEncoder::new(Vec::new(), Compression::default());
    let mut pack = || -> std::io::Result<Vec<u8>> {
        for row in picture.pixels.chunks(picture.width.max(1)) {
            packed.write_all(&[0])?;
            packed.write_all(row)?;
        }
        packed.try_finish()?;
        Ok(std::mem::take(packed.get_mut()))
    };
    let data = pack().map_err(|error| DocumentError::Pdf(error.to_string()))?;
    chunk(&mut out, b"IDAT", &data);
    chunk(&mut out, b"IEND", &[]);
    Ok(out)
}

fn chunk(out: &mut Vec<u8>, kind: &[u8; 4], data: &[u8]) {
    out.extend((data.len() as u32).to_be_bytes());
    out.extend(kind);
    out.extend(data);
    let mut crc = Crc::new();
    crc.update(kind);
    crc.update(data);
    out.extend(crc.sum().to_be_bytes());
}
