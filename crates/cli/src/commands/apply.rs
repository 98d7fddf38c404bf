//! `apply`: makes a deployment have the hooks that files ask for.
//!
//! Files are read to their end, and the whole plan is made, before anything is changed. What a
//! deployment refuses is said with its file and line; the other hooks are seen to, but nothing is
//! deleted then.

mod report;

use std::path::PathBuf;

use clap::Args;
use http::Method;
use serde_json::Value;
use uuid::Uuid;

use self::report::Report;
use super::{Context, hooks};
use crate::{
    deployment::{Body, Request},
    failure::{Done, Failure, Kind},
    hook::Hook,
    hook_file::{self, Wanted},
    plan::{self, Step},
    terminal,
};

/// Arguments of `apply`.
#[derive(Args)]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag of its own")]
pub(crate) struct Arguments {
    /// YAML or JSON, a folder of such files, or - for standard input
    #[arg(long = "file", short, value_name = "FILE", required = true)]
    files: Vec<PathBuf>,

    /// Delete hooks that are not in the files. Within --workspace, or with --all-workspaces
    #[arg(long)]
    prune: bool,

    /// Prune the hooks of every workspace
    #[arg(long, requires = "prune")]
    all_workspaces: bool,

    /// Show what would be done, and do nothing
    #[arg(long)]
    dry_run: bool,

    /// End with code 6 where a dry run finds something to do
    #[arg(long, requires = "dry_run")]
    exit_code: bool,
}

/// Applies the files, and answers whether that is to be told by the exit code.
pub(crate) async fn run(context: &Context, arguments: &Arguments) -> Done<bool> {
    if arguments.prune && !arguments.all_workspaces && context.deployment.workspace().is_none() {
        let why = "without a workspace, --prune would delete hooks of all workspaces";
        return Err(Failure::usage(why).hint("say --workspace NAME, or --all-workspaces"));
    }
    let wanted = hook_file::read(&arguments.files)?;
    let existing = hooks::all(context).await?;
    let existing: Vec<Hook> = existing.into_iter().filter_map(object).collect();
    let steps = plan::plan(&wanted, &existing, arguments.prune).map_err(Failure::several)?;

    let mut report = Report::new(context.format(), arguments.dry_run);
    if arguments.dry_run {
        steps.iter().try_for_each(|step| report.step(step, &wanted, None))?;
        report.end()?;
        return Ok(arguments.exit_code && !report.is_empty());
    }
    confirm(context, &steps)?;
    carry_out(context, &steps, &wanted, &mut report).await?;
    Ok(false)
}

fn object(value: Value) -> Option<Hook> {
    if let Value::Object(hook) = value { Some(hook) } else { None }
}

fn confirm(context: &Context, steps: &[Step]) -> Done {
    let deletions = steps.iter().filter(|it| matches!(it, Step::Delete { .. })).count();
    match deletions {
        0 => Ok(()),
        count => {
            let which = if count == 1 {
                "1 hook that is".to_owned()
            } else {
                format!("{count} hooks that are")
            };
            let question = format!("Delete {which} not in the files{}?", context.place());
            terminal::confirm(&question, context.yes)
        }
    }
}

async fn carry_out(
    context: &Context,
    steps: &[Step],
    wanted: &[Wanted],
    report: &mut Report,
) -> Done {
    let bar = terminal::progress("hooks", steps.len() as u64);
    let mut mistakes = Vec::new();
    for step in steps {
        if matches!(step, Step::Delete { .. }) && !mistakes.is_empty() {
            mistakes.push("nothing was deleted, for not everything else was done".to_owned());
            break;
        }
        match one(context, step, wanted).await {
            Ok(hook) => bar.suspend(|| report.step(step, wanted, hook.as_ref()))?,
            Err(failure) if failure.kind == Kind::Failed => {
                mistakes.extend(blame(step, wanted, &failure));
            }
            // It would be the same with the next one.
            Err(failure) => {
                bar.finish_and_clear();
                report.end()?;
                return Err(failure);
            }
        }
        bar.inc(1);
    }
    bar.finish_and_clear();
    report.end()?;
    if mistakes.is_empty() { Ok(()) } else { Err(Failure::several(mistakes)) }
}

/// Carries out a step, and answers the hook as it is then.
async fn one(context: &Context, step: &Step, wanted: &[Wanted]) -> Done<Option<Value>> {
    let request = match step {
        Step::Keep { .. } => return Ok(None),
        Step::Create { wanted: index } => {
            let Wanted { hook, id, .. } = &wanted[*index];
            // With an id of our own, a repetition makes no second hook.
            let id = id.clone().unwrap_or_else(|| Uuid::new_v4().to_string());
            let mut hook = hook.clone();
            hook.shift_remove("id");
            Request::new(Method::PUT, hooks::path(&id), Body::Json(hook.into()))
        }
        Step::Change { before, changes, .. } => {
            let path = hooks::path(plan::id(before).unwrap_or_default());
            Request::new(Method::PATCH, path, Body::Json(changes.clone().into()))
        }
        Step::Delete { hook } => {
            let path = hooks::path(plan::id(hook).unwrap_or_default());
            return match context.deployment.delete(path).await {
                // Somebody was faster.
                Err(failure) if failure.kind == Kind::NotFound => Ok(None),
                deleted => deleted.map(|_| None),
            };
        }
    };
    context.deployment.ask(request).await.map(Some)
}

/// What a deployment refused, with the places in the file that it is about.
fn blame(step: &Step, wanted: &[Wanted], failure: &Failure) -> Vec<String> {
    let (Step::Create { wanted: index } | Step::Change { wanted: index, .. }) = step else {
        return vec![failure.summary()];
    };
    let wanted = &wanted[*index];
    if failure.fields.is_empty() {
        return vec![wanted.mistake("", failure.summary())];
    }
    failure.fields.iter().map(|(field, why)| wanted.mistake(field, why)).collect()
}
