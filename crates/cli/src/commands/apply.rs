//! `apply`: makes a deployment have the hooks that files ask for.
//!
//! Files are read to their end, and the whole plan is made, before anything is changed. What a
//! deployment refuses is said with its file and line; the other hooks are seen to, but nothing is
//! deleted then. What stops it in the middle is said with how much is left, and the same command
//! goes on from there.

mod report;

use std::{path::PathBuf, pin::pin};

use clap::Args;
use http::Method;
use serde_json::Value;
use uuid::Uuid;

use self::report::Report;
use super::{Context, hooks};
use crate::{
    deployment::{Body, Request},
    failure::{Done, Failure, Kind},
    hook::{Hook, Secrets},
    hook_file::{self, Others, Wanted},
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

    /// Prune the hooks of every workspace, and change those that the files know without an id
    #[arg(long)]
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
    let workspace = context.deployment.workspace();
    let sees_strangers = workspace.is_none() && !arguments.all_workspaces;
    if arguments.prune && sees_strangers {
        let why = "without a workspace, --prune would delete hooks of all workspaces";
        return Err(Failure::usage(why).hint("say --workspace NAME, or --all-workspaces"));
    }
    if arguments.all_workspaces && workspace.is_some() {
        return Err(Failure::usage("one workspace, and all of them: which is it?"));
    }
    let others = if arguments.prune { Others::Deleted } else { Others::Kept };
    let mut wanted = hook_file::read(&arguments.files, workspace, others)?;
    let existing = hooks::all(context).await?;
    see_secrets(context, arguments.dry_run, &mut wanted, &existing).await?;
    let existing: Vec<Hook> = existing.into_iter().filter_map(object).collect();
    let steps = plan::plan(&wanted, &existing, arguments.prune).map_err(Failure::several)?;
    if sees_strangers {
        only_known(&steps, &wanted)?;
    }

    let mut report = Report::new(context.format(), arguments.dry_run);
    if arguments.dry_run {
        steps.iter().try_for_each(|step| report.step(step, &wanted, None))?;
        report.end().or_else(Failure::unless_unheard)?;
        return Ok(arguments.exit_code && !report.is_empty());
    }
    confirm(context, &steps)?;
    carry_out(context, &steps, &wanted, &mut report).await?;
    Ok(false)
}

/// A token that is shown no secrets cannot tell whether those of the files are others. Then a dry
/// run leaves them out and says so; whoever is to change them must be shown them.
async fn see_secrets(
    context: &Context,
    is_dry: bool,
    wanted: &mut [Wanted],
    existing: &[Value],
) -> Done {
    let says_one = wanted.iter().any(|it| it.hook.get("config").is_some_and(has_secret));
    if !says_one {
        return Ok(());
    }
    if !is_dry {
        return hooks::must_show(context, Secrets::Shown, existing).await;
    }
    if hooks::are_shown(context, existing).await? {
        return Ok(());
    }
    for one in wanted {
        if let Some(config) = one.hook.get_mut("config").and_then(Value::as_object_mut) {
            config.shift_remove("secret");
        }
    }
    terminal::tell(format_args!(
        "this token is shown no secrets: whether they differ is not known"
    ));
    Ok(())
}

fn has_secret(config: &Value) -> bool {
    config.get("secret").is_some()
}

/// Without a workspace, hooks of all of them are listed, and none says which it is of. What only
/// looks like the hook of a file may be somebody else's, and is not changed.
fn only_known(steps: &[Step], wanted: &[Wanted]) -> Done {
    let mistakes = steps.iter().filter_map(|step| match step {
        Step::Change { wanted: index, before, .. } if wanted[*index].id.is_none() => {
            let id = plan::id(before).unwrap_or_default();
            let why =
                format_args!("this would change hook {id}, which may be of another workspace");
            Some(wanted[*index].mistake("", why))
        }
        _ => None,
    });
    let mistakes: Vec<_> = mistakes.collect();
    if mistakes.is_empty() {
        return Ok(());
    }
    let hint = "write its id into the file, or say --workspace NAME or --all-workspaces";
    Err(Failure::several(mistakes).hint(hint))
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
    let mut interrupted = pin!(tokio::signal::ctrl_c());
    let mut mistakes = Vec::new();
    let mut stopped = None;
    let first_deletion = steps.iter().position(|it| matches!(it, Step::Delete { .. }));
    for (number, step) in steps.iter().enumerate() {
        if first_deletion == Some(number) && !mistakes.is_empty() {
            mistakes.push("nothing was deleted, for not everything else was done".to_owned());
            break;
        }
        let done = tokio::select! {
            biased;
            _ = &mut interrupted => Err(Failure::interrupted()),
            done = one(context, step, wanted) => done,
        };
        match done {
            Ok(hook) => bar.suspend(|| report.step(step, wanted, hook.as_ref()))?,
            Err(failure) if failure.kind.is_for_all() => {
                stopped = Some(cut_short(failure, steps.len() - number));
                break;
            }
            Err(failure) => mistakes.extend(blame(step, wanted, &failure)),
        }
        bar.inc(1);
    }
    bar.finish_and_clear();
    let told = report.end();
    match stopped {
        Some(failure) => Err(failure.after(mistakes)),
        None if mistakes.is_empty() => told,
        None => Err(Failure::several(mistakes)),
    }
}

/// What stopped before all was done, with how much that was.
fn cut_short(failure: Failure, left: usize) -> Failure {
    let hooks = if left == 1 { "1 hook was".to_owned() } else { format!("{left} hooks were") };
    let which = if failure.kind == Kind::Refused { "" } else { ", the first of them perhaps" };
    failure.hint(format_args!("{hooks} not seen to{which}; the same command goes on from there"))
}

/// Carries out a step, and answers the hook as it is then.
async fn one(context: &Context, step: &Step, wanted: &[Wanted]) -> Done<Option<Value>> {
    let request = match step {
        Step::Keep { .. } => return Ok(None),
        Step::Create { wanted: index } => {
            let Wanted { hook, id, .. } = &wanted[*index];
            // With an id of our own, a repetition makes no second hook.
            let id = id.unwrap_or_else(Uuid::new_v4);
            let mut hook = hook.clone();
            hook.shift_remove("id");
            Request::new(Method::PUT, hooks::path(id), Body::Json(hook.into()))
        }
        Step::Change { before, changes, .. } => {
            let path = path(before)?;
            Request::new(Method::PATCH, path, Body::Json(changes.clone().into()))
        }
        Step::Delete { hook } => {
            return match context.deployment.delete(path(hook)?).await {
                // Somebody was faster.
                Err(failure) if failure.kind == Kind::NotFound => Ok(None),
                deleted => deleted.map(|_| None),
            };
        }
    };
    context.deployment.ask(request).await.map(Some)
}

fn path(hook: &Hook) -> Done<String> {
    let id = plan::id(hook);
    id.map(hooks::path).ok_or_else(|| Failure::failed("the deployment has a hook without an id"))
}

/// What a deployment refused, with the places in the file that it is about.
fn blame(step: &Step, wanted: &[Wanted], failure: &Failure) -> Vec<String> {
    let wanted = match step {
        Step::Create { wanted: index } | Step::Change { wanted: index, .. } => &wanted[*index],
        Step::Keep { hook } | Step::Delete { hook } => {
            let id = plan::id(hook).unwrap_or_default();
            return vec![format!("hook {id}: {}", failure.summary())];
        }
    };
    if failure.fields.is_empty() {
        return vec![wanted.mistake("", failure.summary())];
    }
    failure.fields.iter().map(|(field, why)| wanted.mistake(field, why)).collect()
}
