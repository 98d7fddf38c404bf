//! What was done, or would be? A line a hook and a sentence at the end; for programs, a list.

use anstyle::AnsiColor;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::{
    arguments::Format,
    difference,
    failure::{Done, Failure},
    hook::{self, Hook, in_words},
    hook_file::Wanted,
    plan::{self, Step},
    table, terminal,
};

/// Tells of steps as they are taken.
pub(super) struct Report {
    format: Format,
    is_dry: bool,
    counts: [usize; 4],
    steps: Vec<Value>,
    /// Why nobody can be told any more. What is done goes on: who stops reading stops nothing.
    unheard: Option<Failure>,
}

/// A step in words: what is done, and how it is shown.
struct Told<'a> {
    word: &'static str,
    sign: char,
    colour: AnsiColor,
    hook: &'a Hook,
    id: Option<Uuid>,
    difference: String,
}

impl Report {
    /// Nothing has been done yet.
    pub(super) fn new(format: Format, is_dry: bool) -> Self {
        Self { format, is_dry, counts: [0; 4], steps: Vec::new(), unheard: None }
    }

    /// Is there nothing to do?
    pub(super) fn is_empty(&self) -> bool {
        self.counts[..3] == [0; 3]
    }

    /// A step was taken, or would be; `made` is the hook as it is now.
    pub(super) fn step(&mut self, step: &Step, wanted: &[Wanted], made: Option<&Value>) -> Done {
        let told = match step {
            Step::Create { wanted: index } => {
                let Wanted { hook, id, .. } = &wanted[*index];
                let id = made.and_then(Value::as_object).and_then(plan::id).or(*id);
                let difference = self.when_dry(|| difference::from_nothing(hook))?;
                self.counts[0] += 1;
                Told { word: "create", sign: '+', colour: AnsiColor::Green, hook, id, difference }
            }
            Step::Change { before, changes, .. } => {
                self.counts[1] += 1;
                let difference = difference::between(before, &hook::changed(before, changes))?;
                Told {
                    word: "change",
                    sign: '~',
                    colour: AnsiColor::Yellow,
                    hook: before,
                    id: plan::id(before),
                    difference,
                }
            }
            Step::Delete { hook } => {
                self.counts[2] += 1;
                let (id, difference) = (plan::id(hook), String::new());
                Told { word: "delete", sign: '-', colour: AnsiColor::Red, hook, id, difference }
            }
            Step::Keep { .. } => {
                self.counts[3] += 1;
                return Ok(());
            }
        };
        match self.format {
            Format::Table if self.unheard.is_none() => self.unheard = tell(&told).err(),
            Format::Table => {}
            Format::Json | Format::Yaml => self.steps.push(noted(step, &told)),
        }
        Ok(())
    }

    /// All steps were taken.
    pub(super) fn end(&mut self) -> Done {
        if let Some(failure) = self.unheard.take() {
            return Err(failure);
        }
        let [create, change, delete, keep] = self.counts;
        let sentence = if self.is_dry {
            format!(
                "{create} to create, {change} to change, {delete} to delete, {keep} as they are\n"
            )
        } else {
            format!("{create} created, {change} changed, {delete} deleted, {keep} as they were\n")
        };
        let summary = json!({
            "dry_run": self.is_dry, "created": create, "changed": change, "deleted": delete,
            "unchanged": keep, "steps": std::mem::take(&mut self.steps),
        });
        table::show(self.format, &summary, |_| sentence)
    }

    /// All of a hook that is made is shown only where one cannot look at it afterwards.
    fn when_dry(&self, difference: impl FnOnce() -> Done<String>) -> Done<String> {
        if self.is_dry { difference() } else { Ok(String::new()) }
    }
}

/// For programs: which fields change, without what they hold.
fn noted(step: &Step, told: &Told<'_>) -> Value {
    let mut noted = json!({"action": told.word, "id": told.id, "hook": in_words(told.hook)});
    if let Step::Change { changes, .. } = step {
        noted["fields"] = names(changes).into();
    }
    noted
}

fn names(changes: &Hook) -> Vec<String> {
    let names = changes.iter().flat_map(|(name, value)| match (name.as_str(), value) {
        ("config", Value::Object(config)) => {
            config.keys().map(|member| format!("config.{member}")).collect()
        }
        (name, _) => vec![name.to_owned()],
    });
    names.collect()
}

fn tell(Told { word, sign, colour, hook, id, difference }: &Told<'_>) -> Done {
    let style = colour.on_default();
    let id = id.map_or(String::new(), |id| format!("  {id}"));
    let words = terminal::plain(&in_words(hook));
    terminal::print(format_args!("{style}{sign} {word}{style:#}  {words}{id}\n{difference}"))
}
