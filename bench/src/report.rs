//! What was measured, as a page to read.

use crate::instant;
use anyhow::Context;
use std::fmt::Write as _;
use std::io::{Seek, SeekFrom, Write as _};
use std::path::Path;
use std::process::Command;
use std::time::Duration;
use wharf_server::clock::SystemClock;
use wharf_store::Clock;

/// Median, least and most.
#[derive(Clone, Copy)]
pub struct Spread {
    pub median: f64,
    least: f64,
    most: f64,
}

impl Spread {
    fn of(mut values: Vec<f64>) -> Spread {
        values.sort_by(f64::total_cmp);
        let at = |n: usize| values.get(n).copied().unwrap_or(f64::NAN);
        let half = values.len() / 2;
        let median = if values.len().is_multiple_of(2) && half > 0 { (at(half - 1) + at(half)) / 2.0 } else { at(half) };
        Spread { median, least: at(0), most: at(values.len().saturating_sub(1)) }
    }

    fn text(&self) -> String {
        format!("{} ({}–{})", number(self.median), number(self.least), number(self.most))
    }
}

/// Two things measured in turn.
#[derive(Default)]
pub struct Pairs(Vec<(f64, f64)>);

impl Pairs {
    /// One more pair.
    pub fn add(&mut self, a: f64, b: f64) {
        self.0.push((a, b));
    }

    /// Nothing was measured.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The first of each pair.
    pub fn a(&self) -> Spread {
        Spread::of(self.0.iter().map(|(a, _)| *a).collect())
    }

    fn b(&self) -> Spread {
        Spread::of(self.0.iter().map(|(_, b)| *b).collect())
    }

    /// First to second, by pair.
    pub fn ratio(&self) -> Spread {
        Spread::of(self.0.iter().map(|(a, b)| a / b).collect())
    }
}

/// One goal and what came of it.
pub struct Goal {
    pub name: &'static str,
    pub what: String,
    pub sides: (&'static str, &'static str),
    pub unit: &'static str,
    pub pairs: Pairs,
    pub wanted: String,
    pub met: bool,
    pub notes: Vec<String>,
}

/// The page as it grows.
pub struct Report {
    head: String,
    goals: Vec<(Goal, String)>,
}

impl Report {
    /// Looks at the machine.
    pub fn new(folder: &Path) -> anyhow::Result<Report> {
        let mut head = String::from("# Measured\n\nWritten by `make bench`; not to be edited by hand.\n\n");
        writeln!(head, "- when: {}", jiff::Timestamp::from_microsecond(SystemClock.now().micros())?.strftime("%Y-%m-%d %H:%M UTC"))?;
        writeln!(head, "- commit: {}", commit())?;
        let cores = std::thread::available_parallelism().map_or(0, usize::from);
        writeln!(
            head,
            "- machine: {cores} cores ({}), {}, Linux {}",
            field("/proc/cpuinfo", "model name"),
            memory(),
            read("/proc/sys/kernel/osrelease")
        )?;
        writeln!(head, "- disk: {}, one 4 KiB write and its fsync take {} ms", disk(folder), sync_times(folder)?.text())?;
        let sqlite: String = rusqlite::Connection::open_in_memory()?.query_row("SELECT sqlite_version()", [], |row| row.get(0))?;
        writeln!(head, "- engine: SQLite {sqlite}, settings `{}`", wharf_store::dialect::PRAGMAS)?;
        writeln!(head, "- load at the start: {}", load())?;
        Ok(Report { head, goals: Vec::new() })
    }

    /// One more fact of this run.
    pub fn fact(&mut self, text: String) {
        self.head.push_str(&format!("- {text}\n"));
    }

    /// One more goal.
    pub fn goal(&mut self, goal: Goal) {
        eprintln!("{}: ratio {}", goal.name, goal.pairs.ratio().text());
        self.goals.push((goal, load()));
    }

    /// The whole page.
    pub fn finish(self, took: Duration, history: &Path) -> anyhow::Result<String> {
        let mut page = self.head;
        writeln!(page, "- load at the end: {}; the run took {:.0} s", load(), took.as_secs_f64())?;
        page.push_str(
            "\nThe load is that of the whole machine over 1, 5 and 15 minutes, this program's own work in it. More than one per core means that\n\
             others worked beside it: figures are then lower and spread wider than on a quiet machine; the ratios suffer less.\n\n\
             SQLite, WAL, `synchronous=FULL` on both sides: an answer means that the disk has it. A and B are measured in turn, A B A B …;\n\
             figures are medians with least and most; the ratio is taken by pair. Absolute figures are for scale only.\n\n\
             | goal | what | A | B | A : B | wanted | |\n|---|---|---|---|---|---|---|\n",
        );
        for (goal, _) in &self.goals {
            let (a, b) = (goal.pairs.a(), goal.pairs.b());
            let verdict = match (goal.wanted == "for scale", goal.met) {
                (true, _) => "",
                (false, true) => "met",
                (false, false) => "**missed**",
            };
            let (one, two) = goal.sides;
            writeln!(
                page,
                "| {} | {} | {one}: {} {unit} | {two}: {} {unit} | {} | {} | {verdict} |",
                goal.name,
                goal.what,
                a.text(),
                b.text(),
                goal.pairs.ratio().text(),
                goal.wanted,
                unit = goal.unit
            )?;
        }
        page.push_str("\n## Notes\n\n");
        for (goal, load) in &self.goals {
            let notes = goal.notes.join(" ");
            writeln!(page, "- **{}** ({} pairs; load after it {load}). {notes}", goal.name, goal.pairs.0.len())?;
        }
        let missed: Vec<&str> =
            self.goals.iter().filter(|(goal, _)| !goal.met && goal.wanted != "for scale").map(|(goal, _)| goal.name).collect();
        if !missed.is_empty() {
            writeln!(page, "\nMissed in this run: {}.", missed.join(", "))?;
        }
        page.push_str(&format!("\n{}", std::fs::read_to_string(history).with_context(|| format!("cannot read {}", history.display()))?));
        Ok(page)
    }
}

/// Orders a second.
pub fn rate(count: usize, took: Duration) -> f64 {
    count as f64 / took.as_secs_f64()
}

/// A duration in milliseconds.
pub fn millis(took: Duration) -> f64 {
    took.as_secs_f64() * 1_000.0
}

/// The time that `percent` of all do not exceed.
pub fn percentile(times: &mut [Duration], percent: usize) -> Duration {
    times.sort_unstable();
    let at = (times.len() * percent).div_ceil(100).saturating_sub(1);
    times.get(at).copied().unwrap_or_default()
}

/// A number with as many digits as it deserves, thousands apart.
pub fn number(value: f64) -> String {
    let digits = match value.abs() {
        n if n >= 100.0 => 0,
        n if n >= 10.0 => 1,
        n if n >= 0.1 => 2,
        _ => 4,
    };
    let text = format!("{value:.digits$}");
    if value.abs() < 1_000.0 {
        return text;
    }
    let mut parted = String::new();
    for (n, digit) in text.chars().enumerate() {
        if n > 0 && (text.len() - n) % 3 == 0 {
            parted.push(',');
        }
        parted.push(digit);
    }
    parted
}

fn read(path: &str) -> String {
    std::fs::read_to_string(path).unwrap_or_default().trim().to_owned()
}

fn field(path: &str, name: &str) -> String {
    let text = read(path);
    let value = text.lines().find(|line| line.starts_with(name)).and_then(|line| line.split_once(':'));
    value.map_or_else(|| "unknown".to_owned(), |(_, value)| value.trim().to_owned())
}

fn memory() -> String {
    let kilobytes: f64 = field("/proc/meminfo", "MemTotal").trim_end_matches(" kB").parse().unwrap_or_default();
    format!("{:.0} GiB memory", kilobytes / 1_048_576.0)
}

fn load() -> String {
    read("/proc/loadavg").split(' ').take(3).collect::<Vec<_>>().join(" ")
}

/// The filesystem that holds a folder.
fn disk(folder: &Path) -> String {
    let folder = folder.canonicalize().unwrap_or_else(|_| folder.to_owned());
    let mounts = read("/proc/mounts");
    let mut best = (0, "unknown".to_owned());
    for line in mounts.lines() {
        let mut parts = line.split(' ');
        if let (Some(_), Some(at), Some(kind)) = (parts.next(), parts.next(), parts.next())
            && folder.starts_with(at)
            && at.len() >= best.0
        {
            best = (at.len(), kind.to_owned());
        }
    }
    best.1
}

fn sync_times(folder: &Path) -> anyhow::Result<Spread> {
    let path = folder.join("sync");
    let mut file = std::fs::File::create(&path)?;
    let mut times = Vec::new();
    for _ in 0..50 {
        let begun = instant();
        file.seek(SeekFrom::Start(0))?;
        file.write_all(&[7; 4096])?;
        file.sync_data()?;
        times.push(millis(begun.elapsed()));
    }
    std::fs::remove_file(&path)?;
    Ok(Spread::of(times))
}

/// The commit that is measured, and whether the product differs from it.
fn commit() -> String {
    let git = |args: &[&str]| {
        Command::new("git").args(args).current_dir(env!("CARGO_MANIFEST_DIR")).output().ok().filter(|out| out.status.success())
    };
    let text = |out: std::process::Output| String::from_utf8_lossy(&out.stdout).trim().to_owned();
    let Some(commit) = git(&["rev-parse", "--short=10", "HEAD"]).map(text) else { return "unknown".to_owned() };
    let changed = git(&["status", "--porcelain", "--", "../crates", "src", "Cargo.toml", "../Cargo.lock"]).map(text).unwrap_or_default();
    if changed.is_empty() { commit } else { format!("{commit} with changes") }
}
