//! A flow of A4 pages: titles, facts, paragraphs and tables that break over pages, repeat their head, and say on every
//! foot which page of how many it is.

use crate::{
    DocumentError, Fonts, Imprint, Language, barcode,
    page::{Align, Area, Ink, Page},
    pdf::Pdf,
    style::{A4_FOOTER, A4_HEIGHT, A4_MARGIN, A4_WIDTH, BODY, CELL, HAIR, LEADING, MM, RULE, SMALL, SMALLEST, STRONG, TITLE},
    text::{self, one_line},
    words::{date_time, words},
};

/// Width between the margins.
pub(crate) const WIDTH: f32 = A4_WIDTH - 2.0 * A4_MARGIN;
const BOTTOM: f32 = A4_HEIGHT - A4_MARGIN - A4_FOOTER;

/// A column of a table.
pub(crate) struct Column {
    pub(crate) title: &'static str,
    pub(crate) width: f32,
    pub(crate) align: Align,
}

/// A line in a cell, already broken to the cell's width.
#[derive(Clone)]
pub(crate) struct Line {
    text: String,
    size: f32,
    bold: bool,
    ink: Ink,
}

pub(crate) struct Flow<'f> {
    fonts: &'f Fonts,
    imprint: &'f Imprint,
    language: Language,
    /// Stands at the head of every page but the first, so that a loose page finds its way back.
    running: String,
    pages: Vec<Page<'f>>,
    y: f32,
}

impl<'f> Flow<'f> {
    pub(crate) fn new(fonts: &'f Fonts, imprint: &'f Imprint, language: Language, running: String) -> Self {
        let pages = vec![Page::new(fonts, A4_WIDTH, A4_HEIGHT)];
        Flow { fonts, imprint, language, running, pages, y: A4_MARGIN }
    }

    pub(crate) fn page(&mut self) -> &mut Page<'f> {
        if self.pages.is_empty() {
            self.pages.push(Page::new(self.fonts, A4_WIDTH, A4_HEIGHT));
        }
        let last = self.pages.len() - 1;
        &mut self.pages[last]
    }

    pub(crate) fn y(&self) -> f32 {
        self.y
    }

    pub(crate) fn skip(&mut self, height: f32) {
        self.y += height;
    }

    fn room(&self) -> f32 {
        BOTTOM - self.y
    }

    fn turn(&mut self) {
        self.pages.push(Page::new(self.fonts, A4_WIDTH, A4_HEIGHT));
        let running = self.running.clone();
        self.page().fitted(A4_MARGIN, A4_MARGIN, WIDTH, SMALL, false, Align::Left, &running);
        self.page().rule(A4_MARGIN, A4_MARGIN + SMALL * LEADING + 0.5 * MM, WIDTH, HAIR, Ink::Black);
        self.y = A4_MARGIN + SMALL * LEADING + 2.5 * MM;
    }

    /// Turns the page unless `height` fits on what is left of it.
    pub(crate) fn keep(&mut self, height: f32) {
        if self.room() < height && self.y > A4_MARGIN {
            self.turn();
        }
    }

    /// The title with its number as a barcode on the right; a number that no barcode can hold stands there in letters alone.
    pub(crate) fn title(&mut self, title: &str, subtitle: &str, number: &str) {
        let top = self.y;
        let code_width = 66.0 * MM;
        let bars = barcode::code128(number.trim()).ok().filter(|bars| bars.modules.len() < 400);
        if let Some(bars) = bars {
            let area = Area { x: A4_MARGIN + WIDTH - code_width, y: top, width: code_width, height: 11.0 * MM };
            self.page().bars(area, &bars, 3);
        }
        if !number.trim().is_empty() {
            let x = A4_MARGIN + WIDTH - code_width / 2.0;
            self.page().fitted(x, top + 11.8 * MM, code_width, BODY, true, Align::Centre, number);
        }
        let room = if number.trim().is_empty() { WIDTH } else { WIDTH - code_width - 4.0 * MM };
        self.page().fitted(A4_MARGIN, top, room, TITLE, true, Align::Left, title);
        self.page().fitted(A4_MARGIN, top + TITLE * LEADING + 0.8 * MM, room, STRONG, false, Align::Left, subtitle);
        self.y = top + if number.trim().is_empty() { 13.0 } else { 17.0 } * MM;
        self.page().rule(A4_MARGIN, top + if number.trim().is_empty() { 13.0 } else { 17.0 } * MM, WIDTH, RULE, Ink::Black);
        self.y += 3.0 * MM;
    }

    /// Facts as caption and value, side by side in `columns` columns; a fact without a value is left out.
    pub(crate) fn facts(&mut self, columns: usize, facts: &[(&str, String)]) {
        let facts: Vec<_> = facts.iter().filter(|(_, value)| !value.trim().is_empty()).collect();
        let width = WIDTH / columns as f32;
        for row in facts.chunks(columns) {
            let mut height: f32 = 0.0;
            for (index, (caption, value)) in row.iter().enumerate() {
                let (x, y) = (A4_MARGIN + index as f32 * width, self.y);
                self.page().line(x, y, SMALL, false, Ink::Grey, Align::Left, caption);
                let block = text::fit(self.fonts, value, (width - 4.0 * MM, 30.0 * MM), STRONG - 1.0, SMALLEST, false);
                let foot = self.page().block(x, y + SMALL * LEADING + 0.3 * MM, Align::Left, Ink::Black, &block);
                height = height.max(foot - y);
            }
            self.y += height + 2.6 * MM;
        }
    }

    /// A caption with a paragraph under it; an empty paragraph leaves nothing.
    pub(crate) fn paragraph(&mut self, caption: &str, body: &str, size: f32) {
        let lines = text::wrap(self.fonts, body, size, WIDTH);
        if lines.is_empty() {
            return;
        }
        self.keep(SMALL * LEADING + (lines.len().min(3) as f32 + 0.5) * size * LEADING);
        if !caption.is_empty() {
            let y = self.y;
            self.page().line(A4_MARGIN, y, SMALL, false, Ink::Grey, Align::Left, caption);
            self.y += SMALL * LEADING + 0.5 * MM;
        }
        for line in lines {
            self.keep(size * LEADING);
            let y = self.y;
            self.page().line(A4_MARGIN, y, size, false, Ink::Black, Align::Left, &line);
            self.y += size * LEADING;
        }
        self.y += 3.0 * MM;
    }

    /// Lines for a cell of a column.
    pub(crate) fn cell(&self, column: &Column, size: f32, bold: bool, ink: Ink, text: &str) -> Vec<Line> {
        let lines = text::wrap(self.fonts, text, size, column.width - 2.0 * CELL);
        lines.into_iter().map(|text| Line { text, size, bold, ink }).collect()
    }

    /// A cell that must stay on one line: shrunk before it is broken.
    pub(crate) fn cell_in_one(&self, column: &Column, size: f32, bold: bool, text: &str) -> Vec<Line> {
        let block = one_line(self.fonts, text, column.width - 2.0 * CELL, size, SMALLEST + 0.5, bold);
        if block.lines.iter().any(|line| line.ends_with('…')) {
            return self.cell(column, block.size, bold, Ink::Black, text);
        }
        block.lines.into_iter().map(|text| Line { text, size: block.size, bold, ink: Ink::Black }).collect()
    }

    /// A table. A row is broken over two pages only when it is taller than a page.
    pub(crate) fn table(&mut self, columns: &[Column], rows: impl Iterator<Item = Vec<Vec<Line>>>) {
        self.keep(24.0 * MM);
        self.table_head(columns);
        let mut fresh = true;
        for mut cells in rows {
            loop {
                let height = cells.iter().map(|cell| lines_height(cell)).fold(0.0, f32::max) + 2.0 * CELL;
                if height <= self.room() {
                    self.row(columns, &cells, height);
                    fresh = false;
                    break;
                }
                if fresh {
                    // The row is taller than a page: as many of its lines as there is room for, the rest on the next.
                    let room = self.room() - 2.0 * CELL;
                    let part: Vec<Vec<Line>> = cells.iter_mut().map(|cell| take_lines(cell, room)).collect();
                    let height = part.iter().map(|cell| lines_height(cell)).fold(0.0, f32::max) + 2.0 * CELL;
                    self.row(columns, &part, height);
                }
                self.turn();
                self.table_head(columns);
                fresh = true;
            }
        }
    }

    fn table_head(&mut self, columns: &[Column]) {
        let (y, height) = (self.y, SMALL * LEADING + 2.0 * MM);
        self.page().fill(A4_MARGIN, y, WIDTH, height, Ink::Shade);
        let mut x = A4_MARGIN;
        for column in columns {
            let at = aligned(x, column);
            self.page().fitted(at, y + 1.1 * MM, column.width - 2.0 * CELL, SMALL, true, column.align, column.title);
            x += column.width;
        }
        self.y += height;
    }

    fn row(&mut self, columns: &[Column], cells: &[Vec<Line>], height: f32) {
        let mut x = A4_MARGIN;
        for (column, cell) in columns.iter().zip(cells) {
            let mut y = self.y + CELL;
            for line in cell {
                self.page().line(aligned(x, column), y, line.size, line.bold, line.ink, column.align, &line.text);
                y += line.size * LEADING;
            }
            x += column.width;
        }
        self.y += height;
        let y = self.y;
        self.page().rule(A4_MARGIN, y - HAIR, WIDTH, HAIR, Ink::Grey);
    }

    /// The pages with their feet, into a file.
    pub(crate) fn write(mut self, pdf: &mut Pdf<'_>) -> Result<(), DocumentError> {
        let words = words(self.language);
        let count = self.pages.len();
        let printed = format!("{} {}", words.printed, date_time(self.imprint, self.imprint.printed_at));
        for (index, page) in self.pages.iter_mut().enumerate() {
            let y = A4_HEIGHT - A4_MARGIN - SMALL;
            page.rule(A4_MARGIN, y - 1.5 * MM, WIDTH, HAIR, Ink::Black);
            page.line(A4_MARGIN, y, SMALL, false, Ink::Black, Align::Left, &printed);
            page.line(A4_MARGIN + WIDTH, y, SMALL, false, Ink::Black, Align::Right, &(words.page)(index + 1, count));
            pdf.add(page)?;
        }
        Ok(())
    }

    /// The pages without their feet: what tests look at.
    #[cfg(test)]
    pub(crate) fn pages(&self) -> &[Page<'f>] {
        &self.pages
    }
}

fn aligned(x: f32, column: &Column) -> f32 {
    match column.align {
        Align::Left => x + CELL,
        Align::Right => x + column.width - CELL,
        Align::Centre => x + column.width / 2.0,
    }
}

fn lines_height(lines: &[Line]) -> f32 {
    lines.iter().map(|line| line.size * LEADING).sum()
}

fn take_lines(cell: &mut Vec<Line>, room: f32) -> Vec<Line> {
    let mut height = 0.0;
    let fitting = cell.iter().take_while(|line| {
        height += line.size * LEADING;
        height <= room
    });
    // At least one line a page, or the row would never end.
    let count = fitting.count().max(1).min(cell.len());
    cell.drain(..count).collect()
}
