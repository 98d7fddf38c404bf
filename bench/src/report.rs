//! Makes docs/benchmarks.md of what was measured, whoever measured it.

use std::{fmt::Write as _, fs, path::Path, process::Command};

use crate::{
    failure::Result,
    page::figure,
    row::{self, Row},
    say,
};

/// What programs wrote, in the order of the page. What was not measured is not on it, and the page
/// says so.
const MEASURED: [(&str, &str); 8] = [
    ("accept", "make bench"),
    ("deliver", "make bench"),
    ("latency", "make bench"),
    ("overload", "make bench"),
    ("memory", "make bench"),
    ("scaling", "make bench"),
    ("start", "make bench"),
    ("micro", "make bench"),
];

/// What is measured of AWS, by a program of its own.
const OF_FUNCTIONS: (&str, &str) = ("functions", "make bench");

const INTRODUCTION: &str = "\
# Benchmarks

`make bench` measures and writes this page; no figure in its tables is written by hand. What they are
made of stands at its end. Machines are shared and noisy: what matters is a ratio to something bare that was measured in the same run, in turn, and
beside it stands the spread over all rounds. The median is held to the goal.

Whoever posts, whoever receives and whoever is measured share the processors of one machine. What is
measured runs as it is shipped, with its default settings but for what a row says; what it logs is
written, and thrown away.
";

/// What the figures are made of, as whoever looked for it last has found.
const LIMITS: &str = include_str!("limits.md");

/// Writes the page.
pub(crate) fn report(folder: &Path, page: &Path) -> Result<()> {
    let mut rows: Vec<Row> = Vec::new();
    let mut missing = Vec::new();
    for (name, by) in MEASURED.into_iter().chain([OF_FUNCTIONS]) {
        match row::read(folder, name) {
            Ok(read) => rows.extend(read),
            Err(_) => missing.push(format!("`{name}` ({by})")),
        }
    }
    if rows.is_empty() {
        return Err("nothing was measured yet: make bench".into());
    }
    let text = text(&rows, &missing, &machine())?;
    fs::write(page, &text)?;
    say!("{text}");
    Ok(())
}

fn text(rows: &[Row], missing: &[String], machine: &str) -> Result<String> {
    let mut page = format!("{INTRODUCTION}\n{machine}\n");
    if !missing.is_empty() {
        writeln!(page, "\nNot measured this time: {}.", missing.join(", "))?;
    }
    let missed = rows.iter().filter(|row| row.reached == Some(false)).count();
    let promised = rows.iter().filter(|row| row.reached.is_some()).count();
    writeln!(page, "\nOf {promised} goals {} are reached.", promised - missed)?;
    let mut sections: Vec<&str> = Vec::new();
    for row in rows {
        if !sections.contains(&&*row.section) {
            sections.push(&row.section);
        }
    }
    for section in sections {
        writeln!(page, "\n## {section}\n")?;
        writeln!(page, "| what | goal | least | median | most | reached | note |")?;
        writeln!(page, "|---|---|---|---|---|---|---|")?;
        for row in rows.iter().filter(|row| row.section == section) {
            writeln!(page, "{}", line(row))?;
        }
    }
    write!(page, "\n{LIMITS}")?;
    Ok(page)
}

fn line(row: &Row) -> String {
    let reached = match row.reached {
        Some(true) => "yes",
        Some(false) => "**no**",
        None => "",
    };
    let Row { what, goal, unit, note, .. } = row;
    let [least, median, most] = [row.least, row.median, row.most].map(figure);
    // What was measured once has no spread.
    let (least, most) = if row.least < row.most { (least, most) } else { <_>::default() };
    format!("| {what} | {goal} | {least} | {median} {unit} | {most} | {reached} | {note} |")
}

/// On what, when, and of which source.
fn machine() -> String {
    let said = |program: &str, arguments: &[&str]| {
        let output = Command::new(program).args(arguments).output().ok();
        let text = output.and_then(|it| String::from_utf8(it.stdout).ok()).unwrap_or_default();
        text.trim().to_owned()
    };
    let cpus = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = cpus.lines().find_map(|line| line.strip_prefix("model name\t: ")).unwrap_or("?");
    let load = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    let load: Vec<_> = load.split(' ').take(3).collect();
    let changed = match said("git", &["status", "--porcelain", "--", ".", ":!docs/benchmarks.md"]) {
        it if it.is_empty() => "",
        _ => ", and changes to it",
    };
    format!(
        "Measured on {} at commit {}{changed}: {model}, {} processors, {}, {}; load averages at the end \
         {}.",
        said("date", &["-u", "+%Y-%m-%d"]),
        said("git", &["rev-parse", "--short", "HEAD"]),
        std::thread::available_parallelism().map_or(0, usize::from),
        said("uname", &["-sr"]),
        said("rustc", &["--version"]),
        load.join(" "),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{row::Goal, spread::Spread};

    #[test]
    fn a_row_shows_what_was_reached_and_a_spread_where_there_is_one() {
        let spread = Spread { least: 1.0, median: 2.0, most: 1_234.0 };
        let row = |spread| Row::new("Section", "what", spread, "ms").note("because");
        for (name, row, expected) in [
            (
                "reached",
                row(spread).goal(Goal::AtMost(2.0)),
                "| what | ≤ 2 ms | 1 | 2 ms | 1,234 | yes | because |",
            ),
            (
                "missed",
                row(spread).goal(Goal::AtLeast(3.0)),
                "| what | ≥ 3 ms | 1 | 2 ms | 1,234 | **no** | because |",
            ),
            (
                "once, nothing promised",
                row(Spread::of([2.0])),
                "| what |  |  | 2 ms |  |  | because |",
            ),
        ] {
            assert_eq!(line(&row), expected, "{name}");
        }
    }

    #[test]
    fn sections_come_in_the_order_in_which_they_are_met() {
        let row = |section: &str, what: &str| Row::new(section, what, Spread::of([1.0]), "ms");
        let rows = [row("B", "one"), row("A", "two"), row("B", "three")];
        let page = text(&rows, &["`x`".to_owned()], "A machine.").unwrap();
        let places: Vec<_> = ["`x`", "## B", "| one", "| three", "## A", "| two"]
            .iter()
            .map(|text| page.find(text).unwrap())
            .collect();
        assert!(places.is_sorted(), "{page}");
        assert!(page.contains("Of 0 goals 0 are reached"));
    }
}
