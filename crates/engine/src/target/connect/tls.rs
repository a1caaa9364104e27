//! The TLS configuration of a connection: roots, revocation lists, client certificate, versions.
//! Owns the files that libpq would read for TLS; never decides when TLS is used.
//!
//! Source: <https://www.postgresql.org/docs/current/libpq-ssl.html>.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::client::WebPkiServerVerifier;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, CertificateRevocationListDer, PrivateKeyDer};
use rustls::{ClientConfig, RootCertStore};

use super::conninfo::Conninfo;
use super::options::{SslMode, TlsVersion, given};
use super::verify::Verifier;
use crate::{Error, Result};

/// Where operating systems keep the certificates of public authorities, in one file.
const SYSTEM_ROOTS: [&str; 5] = [
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",
    "/etc/ssl/ca-bundle.pem",
    "/etc/ssl/cert.pem",
];

/// Makes the configuration; a file that cannot be used is a usage error that names it.
pub(crate) fn config(info: &Conninfo) -> Result<ClientConfig> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let algorithms = provider.signature_verification_algorithms;
    let roots = roots(info)?;
    let chain = match &roots {
        Some(roots) => Some(chain(info, roots, Arc::clone(&provider))?),
        None => None,
    };
    let name = info.options.sslmode == SslMode::VerifyFull;
    let verifier = Verifier { chain, roots: roots.map(|r| r.certificates).unwrap_or_default(), name, algorithms };
    let versions: &[&rustls::SupportedProtocolVersion] = match info.options.tls {
        (TlsVersion::V13, _) => &[&rustls::version::TLS13],
        (_, TlsVersion::V12) => &[&rustls::version::TLS12],
        _ => &[&rustls::version::TLS13, &rustls::version::TLS12],
    };
    let builder = ClientConfig::builder_with_provider(provider)
        .with_protocol_versions(versions)
        .map_err(|e| Error::internal("TLS cannot be set up").because(e))?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(verifier));
    let mut config = match client_certificate(info)? {
        None => builder.with_no_client_auth(),
        Some((file, certificates, key)) => builder.with_client_auth_cert(certificates, key).map_err(|e| {
            Error::usage(format!("the client certificate {} and its key do not work: {e}", file.display()))
                .hint("sslcert and sslkey must belong together; the key is RSA (2048 bits or more), ECDSA or Ed25519")
        })?,
    };
    config.enable_sni = info.options.sni;
    if info.options.direct_tls {
        config.alpn_protocols = vec![b"postgresql".to_vec()];
    }
    Ok(config)
}

struct Roots {
    file: PathBuf,
    store: RootCertStore,
    certificates: Vec<CertificateDer<'static>>,
}

/// The root certificates; `None` where the mode does not ask for them and there is no root file.
fn roots(info: &Conninfo) -> Result<Option<Roots>> {
    let mut store = RootCertStore::empty();
    if given(&info.values, "sslrootcert") == Some("system") {
        let own = info.system_roots.clone().filter(|p| p.exists());
        let file = own.or_else(|| SYSTEM_ROOTS.iter().map(PathBuf::from).find(|p| p.exists())).ok_or_else(|| {
            Error::usage("the system's root certificates are not found")
                .hint("install the package ca-certificates, or name a file with sslrootcert")
        })?;
        store.add_parsable_certificates(certificates(&file)?);
        return Ok(Some(Roots { file, store, certificates: Vec::new() }));
    }
    let file = info.file("sslrootcert", "root.crt");
    let Some(file) = file.as_ref().filter(|f| f.exists()) else {
        if info.options.sslmode < SslMode::VerifyCa {
            return Ok(None);
        }
        let file = file.map_or_else(|| "~/.postgresql/root.crt".to_owned(), |f| f.display().to_string());
        return Err(Error::usage(format!("the root certificate file {file} does not exist")).hint(
            "put the certificate of the server's authority there, name it with sslrootcert, or use sslrootcert=system",
        ));
    };
    let certificates = certificates(file)?;
    for certificate in &certificates {
        store.add(certificate.clone()).map_err(|e| unusable("root certificate", file, &e))?;
    }
    Ok(Some(Roots { file: file.clone(), store, certificates }))
}

fn chain(
    info: &Conninfo,
    roots: &Roots,
    provider: Arc<rustls::crypto::CryptoProvider>,
) -> Result<Arc<WebPkiServerVerifier>> {
    let mut builder = WebPkiServerVerifier::builder_with_provider(Arc::new(roots.store.clone()), provider);
    if let Some(file) = info.file("sslcrl", "root.crl").filter(|f| f.exists()) {
        let lists: std::result::Result<Vec<_>, _> = CertificateRevocationListDer::pem_file_iter(&file)
            .and_then(Iterator::collect)
            .map_err(|e| unusable("certificate revocation list", &file, &e));
        builder = builder.with_crls(lists?).enforce_revocation_expiration();
    } else if let Some(file) = given(&info.values, "sslcrl") {
        // libpq goes on without it; that would believe a certificate that somebody asked to have checked.
        return Err(Error::usage(format!("the certificate revocation list {file} does not exist")));
    }
    builder.build().map_err(|e| unusable("root certificate", &roots.file, &e))
}

type ClientCertificate = (PathBuf, Vec<CertificateDer<'static>>, PrivateKeyDer<'static>);

/// The client's certificate and key, where the certificate's file exists.
fn client_certificate(info: &Conninfo) -> Result<Option<ClientCertificate>> {
    let file = info.file("sslcert", "postgresql.crt").filter(|f| info.options.client_certificate && f.exists());
    let Some(file) = file else { return Ok(None) };
    let chain = certificates(&file)?;
    let key = info.file("sslkey", "postgresql.key").filter(|f| f.exists()).ok_or_else(|| {
        Error::usage(format!("the client certificate {} has no key", file.display()))
            .hint("name the file of its private key with sslkey")
    })?;
    let about = fs::metadata(&key).map_err(|e| unusable("key", &key, &e))?;
    // libpq's rule: only its owner may read it, or a group where root owns it.
    let allowed = if about.uid() == 0 { 0o640 } else { 0o600 };
    let mode = about.permissions().mode() & 0o777;
    if !about.is_file() || mode & !allowed & 0o077 != 0 {
        return Err(Error::usage(format!("others may read the key {} (mode {mode:04o})", key.display()))
            .hint(format!("run chmod 0600 {}", key.display())));
    }
    let pem = fs::read(&key).map_err(|e| unusable("key", &key, &e))?;
    if String::from_utf8_lossy(&pem).lines().any(|l| l.contains("ENCRYPTED")) {
        return Err(Error::usage(format!("the key {} is encrypted, which is not supported", key.display()))
            .hint("decrypt it into a file that only you can read: openssl pkey -in KEY -out PLAIN"));
    }
    let private = PrivateKeyDer::from_pem_slice(&pem).map_err(|e| unusable("key", &key, &e))?;
    Ok(Some((file, chain, private)))
}

/// All certificates of a PEM file; at least one.
fn certificates(file: &Path) -> Result<Vec<CertificateDer<'static>>> {
    let all: std::result::Result<Vec<_>, _> = CertificateDer::pem_file_iter(file).and_then(Iterator::collect);
    let all = all.map_err(|e| unusable("certificate", file, &e))?;
    if all.is_empty() {
        return Err(unusable("certificate", file, &"it holds no certificate in PEM form"));
    }
    Ok(all)
}

fn unusable(what: &str, file: &Path, why: &dyn std::fmt::Display) -> Error {
    Error::usage(format!("the {what} file {} cannot be used: {why}", file.display()))
        .hint("it must be in PEM form (-----BEGIN …) and readable by you")
}
