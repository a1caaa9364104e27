//! Decides whether a server's certificate is believed, by libpq's rules for `sslmode`.
//! Owns the check of chain and name; never reads a file.
//!
//! Source: <https://www.postgresql.org/docs/current/libpq-ssl.html#LIBQ-SSL-CERTIFICATES>.

use std::net::IpAddr;
use std::sync::Arc;

use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{WebPkiSupportedAlgorithms, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{CertificateError, DigitallySignedStruct, SignatureScheme};
use x509_cert::Certificate;
use x509_cert::der::Decode;
use x509_cert::der::oid::db::rfc4519::CN;
use x509_cert::ext::pkix::SubjectAltName;
use x509_cert::ext::pkix::name::GeneralName;

/// Believes what the mode asks for, no more and no less.
#[derive(Debug)]
pub(crate) struct Verifier {
    /// Who may sign; `None` believes every certificate (`require` without a root file, and weaker).
    pub(crate) chain: Option<Arc<WebPkiServerVerifier>>,
    /// The root certificates themselves: a self-signed server certificate is often its own root.
    pub(crate) roots: Vec<CertificateDer<'static>>,
    /// Whether the name must fit too (`verify-full`).
    pub(crate) name: bool,
    pub(crate) algorithms: WebPkiSupportedAlgorithms,
}

impl ServerCertVerifier for Verifier {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        use CertificateError::{NotValidForName, NotValidForNameContext};
        use rustls::Error::InvalidCertificate;
        let Some(chain) = &self.chain else { return Ok(ServerCertVerified::assertion()) };
        match chain.verify_server_cert(end_entity, intermediates, server_name, ocsp, now) {
            Ok(believed) => return Ok(believed),
            // The name is looked at last, so the chain was found good.
            Err(InvalidCertificate(NotValidForName | NotValidForNameContext { .. })) => {}
            Err(problem @ InvalidCertificate(CertificateError::Revoked)) => return Err(problem),
            Err(problem) if !self.is_root(end_entity) => return Err(problem),
            Err(_) => check_dates(end_entity, now)?,
        }
        if !self.name || name_fits(end_entity, &server_name.to_str()) {
            return Ok(ServerCertVerified::assertion());
        }
        Err(InvalidCertificate(NotValidForName))
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls12_signature(message, cert, signed, &self.algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls13_signature(message, cert, signed, &self.algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.algorithms.supported_schemes()
    }
}

impl Verifier {
    /// Whether the server's certificate is itself one of the roots and self-signed, which OpenSSL believes and the
    /// Web's rules do not (they want an authority and a server to be two certificates).
    fn is_root(&self, end_entity: &CertificateDer<'_>) -> bool {
        let self_signed = |c: Certificate| c.tbs_certificate().issuer() == c.tbs_certificate().subject();
        self.roots.iter().any(|root| root.as_ref() == end_entity.as_ref())
            && Certificate::from_der(end_entity).is_ok_and(self_signed)
    }
}

fn check_dates(der: &CertificateDer<'_>, now: UnixTime) -> Result<(), rustls::Error> {
    let problem = rustls::Error::InvalidCertificate;
    let certificate = Certificate::from_der(der).map_err(|_| problem(CertificateError::BadEncoding))?;
    let validity = certificate.tbs_certificate().validity();
    if now.as_secs() < validity.not_before.to_unix_duration().as_secs() {
        return Err(problem(CertificateError::NotValidYet));
    }
    if now.as_secs() > validity.not_after.to_unix_duration().as_secs() {
        return Err(problem(CertificateError::Expired));
    }
    Ok(())
}

/// Whether the certificate is for `host` as libpq sees it: by an alternative name, or by the common name where there is
/// no alternative name of the host's kind.
fn name_fits(der: &CertificateDer<'_>, host: &str) -> bool {
    let Ok(certificate) = Certificate::from_der(der) else { return false };
    let certificate = certificate.tbs_certificate();
    let address: Option<IpAddr> = host.parse().ok();
    let Ok(names) = certificate.get_extension::<SubjectAltName>() else { return false };
    let mut same_kind = false;
    for name in names.iter().flat_map(|(_, names)| &names.0) {
        let fits = match name {
            GeneralName::DnsName(pattern) => {
                same_kind |= address.is_none();
                pattern_fits(pattern.as_str(), host)
            }
            GeneralName::IpAddress(bytes) => {
                same_kind |= address.is_some();
                match address {
                    Some(IpAddr::V4(v4)) => bytes.as_bytes() == v4.octets(),
                    Some(IpAddr::V6(v6)) => bytes.as_bytes() == v6.octets(),
                    None => false,
                }
            }
            _ => false,
        };
        if fits {
            return true;
        }
    }
    !same_kind && common_name(certificate.subject()).is_some_and(|pattern| pattern_fits(&pattern, host))
}

fn common_name(subject: &x509_cert::name::Name) -> Option<String> {
    let value = &subject.iter().find(|a| a.oid == CN)?.value;
    String::from_utf8(value.value().to_vec()).ok()
}

/// `*` at the beginning stands for one label; letters compare without case.
fn pattern_fits(pattern: &str, host: &str) -> bool {
    if pattern.eq_ignore_ascii_case(host) {
        return !pattern.is_empty();
    }
    let Some(suffix) = pattern.strip_prefix('*').filter(|s| s.len() > 1 && s.starts_with('.')) else { return false };
    let Some(dot) = host.find('.').filter(|dot| *dot > 0) else { return false };
    host[dot..].eq_ignore_ascii_case(suffix)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wildcards_stand_for_one_label() {
        for (pattern, host, fits) in [
            ("db.example", "DB.example", true),
            ("*.example", "db.example", true),
            ("*.example", "a.db.example", false),
            ("*.example", ".example", false),
            ("*.example", "example", false),
            ("*", "example", false),
            ("d*.example", "db.example", false),
            ("", "", false),
            ("127.0.0.1", "127.0.0.1", true),
        ] {
            assert_eq!(pattern_fits(pattern, host), fits, "{pattern} {host}");
        }
    }
}
