//! The four things a hook can do, each with all it needs to do it.

use std::{collections::BTreeMap, fmt};

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use crate::{secret::Signing, target_url::TargetUrl};

/// What a hook does when it fires.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "handler", content = "config", rename_all = "kebab-case")]
pub enum Handler {
    /// A POST of the event's data to a URL.
    Webhook(Webhook),
    /// A request made to order, from templates.
    WebhookCustom(Box<WebhookCustom>),
    /// One structured log record.
    Log {},
    /// Lua functions, in a sandbox.
    Lambda(Lambda),
}

/// Which of the four, without its configuration.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum HandlerKind {
    /// `webhook`
    Webhook,
    /// `webhook-custom`
    WebhookCustom,
    /// `log`
    Log,
    /// `lambda`
    Lambda,
}

/// The configuration of `webhook`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Webhook {
    /// Where to.
    pub url: TargetUrl,
    /// Headers of the administrator's own.
    pub headers: Headers,
    /// What it signs with.
    pub signing: Signing,
    /// Is the receiver's certificate checked?
    pub ssl_verify: bool,
    /// Extension: what the event is sent as; as the reference has it, where it does not say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub format: Option<Format>,
}

/// What a webhook sends an event as.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Format {
    /// The event's data with its names merged in, as in the reference.
    Kong,
    /// An event of CloudEvents 1.0 in its structured form.
    CloudEvents,
}

/// The configuration of `webhook-custom`.
#[expect(clippy::struct_excessive_bools, reason = "four switches, as the reference has them")]
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct WebhookCustom {
    /// Where to.
    pub url: TargetUrl,
    /// The HTTP method, in upper case.
    pub method: String,
    /// Headers of the administrator's own.
    pub headers: Headers,
    /// Are header values templates?
    pub headers_format: bool,
    /// What to send, member by member.
    pub payload: Option<Map<String, Value>>,
    /// Are the payload's strings templates?
    pub payload_format: bool,
    /// What to send, as one text. Wins over `payload`.
    pub body: Option<String>,
    /// Is the body a template?
    pub body_format: bool,
    /// What it signs with.
    pub signing: Signing,
    /// Is the receiver's certificate checked?
    pub ssl_verify: bool,
    /// Extension: the dialect of its templates; [`Dialect::Resty`] where it does not say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub template_engine: Option<Dialect>,
}

/// In which language a hook's templates are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Dialect {
    /// lua-resty-template's, as in the reference.
    #[default]
    Resty,
    /// Handlebars.
    Handlebars,
}

/// The configuration of `lambda`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lambda {
    /// Chunks of Lua, each returning a function.
    pub functions: Vec<String>,
}

/// Header names and values, as typed.
pub type Headers = BTreeMap<String, String>;

/// May an answer show the secret?
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Secrets {
    /// To administrators, as the reference does.
    Shown,
    /// To everybody and everything else: null.
    Hidden,
}

impl Handler {
    /// Which of the four it is.
    pub fn kind(&self) -> HandlerKind {
        match self {
            Self::Webhook(_) => HandlerKind::Webhook,
            Self::WebhookCustom(_) => HandlerKind::WebhookCustom,
            Self::Log {} => HandlerKind::Log,
            Self::Lambda(_) => HandlerKind::Lambda,
        }
    }

    /// What it signs with, for the two that sign.
    pub fn signing_mut(&mut self) -> Option<&mut Signing> {
        match self {
            Self::Webhook(webhook) => Some(&mut webhook.signing),
            Self::WebhookCustom(custom) => Some(&mut custom.signing),
            Self::Log {} | Self::Lambda(_) => None,
        }
    }

    /// The configuration as the admin API shows it.
    pub fn config(&self, secrets: Secrets) -> Value {
        let shown = |signing: &Signing| match secrets {
            Secrets::Shown => signing.secret.as_ref().map(|it| it.expose().to_owned()),
            Secrets::Hidden => None,
        };
        match self {
            Self::Webhook(it) => {
                let mut config = json!({
                    "url": it.url.as_str(),
                    "headers": it.headers,
                    "secret": shown(&it.signing),
                    "ssl_verify": it.ssl_verify,
                });
                if let Some(format) = it.format {
                    config["format"] = format.as_str().into();
                }
                config
            }
            Self::WebhookCustom(it) => {
                let mut config = json!({
                    "url": it.url.as_str(),
                    "method": it.method,
                    "headers": it.headers,
                    "headers_format": it.headers_format,
                    "payload": it.payload,
                    "payload_format": it.payload_format,
                    "body": it.body,
                    "body_format": it.body_format,
                    "secret": shown(&it.signing),
                    "ssl_verify": it.ssl_verify,
                });
                if let Some(dialect) = it.template_engine {
                    config["template_engine"] = dialect.as_str().into();
                }
                config
            }
            Self::Log {} => json!({}),
            Self::Lambda(it) => json!({"functions": it.functions}),
        }
    }
}

impl Format {
    /// Both of them.
    pub const ALL: [Self; 2] = [Self::Kong, Self::CloudEvents];

    /// The format of this name.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|format| format.as_str() == name)
    }

    /// The name that a hook uses.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Kong => "kong",
            Self::CloudEvents => "cloudevents",
        }
    }
}

impl Dialect {
    /// Both of them.
    pub const ALL: [Self; 2] = [Self::Resty, Self::Handlebars];

    /// The dialect of this name.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|dialect| dialect.as_str() == name)
    }

    /// The name that a hook uses.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Resty => "resty",
            Self::Handlebars => "handlebars",
        }
    }
}

impl HandlerKind {
    /// All four.
    pub const ALL: [Self; 4] = [Self::Webhook, Self::WebhookCustom, Self::Log, Self::Lambda];

    /// The kind of this name.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == name)
    }

    /// The name that the admin API uses.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Webhook => "webhook",
            Self::WebhookCustom => "webhook-custom",
            Self::Log => "log",
            Self::Lambda => "lambda",
        }
    }
}

impl fmt::Display for HandlerKind {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.as_str())
    }
}
