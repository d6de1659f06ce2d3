//! Reading files into orders: a first pass tells the layouts and counts rows per order, a second hands out each order
//! as soon as its last row was seen. Memory holds the orders that are open at once, never the file.

use super::delimited::RawRow;
use super::error::FileError;
use super::header::Header;
use super::layouts::{self, Layout, Reading};
use super::mapping::Mapping;
use super::plan::{Cells, Context, Fault, Plan};
use super::table::Table;
use super::{amazon, mapped, propose, taobao};
use jiff::tz::TimeZone;
use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use wharf_connect::files::{Cause, FileReport, Input, Item, OddRow, OpenedFiles, ReadFiles, ReadOptions, ReadOrder, Refused, merge};

/// Files that were recognised and counted.
pub(crate) struct Prepared {
    tables: Vec<Table>,
    plans: Vec<Plan>,
    reports: Vec<FileReport>,
    context: Context,
    counts: HashMap<u64, u32>,
    zone_name: String,
}

fn hash(key: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    key.hash(&mut hasher);
    hasher.finish()
}

impl Prepared {
    /// Recognises the files and counts their rows.
    pub(crate) fn open(inputs: &[Input], options: &ReadOptions) -> Result<Prepared, Refused> {
        let refuse = |input: &Input| {
            let file = input.name.clone();
            move |error: FileError| refused(&file, &error)
        };
        let mapping = match (&options.mapping, inputs.first()) {
            (Some(json), Some(first)) => Some(Mapping::from_json(json).map_err(refuse(first))?),
            _ => None,
        };
        let mapping = mapping.as_ref();
        let mut tables = Vec::new();
        let mut plans = Vec::new();
        let mut reports: Vec<FileReport> = Vec::new();
        for input in inputs {
            let table = Table::open(input, mapping).map_err(refuse(input))?;
            let (plan, layout, proposed) = plan(&table, mapping).map_err(refuse(input))?;
            if let Some(first) = reports.first()
                && !go_together(&first.layout, layout.id)
            {
                let error = FileError::Together(format!("{} cannot be read together with {}: import them one after the other", layout.name.en, first.layout_name.0));
                return Err(refuse(input)(error));
            }
            reports.push(FileReport {
                name: input.name.clone(),
                layout: layout.id.to_owned(),
                layout_name: (layout.name.en.to_owned(), layout.name.zh.to_owned()),
                format: table.format(),
                delimiter: table.delimiter(),
                sheet: table.sheet(),
                header_row: table.header_at,
                columns: table.header.names.iter().filter(|n| !n.is_empty()).cloned().collect(),
                unknown_columns: plan.unknown.clone(),
                missing_columns: plan.missing.clone(),
                rows: 0,
                short_rows: 0,
                garbled_cells: 0,
                mapping: (plan.reading == Reading::Mapped).then(|| serde_json::to_value(&plan.mapping).unwrap_or_default()),
                proposed,
            });
            tables.push(table);
            plans.push(plan);
        }
        let zone_name = zone_of(&plans, options);
        if let Some(asked) = options.zone.as_deref() {
            known_zone(asked)?;
        }
        let zone = known_zone(&zone_name)?;
        let context = Context { zone, currency: options.currency, now: options.now };
        let mut prepared = Prepared { tables, plans, reports, context, counts: HashMap::new(), zone_name };
        prepared.count(inputs)?;
        Ok(prepared)
    }

    fn count(&mut self, inputs: &[Input]) -> Result<(), Refused> {
        for (index, table) in self.tables.iter().enumerate() {
            let refuse = |error: FileError| refused(&inputs[index].name, &error);
            let plan = &self.plans[index];
            let report = &mut self.reports[index];
            let width = report.columns.len();
            let mut last_key: Option<String> = None;
            let mut rows = table.rows().map_err(refuse)?;
            while let Some(row) = rows.next_row().map_err(refuse)? {
                report.rows += 1;
                report.short_rows += u64::from(row.cells.len() < width);
                report.garbled_cells += row.cells.iter().filter(|c| c.contains('\u{fffd}')).count() as u64;
                if let Ok(key) = key(plan, &row, &mut last_key) {
                    *self.counts.entry(hash(&key)).or_default() += 1;
                }
            }
        }
        Ok(())
    }

    fn stream(&self, sink: &mut dyn FnMut(Item) -> bool) -> Result<usize, FileError> {
        let mut sources = Vec::new();
        for table in &self.tables {
            sources.push((table.rows()?, false));
        }
        let mut open: HashMap<String, (Vec<(usize, RawRow)>, Option<(usize, Cause)>)> = HashMap::new();
        let mut last_keys: Vec<Option<String>> = vec![None; sources.len()];
        let mut short_seen = vec![false; sources.len()];
        let mut widest = 0;
        loop {
            // Files that are joined are read abreast, so that an order's rows meet early.
            let next = (0..sources.len())
                .filter(|i| !sources[*i].1)
                .min_by_key(|i| (u128::from(sources[*i].0.seen) << 32) / u128::from(self.reports[*i].rows.max(1)));
            let Some(file) = next else { break };
            let Some(row) = sources[file].0.next_row()? else {
                sources[file].1 = true;
                continue;
            };
            let plan = &self.plans[file];
            let fault = self.row_fault(plan, &row, &mut short_seen[file]);
            match key(plan, &row, &mut last_keys[file]) {
                Err(cause) => {
                    if !sink(Item::Odd(OddRow { file, row: row.number, cells: row.cells, cause: fault.unwrap_or(cause) })) {
                        return Ok(widest);
                    }
                }
                Ok(key) => {
                    let wanted = self.counts.get(&hash(&key)).copied().unwrap_or(0) as usize;
                    let entry = open.entry(key.clone()).or_default();
                    if let (Some(cause), None) = (fault, &entry.1) {
                        entry.1 = Some((entry.0.len(), cause));
                    }
                    entry.0.push((file, row));
                    if entry.0.len() >= wanted
                        && let Some((rows, fault)) = open.remove(&key)
                    {
                        widest = widest.max(open.len() + 1);
                        if !self.finish(key, rows, fault, sink) {
                            return Ok(widest);
                        }
                    }
                }
            }
            widest = widest.max(open.len());
        }
        let mut left: Vec<_> = open.into_iter().collect();
        left.sort_by(|a, b| a.0.cmp(&b.0));
        for (key, (rows, fault)) in left {
            if !self.finish(key, rows, fault, sink) {
                break;
            }
        }
        Ok(widest)
    }

    /// What is wrong with the shape of a row.
    fn row_fault(&self, plan: &Plan, row: &RawRow, short_seen: &mut bool) -> Option<Cause> {
        let width = plan.names.iter().rposition(|n| !n.is_empty()).map_or(0, |p| p + 1);
        if row.cells.len() > plan.names.len() && row.cells[plan.names.len()..].iter().any(|c| !c.trim().is_empty()) {
            return Some(Cause::new("too_many_cells", None, format!("{} cells under {} columns", row.cells.len(), plan.names.len())));
        }
        if row.cells.len() < width {
            if row.unterminated && !*short_seen {
                return Some(Cause::new("cut_off", None, format!("{} of {} cells, and no line end", row.cells.len(), width)));
            }
            *short_seen = true;
        }
        None
    }

    fn finish(&self, key: String, rows: Vec<(usize, RawRow)>, fault: Option<(usize, Cause)>, sink: &mut dyn FnMut(Item) -> bool) -> bool {
        let result = match fault {
            Some((at, cause)) => Err(Fault { at, cause }),
            None => self.build(&key, &rows),
        };
        match result {
            Ok(mut read) => {
                unique_line_ids(&mut read);
                read.rows = rows.iter().map(|(file, row)| (*file, row.number)).collect();
                sink(Item::Order(Box::new(read)))
            }
            Err(Fault { at, cause }) => {
                let blamed = rows.get(at).map_or(0, |(_, row)| row.number);
                for (index, (file, row)) in rows.into_iter().enumerate() {
                    let cause = if index == at {
                        cause.clone()
                    } else {
                        Cause::new("same_order", None, format!("{key}: {blamed}"))
                    };
                    if !sink(Item::Odd(OddRow { file, row: row.number, cells: row.cells, cause })) {
                        return false;
                    }
                }
                true
            }
        }
    }

    fn build(&self, key: &str, rows: &[(usize, RawRow)]) -> Result<ReadOrder, Fault> {
        if self.plans[rows[0].0].mapping.leave_out.iter().any(|id| id == key) {
            return Err(Fault { at: 0, cause: Cause::new("left_out", None, key.to_owned()) });
        }
        // Each file tells the order by itself; then the readings are made one.
        let mut by_layout: Vec<(&'static str, Vec<ReadOrder>)> = Vec::new();
        for file in 0..self.plans.len() {
            let plan = &self.plans[file];
            let mine: Vec<(usize, Cells<'_>)> = rows.iter().enumerate().filter(|(_, (f, _))| *f == file).map(|(at, (_, row))| (at, Cells { plan, row })).collect();
            if mine.is_empty() {
                continue;
            }
            let cells: Vec<Cells<'_>> = mine.iter().map(|(_, c)| *c).collect();
            let built = match plan.reading {
                Reading::AmazonAllOrders | Reading::AmazonToShip => amazon::build(&self.context, key.to_owned(), &cells),
                Reading::TaobaoOrders | Reading::TaobaoLines => taobao::build(&self.context, key.to_owned(), &cells),
                Reading::Mapped | Reading::Named => mapped::build(&self.context, key.to_owned(), &cells),
            };
            let read = built.map_err(|fault| Fault { at: mine.get(fault.at).map_or(0, |(at, _)| *at), cause: fault.cause })?;
            match by_layout.iter_mut().find(|(layout, _)| *layout == plan.layout) {
                Some((_, list)) => list.push(read),
                None => by_layout.push((plan.layout, vec![read])),
            }
        }
        let mut whole: Option<ReadOrder> = None;
        for (_, list) in by_layout {
            if let Some(read) = merge::combine(list) {
                whole = Some(match whole {
                    None => read,
                    Some(before) => merge::merge(&before, &read),
                });
            }
        }
        whole.ok_or_else(|| Fault { at: 0, cause: Cause::new("no_goods", None, "no row") })
    }
}

/// A line id that a file repeats (one line shipped in batches) is told apart by a number.
fn unique_line_ids(read: &mut ReadOrder) {
    let mut seen: HashMap<String, usize> = HashMap::new();
    for line in &mut read.order.lines {
        let n = seen.entry(line.external_id.clone()).or_default();
        *n += 1;
        if *n > 1 {
            line.external_id = format!("{}#{n}", line.external_id);
        }
    }
}

/// What stands in the first column of a row of sums.
fn is_sum(id: &str) -> bool {
    let word: String = id.chars().filter(|c| !c.is_whitespace() && !matches!(c, ':' | '：')).collect::<String>().to_lowercase();
    matches!(word.as_str(), "合计" | "总计" | "共计" | "小计" | "汇总" | "总数" | "total" | "totals" | "grandtotal" | "subtotal" | "sum")
}

fn key(plan: &Plan, row: &RawRow, last: &mut Option<String>) -> Result<String, Cause> {
    let cells = Cells { plan, row };
    let found = match plan.reading {
        Reading::AmazonAllOrders | Reading::AmazonToShip => amazon::order_id(&cells)?,
        Reading::TaobaoOrders | Reading::TaobaoLines => taobao::order_id(&cells)?,
        Reading::Mapped | Reading::Named => mapped::order_id(&cells)?,
    };
    match found {
        Some(id) if is_sum(&id) => Err(Cause::new("bad_order_id", None, format!("{id:?} is the label of a row of sums, no order"))),
        Some(id) if id.chars().count() > 200 => Err(Cause::new("bad_order_id", None, "longer than 200 characters")),
        Some(id) => {
            *last = Some(id.clone());
            Ok(id)
        }
        // A cell that was merged with the one above says what that one says.
        None => last.clone().filter(|_| plan.mapping.fill_down || plan.order_column().is_some_and(|at| row.merged.contains(&at))).ok_or_else(|| Cause::new("no_order_id", None, "empty")),
    }
}

fn plan(table: &Table, mapping: Option<&Mapping>) -> Result<(Plan, &'static Layout, bool), FileError> {
    let header: &Header = &table.header;
    if let Some(mapping) = mapping {
        let plan = Plan::mapped(header, mapping);
        if !plan.missing.is_empty() {
            return Err(FileError::Mapping(format!(
                "the file has no column {}; it has {}",
                plan.missing.iter().map(|m| format!("{m:?}")).collect::<Vec<_>>().join(", "),
                header.names.iter().filter(|n| !n.is_empty()).cloned().collect::<Vec<_>>().join(" · ")
            )));
        }
        return Ok((plan, &layouts::MAPPED, false));
    }
    match table.layout {
        Some(layout) => match layout.reading {
            reading @ (Reading::AmazonAllOrders | Reading::AmazonToShip) => Ok((amazon::plan(reading, layout.id, header), layout, false)),
            reading @ (Reading::TaobaoOrders | Reading::TaobaoLines) => Ok((taobao::plan(reading, layout.id, header), layout, false)),
            Reading::Named | Reading::Mapped => {
                Err(FileError::NotReadable { layout: layout.id.to_owned(), name: format!("{} ({})", layout.name.en, layout.name.zh) })
            }
        },
        None => {
            let mapping = propose::propose(header)?;
            Ok((Plan::mapped(header, &mapping), &layouts::MAPPED, true))
        }
    }
}

/// Which layouts tell of the same orders.
fn go_together(a: &str, b: &str) -> bool {
    let family = |id: &str| match id {
        "amazon_all_orders" | "amazon_to_ship" => 1,
        "taobao_orders" | "taobao_lines" => 2,
        _ => 0,
    };
    a == b || (family(a) != 0 && family(a) == family(b))
}

fn zone_of(plans: &[Plan], options: &ReadOptions) -> String {
    let mapped = plans.iter().find_map(|p| p.mapping.dates.zone.clone());
    let own = plans.first().map(|p| match p.reading {
        Reading::TaobaoOrders | Reading::TaobaoLines => Some("Asia/Shanghai"),
        Reading::AmazonAllOrders | Reading::AmazonToShip => Some("UTC"),
        Reading::Mapped | Reading::Named => None,
    });
    // Taobao's times are Chinese wherever the reader lives; a report's own zone stands in its cells.
    let fixed = own.flatten().filter(|z| *z == "Asia/Shanghai");
    mapped.or(fixed.map(str::to_owned)).or_else(|| options.zone.clone()).or(own.flatten().map(str::to_owned)).unwrap_or_else(|| "Asia/Shanghai".to_owned())
}

/// A zone by its name. One that nobody knows is refused: hours that are off put orders into other days and months.
fn known_zone(name: &str) -> Result<TimeZone, Refused> {
    TimeZone::get(name)
        .map_err(|_| Refused { file: "zone".to_owned(), code: "bad_zone".to_owned(), why: format!("{name:?} is no time zone: write it like Asia/Shanghai or UTC") })
}

fn refused(file: &str, error: &FileError) -> Refused {
    Refused { file: file.to_owned(), code: error.code().to_owned(), why: error.to_string() }
}

impl OpenedFiles for Prepared {
    fn reports(&self) -> &[FileReport] {
        &self.reports
    }
    fn order_count(&self) -> usize {
        self.counts.len()
    }
    fn zone(&self) -> &str {
        &self.zone_name
    }
    fn read(&self, sink: &mut dyn FnMut(Item) -> bool) -> Result<usize, Refused> {
        let name = self.reports.first().map_or("", |r| r.name.as_str());
        self.stream(sink).map_err(|error| refused(name, &error))
    }
}

impl ReadFiles for super::Connector {
    fn open(&self, inputs: &[Input], options: &ReadOptions) -> Result<Box<dyn OpenedFiles>, Refused> {
        Ok(Box::new(Prepared::open(inputs, options)?))
    }

    /// The proposal for a file, whether or not its layout is known: the start of a mapping that a person finishes.
    fn propose(&self, input: &Input) -> Result<serde_json::Value, Refused> {
        let proposed = Table::open(input, None).and_then(|table| propose::propose(&table.header));
        let mapping = proposed.map_err(|error| refused(&input.name, &error))?;
        Ok(serde_json::to_value(&mapping).unwrap_or_default())
    }
}
