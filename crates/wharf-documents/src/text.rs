//! Setting text: glyphs and widths, line breaking for Chinese and Latin, and fitting a text into a box by shrinking it.

use crate::{font::Fonts, style};

/// The lines of a text at one size.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Block {
    pub(crate) size: f32,
    pub(crate) bold: bool,
    pub(crate) lines: Vec<String>,
}

impl Block {
    /// Height from the top of the first line to the foot of the last.
    pub(crate) fn height(&self) -> f32 {
        if self.lines.is_empty() { 0.0 } else { self.size + (self.lines.len() - 1) as f32 * self.size * style::LEADING }
    }
}

/// Width of a cleaned text.
pub(crate) fn width(fonts: &Fonts, text: &str, size: f32) -> f32 {
    text.chars().map(|c| fonts.glyph(c).advance).sum::<f32>() * size
}

/// Breaks a text into lines no wider than `room`. Chinese breaks between characters (a line does not begin with a
/// closing mark nor end with an opening one), Latin at spaces and after hyphens; a word longer than the line is broken
/// where it must. An empty text has no lines.
pub(crate) fn wrap(fonts: &Fonts, text: &str, size: f32, room: f32) -> Vec<String> {
    let text = fonts.clean(text);
    let mut lines = Vec::new();
    for paragraph in text.split('\n') {
        wrap_paragraph(fonts, paragraph.trim_end(), room / size, &mut lines);
    }
    while lines.last().is_some_and(String::is_empty) {
        lines.pop();
    }
    lines
}

fn wrap_paragraph(fonts: &Fonts, paragraph: &str, room: f32, lines: &mut Vec<String>) {
    // Rounding must not push a text over the edge that was measured with the same numbers.
    let room = room + 1e-3;
    let characters: Vec<char> = paragraph.chars().collect();
    let mut start = 0;
    let mut used = 0.0;
    let mut chance = None; // the last place where this line may end
    let mut at = 0;
    while at < characters.len() {
        let character = characters[at];
        let advance = fonts.glyph(character).advance;
        if at > start && may_break(characters[at - 1], character) {
            chance = Some(at);
        }
        // A space may hang over the edge: it is not printed there.
        if used + advance > room && at > start && character != ' ' {
            let end = chance.unwrap_or(at);
            lines.push(characters[start..end].iter().collect::<String>().trim_end().to_owned());
            start = end;
            while start < characters.len() && characters[start] == ' ' {
                start += 1;
            }
            at = start;
            used = 0.0;
            chance = None;
            continue;
        }
        used += advance;
        at += 1;
    }
    lines.push(characters[start..].iter().collect::<String>().trim_end().to_owned());
}

fn may_break(before: char, after: char) -> bool {
    if after == ' ' || "，。、；：？！）】》」』”’…％,.;:?!)]}%".contains(after) || "（【《「『“‘([{¥￥$".contains(before)
    {
        return false;
    }
    before == ' ' || is_wide(before) || is_wide(after) || matches!(before, '-' | '/' | '_' | '|' | ',' | ';')
}

fn is_wide(character: char) -> bool {
    matches!(character, '\u{2e80}'..='\u{9fff}' | '\u{ac00}'..='\u{d7a3}' | '\u{f900}'..='\u{faff}' | '\u{ff00}'..='\u{ffef}'
        | '\u{20000}'..='\u{3ffff}' | '□' | '“' | '”' | '‘' | '’' | '…' | '—')
}

/// The largest size between `largest` and `smallest` at which the text fits into the box. A text that does not fit even
/// at the smallest ends with `…(+N)`, N the number of characters that are missing: a reader sees that there is more.
pub(crate) fn fit(fonts: &Fonts, text: &str, room: (f32, f32), largest: f32, smallest: f32, bold: bool) -> Block {
    let (room_x, room_y) = room;
    let mut size = largest;
    loop {
        let block = Block { size, bold, lines: wrap(fonts, text, size, room_x) };
        if block.height() <= room_y + 0.01 && block.lines.iter().all(|l| width(fonts, l, size) <= room_x + 0.01) {
            return block;
        }
        if size <= smallest {
            return shorten(fonts, block, room_x, room_y);
        }
        size = (size - 0.5).max(smallest);
    }
}

fn shorten(fonts: &Fonts, mut block: Block, room_x: f32, room_y: f32) -> Block {
    let fitting = (((room_y - block.size) / (block.size * style::LEADING)).floor().max(0.0) as usize) + 1;
    let mut missing: usize = block.lines.drain(fitting.min(block.lines.len())..).map(|l| l.chars().count()).sum();
    if missing == 0 {
        return block;
    }
    if let Some(last) = block.lines.last_mut() {
        loop {
            let tail = format!("…(+{missing})");
            if last.is_empty() || width(fonts, last, block.size) + width(fonts, &tail, block.size) <= room_x {
                last.push_str(&tail);
                break;
            }
            last.pop();
            missing += 1;
        }
    }
    block
}

/// One line that must stay one line: shrinks to `smallest`, then ends with `…`.
pub(crate) fn one_line(fonts: &Fonts, text: &str, room: f32, largest: f32, smallest: f32, bold: bool) -> Block {
    let text = fonts.clean(text).replace('\n', " ");
    let natural = width(fonts, &text, 1.0).max(1e-6);
    let size = (room / natural).min(largest).max(smallest);
    let mut line = text;
    if width(fonts, &line, size) > room + 0.01 {
        while !line.is_empty() && width(fonts, &line, size) + width(fonts, "…", size) > room {
            line.pop();
        }
        line.push('…');
    }
    Block { size, bold, lines: vec![line] }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn chinese_breaks_anywhere_but_not_before_a_closing_mark() {
        let fonts = Fonts::builtin();
        assert_eq!(wrap(fonts, "一二三四五，六七", 10.0, 50.0), ["一二三四", "五，六七"]);
        assert_eq!(wrap(fonts, "一二三四（五六）", 10.0, 50.0), ["一二三四", "（五六）"]);
        assert_eq!(wrap(fonts, "", 10.0, 50.0), Vec::<String>::new());
        assert_eq!(wrap(fonts, "a\n\nb\n", 10.0, 50.0), ["a", "", "b"]);
    }

    #[test]
    fn latin_breaks_at_spaces_and_long_words_where_they_must() {
        let fonts = Fonts::builtin();
        assert_eq!(wrap(fonts, "The quick brown fox", 10.0, 50.0), ["The quick", "brown fox"]);
        let long = wrap(fonts, "ABCDEFGHIJKLMNOPQRSTUVWXYZ", 10.0, 50.0);
        assert!(long.len() > 2);
        assert_eq!(long.concat(), "ABCDEFGHIJKLMNOPQRSTUVWXYZ");
    }

    #[test]
    fn a_text_that_cannot_fit_says_how_much_is_missing() {
        let fonts = Fonts::builtin();
        let text = "地址".repeat(400);
        let block = fit(fonts, &text, (100.0, 30.0), 12.0, 6.0, false);
        let shown = block.lines.concat();
        let (kept, tail) = shown.split_once('…').expect("marked");
        let missing: usize = tail.trim_matches(&['(', '+', ')'][..]).parse().expect("a number");
        assert_eq!(kept.chars().count() + missing, 800);
        assert!(block.height() <= 30.0);
    }

    proptest! {
        #[test]
        fn wrapping_loses_nothing_but_spaces_and_never_overflows(text in "[ -~一-龥，。（）]{0,120}", room in 30f32..300.0) {
            let fonts = Fonts::builtin();
            let lines = wrap(fonts, &text, 9.0, room);
            let squeeze = |s: &str| s.chars().filter(|c| *c != ' ').collect::<String>();
            prop_assert_eq!(squeeze(&lines.concat()), squeeze(&text));
            for line in &lines {
                prop_assert!(width(fonts, line, 9.0) <= room + 0.1);
            }
        }

        #[test]
        fn any_text_whatever_can_be_set(text in any::<String>()) {
            let fonts = Fonts::builtin();
            let block = fit(fonts, &text, (120.0, 40.0), 12.0, 6.0, true);
            prop_assert!(block.height() <= 40.1);
            one_line(fonts, &text, 50.0, 12.0, 6.0, false);
        }
    }
}
