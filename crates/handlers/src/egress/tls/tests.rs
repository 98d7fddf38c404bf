use rustls::{
    CertificateError, ClientConnection, ServerConfig, ServerConnection, SupportedProtocolVersion,
    pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer},
    server::{ClientHello, ResolvesServerCert},
    sign::CertifiedKey,
    version::{TLS12, TLS13},
};

use super::*;

/// A server that shows one certificate and signs with a key of its choice.
#[derive(Debug)]
struct Shows(Arc<CertifiedKey>);

impl ResolvesServerCert for Shows {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(Arc::clone(&self.0))
    }
}

fn made() -> (CertificateDer<'static>, PrivateKeyDer<'static>) {
    let made = rcgen::generate_simple_self_signed(["receiver.example".to_owned()]).unwrap();
    let key = PrivatePkcs8KeyDer::from(made.signing_key.serialize_der());
    (made.cert.der().clone(), key.into())
}

fn server(
    certificate: CertificateDer<'static>,
    key: &PrivateKeyDer<'static>,
    version: &'static SupportedProtocolVersion,
) -> ServerConnection {
    let signing = ring::sign::any_supported_type(key).unwrap();
    let shown = Shows(Arc::new(CertifiedKey::new(vec![certificate], signing)));
    let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_protocol_versions(&[version])
        .unwrap()
        .with_no_client_auth()
        .with_cert_resolver(Arc::new(shown));
    ServerConnection::new(Arc::new(config)).unwrap()
}

/// The handshake of the two, without a wire between them.
fn shake_hands(config: ClientConfig, mut server: ServerConnection) -> Result<(), Error> {
    let name = ServerName::try_from("receiver.example").unwrap();
    let mut client = ClientConnection::new(Arc::new(config), name).unwrap();
    while client.is_handshaking() {
        let mut wire = Vec::new();
        while client.wants_write() {
            client.write_tls(&mut wire).unwrap();
        }
        server.read_tls(&mut &wire[..]).unwrap();
        server.process_new_packets()?;
        let mut wire = Vec::new();
        while server.wants_write() {
            server.write_tls(&mut wire).unwrap();
        }
        client.read_tls(&mut &wire[..]).unwrap();
        client.process_new_packets()?;
    }
    Ok(())
}

#[test]
fn a_certificate_of_its_own_making_is_taken_only_where_nothing_is_verified() {
    for version in [&TLS12, &TLS13] {
        let (certificate, key) = made();
        let shown = || server(certificate.clone(), &key, version);
        assert_eq!(shake_hands(unverified().unwrap(), shown()), Ok(()), "{version:?}");
        assert_eq!(
            shake_hands(verifying(mozilla()).unwrap(), shown()),
            Err(Error::InvalidCertificate(CertificateError::UnknownIssuer)),
            "{version:?}"
        );
    }
}

#[test]
fn a_certificate_without_its_key_is_never_taken() {
    for version in [&TLS12, &TLS13] {
        let ((stolen, _), (_, key)) = (made(), made());
        assert_eq!(
            shake_hands(unverified().unwrap(), server(stolen, &key, version)),
            Err(Error::InvalidCertificate(CertificateError::BadSignature)),
            "{version:?}"
        );
    }
}
