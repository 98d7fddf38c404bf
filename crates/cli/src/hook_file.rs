//! Which hooks does a file ask for? YAML or JSON: a list of hooks, `hooks:` above one, or one hook
//! alone; of a folder, every such file in it.
//!
//! All mistakes are said at once, each with its file and line, before anything is asked of a
//! deployment. What depends on the handler is the deployment's to judge.

use std::{
    fmt::Display,
    fs::{self, File},
    io::{self, Read},
    path::{Path, PathBuf},
};

use serde_json::Value;
use uuid::Uuid;

use crate::{
    failure::{Done, Failure},
    hook::{FIELDS, Hook},
    terminal,
    yaml::{self, Node},
};

/// The largest file.
const MOST_BYTES: u64 = 32 * 1024 * 1024;
/// How alike an unknown field must be to a known one for that to be what was meant.
const ALIKE: f64 = 0.8;

/// A hook that a file asks for.
#[derive(Debug, Clone)]
pub(crate) struct Wanted {
    /// What the file says of it.
    pub(crate) hook: Hook,
    /// Its id, where it says one.
    pub(crate) id: Option<Uuid>,
    file: String,
    node: Node,
}

impl Wanted {
    /// File and line where a field of this hook stands; `""` is the hook itself.
    pub(crate) fn place(&self, field: &str) -> String {
        format!("{}:{}", self.file, self.node.line_of(field))
    }

    /// A mistake in a field, as people are told.
    pub(crate) fn mistake(&self, field: &str, why: impl Display) -> String {
        match field {
            "" => format!("{}: {why}", self.place(field)),
            field => format!("{}: {field}: {why}", self.place(field)),
        }
    }
}

/// The hooks of files, folders and standard input (`-`), in order, for this workspace.
pub(crate) fn read(paths: &[PathBuf], workspace: Option<&str>) -> Done<Vec<Wanted>> {
    let mut wanted = Vec::new();
    let mut mistakes = Vec::new();
    for path in files(paths)? {
        let name = path.display().to_string();
        let text = text(&path).map_err(|why| Failure::failed(format_args!("{name}: {why}")))?;
        let name = if name == "-" { "standard input".to_owned() } else { name };
        hooks_of(&name, &text, workspace, &mut wanted, &mut mistakes);
    }
    if mistakes.is_empty() { Ok(wanted) } else { Err(Failure::several(mistakes)) }
}

/// Each file that is meant: those of a folder by name, those in further folders not.
fn files(paths: &[PathBuf]) -> Done<Vec<PathBuf>> {
    let mut files = Vec::new();
    for path in paths {
        if !path.is_dir() {
            files.push(path.clone());
            continue;
        }
        let wrong = |why: &dyn Display| Failure::failed(format_args!("{}: {why}", path.display()));
        let entries = fs::read_dir(path).and_then(Iterator::collect::<io::Result<Vec<_>>>);
        let mut found: Vec<_> =
            entries.map_err(|it| wrong(&it))?.into_iter().map(|it| it.path()).collect();
        found.retain(|it| it.is_file() && is_of_hooks(it));
        if found.is_empty() {
            return Err(wrong(&"there is no .yaml, .yml or .json in this folder"));
        }
        found.sort();
        files.extend(found);
    }
    Ok(files)
}

fn is_of_hooks(path: &Path) -> bool {
    let extension = path.extension().and_then(|it| it.to_str()).unwrap_or_default();
    ["yaml", "yml", "json"].contains(&extension.to_ascii_lowercase().as_str())
}

fn text(path: &Path) -> Result<String, String> {
    let source: Box<dyn Read> = if path == Path::new("-") {
        Box::new(io::stdin().lock())
    } else {
        Box::new(File::open(path).map_err(|error| error.to_string())?)
    };
    let mut text = String::new();
    source.take(MOST_BYTES + 1).read_to_string(&mut text).map_err(|error| error.to_string())?;
    if text.len() as u64 > MOST_BYTES {
        return Err(format!("more than {MOST_BYTES} bytes"));
    }
    Ok(text)
}

/// Adds the hooks of a text, and what is wrong with it.
fn hooks_of(
    file: &str,
    text: &str,
    workspace: Option<&str>,
    wanted: &mut Vec<Wanted>,
    mistakes: &mut Vec<String>,
) {
    let documents = match yaml::read(text) {
        Ok(documents) => documents,
        Err(wrong) => {
            let line = wrong.line.map_or(String::new(), |line| format!(":{line}"));
            return mistakes.push(format!("{file}{line}: {}", wrong.why));
        }
    };
    for document in documents.iter().filter(|it| !it.is_null()) {
        let listed = match document.member("hooks") {
            Some(hooks) => {
                mistakes.extend(
                    around(document, workspace).map(|(line, why)| format!("{file}:{line}: {why}")),
                );
                hooks
            }
            None => document,
        };
        let alone = || document.member("source").or(document.member("handler")).is_some();
        match listed.elements() {
            Some(nodes) => nodes.iter().for_each(|it| one(file, it, wanted, mistakes)),
            None if alone() => one(file, document, wanted, mistakes),
            None if listed.is_null() => {}
            None => {
                let line = listed.line;
                mistakes.push(format!("{file}:{line}: expected hooks: and a list of them"));
            }
        }
    }
}

/// What is wrong with what stands beside `hooks`: there is only the workspace that they are of, and
/// hooks of one are not made in another by mistake.
fn around<'a>(
    document: &'a Node,
    workspace: Option<&'a str>,
) -> impl Iterator<Item = (u64, String)> + 'a {
    let others = document.members().filter(|(name, _)| *name != "hooks");
    others.filter_map(move |(name, node)| match (name, node.value()) {
        ("workspace", Value::String(said)) if Some(&*said) == workspace => None,
        ("workspace", Value::String(said)) => {
            let said = terminal::plain(&said);
            let why = format!(
                "workspace: these are hooks of '{said}': say --workspace {said}, or take this line out"
            );
            Some((node.line, why))
        }
        ("workspace", _) => Some((node.line, "workspace: expected a string".to_owned())),
        (name, _) => Some((node.line, format!("{}: unknown field", terminal::plain(name)))),
    })
}

fn one(file: &str, node: &Node, wanted: &mut Vec<Wanted>, mistakes: &mut Vec<String>) {
    let Value::Object(mut hook) = node.value() else {
        return mistakes.push(format!("{file}:{}: expected a hook", node.line));
    };
    let filter = hook.get("filter").and_then(Value::as_str).map(serde_json::from_str);
    if let Some(Ok(pattern @ Value::Object(_))) = filter {
        // Deployments take a pattern in a text too, and show it as a pattern.
        hook.insert("filter".into(), pattern);
    }
    let one = Wanted { id: None, file: file.to_owned(), node: node.clone(), hook };
    let wrong = wrong_with(&one.hook);
    mistakes.extend(wrong.iter().map(|(field, why)| one.mistake(field, why)));
    let id = one.hook.get("id").and_then(Value::as_str).and_then(|it| it.parse().ok());
    wanted.push(Wanted { id, ..one });
}

/// What can be told without a deployment.
fn wrong_with(hook: &Hook) -> Vec<(String, String)> {
    let mut wrong = Vec::new();
    for name in ["source", "handler"] {
        match hook.get(name) {
            Some(Value::String(_)) => {}
            Some(value) if !value.is_null() => {
                wrong.push((name.to_owned(), "expected a string".into()));
            }
            _ => wrong.push((name.to_owned(), "required field missing".into())),
        }
    }
    let id = hook.get("id").filter(|it| !it.is_null());
    if id.is_some_and(|it| it.as_str().and_then(|it| Uuid::try_parse(it).ok()).is_none()) {
        wrong.push(("id".into(), "expected a valid UUID".into()));
    }
    if hook.get("config").is_some_and(|it| !it.is_null() && !it.is_object()) {
        wrong.push(("config".into(), "expected a record".into()));
    }
    let unknown = hook.keys().filter(|name| !FIELDS.contains(&name.as_str()));
    wrong.extend(unknown.map(|name| (name.clone(), unknown_field(name))));
    wrong
}

fn unknown_field(name: &str) -> String {
    let likeness = |field: &&str| strsim::jaro_winkler(name, field);
    let nearest = FIELDS.into_iter().max_by(|a, b| likeness(a).total_cmp(&likeness(b)));
    match (name.split_once('.'), nearest.filter(|it| likeness(it) >= ALIKE)) {
        (Some((record, member)), _) => {
            format!("unknown field; write {record}: and {member}: below it")
        }
        (None, Some(nearest)) => format!("unknown field; is it {nearest}?"),
        (None, None) => "unknown field".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read_text(text: &str) -> Result<Vec<Wanted>, Vec<String>> {
        let (mut wanted, mut mistakes) = (Vec::new(), Vec::new());
        hooks_of("f", text, Some("team"), &mut wanted, &mut mistakes);
        if mistakes.is_empty() { Ok(wanted) } else { Err(mistakes) }
    }

    #[test]
    fn a_file_has_hooks_in_several_forms() {
        for (name, text, expected) in [
            (
                "hooks and a list",
                "hooks:\n- {source: a, handler: log}\n- {source: b, handler: log}\n",
                2,
            ),
            ("a list", "- {source: a, handler: log}\n", 1),
            ("one", "source: a\nhandler: log\n", 1),
            ("JSON", r#"{"hooks": [{"source": "a", "handler": "log"}]}"#, 1),
            ("several documents", "source: a\nhandler: log\n---\n- {source: a, handler: log}\n", 2),
            ("of its workspace", "workspace: team\nhooks: [{source: a, handler: log}]\n", 1),
            ("none", "hooks: []\n", 0),
            ("none, said otherwise", "hooks:\n", 0),
            ("nothing", "# later\n", 0),
        ] {
            assert_eq!(read_text(text).unwrap().len(), expected, "{name}");
        }
    }

    #[test]
    fn every_mistake_is_said_with_its_line() {
        let text = "hooks:\n- source: crud\n  handlr: log\n- 5\n- source: 1\n  handler: log\n  id: x\n  \
                    config: []\n  config.url: http://a/\n  zzz: 1\n";
        let expected = [
            "f:2: handler: required field missing",
            "f:3: handlr: unknown field; is it handler?",
            "f:4: expected a hook",
            "f:5: source: expected a string",
            "f:7: id: expected a valid UUID",
            "f:8: config: expected a record",
            "f:9: config.url: unknown field; write config: and url: below it",
            "f:10: zzz: unknown field",
        ];
        let mut found = read_text(text).unwrap_err();
        found.sort_by_key(|it| it.split(':').nth(1).and_then(|it| it.parse::<u32>().ok()));
        assert_eq!(found, expected);

        for (name, text, expected) in [
            ("no YAML", "hooks: [\n", "f:1: unclosed bracket '['"),
            ("something else", "events: []\n", "f:1: expected hooks: and a list of them"),
            (
                "of another workspace",
                "workspace: till\nhooks: []\n",
                "f:1: workspace: these are hooks of 'till': say --workspace till, or take this line out",
            ),
            ("of no name", "hooks: []\nworkspace: 5\n", "f:2: workspace: expected a string"),
            ("and more", "hooks: []\nevents: []\n", "f:2: events: unknown field"),
            ("text", "hello\n", "f:1: expected hooks: and a list of them"),
        ] {
            assert_eq!(read_text(text).unwrap_err(), [expected], "{name}");
        }
    }

    #[test]
    fn a_pattern_in_a_text_is_the_pattern() {
        let wanted = read_text("source: a\nhandler: log\nfilter: '{\"a\": [1]}'\n").unwrap();
        assert_eq!(wanted[0].hook["filter"], serde_json::json!({"a": [1]}));
    }
}
