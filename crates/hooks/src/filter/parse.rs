//! Reads a pattern. What is wrong is named by its place and by what may stand there.

use std::fmt;

use serde_json::{Map, Value};

use super::{
    Condition, Filter, Pattern,
    test::{Bound, Look, Range, Test, Text, Wildcard, without_case},
};

/// Why something is no pattern.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}{what}", Place(.path))]
pub struct FilterError {
    path: Vec<String>,
    what: String,
}

/// How many patterns the alternatives of `$or` may make together (EventBridge: 1,000).
const MOST_ALTERNATIVES: usize = 1_000;

const OPERATORS: &str = "prefix, suffix, anything-but, equals-ignore-case, wildcard, numeric, cidr \
                         or exists";

/// What no member may be called within `$or`, where it would be an operator whose member was
/// forgotten (EventBridge: the same).
const RESERVED: [&str; 14] = [
    "exactly",
    "prefix",
    "suffix",
    "anything-but",
    "equals-ignore-case",
    "wildcard",
    "numeric",
    "cidr",
    "exists",
    "=",
    "<",
    "<=",
    ">",
    ">=",
];

struct Place<'a>(&'a [String]);

impl fmt::Display for Place<'_> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_empty() { Ok(()) } else { write!(out, "{}: ", self.0.join(".")) }
    }
}

impl FilterError {
    fn at(path: &[String], what: impl Into<String>) -> Self {
        Self { path: path.to_vec(), what: what.into() }
    }

    pub(super) fn not_json(error: &serde_json::Error) -> Self {
        Self::at(&[], format!("not JSON: {error}"))
    }
}

type Parsed<T> = Result<T, FilterError>;

/// What is read, and what was found so far.
#[derive(Default)]
struct Reader {
    /// The members that lead to what is being read.
    path: Vec<String>,
    /// How many `$or` stand around it.
    ors: usize,
    absences: Vec<Vec<String>>,
}

pub(super) fn filter(typed: &Value) -> Parsed<Filter> {
    let Value::Object(typed) = typed else {
        return Err(FilterError::at(&[], "expected an object in the shape of the events"));
    };
    let bytes = serde_json::to_string(typed).map_or(usize::MAX, |it| it.len());
    if bytes > Filter::MOST_BYTES {
        let most = Filter::MOST_BYTES;
        return Err(FilterError::at(&[], format!("too long, at most {most} bytes of JSON")));
    }
    let mut reader = Reader::default();
    let pattern = reader.object(typed)?;
    if alternatives(&pattern) > MOST_ALTERNATIVES {
        let what = format!("too many alternatives, at most {MOST_ALTERNATIVES} in all");
        return Err(FilterError::at(&[], what));
    }
    Ok(Filter { typed: typed.clone(), pattern, absences: reader.absences })
}

/// How many patterns without alternatives this one stands for.
fn alternatives(pattern: &Pattern) -> usize {
    pattern.0.iter().fold(1, |product: usize, condition| {
        product.saturating_mul(match condition {
            Condition::Leaf { .. } => 1,
            Condition::Inside { pattern, .. } => alternatives(pattern),
            Condition::Or(any) => any.iter().map(alternatives).fold(0, usize::saturating_add),
        })
    })
}

impl Reader {
    fn wrong(&self, what: impl Into<String>) -> FilterError {
        FilterError::at(&self.path, what)
    }

    fn object(&mut self, members: &Map<String, Value>) -> Parsed<Pattern> {
        if members.is_empty() {
            return Err(self.wrong("empty, name at least one member"));
        }
        let condition = |(member, value): (&String, &Value)| match member.as_str() {
            "$or" => self.or(value),
            name if self.ors > 0 && RESERVED.contains(&name) => {
                let what = format!(
                    "$or: '{name}' is an operator, not a member; name the member that it is for"
                );
                Err(self.wrong(what))
            }
            _ => {
                self.path.push(member.clone());
                let condition = self.condition(member, value);
                self.path.pop();
                condition
            }
        };
        members.iter().map(condition).collect::<Parsed<_>>().map(Pattern)
    }

    fn condition(&mut self, member: &str, value: &Value) -> Parsed<Condition> {
        let member = member.to_owned();
        match value {
            Value::Array(entries) if entries.is_empty() => {
                Err(self.wrong("an empty list wants nothing"))
            }
            Value::Array(entries) => {
                let tests = entries.iter().map(|it| self.entry(it)).collect::<Parsed<_>>()?;
                Ok(Condition::Leaf { member, tests })
            }
            Value::Object(members) => {
                Ok(Condition::Inside { member, pattern: self.object(members)? })
            }
            _ => {
                Err(self
                    .wrong("expected a list of what is wanted, as [\"a\", \"b\"], or an object"))
            }
        }
    }

    fn or(&mut self, value: &Value) -> Parsed<Condition> {
        let wrong = "$or: expected a list of at least two objects";
        let Some(alternatives) = value.as_array().filter(|it| it.len() >= 2) else {
            return Err(self.wrong(wrong));
        };
        self.ors += 1;
        let alternative = |value: &Value| match value {
            Value::Object(members) => self.object(members),
            _ => Err(self.wrong(wrong)),
        };
        let alternatives = alternatives.iter().map(alternative).collect::<Parsed<_>>();
        self.ors -= 1;
        alternatives.map(Condition::Or)
    }

    fn entry(&mut self, value: &Value) -> Parsed<Test> {
        match value {
            Value::Array(_) => Err(self.wrong("a list in a list is never wanted")),
            Value::Object(operator) => {
                let mut members = operator.iter();
                match (members.next(), members.next()) {
                    (Some((name, operand)), None) => self.operation(name, operand),
                    _ => Err(self.wrong(format!("expected one of {OPERATORS}"))),
                }
            }
            scalar => Ok(Test::Equals(scalar.clone())),
        }
    }

    fn operation(&mut self, name: &str, operand: &Value) -> Parsed<Test> {
        let test = match name {
            "prefix" | "suffix" | "equals-ignore-case" | "wildcard" => {
                look(name, operand).map(Test::Looks)
            }
            "anything-but" => anything_but(operand),
            "numeric" => range(operand).map(Test::Numeric),
            "exists" => match operand {
                Value::Bool(true) => Ok(Test::Present),
                Value::Bool(false) => {
                    self.absences.push(self.path.clone());
                    Ok(Test::Absent(self.absences.len() - 1))
                }
                _ => Err("true or false".to_owned()),
            },
            "cidr" => {
                let network = operand.as_str().and_then(|it| it.parse().ok());
                network.map(Test::Cidr).ok_or_else(|| "a network such as 10.0.0.0/24".to_owned())
            }
            other => {
                let what = format!("unknown operator '{other}', there is {OPERATORS}");
                return Err(self.wrong(what));
            }
        };
        test.map_err(|what| self.wrong(format!("{name}: expected {what}")))
    }
}

fn look(name: &str, operand: &Value) -> Result<Look, String> {
    let any_case = || match operand {
        Value::Object(inner) if inner.len() == 1 => {
            let text = inner.get("equals-ignore-case").and_then(Value::as_str);
            text.map(|it| Text::AnyCase(without_case(it).collect()))
        }
        _ => None,
    };
    let text = operand.as_str();
    match name {
        "prefix" | "suffix" => {
            let text = text.map(|it| Text::Exact(it.to_owned())).or_else(any_case);
            let text = text.ok_or("a text, or {\"equals-ignore-case\": a text}")?;
            Ok(if name == "prefix" { Look::Prefix(text) } else { Look::Suffix(text) })
        }
        "equals-ignore-case" => {
            let text = text.ok_or("a text")?;
            Ok(Look::Equals(Text::AnyCase(without_case(text).collect())))
        }
        "wildcard" => wildcard(text.ok_or("a text")?).map(Look::Wildcard),
        _ => Err("prefix, suffix, equals-ignore-case or wildcard".to_owned()),
    }
}

fn anything_but(operand: &Value) -> Result<Test, String> {
    const EXPECTED: &str = "a text or number, a list of texts or of numbers, or one of prefix, \
                            suffix, equals-ignore-case and wildcard with a text or a list of texts";

    let one_or_more = |value: &Value| match value {
        Value::Array(several) => several.clone(),
        one => vec![one.clone()],
    };
    if let Value::Object(operator) = operand {
        let mut members = operator.iter();
        let (Some((name, operand)), None) = (members.next(), members.next()) else {
            return Err(EXPECTED.to_owned());
        };
        let looks = one_or_more(operand);
        let looks = looks.iter().map(|it| look(name, it)).collect::<Result<Vec<_>, _>>();
        return match looks {
            Ok(looks) if looks.iter().any(is_every_text) => {
                Err("a prefix or suffix that not every text has".to_owned())
            }
            Ok(looks) if !looks.is_empty() => Ok(Test::LooksNot(looks)),
            _ => Err(EXPECTED.to_owned()),
        };
    }
    let values = one_or_more(operand);
    let is_one_kind = values.iter().all(Value::is_string) || values.iter().all(Value::is_number);
    if values.is_empty() || !is_one_kind {
        return Err(EXPECTED.to_owned());
    }
    Ok(Test::NotAny(values))
}

/// Every text begins with nothing, and ends with it.
fn is_every_text(look: &Look) -> bool {
    match look {
        Look::Prefix(Text::Exact(end) | Text::AnyCase(end))
        | Look::Suffix(Text::Exact(end) | Text::AnyCase(end)) => end.is_empty(),
        _ => false,
    }
}

fn range(operand: &Value) -> Result<Range, String> {
    const EXPECTED: &str = "[\"=\", 1] or a range such as [\">\", 0, \"<=\", 5]";

    let mut range = Range::default();
    let parts = operand.as_array().filter(|it| matches!(it.len(), 2 | 4)).ok_or(EXPECTED)?;
    for pair in parts.chunks(2) {
        let (comparison, number) = (pair[0].as_str(), pair[1].as_f64());
        let number = number.ok_or(EXPECTED)?;
        let bound = |is_included| Some(Bound { number, is_included });
        match comparison {
            Some("=") if parts.len() == 2 => (range.from, range.to) = (bound(true), bound(true)),
            Some(">") if range.from.is_none() => range.from = bound(false),
            Some(">=") if range.from.is_none() => range.from = bound(true),
            Some("<") if range.to.is_none() => range.to = bound(false),
            Some("<=") if range.to.is_none() => range.to = bound(true),
            _ => return Err(EXPECTED.to_owned()),
        }
    }
    match (range.from, range.to) {
        (Some(from), Some(to)) if from.number > to.number => {
            Err("a range that some number is in".to_owned())
        }
        (Some(from), Some(to))
            if from.number.total_cmp(&to.number).is_eq()
                && !(from.is_included && to.is_included) =>
        {
            Err("a range that some number is in".to_owned())
        }
        _ => Ok(range),
    }
}

/// `*` is anything, `\*` a star, `\\` a backslash.
fn wildcard(text: &str) -> Result<Wildcard, String> {
    let (mut pieces, mut piece) = (Vec::new(), String::new());
    let mut characters = text.chars().peekable();
    while let Some(character) = characters.next() {
        match character {
            '*' if characters.peek() == Some(&'*') => {
                return Err("no two stars in a row, one says it".to_owned());
            }
            '*' => pieces.push(std::mem::take(&mut piece)),
            '\\' => match characters.next() {
                Some(escaped @ ('*' | '\\')) => piece.push(escaped),
                _ => return Err(r"\* or \\ where there is a backslash".to_owned()),
            },
            other => piece.push(other),
        }
    }
    pieces.push(piece);
    Ok(Wildcard(pieces))
}
