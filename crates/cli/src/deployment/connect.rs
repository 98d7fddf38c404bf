//! What does this program dial with? The one place of it that makes a client.
//!
//! The egress of hooks is not asked: this is a user of the system, who says where to go.

use std::{path::Path, sync::Arc};

use reqwest::{Client, redirect::Policy};
use rustls::{
    ClientConfig, RootCertStore,
    crypto::ring,
    pki_types::{CertificateDer, pem::PemObject as _},
};
use url::{Host, Url};

use crate::{
    arguments::Shared,
    failure::{Done, Failure},
};

/// A client that goes where it is told and nowhere else: a redirect could take a token along, and
/// so could a proxy that stands between this machine and itself.
#[expect(clippy::disallowed_methods, reason = "the command line is run by people, not by hooks")]
pub(super) fn client(shared: &Shared, base: &Url) -> Done<Client> {
    let builder = Client::builder();
    let builder = if is_here(base) { builder.no_proxy() } else { builder };
    builder
        .tls_backend_preconfigured(trusting(shared.ca_file.as_deref())?)
        .redirect(Policy::none())
        .retry(reqwest::retry::never())
        .user_agent(concat!("eventhooks/", env!("CARGO_PKG_VERSION")))
        .timeout(shared.timeout())
        .build()
        .map_err(|error| Failure::failed(format_args!("cannot start a client: {error}")))
}

/// Is that this machine?
fn is_here(base: &Url) -> bool {
    match base.host() {
        Some(Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

/// Trusts Mozilla's roots, which are compiled in, and those of a file.
fn trusting(file: Option<&Path>) -> Done<ClientConfig> {
    let mut roots = RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() };
    if let Some(file) = file {
        add(&mut roots, file)
            .map_err(|why| Failure::usage(format_args!("--ca-file {}: {why}", file.display())))?;
    }
    let builder = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|error| Failure::failed(format_args!("no TLS: {error}")))?;
    let mut config = builder.with_root_certificates(roots).with_no_client_auth();
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(config)
}

fn add(roots: &mut RootCertStore, file: &Path) -> Result<(), String> {
    let certificates = CertificateDer::pem_file_iter(file).map_err(|it| it.to_string())?;
    let before = roots.len();
    for certificate in certificates {
        let certificate = certificate.map_err(|it| it.to_string())?;
        roots.add(certificate).map_err(|it| it.to_string())?;
    }
    if roots.len() == before { Err("there is no certificate in it".into()) } else { Ok(()) }
}
