//! `deliveries tail`: what becomes of events, as it happens?
//!
//! There is nothing to subscribe to, so one asks again and again. A line is printed when a
//! delivery is listed for the first time, and each time that it moves on. Of a hook, the newest
//! hundred are looked at, and the newest thousand where all of these are news: what is older moves on
//! unseen.

use std::{collections::HashMap, time::Duration};

use anstyle::AnsiColor;
use clap::Args;
use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use serde_json::Value;
use uuid::Uuid;

use super::path;
use crate::{
    arguments::Format,
    commands::{Context, hooks},
    deployment::Query,
    failure::{Done, Failure, Kind},
    table,
    terminal::{self, plain},
    yaml,
};

/// How many deliveries of a hook are asked for at first; more, where all of these are news.
const GLANCE: usize = 100;
/// How many at the most.
const MOST: usize = 1_000;
/// How many hooks are asked about at once.
const AT_ONCE: usize = 8;

/// Arguments of `deliveries tail`.
#[derive(Args)]
pub(crate) struct Arguments {
    /// The hooks' ids; without any, all hooks that are there, and those that come
    #[arg(value_name = "HOOK")]
    hooks: Vec<Uuid>,
    /// How many of the past are shown first, of each hook
    #[arg(long, default_value_t = 0, value_name = "NUMBER")]
    last: usize,
    /// Stop after so many lines
    #[arg(long, value_name = "NUMBER")]
    count: Option<usize>,
    /// How many seconds lie between two looks
    #[arg(long, default_value_t = 2.0, value_name = "SECONDS", value_parser = interval)]
    interval: f64,
}

fn interval(text: &str) -> Result<f64, String> {
    let seconds = text.parse().ok().filter(|it| (0.1..=3_600.0).contains(it));
    seconds.ok_or_else(|| "expected seconds, from 0.1 to 3600".to_owned())
}

/// Follows until it is stopped, at whatever moment that is: that is no failure.
pub(crate) async fn run(context: &Context, arguments: &Arguments) -> Done {
    tokio::select! {
        biased;
        _ = tokio::signal::ctrl_c() => Ok(()),
        done = follow(context, arguments) => done,
    }
}

async fn follow(context: &Context, arguments: &Arguments) -> Done {
    let mut follower = Follower { context, arguments, seen: HashMap::new(), has_looked: false };
    let mut left = arguments.count.unwrap_or(usize::MAX);
    loop {
        match follower.look().await {
            Ok(news) => {
                news.iter().take(left).try_for_each(|it| print(context.format(), it))?;
                left = left.saturating_sub(news.len());
                if left == 0 {
                    return Ok(());
                }
            }
            // Who follows a deployment follows it over a restart.
            Err(failure) if follower.has_looked && failure.kind == Kind::Unreachable => {
                terminal::tell(format_args!("{}; trying again", failure.summary()));
            }
            Err(failure) => return Err(failure),
        }
        tokio::time::sleep(Duration::from_secs_f64(arguments.interval)).await;
    }
}

/// Somebody who looks again and again.
struct Follower<'a> {
    context: &'a Context,
    arguments: &'a Arguments,
    /// By hook.
    seen: HashMap<Uuid, Seen>,
    has_looked: bool,
}

impl Follower<'_> {
    /// What is new of every hook that is followed, in the order in which it happened.
    async fn look(&mut self) -> Done<Vec<Value>> {
        let ids = self.hooks().await?;
        let this = &*self;
        let pages = stream::iter(ids.clone()).map(|id| async move {
            let page = this.page(id).await?;
            Ok::<_, Failure>((id, page))
        });
        let pages: Vec<_> = pages.buffer_unordered(AT_ONCE).try_collect().await?;

        let mut news = Vec::new();
        for (id, page) in pages {
            let fresh = self.seen.entry(id).or_default().news(page, id);
            // All of a hook that came meanwhile is news.
            let shown = if self.has_looked { fresh.len() } else { self.arguments.last };
            news.extend(fresh.into_iter().take(shown));
        }
        news.sort_by(|a, b| a["updated_at"].as_str().cmp(&b["updated_at"].as_str()));
        self.seen.retain(|id, _| ids.contains(id));
        self.has_looked = true;
        Ok(news)
    }

    async fn hooks(&self) -> Done<Vec<Uuid>> {
        if !self.arguments.hooks.is_empty() {
            return Ok(self.arguments.hooks.clone());
        }
        let hooks = hooks::all(self.context).await?;
        Ok(hooks.iter().filter_map(|hook| hook["id"].as_str()?.parse().ok()).collect())
    }

    /// The newest deliveries of a hook: as many as it takes to reach what was seen before.
    async fn page(&self, id: Uuid) -> Done<Vec<Value>> {
        let first = if self.has_looked { 0 } else { self.arguments.last };
        let page = self.newest(id, first.clamp(GLANCE, MOST)).await?;
        let is_all_news =
            |seen: &Seen| page.len() == GLANCE && page.iter().all(|it| seen.is_news(it));
        if self.has_looked && self.seen.get(&id).is_some_and(is_all_news) {
            return self.newest(id, MOST).await;
        }
        Ok(page)
    }

    async fn newest(&self, id: Uuid, most: usize) -> Done<Vec<Value>> {
        match self.context.deployment.list(&path(id), &Query::default(), most).await {
            // It was there when hooks were listed, and was deleted since.
            Err(failure) if failure.kind == Kind::NotFound && self.arguments.hooks.is_empty() => {
                Ok(Vec::new())
            }
            listed => hooks::about(self.context, id, listed),
        }
    }
}

/// What was seen of a hook's deliveries.
#[derive(Debug, Default)]
struct Seen(HashMap<String, Value>);

impl Seen {
    fn is_news(&self, delivery: &Value) -> bool {
        let id = delivery["id"].as_str().unwrap_or_default();
        self.0.get(id) != Some(&delivery["updated_at"])
    }

    /// What has come or moved on, the newest first, each with the hook that it is of. What moved on
    /// long ago is not remembered for ever.
    fn news(&mut self, page: Vec<Value>, hook: Uuid) -> Vec<Value> {
        let mut news = Vec::new();
        for mut delivery in page {
            if !self.is_news(&delivery) {
                continue;
            }
            let id = delivery["id"].as_str().unwrap_or_default().to_owned();
            self.0.insert(id, delivery["updated_at"].clone());
            if let Some(delivery) = delivery.as_object_mut() {
                delivery.insert("hook_id".into(), hook.to_string().into());
            }
            news.push(delivery);
        }
        self.forget();
        news
    }

    /// Forgets those that moved on longest ago.
    fn forget(&mut self) {
        if self.0.len() <= 2 * MOST {
            return;
        }
        let mut times: Vec<String> =
            self.0.values().filter_map(|it| it.as_str().map(str::to_owned)).collect();
        times.sort_unstable();
        let Some(oldest) = times.get(times.len().saturating_sub(MOST)) else { return };
        self.0.retain(|_, time| time.as_str() >= Some(oldest));
    }
}

fn print(format: Format, delivery: &Value) -> Done {
    match format {
        Format::Json => terminal::data(format_args!("{}\n", table::json(&delivery.to_string()))),
        Format::Yaml => terminal::data(format_args!("---\n{}", yaml::write(delivery)?)),
        Format::Table => terminal::line(in_words(delivery)),
    }
}

fn in_words(delivery: &Value) -> String {
    let text = |name: &str| plain(delivery[name].as_str().unwrap_or_default());
    let status = text("status");
    let style = match status.as_str() {
        "delivered" => AnsiColor::Green.on_default(),
        "pending" | "parked" => AnsiColor::Yellow.on_default(),
        _ => AnsiColor::Red.on_default(),
    };
    let reason = text("reason");
    let reason = if reason.is_empty() { reason } else { format!(" ({reason})") };
    format!(
        "{}  {style}{status}{style:#}{reason}  {}/{}  attempt {}  delivery {}  hook {}",
        text("updated_at"),
        text("source"),
        text("event"),
        plain(&delivery["attempt"].to_string()),
        text("id"),
        text("hook_id"),
    )
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn news_is_what_came_or_moved_on() {
        let mut seen = Seen::default();
        let at = |id: &str, time: &str| json!({"id": id, "updated_at": time});
        let mut news = |page: &[Value]| {
            let news = seen.news(page.to_vec(), Uuid::nil());
            news.iter().map(|it| it["id"].as_str().unwrap().to_owned()).collect::<String>()
        };
        for (name, page, expected) in [
            ("all that is there", &[at("b", "2"), at("a", "1")][..], "ba"),
            ("nothing has happened", &[at("b", "2"), at("a", "1")], ""),
            ("one came", &[at("c", "3"), at("b", "2"), at("a", "1")], "c"),
            ("one moved on", &[at("c", "3"), at("b", "4"), at("a", "1")], "b"),
            ("one fell out of the page", &[at("c", "3"), at("b", "4")], ""),
        ] {
            assert_eq!(news(page), expected, "{name}");
        }
    }

    #[test]
    fn what_is_remembered_is_bounded() {
        let mut seen = Seen::default();
        for number in 0..(5 * MOST) {
            let page =
                vec![json!({"id": number.to_string(), "updated_at": format!("{number:06}")})];
            assert_eq!(seen.news(page.clone(), Uuid::nil()).len(), 1);
            assert!(seen.news(page, Uuid::nil()).is_empty());
        }
        assert!(seen.0.len() <= 2 * MOST, "{}", seen.0.len());
    }
}
