//! What does this function say of itself? A line of JSON for each event, on standard output, from
//! where CloudWatch takes it.
//!
//! Each line has the id of its invocation and of that invocation's trace; lines of an attempt have
//! the ids of the attempt's own trace instead.

use std::{io::Write as _, sync::Arc};

use hooks::ports::Clock;
use serde_json::{Map, Value};
use tracing::{
    Event, Subscriber,
    span::{Attributes, Id, Record},
};
use tracing_subscriber::{Layer, fmt::MakeWriter, layer::Context, registry::LookupSpan};

use crate::{fields::Fields, invocation};

/// Writes the lines.
pub(crate) struct Lines<W> {
    writer: W,
    clock: Arc<dyn Clock>,
}

/// The fields of a span that lines in it repeat.
struct OfSpan(Fields);

impl<W> Lines<W> {
    pub(crate) fn new(writer: W, clock: Arc<dyn Clock>) -> Self {
        Self { writer, clock }
    }
}

impl<S, W> Layer<S> for Lines<W>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    W: for<'a> MakeWriter<'a> + 'static,
{
    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        let mut fields = Fields::default();
        attributes.record(&mut fields);
        if let Some(span) = context.span(id) {
            span.extensions_mut().replace(OfSpan(fields));
        }
    }

    fn on_record(&self, id: &Id, values: &Record<'_>, context: Context<'_, S>) {
        let Some(span) = context.span(id) else { return };
        if let Some(OfSpan(fields)) = span.extensions_mut().get_mut() {
            values.record(fields);
        }
    }

    fn on_event(&self, event: &Event<'_>, context: Context<'_, S>) {
        let mut said = Fields::default();
        event.record(&mut said);
        let mut line = Map::new();
        line.insert("timestamp".into(), self.clock.now().to_string().into());
        line.insert("level".into(), event.metadata().level().as_str().into());
        line.extend(said.0.shift_remove("message").map(|it| ("message".into(), it)));
        line.extend(invocation::ids());
        for span in
            context.event_scope(event).into_iter().flatten().collect::<Vec<_>>().iter().rev()
        {
            if let Some(OfSpan(fields)) = span.extensions().get() {
                line.extend(fields.0.clone());
            }
        }
        line.extend(said.0);
        line.insert("target".into(), event.metadata().target().into());

        let mut text = Value::Object(line).to_string();
        text.push('\n');
        // In one piece, for others write there too. Where nobody reads, there is nobody to tell.
        let _ = self.writer.make_writer().write_all(text.as_bytes());
    }
}

#[cfg(test)]
mod tests {
    use std::{
        io,
        sync::{Mutex, PoisonError},
    };

    use tracing_subscriber::{filter::Targets, layer::SubscriberExt as _};

    use super::*;
    use crate::clock::fixed::At;

    #[derive(Clone, Default)]
    struct Kept(Arc<Mutex<Vec<Vec<u8>>>>);

    impl io::Write for Kept {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap_or_else(PoisonError::into_inner).push(bytes.to_vec());
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    /// What is written while this is done, piece by piece.
    fn written(filter: &str, deed: impl FnOnce()) -> Vec<String> {
        let kept = Kept::default();
        let writer = kept.clone();
        let lines = Lines::new(move || writer.clone(), Arc::new(At(1_795_255_200_000)));
        let lines = lines.with_filter(filter.parse::<Targets>().unwrap());
        tracing::subscriber::with_default(tracing_subscriber::registry().with(lines), deed);
        let pieces = kept.0.lock().unwrap();
        pieces.iter().map(|it| String::from_utf8(it.clone()).unwrap()).collect()
    }

    #[test]
    fn an_event_is_one_line_written_in_one_piece() {
        let written = written("info", || {
            let status = Some("delivered");
            tracing::warn!(delivery.id = %7, took_ms = 12_u64, status, error = None::<&str>, "two\nlines");
        });
        assert_eq!(
            written,
            [concat!(
                r#"{"timestamp":"2026-11-21T10:00:00.000Z","level":"WARN","message":"two\nlines","#,
                r#""delivery.id":"7","took_ms":12,"status":"delivered","#,
                r#""target":"aws::logs::tests"}"#,
                "\n"
            )]
        );
    }

    #[test]
    fn a_line_has_what_the_spans_around_it_know() {
        let written = written("info", || {
            let attempt =
                tracing::info_span!("attempt", trace_id = "ab", late = tracing::field::Empty);
            attempt.record("late", 3);
            let _in_it = attempt.entered();
            let _deeper = tracing::info_span!("request", trace_id = "cd").entered();
            tracing::info!(own = true, late = 4, "said");
        });
        let line: Value = serde_json::from_str(&written[0]).unwrap();
        assert_eq!(
            (&line["trace_id"], &line["late"], &line["own"]),
            (&"cd".into(), &4.into(), &true.into())
        );
    }

    #[test]
    fn the_filter_says_what_is_written() {
        let said = || {
            tracing::debug!("quietly");
            tracing::info!("aloud");
        };
        assert_eq!(written("info", said).len(), 1);
        assert_eq!(written("debug", said).len(), 2);
        assert_eq!(written("off", said).len(), 0);
    }
}
