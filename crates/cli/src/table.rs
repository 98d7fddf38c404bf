//! How is an answer shown? As a table for people, as JSON or YAML for programs.

use comfy_table::{ContentArrangement, Table, presets::NOTHING};
use serde_json::Value;

use crate::{
    arguments::Format,
    failure::Done,
    terminal::{self, plain},
    yaml,
};

/// The longest that a cell may be. What is longer is cut; other formats have all of it.
const LONGEST_CELL: usize = 80;

/// Columns: what stands above, and the member that stands below, dots leading inwards.
pub(crate) type Columns = &'static [(&'static str, &'static str)];

/// Prints an answer as it is wanted. Only a table leaves something out.
pub(crate) fn show(format: Format, value: &Value, table: impl FnOnce(&Value) -> String) -> Done {
    match format {
        Format::Table => terminal::print(table(value)),
        Format::Json => terminal::data(format_args!("{}\n", json(&format!("{value:#}")))),
        Format::Yaml => terminal::data(yaml::write(value)?),
    }
}

/// Prints a thing that people read line by line, its functions, templates or logs: as YAML for them.
pub(crate) fn show_in_lines(format: Format, value: &Value) -> Done {
    let format = if format == Format::Table { Format::Yaml } else { format };
    show(format, value, |_| String::new())
}

/// JSON whose texts have nothing in them that could steer a terminal. It says the same.
pub(crate) fn json(text: &str) -> String {
    let letter = |it: char| match it {
        '\n' => it.to_string(),
        it if terminal::steers(it) => format!("\\u{:04x}", u32::from(it)),
        it => it.to_string(),
    };
    text.chars().map(letter).collect()
}

/// A row for each item of a list.
pub(crate) fn list(items: &[Value], columns: Columns) -> String {
    let rows = items
        .iter()
        .map(|item| columns.iter().map(|(_, member)| cell(at(item, member))).collect::<Vec<_>>());
    let mut table = empty();
    table.set_header(columns.iter().map(|(title, _)| *title)).add_rows(rows);
    text(&table)
}

/// A line for each member that a thing has, dots leading inwards.
pub(crate) fn one(thing: &Value, members: Columns) -> String {
    let rows = members.iter().filter_map(|(title, member)| {
        let value = at(thing, member);
        (!value.is_null()).then(|| [(*title).to_owned(), long_cell(value)])
    });
    let mut table = empty();
    table.add_rows(rows);
    text(&table)
}

fn at<'a>(value: &'a Value, member: &str) -> &'a Value {
    member.split('.').fold(value, |value, name| &value[name])
}

fn empty() -> Table {
    let mut table = Table::new();
    table.load_style(NOTHING).set_content_arrangement(ContentArrangement::Disabled);
    table
}

/// The lines of a table, without the blanks around them.
fn text(table: &Table) -> String {
    let lines = table.lines().map(|line| {
        let line = line.strip_prefix(' ').unwrap_or(&line);
        format!("{}\n", line.trim_end())
    });
    lines.collect()
}

fn cell(value: &Value) -> String {
    let text = long_cell(value);
    if text.chars().count() <= LONGEST_CELL {
        return text;
    }
    text.chars().take(LONGEST_CELL - 1).chain(['…']).collect()
}

fn long_cell(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => plain(text),
        Value::Array(items) if items.iter().all(Value::is_string) => {
            items.iter().map(long_cell).collect::<Vec<_>>().join(", ")
        }
        other => plain(&other.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_list_is_a_table_and_a_thing_its_members() {
        let items = [
            json!({"name": "a", "in": {"deep": 1}, "many": ["x", "y"]}),
            json!({"name": "long\u{1b}", "in": {}, "many": null}),
        ];
        let columns: Columns = &[("NAME", "name"), ("DEEP", "in.deep"), ("MANY", "many")];
        assert_eq!(list(&items, columns), "NAME   DEEP  MANY\na      1     x, y\nlong\u{fffd}\n");
        assert_eq!(one(&items[0], columns), "NAME  a\nDEEP  1\nMANY  x, y\n");
    }

    #[test]
    fn json_says_the_same_and_steers_nothing() {
        let value = json!({"a": "\u{1b}[1m\u{9b}1m\u{7f}\u{202e}ä\n\"", "b": [1]});
        let text = json(&format!("{value:#}"));
        assert!(!text.contains(|it| it != '\n' && terminal::steers(it)), "{text}");
        assert_eq!(serde_json::from_str::<Value>(&text).unwrap(), value);
    }

    #[test]
    fn a_cell_is_cut_and_says_so() {
        let cut = cell(&json!("x".repeat(LONGEST_CELL + 1)));
        assert_eq!(cut.chars().count(), LONGEST_CELL);
        assert!(cut.ends_with('…'));
    }
}
