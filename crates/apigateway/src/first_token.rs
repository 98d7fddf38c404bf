//! What is the first admin token? What Secrets Manager holds: it is replaced there, and the old one
//! opens nothing ten seconds later.

use std::{fmt, sync::Arc, time::Duration};

use async_trait::async_trait;
use aws_sdk_secretsmanager::Client;
use futures_util::lock::Mutex;
use hooks::{
    access::{FirstToken, TokenHash},
    ports::{Clock, PortError, PortResult},
    time::Timestamp,
};

const WHAT: &str = "the first admin token";

/// The first admin token, as Secrets Manager has it.
pub struct SecretToken {
    client: Client,
    secret: String,
    clock: Arc<dyn Clock>,
    known: Mutex<Option<Known>>,
}

/// What was read, and when it was asked for.
struct Known {
    hash: TokenHash,
    asked: Timestamp,
}

impl SecretToken {
    /// For how long what was read is good.
    const TRUSTED: Duration = Duration::from_secs(10);

    /// The token in the secret of this name or ARN.
    pub fn new(client: Client, secret: String, clock: Arc<dyn Clock>) -> Self {
        Self { client, secret, clock, known: Mutex::default() }
    }

    async fn read(&self) -> PortResult<TokenHash> {
        let answer = self.client.get_secret_value().secret_id(&self.secret).send().await;
        let answer = answer.map_err(|error| PortError::Unavailable {
            what: WHAT,
            source: error.into_service_error().into(),
        })?;
        // Many an editor ends a file with a line break, which no header can have.
        let token = answer.secret_string().map(str::trim).filter(|it| !it.is_empty());
        let corrupt = || PortError::Corrupt { what: WHAT, source: "the secret is no text".into() };
        token.map(TokenHash::of).ok_or_else(corrupt)
    }
}

#[async_trait]
impl FirstToken for SecretToken {
    /// Asked for once by many at the same time: the others wait for that answer. Where there is
    /// none, the door stays shut: a token that may have been replaced opens nothing.
    async fn hash(&self) -> PortResult<Option<TokenHash>> {
        let mut known = self.known.lock().await;
        let asked = self.clock.now();
        if let Some(known) = &*known
            && known.asked <= asked
            && known.asked.distance(asked) < Self::TRUSTED
        {
            return Ok(Some(known.hash.clone()));
        }
        *known = None;
        let hash = self.read().await?;
        *known = Some(Known { hash: hash.clone(), asked });
        Ok(Some(hash))
    }
}

impl fmt::Debug for SecretToken {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("SecretToken").field("secret", &self.secret).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use aws_sdk_secretsmanager::{
        Config,
        config::{BehaviorVersion, Credentials, Region, retry::RetryConfig},
    };
    use testkit::{
        fakes::HandClock,
        receiver::{Answer, Receiver},
    };

    use super::*;

    /// A status and a body.
    type Said = (u16, &'static str);

    /// Secrets Manager, when it says these in turn.
    async fn saying(answers: &[Said]) -> (SecretToken, Receiver, HandClock) {
        let said = Receiver::http().await;
        said.script(answers.iter().map(|(status, body)| Answer::status(*status).body(*body)));
        let config = Config::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::new("eu-central-1"))
            .credentials_provider(Credentials::new("test", "test", None, None, "test"))
            .endpoint_url(said.url())
            .retry_config(RetryConfig::disabled())
            .http_client(aws_smithy_http_client::Builder::new().build_http());
        let clock = HandClock::default();
        let client = Client::from_conf(config.build());
        (SecretToken::new(client, "secret".into(), Arc::new(clock.clone())), said, clock)
    }

    fn asked(said: &Receiver) -> usize {
        said.requests().len()
    }

    const A: Said = (200, r#"{"SecretString": "a\n"}"#);
    const B: Said = (200, r#"{"SecretString": "b"}"#);
    const DOWN: Said = (500, r#"{"__type": "InternalServiceError"}"#);

    #[tokio::test]
    async fn a_token_that_was_replaced_opens_nothing_ten_seconds_later() {
        let (token, said, clock) = saying(&[A, B]).await;
        assert_eq!(token.hash().await.unwrap(), Some(TokenHash::of("a")));
        clock.advance(Duration::from_millis(9_999));
        assert_eq!(token.hash().await.unwrap(), Some(TokenHash::of("a")));
        assert_eq!(asked(&said), 1, "what is trusted is not asked for");
        clock.advance(Duration::from_millis(1));
        assert_eq!(token.hash().await.unwrap(), Some(TokenHash::of("b")));
    }

    #[tokio::test]
    async fn a_token_that_may_have_been_replaced_opens_nothing() {
        let (token, _said, clock) = saying(&[A, DOWN, DOWN, B]).await;
        assert_eq!(token.hash().await.unwrap(), Some(TokenHash::of("a")));
        clock.advance(Duration::from_secs(10));
        for _ in 0..2 {
            let error = token.hash().await.unwrap_err();
            assert!(matches!(error, PortError::Unavailable { .. }), "{error}");
        }
        assert_eq!(token.hash().await.unwrap(), Some(TokenHash::of("b")), "it is back");
    }

    #[tokio::test]
    async fn a_clock_that_goes_back_prolongs_no_trust() {
        let (token, _said, clock) = saying(&[A, B]).await;
        assert_eq!(token.hash().await.unwrap(), Some(TokenHash::of("a")));
        clock.set(clock.now() - Duration::from_secs(1));
        assert_eq!(token.hash().await.unwrap(), Some(TokenHash::of("b")));
    }

    #[tokio::test]
    async fn many_who_ask_at_once_ask_once() {
        let (token, said, _) = saying(&[A]).await;
        let answers = futures_util::future::join_all((0..100).map(|_| token.hash())).await;
        assert!(answers.into_iter().all(|it| it.unwrap() == Some(TokenHash::of("a"))));
        assert_eq!(asked(&said), 1);
    }

    #[tokio::test]
    async fn a_secret_without_a_token_is_an_error_and_no_open_door() {
        for (name, answer) in [
            ("empty", (200, r#"{"SecretString": ""}"#)),
            ("only space", (200, r#"{"SecretString": " \n"}"#)),
            ("bytes", (200, r#"{"SecretBinary": "YQ=="}"#)),
        ] {
            let error = saying(&[answer]).await.0.hash().await.unwrap_err();
            assert!(matches!(error, PortError::Corrupt { .. }), "{name}: {error}");
        }
    }

    #[tokio::test]
    async fn the_token_is_never_printed() {
        let (token, _said, _) = saying(&[(200, r#"{"SecretString": "canary"}"#)]).await;
        let hash = token.hash().await.unwrap();
        assert!(!format!("{token:?} {hash:?}").contains("canary"));
    }
}
