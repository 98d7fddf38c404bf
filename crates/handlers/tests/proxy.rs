//! Proxies in the environment. An environment belongs to a process, so that these tests send from
//! processes of their own: this test binary again, with one test to run.

use std::{collections::BTreeMap, env, process::Command};

use handlers::egress::SendError;
use testkit::receiver::Receiver;

use crate::world::{LOOPBACK, egress, post, target};

const URL: &str = "TEST_SEND_TO";
const ALLOW: &str = "TEST_EGRESS_ALLOW";
const SAID: &str = "sent from another process: ";

/// What comes of a request that is made in this environment.
pub(crate) async fn sent_with(
    environment: &BTreeMap<String, String>,
    url: &str,
    allow: &[&str],
) -> String {
    let mut child = Command::new(env::current_exe().unwrap());
    child.args(["--exact", "proxy::send_from_here", "--ignored", "--nocapture"]);
    child.envs(environment).env(URL, url).env(ALLOW, allow.join(","));
    let output = tokio::task::spawn_blocking(move || child.output()).await.unwrap().unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let said = text.lines().find_map(|line| Some(line.split_once(SAID)?.1));
    said.unwrap_or_else(|| panic!("the other process failed: {output:?}")).to_owned()
}

#[tokio::test]
#[ignore = "run by the other tests, in a process with another environment"]
async fn send_from_here() {
    let Ok(url) = env::var(URL) else { return };
    let allow = env::var(ALLOW).unwrap();
    let allow: Vec<_> = allow.split(',').filter(|net| !net.is_empty()).collect();
    match post(&egress(&allow), &target(&url)).await {
        Ok(answer) => println!("{SAID}{}", answer.status),
        Err(SendError::Refused(_)) => println!("{SAID}refused"),
        Err(other) => println!("{SAID}{other}"),
    }
}

#[tokio::test]
async fn a_proxy_in_the_environment_is_not_asked() {
    let proxy = Receiver::http().await;
    let names = ["HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"];
    let names = names.into_iter().flat_map(|name| [name.to_owned(), name.to_lowercase()]);
    let environment = names.map(|name| (name, proxy.url())).collect();

    for receiver in [Receiver::http().await, Receiver::https().await] {
        assert_eq!(sent_with(&environment, &receiver.url(), &LOOPBACK).await, "200");
        receiver.next().await;
    }
    assert_eq!(proxy.connections(), 0);
}
