// ANCHOR: all
//! TLS for both sides (RFC 4217): whom a client trusts, and what a server
//! shows.

use std::path::Path;
use std::sync::Arc;

use anyhow::Context;
use rcgen::{CertifiedKey, generate_simple_self_signed};
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::rustls::{ClientConfig, RootCertStore, ServerConfig};

/// What a server shows to its clients, and the key that belongs to it.
pub type Identity = Arc<ServerConfig>;

/// Makes a certificate for `name`, and a key that never leaves the memory.
/// Returns the certificate in PEM: with it, a client can check that it talks
/// to this server.
///
/// # Errors
/// When `name` is no name of a host.
pub fn certificate(name: &str) -> anyhow::Result<(String, Identity)> {
    let CertifiedKey { cert, signing_key } =
        generate_simple_self_signed([name.to_owned()])
            .context("cannot make a certificate")?;
    let key = PrivateKeyDer::Pkcs8(signing_key.serialize_der().into());
    let config = ServerConfig::builder()
        .with_no_client_auth()
        .with_single_cert(vec![cert.der().clone()], key)
        .context("cannot use the certificate")?;
    Ok((cert.pem(), Arc::new(config)))
}

// ANCHOR: trust
/// Trusts the certificate in `file` (PEM), and no other.
///
/// # Errors
/// When there is none in the file.
pub fn trust(file: &Path) -> anyhow::Result<TlsConnector> {
    let what = "cannot read the certificate; --ca takes one in PEM";
    let certificate = CertificateDer::from_pem_file(file).context(what)?;
    let mut roots = RootCertStore::empty();
    roots.add(certificate).context(what)?;
    let config = ClientConfig::builder()
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(TlsConnector::from(Arc::new(config)))
}
// ANCHOR_END: trust
// ANCHOR_END: all
