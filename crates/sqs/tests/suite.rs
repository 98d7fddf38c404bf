//! The port's suite, and what else a real server shows.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use async_trait::async_trait;
use aws_sdk_sqs::{
    error::ProvideErrorMetadata,
    types::{Message, MessageSystemAttributeName as Attribute},
};
use hooks::{
    event::Event,
    ports::{Outgoing, PortError, PortResult, TaskQueue},
    task::{Queue, Task},
};
use serde_json::json;
use sqs::{Depth, Queues, SqsQueue};
use testkit::{
    builders::{data, dispatch, event, outgoing},
    suites::{
        self,
        task_queue::{Received, Receiving},
    },
};

use crate::world::{self, World};

#[tokio::test(flavor = "multi_thread")]
async fn task_queue() {
    world::with(async |world| {
        suites::task_queue::run(async |_| Arc::new(BothHalves::new(world).await) as _).await;
    })
    .await;
}

/// The queue as the suite wants it. On AWS, Lambda is the half that receives.
struct BothHalves {
    client: aws_sdk_sqs::Client,
    queues: Queues,
    sending: SqsQueue,
}

impl BothHalves {
    async fn new(world: &World) -> Self {
        let (client, queues) = (world.client.clone(), world.queues().await);
        Self { sending: SqsQueue::new(client.clone(), queues.clone()), client, queues }
    }

    async fn messages(&self, queue: Queue, most: usize) -> Vec<Message> {
        let asked = self
            .client
            .receive_message()
            .queue_url(self.queues.url(queue))
            .max_number_of_messages(i32::try_from(most.min(10)).expect("at most ten"))
            .message_system_attribute_names(Attribute::All)
            .send();
        asked.await.expect("the queue is there").messages.unwrap_or_default()
    }
}

fn attribute<'a>(message: &'a Message, name: &Attribute) -> &'a str {
    &message.attributes.as_ref().expect("all were asked for")[name]
}

/// The queue and the receipt of a message: what [`BothHalves`] knows it by.
fn handle(received: &Received) -> (Queue, &str) {
    let (queue, receipt) = received.handle.split_once(' ').expect("made of both");
    let queue = [Queue::Events, Queue::Retries].into_iter().find(|it| it.as_str() == queue);
    (queue.expect("one of the two"), receipt)
}

#[async_trait]
impl TaskQueue for BothHalves {
    async fn send(&self, tasks: Vec<Outgoing>) -> PortResult<()> {
        self.sending.send(tasks).await
    }
}

#[async_trait]
impl Receiving for BothHalves {
    async fn receive(&self, queue: Queue, most: usize) -> PortResult<Vec<Received>> {
        let received = |it: Message| Received {
            task: Task::decode(it.body().expect("it has a body")).expect("it was sent as a task"),
            receives: attribute(&it, &Attribute::ApproximateReceiveCount).parse().expect("a count"),
            handle: format!("{} {}", queue.as_str(), it.receipt_handle().expect("it has one")),
        };
        Ok(self.messages(queue, most).await.into_iter().map(received).collect())
    }

    async fn acknowledge(&self, received: &Received) -> PortResult<()> {
        let (queue, receipt) = handle(received);
        let deleting =
            self.client.delete_message().queue_url(self.queues.url(queue)).receipt_handle(receipt);
        match deleting.send().await {
            Ok(_) => Ok(()),
            // What is deleted already is deleted, says AWS; not every server does.
            Err(error) if error.code() == Some("ReceiptHandleIsInvalid") => Ok(()),
            Err(error) => panic!("not deleted: {error:?}"),
        }
    }

    async fn release(&self, received: &Received, delay: Duration) -> PortResult<()> {
        let (queue, receipt) = handle(received);
        let releasing = self
            .client
            .change_message_visibility()
            .queue_url(self.queues.url(queue))
            .receipt_handle(receipt)
            .visibility_timeout(i32::try_from(delay.as_secs()).expect("a short delay"));
        releasing.send().await.expect("it is in hand");
        Ok(())
    }

    async fn wait(&self, span: Duration) {
        tokio::time::sleep(span + Duration::from_millis(50)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn groups_arrive_with_their_tasks() {
    world::with(async |world| {
        let queue = BothHalves::new(world).await;
        let long = "w".repeat(255);
        let send =
            |group: &str| Outgoing { group: group.to_owned(), ..outgoing(dispatch(event())) };
        queue.send(vec![send("tenant~1"), send(&long), send("")]).await.unwrap();
        let mut groups = BTreeMap::new();
        while groups.len() < 3 {
            let messages = queue.messages(Queue::Events, 10).await;
            assert!(!messages.is_empty(), "so far: {groups:?}");
            for message in messages {
                let group = attribute(&message, &Attribute::MessageGroupId).to_owned();
                groups.insert(group, message);
            }
        }
        assert!(groups.contains_key("tenant~1"), "{:?}", groups.keys());
        assert!(groups.keys().all(|it| (1..=128).contains(&it.len())), "{:?}", groups.keys());
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_character_of_json_arrives() {
    world::with(async |world| {
        let queue = BothHalves::new(world).await;
        let odd = "\u{0}\u{1f}\u{7f}\u{d7ff}\u{e000}\u{fffd}\u{fffe}\u{ffff}\u{10ffff}";
        let sent = dispatch(Event { data: data(json!({odd: odd})), ..event() });
        queue.send(vec![outgoing(sent.clone())]).await.unwrap();
        let received = queue.receive(Queue::Events, 10).await.unwrap();
        assert_eq!(received.len(), 1);
        assert_eq!(received[0].task, sent);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_waits_is_delayed_or_in_hand_is_counted() {
    world::with(async |world| {
        let queue = BothHalves::new(world).await;
        let depth = async || queue.sending.depth().await.unwrap();
        assert_eq!(depth().await, Depth::default());

        let waiting = || outgoing(dispatch(event()));
        let delayed = Outgoing { delay: Duration::from_mins(1), ..waiting() };
        let retry = Outgoing { queue: Queue::Retries, ..waiting() };
        queue.send(vec![waiting(), waiting(), waiting(), delayed, retry]).await.unwrap();
        assert_eq!(depth().await, Depth { events: 4, retries: 1 });

        let in_hand = queue.receive(Queue::Events, 1).await.unwrap();
        assert_eq!(depth().await, Depth { events: 4, retries: 1 });
        queue.acknowledge(&in_hand[0]).await.unwrap();
        assert_eq!(depth().await, Depth { events: 3, retries: 1 });
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_queue_that_is_not_there_is_said_so() {
    world::with(async |world| {
        let made = world.queues().await;
        let queues = Queues { events: format!("{}-not", made.events), ..made };
        let queue = SqsQueue::new(world.client.clone(), queues);
        let sent = queue.send(vec![outgoing(dispatch(event()))]).await.unwrap_err();
        let asked = queue.depth().await.unwrap_err();
        for error in [sent, asked] {
            assert!(matches!(error, PortError::Unavailable { .. }), "{error}");
            assert!(error.to_string().contains("does not exist"), "{error}");
        }
    })
    .await;
}
