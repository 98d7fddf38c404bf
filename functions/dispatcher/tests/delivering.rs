//! What is handed over is delivered, or put where somebody finds it.

use awskit::{
    events::{DEAD_RETRIES, Message},
    servers::with,
};
use hooks::{
    delivery::{Delivery, State},
    handler::{Handler, Lambda},
    hook::Draft,
    ports::{Clock as _, Ledger as _, PageRequest},
    task::Queue,
};
use serde_json::Value;
use testkit::{builders::draft, receiver::Receiver};

use crate::world::{dispatcher, fresh, keep, lines, message, to, work};

#[tokio::test]
async fn an_event_comes_to_its_receiver() {
    with(async |servers| {
        let receiver = Receiver::http().await;
        let hook = keep(servers, to(&receiver)).await;
        let parent = "00-5759e988bd862e3fe1be46a994272793-53995c3f42cd8ad8-01";
        let event = hooks::event::Event { trace: Some(parent.parse().unwrap()), ..fresh() };
        let dispatcher = dispatcher(servers, &[]).await.unwrap();
        let given_back = work(&dispatcher, &[message(servers, vec![event.clone()])]).await;
        assert_eq!(given_back, Vec::<String>::new());

        let id = Delivery::first(&hook, event).id();
        let received = receiver.next().await;
        assert_eq!(received.header("webhook-id"), Some(id.to_string().as_str()));
        let trace = received.header("traceparent").unwrap();
        assert!(trace.starts_with(&parent[..36]) && trace != parent, "a span of its own: {trace}");
        let now = aws::SystemClock.now();
        let entry = servers.dynamo().delivery(id, now).await.unwrap().expect("it is in the log");
        assert_eq!(entry.state, State::Delivered);
    })
    .await;
}

#[tokio::test]
async fn what_it_says_is_json_about_an_invocation() {
    with(async |servers| {
        let receiver = Receiver::http().await;
        keep(servers, to(&receiver)).await;
        keep(servers, draft()).await;
        let dispatcher = dispatcher(servers, &[]).await.unwrap();
        work(&dispatcher, &[message(servers, vec![fresh()])]).await;

        let lines = lines(&dispatcher, "event_hooks_deliveries_total").await;
        let said = |member: &str, value: Value| -> Vec<&Value> {
            lines.iter().filter(|it| it[member] == value).collect()
        };
        let counted = said("event_hooks_deliveries_total", 2.into());
        assert_eq!(counted[0]["status"], "delivered");
        assert_eq!(counted[0]["function"], "dispatcher");
        assert_eq!(said("message", "delivery attempted".into()).len(), 2);
        assert_eq!(said("message", "log callback".into()).len(), 1);
        let of_invocation = said("request_id", "00000000-0000-4000-8000-000000000001".into());
        assert_eq!(of_invocation.len(), lines.len() - 1, "all but the callback's own: {lines:#?}");
    })
    .await;
}

#[tokio::test]
async fn a_script_runs_in_a_worker() {
    with(async |servers| {
        let function = "return function(data) return data.entity.username == 'alice' end";
        let lambda = Lambda { functions: vec![function.into()] };
        let hook = keep(servers, Draft { handler: Handler::Lambda(lambda), ..draft() }).await;
        let dispatcher = dispatcher(servers, &[]).await.unwrap();
        let event = fresh();
        work(&dispatcher, &[message(servers, vec![event.clone()])]).await;
        let (id, now) = (Delivery::first(&hook, event).id(), aws::SystemClock.now());
        let entry = servers.dynamo().delivery(id, now).await.unwrap().expect("it is in the log");
        assert_eq!(entry.state, State::Delivered, "{entry:?}");
    })
    .await;
}

#[tokio::test]
async fn what_nobody_can_process_is_buried_once() {
    with(async |servers| {
        let dispatcher = dispatcher(servers, &[]).await.unwrap();
        let nonsense = Message::new(&servers.arn(Queue::Events), "nonsense");
        let dead = Message { receives: 6, ..Message::new(DEAD_RETRIES, "something") };
        for _ in 0..2 {
            for batch in [[nonsense.clone()], [dead.clone()]] {
                assert_eq!(work(&dispatcher, &batch).await, Vec::<String>::new());
            }
        }
        let page = PageRequest { size: 10, after: None };
        let buried = servers.dynamo().poisons(page).await.unwrap().items;
        let mut found = Vec::new();
        for it in &buried {
            let whole = servers.dynamo().poison(it.id).await.unwrap().expect("it was listed");
            found.push((whole.queue, whole.receives, whole.body));
        }
        found.sort();
        assert_eq!(
            found,
            [(Queue::Events, 1, "nonsense".into()), (Queue::Retries, 6, "something".into())]
        );
        assert!(lines(&dispatcher, "event_hooks_poison_total").await.len() > 1);
    })
    .await;
}
