//! The files of this repository, as the tests that read them see them.

use std::{
    fs,
    path::{Path, PathBuf},
};

/// Where the repository begins.
pub(crate) fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the tests are a folder of it")
}

/// A text file of the repository, by its path from the root.
pub(crate) fn read(path: impl AsRef<Path>) -> String {
    let path = root().join(path);
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// A source file.
pub(crate) struct Source {
    /// From the root, with slashes.
    pub(crate) path: String,
    /// All of it.
    pub(crate) text: String,
}

/// Every Rust file in this folder of the repository, and in the folders in it.
pub(crate) fn sources_in(folder: &str) -> Vec<Source> {
    let mut sources = Vec::new();
    for path in entries(&root().join(folder)) {
        let from_root = path.strip_prefix(root()).expect("found under it");
        let from_root = from_root.to_str().expect("our files have plain names").to_owned();
        if path.is_dir() {
            sources.extend(sources_in(&from_root));
        } else if path.extension().is_some_and(|it| it == "rs") {
            sources.push(Source { text: read(&from_root), path: from_root });
        }
    }
    sources
}

/// What is in this folder, in order; nothing where there is no such folder.
fn entries(folder: &Path) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(folder) else { return Vec::new() };
    let mut paths: Vec<_> = entries.map(|it| it.expect("readable folders").path()).collect();
    paths.sort();
    paths
}

/// A fenced block of a Markdown file.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct CodeBlock<'a> {
    /// What stands after the opening fence.
    pub(crate) language: &'a str,
    /// The lines between the fences.
    pub(crate) lines: Vec<&'a str>,
}

/// The fenced blocks of a Markdown text, in order.
pub(crate) fn code_blocks(markdown: &str) -> Vec<CodeBlock<'_>> {
    let mut blocks = Vec::new();
    let mut lines = markdown.lines();
    while let Some(line) = lines.next() {
        if let Some(language) = line.strip_prefix("```") {
            let lines = lines.by_ref().take_while(|line| *line != "```").collect();
            blocks.push(CodeBlock { language, lines });
        }
    }
    blocks
}

#[test]
fn code_blocks_are_what_stands_between_fences() {
    let block = |language, lines| CodeBlock { language, lines };
    for (name, markdown, expected) in [
        ("no block", "words\n", vec![]),
        ("one", "words\n```sh\na\n\n  b\n```\nwords", vec![block("sh", vec!["a", "", "  b"])]),
        ("two", "```\na\n```\n```js\nb\n```\n", vec![block("", vec!["a"]), block("js", vec!["b"])]),
    ] {
        assert_eq!(code_blocks(markdown), expected, "{name}");
    }
}
