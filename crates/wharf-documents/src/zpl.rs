//! Pages to ZPL II, the language of label printers. Boxes and bars are `^GB`, text and matrix codes are `^GFA` pictures
//! made with our own face: the printer needs no Chinese font, and prints what the PDF shows.

use crate::{
    page::{Area, Ink, Operation, Page, Run},
    raster::{Picture, Resolution, dots, draw_text, matrix_dots},
};
use std::fmt::Write as _;

/// One label format from `^XA` to `^XZ`.
pub(crate) fn format(page: &Page<'_>, resolution: Resolution) -> String {
    let scale = resolution.scale();
    let mut out = String::new();
    let (width, height) = ((page.width * scale).round(), (page.height * scale).round());
    // ^CI28 is UTF-8; ^LH and ^LT undo what another program may have left; ^POI is not ours to decide.
    let _infallible = writeln!(out, "^XA^CI28^LH0,0^LT0^PW{width}^LL{height}");
    for operation in &page.operations {
        match operation {
            Operation::Text(run) => text(&mut out, page, run, scale),
            Operation::Fill(area, ink) => {
                let (x, y) = ((area.x * scale).round(), (area.y * scale).round());
                let wide = ((area.x + area.width) * scale).round().max(x + 1.0) - x;
                let high = ((area.y + area.height) * scale).round().max(y + 1.0) - y;
                if *ink != Ink::White {
                    box_filled(&mut out, Area { x, y, width: wide, height: high });
                }
            }
            Operation::Bars(area, bars) => dots(*area, &bars.modules, scale).into_iter().for_each(|bar| box_filled(&mut out, bar)),
            Operation::Matrix(area, matrix) => {
                let stripes = matrix_dots(*area, &matrix.modules, matrix.side, scale);
                let left = stripes.iter().map(|s| s.x).fold(f32::INFINITY, f32::min).max(0.0);
                let top = stripes.iter().map(|s| s.y).fold(f32::INFINITY, f32::min).max(0.0);
                let side = stripes.iter().map(|s| (s.x + s.width - left).max(s.y + s.height - top)).fold(0.0, f32::max) as usize;
                let mut picture = Picture::white(side, side);
                for stripe in stripes {
                    for y in 0..stripe.height as usize {
                        let from = (stripe.y - top) as usize * side + y * side + (stripe.x - left) as usize;
                        picture.pixels[from..from + stripe.width as usize].fill(0);
                    }
                }
                graphic(&mut out, left, top, &picture, false);
            }
        }
    }
    out.push_str("^XZ\n");
    out
}

/// A filled box; its thickness may not exceed its shorter side or the printer makes it larger.
fn box_filled(out: &mut String, area: Area) {
    let thickness = area.width.min(area.height);
    let _infallible = writeln!(out, "^FO{},{}^GB{},{},{}^FS", area.x, area.y, area.width, area.height, thickness);
}

fn text(out: &mut String, page: &Page<'_>, run: &Run, scale: f32) {
    let advance: f32 = run.glyphs.iter().map(|g| g.advance).sum::<f32>() * run.size;
    // Room for strokes and for accents that reach beyond the em.
    let left = ((run.x - run.size * 0.1) * scale).floor().max(0.0);
    let top = ((run.baseline - run.size * 1.2) * scale).floor().max(0.0);
    let right = ((run.x + advance + run.size * 0.1) * scale).ceil();
    let bottom = ((run.baseline + run.size * 0.4) * scale).ceil();
    if right <= left || bottom <= top {
        return;
    }
    let mut picture = Picture::white((right - left) as usize, (bottom - top) as usize);
    let black = Run { ink: Ink::Black, ..run.clone() };
    draw_text(&mut picture, page.fonts, &black, scale, (left / scale, top / scale));
    // White letters stand on black boxes: `^FR` turns what lies under them.
    graphic(out, left, top, &picture, run.ink == Ink::White);
}

/// A picture as `^GFA`, cut to its ink: hexadecimal with the run lengths of ZPL's own compression.
fn graphic(out: &mut String, left: f32, top: f32, picture: &Picture, reversed: bool) {
    let dark = |x: usize, y: usize| picture.pixels[y * picture.width + x] < 128;
    let rows: Vec<usize> = (0..picture.height).filter(|y| (0..picture.width).any(|x| dark(x, *y))).collect();
    let columns: Vec<usize> = (0..picture.width).filter(|x| rows.iter().any(|y| dark(*x, *y))).collect();
    let (Some(&first_row), Some(&last_row)) = (rows.first(), rows.last()) else { return };
    let (Some(&first), Some(&last)) = (columns.first(), columns.last()) else { return };
    let bytes_per_row = (last - first + 1).div_ceil(8);
    let total = bytes_per_row * (last_row - first_row + 1);
    let reverse = if reversed { "^FR" } else { "" };
    let (x, y) = (left as usize + first, top as usize + first_row);
    let _infallible = write!(out, "^FO{x},{y}{reverse}^GFA,{total},{total},{bytes_per_row},");
    let mut before = None;
    for row in first_row..=last_row {
        let nibbles: Vec<u8> = (0..bytes_per_row * 2)
            .map(|nibble| {
                (0..4).fold(0, |bits, bit| {
                    let column = first + nibble * 4 + bit;
                    bits << 1 | u8::from(column <= last && dark(column, row))
                })
            })
            .collect();
        if before.as_ref() == Some(&nibbles) {
            out.push(':');
        } else {
            compress(out, &nibbles);
        }
        before = Some(nibbles);
    }
    out.push_str("^FS\n");
}

/// One row: `,` fills it with white, `!` with black; `G`–`Y` repeat 1–19 times, `g`–`z` 20–400 times.
fn compress(out: &mut String, nibbles: &[u8]) {
    let tail = nibbles.last().copied().filter(|n| *n == 0 || *n == 15);
    let kept = match tail {
        Some(fill) => nibbles.iter().rposition(|n| *n != fill).map_or(0, |at| at + 1),
        None => nibbles.len(),
    };
    for group in nibbles[..kept].chunk_by(|a, b| a == b) {
        let mut count = group.len();
        while count > 400 {
            out.push('z');
            count -= 400;
        }
        if count >= 20 {
            out.push(char::from(b'f' + (count / 20) as u8));
            count %= 20;
        }
        if count > 1 || (count == 1 && group.len() > 1) {
            out.push(char::from(b'F' + count as u8));
        }
        // After counts that are whole twenties the digit still follows.
        out.push(char::from_digit(u32::from(group[0]), 16).unwrap_or('0').to_ascii_uppercase());
    }
    match tail {
        Some(0) => out.push(','),
        Some(_) => out.push('!'),
        None => {}
    }
}
