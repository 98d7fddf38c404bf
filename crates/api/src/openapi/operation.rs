//! What does one method of one path do? Said where its handler is registered.

use schemars::JsonSchema;
use serde_json::{Map, Value, json};

use super::{
    answer::Answer,
    form,
    parameters::{self, Parameter},
    refusals::Refused,
    schema::{self, Components, Wanted},
    tag::Tag,
};
use crate::auth::Needs;

/// What a method of a path does.
pub(crate) struct Operation {
    tag: Tag,
    id: &'static str,
    summary: &'static str,
    description: String,
    same_as: Option<&'static str>,
    needs: Option<Needs>,
    parameters: Vec<Parameter>,
    bodies: Vec<Body>,
    is_body_needed: bool,
    answers: Vec<Answer>,
    refused: Vec<Refused>,
}

/// One content type of a request.
struct Body {
    content_type: &'static str,
    schema: Box<dyn FnOnce(&mut Components) -> Value>,
    example: Value,
}

impl Operation {
    /// An operation that answers nothing yet.
    pub(crate) fn new(tag: Tag, id: &'static str, summary: &'static str) -> Self {
        Self {
            tag,
            id,
            summary,
            description: String::new(),
            same_as: None,
            needs: None,
            parameters: Vec::new(),
            bodies: Vec::new(),
            is_body_needed: true,
            answers: Vec::new(),
            refused: vec![Refused::Unreadable, Refused::Foreign, Refused::Late, Refused::Defect],
        }
    }

    /// More of what is to be known.
    pub(crate) fn about(mut self, text: &str) -> Self {
        if !self.description.is_empty() {
            self.description.push_str("\n\n");
        }
        self.description.push_str(text);
        self
    }

    /// What its caller needs, where they need anything.
    pub(crate) fn needing(mut self, needs: Option<Needs>) -> Self {
        let Some(needs) = needs else { return self };
        self.needs = Some(needs);
        if needs.is_everywhere() {
            self = self.about("For tokens that are good in every workspace.");
        }
        self.refused(&[Refused::Unknown, Refused::Guessing, Refused::Unavailable])
    }

    /// The same, under another path.
    pub(crate) fn same_as(mut self, path: &'static str) -> Self {
        self.same_as = Some(path);
        self
    }

    /// It takes a parameter.
    pub(crate) fn takes(mut self, parameter: Parameter) -> Self {
        self.parameters.push(parameter);
        self
    }

    /// A part of its path is an id.
    pub(crate) fn id(self, name: &'static str, description: &'static str) -> Self {
        self.takes(parameters::id(name, description)).refused(&[Refused::NotFound])
    }

    /// It answers a page of a list.
    pub(crate) fn paged(self) -> Self {
        self.takes(parameters::size()).takes(parameters::offset())
    }

    /// It reads arguments, in each of the forms that the admin API reads.
    pub(crate) fn reads<W: Wanted + 'static>(mut self) -> Self {
        self.is_body_needed = schema::has_required(&W::schema());
        let as_form = form::example(&W::example());
        self.reads_as("application/json", Components::wanted::<W>, W::example())
            .reads_as("application/x-www-form-urlencoded", Components::form::<W>, as_form.clone())
            .reads_as("multipart/form-data", Components::form::<W>, as_form)
            .refused(&[Refused::TooLarge, Refused::UnknownForm])
    }

    /// It reads a body of this content type.
    pub(crate) fn reads_as(
        mut self,
        content_type: &'static str,
        schema: impl FnOnce(&mut Components) -> Value + 'static,
        example: Value,
    ) -> Self {
        self.bodies.push(Body { content_type, schema: Box::new(schema), example });
        self
    }

    /// What it reads may be nothing at all.
    pub(crate) fn or_no_body(mut self) -> Self {
        self.is_body_needed = false;
        self
    }

    /// It answers so, in JSON.
    pub(crate) fn answers<T: JsonSchema>(self, status: u16, description: &'static str) -> Self {
        self.answers_with(Answer::new(status, description).of::<T>("application/json"))
    }

    /// It answers so, without a body.
    pub(crate) fn answers_nothing(self, status: u16, description: &'static str) -> Self {
        self.answers_with(Answer::new(status, description))
    }

    /// It answers so.
    pub(crate) fn answers_with(mut self, answer: Answer) -> Self {
        self.answers.push(answer);
        self
    }

    /// It may refuse so.
    pub(crate) fn refused(mut self, refused: &[Refused]) -> Self {
        self.refused.extend(refused);
        self
    }

    /// As the document has it.
    pub(crate) fn into_value(mut self, components: &mut Components) -> Value {
        let mut operation = Map::new();
        let mut insert = |name: &str, value: Value| drop(operation.insert(name.to_owned(), value));
        insert("tags", json!([self.tag.name()]));
        insert("summary", self.summary.into());
        match self.same_as {
            None => insert("operationId", self.id.into()),
            Some(path) => self.description = format!("Another name for `{path}`."),
        }
        if !self.description.is_empty() {
            insert("description", self.description.into());
        }
        insert("security", security(self.needs));
        if !self.parameters.is_empty() {
            insert("parameters", self.parameters.into_iter().map(Parameter::into_value).collect());
        }
        if !self.bodies.is_empty() {
            insert("requestBody", request(self.bodies, self.is_body_needed, components));
        }
        let is_alias = self.same_as.is_some();
        insert("responses", responses(self.answers, &self.refused, is_alias, components));
        operation.into()
    }
}

/// Each role that is let in, by either header.
fn security(needs: Option<Needs>) -> Value {
    let Some(needs) = needs else { return json!([]) };
    let with = |scheme: &'static str| {
        needs.roles().map(move |role| json!({scheme: [role.as_str()]})).collect::<Vec<_>>()
    };
    [with("gatewayToken"), with("bearerToken")].concat().into()
}

fn request(bodies: Vec<Body>, is_needed: bool, components: &mut Components) -> Value {
    let content: Map<_, _> = bodies
        .into_iter()
        .map(|Body { content_type, schema, example }| {
            let media = json!({"schema": schema(components), "example": example});
            (content_type.to_owned(), media)
        })
        .collect();
    json!({"required": is_needed, "content": content})
}

fn responses(
    answers: Vec<Answer>,
    refused: &[Refused],
    is_alias: bool,
    components: &mut Components,
) -> Value {
    let mut responses = Map::new();
    for refused in refused {
        responses.insert(refused.status().to_string(), refused.reference());
    }
    for answer in answers {
        responses.insert(answer.status().to_string(), answer.into_value(is_alias, components));
    }
    responses.sort_keys();
    responses.into()
}
