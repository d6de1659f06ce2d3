//! Column names: what makes two spellings one column. Releases and templates add blanks, line breaks, full-width
//! brackets and hints in brackets; people reorder, drop and add columns.

use std::collections::HashMap;

/// A name with everything removed that tools vary: case, blanks, dashes, full-width forms, marks.
pub(crate) fn normal(name: &str) -> String {
    name.chars()
        .filter_map(|c| match c {
            '\u{ff01}'..='\u{ff5e}' => char::from_u32(c as u32 - 0xfee0),
            '【' | '〔' => Some('['),
            '】' | '〕' => Some(']'),
            c if c.is_whitespace() || c.is_control() || matches!(c, '\u{3000}' | '\u{feff}' | '\u{200b}' | '\u{a0}' | '\u{fffd}') => None,
            c => Some(c),
        })
        .filter(|c| !matches!(c, '-' | '_' | '*' | '"' | '\'' | ':' | '='))
        .flat_map(char::to_lowercase)
        .collect()
}

/// The normal name without hints in brackets: `商家实收金额(元)` → `商家实收金额`.
pub(crate) fn loose(name: &str) -> String {
    let mut out = String::new();
    let mut depth = 0usize;
    for c in normal(name).chars() {
        match c {
            '(' | '[' => depth += 1,
            ')' | ']' => depth = depth.saturating_sub(1),
            c if depth == 0 => out.push(c),
            _ => {}
        }
    }
    if out.is_empty() { normal(name) } else { out }
}

/// The header line of a table: names in the order of the file, found by any of their spellings.
#[derive(Debug, Clone, Default)]
pub(crate) struct Header {
    /// As they stand in the file, trimmed.
    pub(crate) names: Vec<String>,
    exact: HashMap<String, usize>,
    loose: HashMap<String, Option<usize>>,
}

impl Header {
    /// From the cells of the header line. Of two columns with the same name the first counts.
    pub(crate) fn new(cells: &[String]) -> Self {
        let mut header = Header { names: cells.iter().map(|c| c.trim().trim_start_matches('\u{feff}').to_owned()).collect(), ..Header::default() };
        for (index, name) in cells.iter().enumerate() {
            let key = normal(name);
            if key.is_empty() {
                continue;
            }
            header.exact.entry(key).or_insert(index);
            header.loose.entry(loose(name)).and_modify(|slot| *slot = None).or_insert(Some(index));
        }
        header
    }

    /// Where a column stands: by its name, or by the name without bracketed hints where only one column has it.
    pub(crate) fn find(&self, name: &str) -> Option<usize> {
        self.exact.get(&normal(name)).copied().or_else(|| self.loose.get(&loose(name)).copied().flatten())
    }

    /// True when the column is there.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.find(name).is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spellings_of_one_column() {
        let header = Header::new(&["收货地址 ".into(), "*SKU\n(必填)".into(), "商家实收金额（元）".into(), "Order - Number".into(), "ＳＫＵ２".into()]);
        assert_eq!(header.find("收货地址"), Some(0));
        assert_eq!(header.find("*SKU(必填)"), Some(1));
        assert_eq!(header.find("SKU"), Some(1));
        assert_eq!(header.find("商家实收金额(元)"), Some(2));
        assert_eq!(header.find("商家实收金额"), Some(2));
        assert_eq!(header.find("order number"), Some(3));
        assert_eq!(header.find("sku2"), Some(4));
        assert_eq!(header.find("价格"), None);
        // The hint tells two columns apart: without it neither is meant.
        let header = Header::new(&["优惠金额（人民币）".into(), "优惠金额（原始货币）".into()]);
        assert_eq!(header.find("优惠金额(原始货币)"), Some(1));
        assert_eq!(header.find("优惠金额"), None);
    }
}
