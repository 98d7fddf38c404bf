//! How AWS is asked: one TLS stack, short waits, few tries; as whom and where, as the environment says.
//!
//! Lambda says it in variables. What the SDK looks for besides (profiles, metadata services, roles to
//! assume) is not there, and would be most of what `ingest` consists of.

use std::{env, fmt, time::Duration};

use aws_credential_types::{Credentials, provider::SharedCredentialsProvider};
use aws_smithy_http_client::{
    Connector,
    tls::{Provider, TlsContext, TrustStore, rustls_provider::CryptoMode},
};
use aws_smithy_runtime_api::client::{
    behavior_version::BehaviorVersion,
    http::{HttpConnectorSettings, SharedHttpClient, SharedHttpConnector, http_client_fn},
};
use aws_smithy_types::{retry::RetryConfig, timeout::TimeoutConfig};
use aws_types::{
    SdkConfig,
    region::Region,
    service_config::{LoadServiceConfig, ServiceConfigKey},
};

/// Who vouches for AWS: the five roots of <https://www.amazontrust.com/repository/>.
const AMAZON: &[u8] = include_bytes!("amazon_roots.pem");

/// The partitions whose endpoints have certificates of these roots, by what their regions' names do
/// not begin with.
const ELSEWHERE: [&str; 3] = ["cn-", "us-iso", "eu-iso"];

/// How long a connection may take.
const CONNECT: Duration = Duration::from_secs(2);

/// What every client of this process is made with.
pub fn sdk_config() -> SdkConfig {
    let timeouts = TimeoutConfig::builder()
        .operation_attempt_timeout(Duration::from_secs(4))
        .operation_timeout(Duration::from_secs(12))
        .build();
    SdkConfig::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(variable("AWS_REGION").map(Region::new))
        .credentials_provider(SharedCredentialsProvider::new(credentials(variable)))
        .service_config(Variables(variable))
        .http_client(http(trusted(variable)))
        .timeout_config(timeouts)
        .retry_config(RetryConfig::standard().with_max_attempts(5))
        .build()
}

/// What all clients share: connections, and the roots, which the SDK's own would read and parse for
/// each client once, and for the first request once more.
fn http(trusted: TrustStore) -> SharedHttpClient {
    let tls = TlsContext::builder().with_trust_store(trusted).build();
    let connector = Connector::builder()
        .tls_provider(Provider::Rustls(CryptoMode::Ring))
        .tls_context(tls.expect("only names of servers are refused"))
        .connector_settings(HttpConnectorSettings::builder().connect_timeout(CONNECT).build())
        .build();
    let connector = SharedHttpConnector::new(connector);
    http_client_fn(move |_, _| connector.clone())
}

/// What a variable says, if it says anything.
fn variable(name: &str) -> Option<String> {
    env::var(name).ok().filter(|it| !it.is_empty())
}

/// As whom: the function's role, whose keys Lambda hands over. Without any, AWS refuses what is asked,
/// and says so.
fn credentials(variable: impl Fn(&str) -> Option<String>) -> Credentials {
    let [id, secret] =
        ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"].map(|it| variable(it).unwrap_or_default());
    Credentials::new(id, secret, variable("AWS_SESSION_TOKEN"), None, "environment")
}

/// Where services are, and how clients behave, as variables say: of a service
/// (`AWS_ENDPOINT_URL_SQS`), or of all (`AWS_ENDPOINT_URL`).
struct Variables<V>(V);

impl<V> fmt::Debug for Variables<V> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("Variables")
    }
}

impl<V: Fn(&str) -> Option<String> + Send + Sync> LoadServiceConfig for Variables<V> {
    fn load_config(&self, key: ServiceConfigKey<'_>) -> Option<String> {
        let service = key.service_id().to_uppercase().replace(' ', "_");
        (self.0)(&format!("{}_{service}", key.env())).or_else(|| (self.0)(key.env()))
    }
}

/// Whom to trust. To read and parse the system's roots is much of what a start takes: where Amazon's
/// are enough, and nobody names others, they are all.
fn trusted(variable: impl Fn(&str) -> Option<String>) -> TrustStore {
    let region = variable("AWS_REGION").unwrap_or_default();
    if variable("SSL_CERT_FILE").is_some()
        || variable("SSL_CERT_DIR").is_some()
        || ELSEWHERE.iter().any(|it| region.starts_with(it))
    {
        return TrustStore::default();
    }
    TrustStore::empty().with_pem_certificate(AMAZON)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(variables: &[(&str, &str)], wanted: &str) -> Option<String> {
        let found = variables.iter().find(|(name, _)| *name == wanted);
        found.map(|(_, value)| (*value).to_owned())
    }

    #[test]
    fn a_service_is_where_its_own_variable_says_or_that_of_all() {
        const ALL: (&str, &str) = ("AWS_ENDPOINT_URL", "http://all");
        const SQS: (&str, &str) = ("AWS_ENDPOINT_URL_SQS", "http://sqs");
        const SECRETS: (&str, &str) = ("AWS_ENDPOINT_URL_SECRETS_MANAGER", "http://secrets");

        for (name, variables, service, expected) in [
            ("nothing said", &[][..], "SQS", None),
            ("all", &[ALL], "SQS", Some("http://all")),
            ("its own", &[ALL, SQS], "SQS", Some("http://sqs")),
            ("somebody else's", &[SQS], "DynamoDB", None),
            ("one of two words", &[SECRETS, ALL], "Secrets Manager", Some("http://secrets")),
        ] {
            let key = ServiceConfigKey::builder()
                .service_id(service)
                .env("AWS_ENDPOINT_URL")
                .profile("endpoint_url")
                .build()
                .unwrap();
            let variables = Variables(|name: &str| said(variables, name));
            assert_eq!(variables.load_config(key).as_deref(), expected, "{name}");
        }
    }

    #[test]
    fn it_is_the_functions_role_that_asks() {
        let variables = [
            ("AWS_ACCESS_KEY_ID", "id"),
            ("AWS_SECRET_ACCESS_KEY", "secret"),
            ("AWS_SESSION_TOKEN", "session"),
        ];
        let role = credentials(|name| said(&variables, name));
        let keys = (role.access_key_id(), role.secret_access_key(), role.session_token());
        assert_eq!(keys, ("id", "secret", Some("session")));
    }

    #[test]
    fn the_systems_roots_are_read_where_somebody_means_them() {
        for (name, variables, expected) in [
            ("nothing said", &[][..], false),
            ("a region", &[("AWS_REGION", "eu-central-1")], false),
            ("one with other roots", &[("AWS_REGION", "cn-north-1")], true),
            ("a file", &[("AWS_REGION", "eu-central-1"), ("SSL_CERT_FILE", "/a.pem")], true),
            ("a folder", &[("SSL_CERT_DIR", "/certificates")], true),
        ] {
            let store = format!("{:?}", trusted(|name| said(variables, name)));
            assert_eq!(store.contains("enable_native_roots: true"), expected, "{name}");
        }
    }

    #[test]
    fn the_roots_in_the_program_are_ones() {
        let roots = String::from_utf8(AMAZON.to_vec()).unwrap();
        assert_eq!(roots.matches("-----BEGIN CERTIFICATE-----").count(), 5);
        // It panics where a root is none.
        let _ = http(trusted(|_| None));
    }
}
