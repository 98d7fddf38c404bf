//! Every case of `egress-targets.json`, by its layer. None of them differs on purpose.

use std::{
    collections::BTreeMap,
    net::{IpAddr, Ipv4Addr, SocketAddr},
    sync::Arc,
    time::Duration,
};

use handlers::egress::{Egress, SendError};
use hooks::{delivery::Outcome, target_url::TargetUrl};
use serde::Deserialize;
use testkit::receiver::{Answer, Receiver};

use crate::{
    proxy,
    world::{Scripted, policy, post},
};

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    id: u32,
    url: String,
    expect: Expected,
    why: String,
    layer: Layer,
    #[serde(default)]
    resolve: Vec<IpAddr>,
    #[serde(default)]
    resolve_then: Vec<IpAddr>,
    connect_must_be: Option<IpAddr>,
    redirect: Option<Redirect>,
    #[serde(default)]
    env: BTreeMap<String, String>,
    /// What decided where implementations disagree; followed as `expect` says.
    #[serde(rename = "policy")]
    _policy: Option<String>,
    /// What to look at, in words.
    #[serde(rename = "must")]
    _must: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Expected {
    Allowed,
    Blocked,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Layer {
    Syntax,
    Literal,
    Name,
    Port,
    Dns,
    Rebind,
    Redirect,
    Env,
}

#[derive(Debug, Clone, Deserialize)]
struct Redirect {
    status: u16,
    location: String,
}

impl Case {
    fn name(&self) -> String {
        format!("{}: {} ({})", self.id, self.url, self.why)
    }

    /// A door that allows nothing beyond public addresses, and resolves as the case says.
    fn egress(&self) -> (Egress, Arc<Scripted>) {
        let addresses = self.resolve.iter().map(|ip| SocketAddr::new(*ip, 0)).collect();
        let resolver = Scripted::new([addresses]);
        (door(&[], &resolver), resolver)
    }
}

/// Where the cases' public addresses are played: nothing else on loopback is allowed.
const STAND_IN: IpAddr = IpAddr::V4(Ipv4Addr::new(127, 0, 0, 2));

fn door(allow: &[&str], resolver: &Arc<Scripted>) -> Egress {
    let resolver = Arc::clone(resolver);
    Egress::with_resolver(policy(allow), Duration::from_secs(5), resolver).unwrap()
}

fn cases(layers: &[Layer]) -> Vec<Case> {
    let text = include_str!("../../../tests/conformance/egress-targets.json");
    let all: Vec<Case> = serde_json::from_str(text).unwrap();
    let cases: Vec<_> = all.into_iter().filter(|case| layers.contains(&case.layer)).collect();
    assert!(!cases.is_empty(), "no cases of {layers:?}");
    cases
}

/// Sends to what a case blocks, and panics unless that is refused.
async fn assert_refused(case: &Case, egress: &Egress, url: &TargetUrl) {
    match post(egress, url).await {
        Err(SendError::Refused(_)) => {}
        other => panic!("{}: {other:?}", case.name()),
    }
}

#[tokio::test]
async fn what_can_be_judged_without_a_lookup() {
    for case in cases(&[Layer::Syntax, Layer::Literal, Layer::Name, Layer::Port]) {
        let (egress, resolver) = case.egress();
        let url = TargetUrl::parse(&case.url);
        let judged = match &url {
            Ok(url) if egress.judge(url).is_ok() => Expected::Allowed,
            _ => Expected::Blocked,
        };
        assert_eq!(judged, case.expect, "{}", case.name());
        if let (Expected::Blocked, Ok(url)) = (case.expect, &url) {
            assert_refused(&case, &egress, url).await;
            assert!(resolver.asked().is_empty(), "{}: looked up", case.name());
        }
    }
}

#[tokio::test]
async fn a_name_that_leads_to_a_refused_address() {
    for case in cases(&[Layer::Dns]).iter().filter(|case| case.expect == Expected::Blocked) {
        let (egress, resolver) = case.egress();
        let url = TargetUrl::parse(&case.url).unwrap();
        assert!(egress.judge(&url).is_ok(), "{}: it can be saved", case.name());
        assert_refused(case, &egress, &url).await;
        assert_eq!(resolver.asked().len(), 1, "{}", case.name());
    }
}

#[tokio::test]
async fn a_name_that_leads_to_public_addresses() {
    for case in cases(&[Layer::Dns]).iter().filter(|case| case.expect == Expected::Allowed) {
        // None of its addresses is refused, and a request to all that stands in for them arrives.
        let all: Vec<_> = case.resolve.iter().map(|ip| SocketAddr::new(*ip, 0)).collect();
        assert_eq!(policy(&[]).judge_resolved("x.example", &all), Ok(()), "{}", case.name());

        let receiver = Receiver::https_on(STAND_IN).await;
        let resolver = Scripted::new([vec![receiver.address(); all.len()]]);
        let url = TargetUrl::parse(&case.url).unwrap();
        let answer = post(&door(&["127.0.0.2/32"], &resolver), &url).await;
        assert_eq!(answer.unwrap().status, 200, "{}", case.name());
        receiver.next().await;
    }
}

#[tokio::test]
async fn a_name_that_leads_elsewhere_the_second_time() {
    for case in cases(&[Layer::Rebind]) {
        assert_eq!(case.connect_must_be, case.resolve.first().copied(), "{}", case.name());
        let receiver = Receiver::https_on(STAND_IN).await;
        let then = case.resolve_then.iter().map(|ip| SocketAddr::new(*ip, 0)).collect();
        let resolver = Scripted::new([vec![receiver.address()], then]);
        let egress = door(&["127.0.0.2/32"], &resolver);
        let url = TargetUrl::parse(&case.url).unwrap();

        receiver.script([Answer::status(200), Answer::status(200).header("connection", "close")]);
        for _ in 0..2 {
            post(&egress, &url).await.unwrap_or_else(|it| panic!("{}: {it}", case.name()));
            receiver.next().await;
        }
        assert_eq!(receiver.connections(), 1, "{}: the connection is kept", case.name());
        assert_eq!(resolver.asked().len(), 1, "{}: one lookup a connection", case.name());

        if !case.resolve_then.is_empty() {
            assert_refused(&case, &egress, &url).await;
            assert_eq!(resolver.asked().len(), 2, "{}: looked up again", case.name());
        }
    }
}

#[tokio::test]
async fn a_redirect_is_an_answer_and_nothing_more() {
    for case in cases(&[Layer::Redirect]) {
        let redirect = case.redirect.clone().unwrap();
        let receiver = Receiver::https_on(STAND_IN).await;
        receiver.always(Answer::status(redirect.status).header("location", &redirect.location));
        let resolver = Scripted::new([vec![receiver.address()]]);
        let url = TargetUrl::parse(&case.url).unwrap();

        let answer = post(&door(&["127.0.0.2/32"], &resolver), &url).await.unwrap();

        assert_eq!(answer.status, redirect.status, "{}", case.name());
        let outcome = handlers::failure::outcome_of(answer.status, None);
        assert_ne!(outcome, Outcome::Succeeded, "{}", case.name());
        assert_eq!(receiver.requests().len(), 1, "{}", case.name());
        assert_eq!(resolver.asked().len(), 1, "{}", case.name());
    }
}

#[tokio::test]
async fn a_proxy_in_the_environment_is_no_way_round() {
    for case in cases(&[Layer::Env]) {
        assert_eq!(case.expect, Expected::Blocked, "{}", case.name());
        assert_eq!(proxy::sent_with(&case.env, &case.url, &[]).await, "refused", "{}", case.name());
    }
}
