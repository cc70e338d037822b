//! A certificate for a server that has just been started.

use std::sync::Arc;

use anyhow::Context;
use rcgen::{CertifiedKey, generate_simple_self_signed};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::pki_types::PrivateKeyDer;

/// Makes a certificate for `name`, and a key that never leaves the memory.
/// Returns the certificate in PEM: who has it can check that it talks to this
/// server.
pub fn certificate(name: &str) -> anyhow::Result<(String, TlsAcceptor)> {
    let CertifiedKey { cert, signing_key } =
        generate_simple_self_signed([name.to_owned()])
            .context("cannot make a certificate")?;
    let key = PrivateKeyDer::Pkcs8(signing_key.serialize_der().into());
    let config = ServerConfig::builder()
        .with_no_client_auth()
        .with_single_cert(vec![cert.der().clone()], key)
        .context("cannot use the certificate")?;
    Ok((cert.pem(), TlsAcceptor::from(Arc::new(config))))
}
