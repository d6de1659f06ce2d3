//! Faces: which glyph shows a character, and how wide it is. The built-in faces cover GBK and the alphabets of
//! Europe; a setting may add more. What no face has shows as `□`: nothing ever vanishes from a label.

use crate::DocumentError;
use std::{collections::HashMap, sync::OnceLock};
use ttf_parser::{GlyphId, OutlineBuilder};
use unicode_normalization::UnicodeNormalization;

/// Noto Sans SC, and Noto Sans for the letters that it lacks, both subset: see `fonts/README.md`.
static BUILT_IN: [&[u8]; 2] =
    [include_bytes!("../fonts/NotoSansSC-GBK-Regular.otf"), include_bytes!("../fonts/NotoSans-Latin-Regular.ttf")];
/// Stands for a character that no face has.
const MISSING: char = '□';

/// The faces that documents are set in, in order of preference.
pub struct Fonts {
    faces: Vec<Face>,
}

pub(crate) struct Face {
    data: Bytes,
    units_per_em: f32,
    glyphs: HashMap<char, Glyph>,
}

enum Bytes {
    Static(&'static [u8]),
    Owned(Vec<u8>),
}

/// A glyph of a face; the advance is in ems.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Glyph {
    pub(crate) face: u16,
    pub(crate) id: u16,
    pub(crate) advance: f32,
}

impl Fonts {
    /// The built-in faces alone. Read once in a process.
    pub fn builtin() -> &'static Fonts {
        static FONTS: OnceLock<Fonts> = OnceLock::new();
        FONTS.get_or_init(|| Fonts::with_fallbacks(Vec::new()).expect("the fonts inside the binary are whole: a test reads them"))
    }

    /// The built-in faces, and the given font files (TrueType or OpenType) for what they lack.
    pub fn with_fallbacks(files: Vec<Vec<u8>>) -> Result<Fonts, DocumentError> {
        let built_in = BUILT_IN.into_iter().map(Bytes::Static);
        let added = files.into_iter().map(Bytes::Owned);
        let faces = (0..).zip(built_in.chain(added)).map(|(index, bytes)| Face::read(bytes, index));
        Ok(Fonts { faces: faces.collect::<Result<_, _>>()? })
    }

    pub(crate) fn face(&self, index: u16) -> &Face {
        &self.faces[usize::from(index)]
    }

    /// The glyph of a character that `clean` let through.
    pub(crate) fn glyph(&self, character: char) -> Glyph {
        self.find(character).or_else(|| self.find(MISSING)).unwrap_or(Glyph { face: 0, id: 0, advance: 1.0 })
    }

    fn find(&self, character: char) -> Option<Glyph> {
        self.faces.iter().find_map(|face| face.glyphs.get(&character).copied())
    }

    /// The text as it can be set: composed, without what has no shape, and with a mark for what no face has.
    /// Line feeds stay; any other kind of space becomes a space.
    pub(crate) fn clean(&self, text: &str) -> String {
        if text.bytes().all(|b| (b' '..0x7f).contains(&b)) {
            return text.to_owned();
        }
        let mut out = String::with_capacity(text.len());
        let mut joined = false;
        for character in text.nfc() {
            match character {
                '\n' => out.push('\n'),
                '\u{2028}' | '\u{2029}' | '\u{b}' | '\u{c}' | '\u{85}' => out.push('\n'),
                '\t' | '\u{a0}' | '\u{1680}' | '\u{2000}'..='\u{200a}' | '\u{202f}' | '\u{205f}' => out.push(' '),
                // What follows a joiner is part of the picture before it.
                '\u{200d}' => {
                    joined = true;
                    continue;
                }
                c if c.is_control() || is_shapeless(c) => continue,
                c if self.find(c).is_some() => out.push(c),
                _ if joined => {}
                _ => out.push(MISSING),
            }
            joined = false;
        }
        out
    }
}

impl Face {
    fn read(data: Bytes, index: u16) -> Result<Face, DocumentError> {
        let mut face = Face { data, units_per_em: 1000.0, glyphs: HashMap::new() };
        let font = face.parsed()?;
        let units_per_em = f32::from(font.units_per_em().max(1));
        let mut glyphs = HashMap::new();
        let tables = font.tables().cmap.into_iter().flat_map(|cmap| cmap.subtables).filter(|table| table.is_unicode());
        for table in tables {
            table.codepoints(|code| {
                let found = char::from_u32(code).zip(table.glyph_index(code));
                if let Some((character, id)) = found.filter(|(_, id)| id.0 != 0) {
                    let advance = f32::from(font.glyph_hor_advance(id).unwrap_or_default()) / units_per_em;
                    glyphs.entry(character).or_insert(Glyph { face: index, id: id.0, advance });
                }
            });
        }
        (face.units_per_em, face.glyphs) = (units_per_em, glyphs);
        Ok(face)
    }

    pub(crate) fn bytes(&self) -> &[u8] {
        match &self.data {
            Bytes::Static(bytes) => bytes,
            Bytes::Owned(bytes) => bytes,
        }
    }

    pub(crate) fn parsed(&self) -> Result<ttf_parser::Face<'_>, DocumentError> {
        ttf_parser::Face::parse(self.bytes(), 0).map_err(|error| DocumentError::Font(error.to_string()))
    }

    pub(crate) fn units_per_em(&self) -> f32 {
        self.units_per_em
    }

    /// Draws the outline of a glyph in units of the em, y upwards, origin on the baseline. A glyph without a shape, or
    /// a broken one in a fallback font, draws nothing: it must not take the whole label with it.
    pub(crate) fn outline(font: &ttf_parser::Face<'_>, id: u16, pen: &mut impl OutlineBuilder) {
        font.outline_glyph(GlyphId(id), pen);
    }
}

/// Characters that steer layout or vary the one before and have no shape of their own.
fn is_shapeless(character: char) -> bool {
    matches!(character,
        '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{180b}'..='\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}'
        | '\u{1f3fb}'..='\u{1f3ff}' | '\u{e0000}'..='\u{e01ef}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_built_in_faces_have_gbk_and_the_alphabets_of_europe() {
        let fonts = Fonts::builtin();
        // One of every corner: symbols, kana, level 1 and 2, the extension of GBK, names outside GBK, accents, currencies.
        for character in "，。〓あア啊齄嗀龥镕㙍䶮𬱖éşřłőĐơẫ€¥£₹жєΩ".chars() {
            assert!(fonts.find(character).is_some(), "{character}");
        }
        let gbk = (0x4e00u32..=0x9fa5).filter_map(char::from_u32).filter(|c| fonts.find(*c).is_none()).count();
        assert_eq!(gbk, 0, "every hanzi of GBK has a glyph");
        assert_eq!(fonts.glyph('中').advance, 1.0);
    }

    #[test]
    fn what_cannot_be_shown_is_marked_and_what_has_no_shape_is_dropped() {
        let fonts = Fonts::builtin();
        assert_eq!(fonts.clean("a\u{200b}b\u{feff}\u{202e}c\u{0}"), "abc");
        assert_eq!(fonts.clean("礼物🎁到"), "礼物□到");
        assert_eq!(fonts.clean("👨\u{200d}👩\u{200d}👧一家"), "□一家");
        assert_eq!(fonts.clean("👍🏽"), "□");
        assert_eq!(fonts.clean("שלום"), "□□□□");
        assert_eq!(fonts.clean("Jose\u{301}\u{a0}x\ty\r\nz"), "José x y\nz");
    }

    #[test]
    fn a_file_that_is_no_font_is_refused() {
        assert!(matches!(Fonts::with_fallbacks(vec![b"no font".to_vec()]), Err(DocumentError::Font(_))));
        assert!(Fonts::with_fallbacks(vec![BUILT_IN[1].to_vec()]).is_ok());
    }
}
