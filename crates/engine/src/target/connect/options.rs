//! The settings that choose among ways to connect, as typed values.
//! Owns their meaning and defaults; never opens a file or a socket.

use std::time::Duration;

use postgres::config::ChannelBinding;

use super::conninfo::Values;
use crate::{Error, Result};

/// How long one address may take when nobody says: libpq would wait for ever.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// libpq's `sslmode`, in rising order of what is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum SslMode {
    Disable,
    Allow,
    Prefer,
    Require,
    VerifyCa,
    VerifyFull,
}

/// libpq's `target_session_attrs`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Session {
    Any,
    ReadWrite,
    ReadOnly,
    Primary,
    Standby,
    PreferStandby,
}

/// A version of TLS that this client speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum TlsVersion {
    V12,
    V13,
}

/// The choices.
#[derive(Clone, Debug)]
pub(crate) struct Options {
    pub(crate) sslmode: SslMode,
    pub(crate) direct_tls: bool,
    pub(crate) channel_binding: ChannelBinding,
    pub(crate) timeout: Option<Duration>,
    pub(crate) session: Session,
    pub(crate) shuffle: bool,
    pub(crate) keepalives: bool,
    pub(crate) keepalives_idle: Option<Duration>,
    pub(crate) keepalives_interval: Option<Duration>,
    pub(crate) keepalives_count: Option<u32>,
    pub(crate) tcp_user_timeout: Option<Duration>,
    pub(crate) tls: (TlsVersion, TlsVersion),
    pub(crate) sni: bool,
    pub(crate) client_certificate: bool,
}

impl Options {
    /// Reads the choices; a usage error names the keyword and the values it takes.
    pub(crate) fn read(values: &Values) -> Result<Options> {
        let sslmode = sslmode(values)?;
        let negotiation = choose(values, "sslnegotiation", &[("postgres", false), ("direct", true)], false)?;
        if negotiation && sslmode < SslMode::Require {
            return Err(Error::usage("sslnegotiation=direct needs sslmode=require or stricter"));
        }
        let gss = [("disable", true), ("prefer", true), ("require", false)];
        if !choose(values, "gssencmode", &gss, true)? {
            return Err(Error::usage("gssencmode=require is not supported").hint("use TLS: sslmode=verify-full"));
        }
        let timeout = match integer(values, "connect_timeout")? {
            None => Some(CONNECT_TIMEOUT),
            Some(seconds) => u64::try_from(seconds).ok().filter(|s| *s > 0).map(|s| Duration::from_secs(s.max(2))),
        };
        Ok(Options {
            sslmode,
            direct_tls: negotiation,
            channel_binding: choose(
                values,
                "channel_binding",
                &[
                    ("disable", ChannelBinding::Disable),
                    ("prefer", ChannelBinding::Prefer),
                    ("require", ChannelBinding::Require),
                ],
                ChannelBinding::Prefer,
            )?,
            timeout,
            session: session(values)?,
            shuffle: choose(values, "load_balance_hosts", &[("disable", false), ("random", true)], false)?,
            keepalives: integer(values, "keepalives")? != Some(0),
            keepalives_idle: positive(values, "keepalives_idle")?.map(|s| Duration::from_secs(s.into())),
            keepalives_interval: positive(values, "keepalives_interval")?.map(|s| Duration::from_secs(s.into())),
            keepalives_count: positive(values, "keepalives_count")?,
            tcp_user_timeout: positive(values, "tcp_user_timeout")?.map(|ms| Duration::from_millis(ms.into())),
            tls: tls_versions(values)?,
            sni: integer(values, "sslsni")? != Some(0),
            client_certificate: choose(values, "sslcertmode", &[("disable", false), ("allow", true)], true)?,
        })
    }
}

/// The value of a keyword where it is given and not empty.
pub(crate) fn given<'v>(values: &'v Values, key: &str) -> Option<&'v str> {
    values.get(key).map(|s| s.value.as_str()).filter(|v| !v.is_empty())
}

fn sslmode(values: &Values) -> Result<SslMode> {
    use SslMode::{Allow, Disable, Prefer, Require, VerifyCa, VerifyFull};
    let system = given(values, "sslrootcert") == Some("system");
    let known = [
        ("disable", Disable),
        ("allow", Allow),
        ("prefer", Prefer),
        ("require", Require),
        ("verify-ca", VerifyCa),
        ("verify-full", VerifyFull),
    ];
    let old = if given(values, "requiressl").is_some_and(|v| v.starts_with('1')) { Require } else { Prefer };
    let mode = choose(values, "sslmode", &known, if system { VerifyFull } else { old })?;
    if system && mode < VerifyFull {
        return Err(Error::usage("sslrootcert=system needs sslmode=verify-full")
            .hint("anybody can get a certificate from a public authority, so without the name it proves nothing"));
    }
    Ok(mode)
}

fn session(values: &Values) -> Result<Session> {
    let known = [
        ("any", Session::Any),
        ("read-write", Session::ReadWrite),
        ("read-only", Session::ReadOnly),
        ("primary", Session::Primary),
        ("standby", Session::Standby),
        ("prefer-standby", Session::PreferStandby),
    ];
    choose(values, "target_session_attrs", &known, Session::Any)
}

fn tls_versions(values: &Values) -> Result<(TlsVersion, TlsVersion)> {
    use TlsVersion::{V12, V13};
    // Older versions as a lower bound only mean that 1.2 is good enough.
    let lowest = [("TLSv1", V12), ("TLSv1.1", V12), ("TLSv1.2", V12), ("TLSv1.3", V13)];
    let low = choose(values, "ssl_min_protocol_version", &lowest, V12)?;
    let high = choose(values, "ssl_max_protocol_version", &[("TLSv1.2", V12), ("TLSv1.3", V13)], V13)?;
    if low > high {
        return Err(Error::usage("ssl_min_protocol_version is above ssl_max_protocol_version"));
    }
    Ok((low, high))
}

fn choose<T: Copy>(values: &Values, key: &str, known: &[(&str, T)], default: T) -> Result<T> {
    let Some(value) = given(values, key) else { return Ok(default) };
    known.iter().find(|(name, _)| name.eq_ignore_ascii_case(value)).map(|(_, v)| *v).ok_or_else(|| {
        let names: Vec<&str> = known.iter().map(|(name, _)| *name).collect();
        Error::usage(format!("{key} cannot be \"{value}\"")).hint(format!("it is one of {}", names.join(", ")))
    })
}

fn integer(values: &Values, key: &str) -> Result<Option<i32>> {
    given(values, key)
        .map(|v| v.trim().parse().map_err(|_| Error::usage(format!("{key} must be a whole number, not \"{v}\""))))
        .transpose()
}

fn positive(values: &Values, key: &str) -> Result<Option<u32>> {
    Ok(integer(values, key)?.and_then(|n| u32::try_from(n).ok()).filter(|n| *n > 0))
}
