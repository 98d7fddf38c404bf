//! Who is looking? Colours, questions and progress are for people at a terminal.
//!
//! Standard output has what was asked for, standard error what is said about it. Nothing that
//! comes from a deployment reaches a terminal with control characters in it.

use std::{
    fmt::{Arguments, Display},
    io::{self, BufRead as _, IsTerminal as _, Write as _},
    time::Duration,
};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::failure::{Done, Failure};

/// Prints text as it is, colours only where they are wanted.
pub(crate) fn print(text: impl Display) -> Done {
    let mut out = anstream::stdout().lock();
    write!(out, "{text}").and_then(|()| out.flush()).map_err(|error| Failure::writing(&error))
}

/// Prints what is for programs, to the letter: what looks like a colour is part of it.
pub(crate) fn data(text: impl Display) -> Done {
    let mut out = io::stdout().lock();
    write!(out, "{text}").and_then(|()| out.flush()).map_err(|error| Failure::writing(&error))
}

/// Prints a line.
pub(crate) fn line(text: impl Display) -> Done {
    print(format_args!("{text}\n"))
}

/// Says something about what is done. That nobody can hear it is no failure.
pub(crate) fn tell(text: Arguments<'_>) {
    let _ = writeln!(anstream::stderr().lock(), "{text}");
}

/// Asks before something is deleted. Where nobody can be asked, the answer is no.
pub(crate) fn confirm(question: &str, yes: bool) -> Done {
    if yes {
        return Ok(());
    }
    if !(io::stdin().is_terminal() && io::stderr().is_terminal()) {
        let why = format!("nobody can be asked here: {question}");
        return Err(Failure::usage(why).hint("--yes says so beforehand"));
    }
    let _ = write!(anstream::stderr().lock(), "{question} [y/N] ");
    let mut answer = String::new();
    let read = io::stdin().lock().read_line(&mut answer);
    read.map_err(|error| Failure::failed(format_args!("cannot read the answer: {error}")))?;
    if is_yes(&answer) { Ok(()) } else { Err(Failure::failed("nothing was deleted")) }
}

fn is_yes(answer: &str) -> bool {
    matches!(answer.trim().to_ascii_lowercase().as_str(), "y" | "yes")
}

/// A bar for something that has so many steps. It is there on a terminal only.
pub(crate) fn progress(what: &'static str, steps: u64) -> ProgressBar {
    bar(what, ProgressBar::new(steps), "{msg} [{bar:30}] {pos}/{len}")
}

/// The same, where nobody knows how many steps there will be.
pub(crate) fn counter(what: &'static str) -> ProgressBar {
    bar(what, ProgressBar::no_length(), "{spinner} {msg}: {pos}")
}

fn bar(what: &'static str, bar: ProgressBar, template: &str) -> ProgressBar {
    const DRAWS_A_SECOND: u8 = 10;
    bar.set_draw_target(ProgressDrawTarget::stderr_with_hz(DRAWS_A_SECOND));
    bar.set_style(ProgressStyle::with_template(template).unwrap_or(ProgressStyle::default_bar()));
    bar.enable_steady_tick(Duration::from_millis(200));
    bar.with_message(what)
}

/// Text without what could steer a terminal.
pub(crate) fn plain(text: &str) -> String {
    text.chars().map(|it| if steers(it) { '\u{fffd}' } else { it }).collect()
}

/// The same, with its lines.
pub(crate) fn plain_lines(text: &str) -> String {
    let is_bad = |it: char| steers(it) && it != '\n' && it != '\t';
    text.chars().map(|it| if is_bad(it) { '\u{fffd}' } else { it }).collect()
}

/// A control character, or one that turns the direction of what follows, and so shows one thing
/// for another.
pub(crate) fn steers(character: char) -> bool {
    character.is_control()
        || matches!(character, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_yes_is_a_yes() {
        for (answer, expected) in
            [("y\n", true), (" YES ", true), ("\n", false), ("", false), ("yep", false)]
        {
            assert_eq!(is_yes(answer), expected, "{answer:?}");
        }
    }

    #[test]
    fn what_could_steer_a_terminal_is_taken_out() {
        assert_eq!(plain("a\u{1b}[31mb\nc\u{9b}ä"), "a\u{fffd}[31mb\u{fffd}c\u{fffd}ä");
        assert_eq!(plain("a\u{202e}b\u{2066}"), "a\u{fffd}b\u{fffd}");
        assert_eq!(plain_lines("a\n\tb\r\u{7}"), "a\n\tb\u{fffd}\u{fffd}");
    }
}
