//! A page as a list of drawing operations: laid out once, then drawn by the PDF, the picture and the ZPL writer alike.
//! Lengths are points, the origin is the top left corner, y grows downwards.

use crate::{
    barcode::{Bars, Matrix},
    font::{Fonts, Glyph},
    style,
    text::{self, Block},
};

/// What ink an operation leaves. Thermal heads know black alone: labels use no grey.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ink {
    Black,
    Grey,
    /// The light ground under the head of a table.
    Shade,
    White,
}

impl Ink {
    /// Lightness, 0 black to 255 white.
    pub(crate) fn lightness(self) -> u8 {
        match self {
            Ink::Black => 0,
            Ink::Grey => 96,
            Ink::Shade => 232,
            Ink::White => 255,
        }
    }
}

/// A rectangle by its top left corner.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Area {
    pub(crate) x: f32,
    pub(crate) y: f32,
    pub(crate) width: f32,
    pub(crate) height: f32,
}

/// A line of text on its baseline.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Run {
    pub(crate) x: f32,
    pub(crate) baseline: f32,
    pub(crate) size: f32,
    pub(crate) bold: bool,
    pub(crate) ink: Ink,
    pub(crate) text: String,
    pub(crate) glyphs: Vec<Glyph>,
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Operation {
    Text(Run),
    Fill(Area, Ink),
    /// Bars over the whole height of the area, all modules over its whole width.
    Bars(Area, Bars),
    /// A square of modules over the whole area.
    Matrix(Area, Matrix),
}

/// How a line of text lies to its x.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Align {
    Left,
    Right,
    Centre,
}

pub(crate) struct Page<'f> {
    pub(crate) fonts: &'f Fonts,
    pub(crate) width: f32,
    pub(crate) height: f32,
    pub(crate) operations: Vec<Operation>,
}

impl<'f> Page<'f> {
    pub(crate) fn new(fonts: &'f Fonts, width: f32, height: f32) -> Self {
        Page { fonts, width, height, operations: Vec::new() }
    }

    pub(crate) fn fill(&mut self, x: f32, y: f32, width: f32, height: f32, ink: Ink) {
        self.operations.push(Operation::Fill(Area { x, y, width, height }, ink));
    }

    /// A horizontal rule whose top is at `y`.
    pub(crate) fn rule(&mut self, x: f32, y: f32, width: f32, thickness: f32, ink: Ink) {
        self.fill(x, y, width, thickness, ink);
    }

    /// The outline of a rectangle, inside its edges.
    pub(crate) fn frame(&mut self, area: Area, thickness: f32) {
        let Area { x, y, width, height } = area;
        self.fill(x, y, width, thickness, Ink::Black);
        self.fill(x, y + height - thickness, width, thickness, Ink::Black);
        self.fill(x, y, thickness, height, Ink::Black);
        self.fill(x + width - thickness, y, thickness, height, Ink::Black);
    }

    /// One line of text with its top at `y`; returns its width.
    pub(crate) fn line(&mut self, x: f32, y: f32, size: f32, bold: bool, ink: Ink, align: Align, text: &str) -> f32 {
        let text = self.fonts.clean(text).replace('\n', " ");
        let glyphs: Vec<Glyph> = text.chars().map(|c| self.fonts.glyph(c)).collect();
        let width = glyphs.iter().map(|g| g.advance).sum::<f32>() * size;
        let x = match align {
            Align::Left => x,
            Align::Right => x - width,
            Align::Centre => x - width / 2.0,
        };
        if !text.is_empty() {
            // The ascent of the face's ideographs: their visual top then lies at `y`.
            let baseline = y + size * 0.88;
            self.operations.push(Operation::Text(Run { x, baseline, size, bold, ink, text, glyphs }));
        }
        width
    }

    /// A block of lines with its top at `y`; returns its foot.
    pub(crate) fn block(&mut self, x: f32, y: f32, align: Align, ink: Ink, block: &Block) -> f32 {
        let mut top = y;
        for line in &block.lines {
            self.line(x, top, block.size, block.bold, ink, align, line);
            top += block.size * style::LEADING;
        }
        y + block.height()
    }

    /// One line shrunk to `room`.
    pub(crate) fn fitted(&mut self, x: f32, y: f32, room: f32, size: f32, bold: bool, align: Align, text: &str) -> f32 {
        let block = text::one_line(self.fonts, text, room, size, style::SMALLEST.min(size), bold);
        self.block(x, y, align, Ink::Black, &block)
    }

    /// Bars centred in an area that includes their quiet zones. Modules are a whole number of printer dots wide where
    /// there is room for at least two; `most` is the widest that a module may be, in dots.
    pub(crate) fn bars(&mut self, area: Area, bars: &Bars, most: u16) {
        let quiet = 2 * bars.quiet_modules;
        let modules = (bars.modules.len() + quiet) as f32;
        let dots = (area.width / modules / style::DOT + 1e-3).floor().min(f32::from(most));
        let module = if dots >= 2.0 { dots * style::DOT } else { area.width / modules };
        let width = module * bars.modules.len() as f32;
        // Whole dots from the edge too, so that a thermal head draws every bar where it is meant.
        let x = ((area.x + (area.width - width) / 2.0) / style::DOT).round() * style::DOT;
        self.operations.push(Operation::Bars(Area { x, width, ..area }, bars.clone()));
    }

    /// A matrix code with its four quiet modules inside a square area.
    pub(crate) fn matrix(&mut self, x: f32, y: f32, side: f32, matrix: &Matrix) {
        let modules = (matrix.side + 8) as f32;
        let dots = (side / modules / style::DOT + 1e-3).floor();
        let module = if dots >= 2.0 { dots * style::DOT } else { side / modules };
        let inner = module * matrix.side as f32;
        let snap = |v: f32| (v / style::DOT).round() * style::DOT;
        let area = Area { x: snap(x + (side - inner) / 2.0), y: snap(y + (side - inner) / 2.0), width: inner, height: inner };
        self.operations.push(Operation::Matrix(area, matrix.clone()));
    }
}
