//! Who vouches for a receiver? Certificates made on the spot, and an authority that tests trust.

use std::sync::{Arc, LazyLock};

use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair,
    PKCS_ECDSA_P256_SHA256, date_time_ymd,
};
use rustls::pki_types::{CertificateDer, PrivatePkcs8KeyDer};
use tokio_rustls::TlsAcceptor;

/// The names of receivers on loopback; the authority also vouches for [`NAME`].
const LOOPBACK: [&str; 3] = ["localhost", "127.0.0.1", "127.0.0.2"];

/// A public name that good certificates are for, too.
pub const NAME: &str = "receiver.example";

/// What is wrong with a certificate, if anything is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Certificate {
    /// Nothing: signed by [`authority`], in force, for loopback and [`NAME`].
    Good,
    /// It signed itself.
    SelfSigned,
    /// It was good once.
    Expired,
    /// It will be good one day.
    NotYetValid,
    /// It is somebody else's.
    OtherHost,
    /// It is for thousands of other hosts.
    ManyOtherHosts,
}

/// The certificate of the authority, for those who trust it. One for every process.
pub fn authority() -> CertificateDer<'static> {
    AUTHORITY.der().clone()
}

/// The same, as files have it.
pub fn authority_pem() -> String {
    AUTHORITY.pem()
}

static AUTHORITY: LazyLock<CertifiedIssuer<'static, KeyPair>> = LazyLock::new(|| {
    let mut params = CertificateParams::default();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.distinguished_name.push(DnType::CommonName, "an authority for tests");
    CertifiedIssuer::self_signed(params, key()).expect("an authority signs itself")
});

/// A server's side of TLS that shows this certificate and offers these protocols.
pub(crate) fn acceptor(certificate: Certificate, protocols: &[&str]) -> TlsAcceptor {
    let key = key();
    let made = match certificate {
        Certificate::SelfSigned => params(certificate).self_signed(&key),
        _ => params(certificate).signed_by(&key, &AUTHORITY),
    };
    let made = made.expect("the parameters are valid");
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("ring speaks the default versions")
        .with_no_client_auth()
        .with_single_cert(
            vec![made.der().clone()],
            PrivatePkcs8KeyDer::from(key.serialize_der()).into(),
        )
        .expect("the key belongs to the certificate");
    config.alpn_protocols = protocols.iter().map(|it| it.as_bytes().to_vec()).collect();
    TlsAcceptor::from(Arc::new(config))
}

fn params(certificate: Certificate) -> CertificateParams {
    let names = match certificate {
        Certificate::OtherHost => vec!["other.example".to_owned()],
        Certificate::ManyOtherHosts => (0..2000).map(|it| format!("host-{it}.example")).collect(),
        _ => LOOPBACK.into_iter().chain([NAME]).map(str::to_owned).collect(),
    };
    let mut params = CertificateParams::new(names).expect("names and addresses");
    match certificate {
        Certificate::Expired => params.not_after = date_time_ymd(2001, 1, 1),
        Certificate::NotYetValid => params.not_before = date_time_ymd(3999, 1, 1),
        _ => {}
    }
    params
}

fn key() -> KeyPair {
    KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).expect("there is randomness for a key")
}
