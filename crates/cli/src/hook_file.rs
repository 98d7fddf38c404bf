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
    deployment::NO_WORKSPACE,
    failure::{Done, Failure},
    hook::{FIELDS, Hook},
    terminal,
    yaml::{self, Node},
};

/// The largest file.
const MOST_BYTES: u64 = yaml::MOST_BYTES as u64;
/// How alike an unknown field must be to a known one for that to be what was meant.
const ALIKE: f64 = 0.8;

/// What becomes of hooks that no file asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Others {
    /// They stay.
    Kept,
    /// They are deleted.
    Deleted,
}

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
pub(crate) fn read(
    paths: &[PathBuf],
    workspace: Option<&str>,
    others: Others,
) -> Done<Vec<Wanted>> {
    let mut reader = Reader { workspace, others, wanted: Vec::new(), mistakes: Vec::new() };
    for path in files(paths)? {
        let name = path.display().to_string();
        let text = text(&path).map_err(|why| Failure::failed(format_args!("{name}: {why}")))?;
        let name = if name == "-" { "standard input".to_owned() } else { name };
        reader.read(&name, &text);
    }
    let Reader { wanted, mistakes, .. } = reader;
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

/// Somebody who reads one file after another.
struct Reader<'a> {
    workspace: Option<&'a str>,
    others: Others,
    wanted: Vec<Wanted>,
    mistakes: Vec<String>,
}

impl Reader<'_> {
    /// Adds the hooks of a text, and what is wrong with it.
    fn read(&mut self, file: &str, text: &str) {
        let documents = match yaml::read(text) {
            Ok(documents) => documents,
            Err(wrong) => {
                let line = wrong.line.map_or(String::new(), |line| format!(":{line}"));
                return self.mistakes.push(format!("{file}{line}: {}", wrong.why));
            }
        };
        let mut documents = documents.iter().filter(|it| !it.is_null()).peekable();
        if documents.peek().is_none() && self.others == Others::Deleted {
            // A file that was cut off, or a command that printed nothing.
            let why = "there is nothing in it, so nothing is pruned; hooks: [] asks for no hooks";
            self.mistakes.push(format!("{file}: {why}"));
        }
        documents.for_each(|it| self.document(file, it));
    }

    fn document(&mut self, file: &str, document: &Node) {
        let hooks = document.member("hooks");
        if hooks.is_some() {
            let wrong = around(document, self.workspace);
            self.mistakes.extend(wrong.map(|(line, why)| format!("{file}:{line}: {why}")));
        }
        let listed = hooks.unwrap_or(document);
        let alone = || document.member("source").or(document.member("handler")).is_some();
        match listed.elements() {
            Some(nodes) => nodes.iter().for_each(|it| self.hook(file, it)),
            None if alone() => self.hook(file, document),
            None if listed.is_null() => {}
            None => {
                let line = listed.line;
                self.mistakes.push(format!("{file}:{line}: expected hooks: and a list of them"));
            }
        }
    }

    fn hook(&mut self, file: &str, node: &Node) {
        let Value::Object(hook) = node.value() else {
            return self.mistakes.push(format!("{file}:{}: expected a hook", node.line));
        };
        let hook = as_answered(hook);
        let id = hook.get("id").and_then(Value::as_str).and_then(|it| it.parse().ok());
        let one = Wanted { id, file: file.to_owned(), node: node.clone(), hook };
        let wrong = wrong_with(&one.hook);
        self.mistakes.extend(wrong.iter().map(|(field, why)| one.mistake(field, why)));
        self.wanted.push(one);
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
        ("workspace", Value::String(said)) if said == workspace.unwrap_or(NO_WORKSPACE) => None,
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

/// A hook as deployments show it once it is theirs: they take a pattern in a text too, and have no
/// header without a value.
fn as_answered(mut hook: Hook) -> Hook {
    let filter = hook.get("filter").and_then(Value::as_str).map(serde_json::from_str);
    if let Some(Ok(pattern @ Value::Object(_))) = filter {
        hook.insert("filter".into(), pattern);
    }
    let headers = hook.get_mut("config").and_then(|it| it.get_mut("headers"));
    if let Some(headers) = headers.and_then(Value::as_object_mut) {
        headers.retain(|_, value| !value.is_null());
    }
    hook
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
    // Deployments read dots in here too, and show what they read: it would differ for ever.
    let config = hook.get("config").and_then(Value::as_object).into_iter().flatten();
    let dotted = config.map(|(name, _)| name).filter(|name| name.contains('.'));
    wrong.extend(dotted.map(|name| (format!("config.{name}"), unknown_field(name))));
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
    use serde_json::json;

    use super::*;

    fn read_as(
        text: &str,
        workspace: Option<&str>,
        others: Others,
    ) -> Result<Vec<Hook>, Vec<String>> {
        let mut reader = Reader { workspace, others, wanted: Vec::new(), mistakes: Vec::new() };
        reader.read("f", text);
        let Reader { wanted, mistakes, .. } = reader;
        if mistakes.is_empty() {
            Ok(wanted.into_iter().map(|it| it.hook).collect())
        } else {
            Err(mistakes)
        }
    }

    fn read_text(text: &str) -> Result<Vec<Hook>, Vec<String>> {
        read_as(text, Some("team"), Others::Kept)
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
    fn dots_are_for_deployments_that_expand_them() {
        let hook = |config: &str| format!("source: a\nhandler: webhook\nconfig:\n{config}");
        for (name, config, expected) in [
            (
                "a field of a field",
                "  url: x\n  headers.X-Team: blue\n",
                Err(
                    "f:5: config.headers.X-Team: unknown field; write headers: and X-Team: below it",
                ),
            ),
            ("a header's name", "  headers:\n    X.Team: blue\n", Ok(())),
            ("a member of a payload", "  payload:\n    a.b: 1\n", Ok(())),
        ] {
            let expected = expected.map_err(|it: &str| vec![it.to_owned()]);
            assert_eq!(read_text(&hook(config)).map(drop), expected, "{name}");
        }
    }

    #[test]
    fn a_file_without_hooks_deletes_all_only_where_it_says_so() {
        let nothing =
            "f: there is nothing in it, so nothing is pruned; hooks: [] asks for no hooks";
        for (name, text, expected) in [
            ("no file's worth", "", Some(nothing)),
            ("a comment", "# later\n", Some(nothing)),
            ("an empty document", "---\n", Some(nothing)),
            ("null", "null\n", Some(nothing)),
            ("no hooks", "hooks: []\n", None),
            ("an empty list", "[]\n", None),
        ] {
            let expected = expected.map_or(Ok(Vec::new()), |it| Err(vec![it.to_owned()]));
            assert_eq!(read_as(text, None, Others::Deleted), expected, "{name}");
            assert_eq!(read_as(text, None, Others::Kept), Ok(Vec::new()), "{name}, kept");
        }
    }

    #[test]
    fn what_is_called_default_is_no_workspace() {
        let text = "workspace: default\nhooks: []\n";
        assert_eq!(read_as(text, None, Others::Kept), Ok(Vec::new()));
        assert_eq!(
            read_as(text, Some("team"), Others::Kept),
            Err(vec![
                "f:1: workspace: these are hooks of 'default': say --workspace default, or take this line out"
                    .to_owned()
            ])
        );
    }

    #[test]
    fn a_hook_is_read_as_deployments_show_it() {
        let read = |text: &str| read_text(&format!("source: a\nhandler: log\n{text}")).unwrap();
        assert_eq!(read("filter: '{\"a\": [1]}'\n")[0]["filter"], json!({"a": [1]}));
        let headers = read("config: {headers: {x: null, y: z}}\n");
        assert_eq!(headers[0]["config"]["headers"], json!({"y": "z"}));
    }
}
