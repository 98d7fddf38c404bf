//! The texts of a hook, compiled: what they are made of, and what they become for an event.

use hooks::{
    handler::{Headers, WebhookCustom},
    violation::Violations,
};
use serde_json::{Map, Value};

use crate::template::{
    Compiled, Dialect,
    error::RenderError,
    rendering::Rendering,
    resty::Tag,
    tree::{At, CompiledTree},
};

/// A hook's texts, ready to be rendered any number of times.
#[derive(Debug)]
pub(super) struct Ready {
    headers: Vec<(String, Compiled)>,
    content: Content,
    scripts: Vec<Script>,
}

/// What is sent besides headers.
#[derive(Debug)]
enum Content {
    Nothing,
    Text(Compiled),
    Payload(CompiledTree),
    /// `payload_format` is off.
    AsItIs(Map<String, Value>),
}

/// A template's Lua, for the sandbox to run.
#[derive(Debug)]
pub(super) struct Script {
    /// The field that it stands in: `config.payload` and what in it.
    pub(super) field: String,
    /// The chunk.
    pub(super) chunk: String,
    /// Where in the template its tags stand.
    pub(super) tags: Vec<Tag>,
}

/// What a hook says for an event.
#[derive(Debug, PartialEq)]
pub(super) struct Said {
    pub(super) headers: Headers,
    pub(super) content: SaidContent,
}

#[derive(Debug, PartialEq)]
pub(super) enum SaidContent {
    Nothing,
    Text(String),
    Payload(Map<String, Value>),
}

/// A field whose template does not work with an event.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{field}: {error}")]
pub(super) struct Broken {
    pub(super) field: String,
    #[source]
    pub(super) error: RenderError,
}

impl Ready {
    /// Compiles the texts of a hook, or says what is wrong with each.
    pub(super) fn compile(hook: &WebhookCustom) -> Result<Self, Violations> {
        let dialect = hook.template_engine.unwrap_or_default();
        let mut violations = Violations::default();
        let headers = headers(hook, dialect, &mut violations);
        let payload = payload(hook, dialect, &mut violations);
        let body = hook.body.as_deref();
        let body = body.and_then(|body| match compile(dialect, hook.body_format, body) {
            Ok(body) => Some(Content::Text(body)),
            Err(error) => {
                violations.add("config.body", error);
                None
            }
        });
        violations.into_result()?;
        // Where there are both, the body wins.
        let content = body.or(payload).unwrap_or(Content::Nothing);
        let scripts = scripts(&headers, &content);
        Ok(Self { headers, content, scripts })
    }

    /// The Lua of the templates, in the order in which they are rendered.
    pub(super) fn scripts(&self) -> &[Script] {
        &self.scripts
    }

    /// Are the texts the same for every event?
    pub(super) fn is_constant(&self) -> bool {
        let headers = self.headers.iter().all(|(_, value)| value.as_constant().is_some());
        headers
            && match &self.content {
                Content::Nothing | Content::AsItIs(_) => true,
                Content::Text(text) => text.as_constant().is_some(),
                Content::Payload(payload) => payload.is_constant(),
            }
    }

    /// What the hook says for an event: the order is that of [`Self::scripts`].
    pub(super) fn render(&self, rendering: &mut Rendering<'_>) -> Result<Said, Broken> {
        let mut headers = Headers::new();
        for (name, value) in &self.headers {
            let value = value.render(rendering).map_err(|error| {
                let field = format!("config.headers.{name}");
                Broken { field, error }
            })?;
            headers.insert(name.clone(), value.into_owned());
        }
        let content = match &self.content {
            Content::Nothing => SaidContent::Nothing,
            Content::AsItIs(payload) => SaidContent::Payload(payload.clone()),
            Content::Text(text) => {
                let text = text.render(rendering);
                let broken = |error| Broken { field: "config.body".to_owned(), error };
                SaidContent::Text(text.map_err(broken)?.into_owned())
            }
            Content::Payload(payload) => {
                let broken = |At { path, error }| Broken { field: in_payload(&path), error };
                SaidContent::Payload(payload.render(rendering).map_err(broken)?)
            }
        };
        Ok(Said { headers, content })
    }
}

fn headers(
    hook: &WebhookCustom,
    dialect: Dialect,
    violations: &mut Violations,
) -> Vec<(String, Compiled)> {
    let mut headers = Vec::with_capacity(hook.headers.len());
    for (name, value) in &hook.headers {
        match compile(dialect, hook.headers_format, value) {
            Ok(value) => headers.push((name.clone(), value)),
            Err(error) => violations.add(format!("config.headers.{name}"), error),
        }
    }
    headers
}

fn payload(hook: &WebhookCustom, dialect: Dialect, violations: &mut Violations) -> Option<Content> {
    let payload = hook.payload.as_ref()?;
    if !hook.payload_format {
        return Some(Content::AsItIs(payload.clone()));
    }
    match CompiledTree::new(dialect, payload) {
        Ok(payload) => Some(Content::Payload(payload)),
        Err(At { path, error }) => {
            // The path stands in the message: members may have dots in their names.
            violations.add("config.payload", format_args!("{path}: {error}"));
            None
        }
    }
}

fn compile(
    dialect: Dialect,
    is_template: bool,
    text: &str,
) -> Result<Compiled, crate::template::error::TemplateError> {
    if is_template { Compiled::new(dialect, text) } else { Ok(Compiled::verbatim(text)) }
}

fn scripts(headers: &[(String, Compiled)], content: &Content) -> Vec<Script> {
    let of_headers = headers.iter().map(|(name, value)| (format!("config.headers.{name}"), value));
    let mut texts: Vec<_> = of_headers.collect();
    match content {
        Content::Nothing | Content::AsItIs(_) => {}
        Content::Text(text) => texts.push(("config.body".to_owned(), text)),
        Content::Payload(payload) => {
            texts.extend(payload.lua().into_iter().map(|(path, text)| (in_payload(&path), text)));
        }
    }
    let script = |(field, text): (String, &Compiled)| {
        Some(Script { field, chunk: text.lua()?.to_owned(), tags: text.tags().to_vec() })
    };
    texts.into_iter().filter_map(script).collect()
}

fn in_payload(path: &crate::template::tree::Path) -> String {
    format!("config.payload: {path}")
}
