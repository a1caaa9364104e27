//! Encrypted backups, in the form that the `age` command reads and writes (<https://age-encryption.org/v1>).
//! Owns keys while they are used; never prints one, and never repeats a line of a key file.

use std::fs::{self, File};
use std::io::{BufReader, BufWriter, Read, Write};
use std::path::Path;

use age::secrecy::SecretString;
use age::{DecryptError, Decryptor, Encryptor, IdentityFile, scrypt, tag, tagpq, x25519};

use super::files::{self, Counted, Tally, failed};
use crate::error::{Error, Result};

/// The largest file of keys or passphrases that is read.
const LARGEST: u64 = 1 << 20;
/// How every file of age begins.
const MAGIC: &[u8] = b"age-encryption.org/";
/// How an armoured one begins.
const ARMOUR: &[u8] = b"-----BEGIN AGE ENCRYPTED FILE-----";

/// Who may read a backup.
pub enum Lock {
    /// The holders of the keys that belong to these.
    Recipients(Vec<Box<dyn age::Recipient + Send>>),
    /// Who knows this.
    Passphrase(SecretString),
}

/// What opens a backup.
pub enum Unlock {
    /// Keys, of which one must fit.
    Identities(Vec<Box<dyn age::Identity + Send + Sync>>),
    /// A passphrase.
    Passphrase(SecretString),
}

impl std::fmt::Debug for Lock {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Lock::Recipients(all) => write!(f, "{} recipients", all.len()),
            Lock::Passphrase(_) => f.write_str("a passphrase"),
        }
    }
}

impl std::fmt::Debug for Unlock {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Unlock::Identities(all) => write!(f, "{} identities", all.len()),
            Unlock::Passphrase(_) => f.write_str("a passphrase"),
        }
    }
}

impl Lock {
    /// Recipients, each as `age1…` or as a file with one a line (empty lines and those that begin with `#` are passed
    /// over).
    ///
    /// # Errors
    /// One of them is neither. A text that looks like a secret key is refused without being repeated.
    pub fn recipients(given: &[String]) -> Result<Lock> {
        let mut all = Vec::new();
        for text in given {
            if text.starts_with("age1") && !Path::new(text).exists() {
                all.push(recipient(text).ok_or_else(|| no_recipient("a recipient that was given"))?);
                continue;
            }
            refuse_secret(text)?;
            let path = Path::new(text);
            let lines = read_text(path)?;
            let before = all.len();
            for (n, line) in lines.lines().map(str::trim).enumerate() {
                if line.is_empty() || line.starts_with('#') {
                    continue;
                }
                refuse_secret(line)?;
                let place = format!("{}, line {}", path.display(), n.saturating_add(1));
                all.push(recipient(line).ok_or_else(|| no_recipient(&place))?);
            }
            if all.len() == before {
                return Err(no_recipient(text));
            }
        }
        if all.is_empty() {
            return Err(Error::usage("no recipient was given").hint("give --encrypt-to age1… or a file of such lines"));
        }
        Ok(Lock::Recipients(all))
    }

    /// The passphrase that stands in a file, without the end of its line.
    ///
    /// # Errors
    /// The file cannot be read, or holds none.
    pub fn passphrase_file(path: &Path) -> Result<Lock> {
        passphrase(path).map(Lock::Passphrase)
    }

    fn encryptor(&self) -> Result<Encryptor> {
        match self {
            Lock::Passphrase(secret) => Ok(Encryptor::with_user_passphrase(secret.clone())),
            Lock::Recipients(all) => Encryptor::with_recipients(all.iter().map(|r| &**r as &dyn age::Recipient))
                .map_err(|e| {
                    Error::usage(format!("these recipients cannot be used together: {e}"))
                        .hint("post-quantum recipients (age1tagpq1…) go only with their like")
                }),
        }
    }
}

impl Unlock {
    /// The keys in files as `age-keygen` writes them.
    ///
    /// # Errors
    /// A file cannot be read, or holds none.
    pub fn identity_files(paths: &[impl AsRef<Path>]) -> Result<Unlock> {
        let mut all = Vec::new();
        for path in paths.iter().map(AsRef::as_ref) {
            let text = read_text(path)?;
            let hint = "a file of identities has lines AGE-SECRET-KEY-1…, as age-keygen writes them; one that is itself \
                        encrypted must be decrypted first (age -d), and keys of SSH are not read";
            let refused = |what: String| Error::usage(what).about(path.display().to_string()).hint(hint.to_owned());
            let file = IdentityFile::from_buffer(text.as_bytes()).map_err(|e| refused(e.to_string()))?;
            let found = file.into_identities().map_err(|e| refused(e.to_string()))?;
            if found.is_empty() {
                return Err(refused("holds no identity".to_owned()));
            }
            all.extend(found);
        }
        Ok(Unlock::Identities(all))
    }

    /// The passphrase that stands in a file, without the end of its line.
    ///
    /// # Errors
    /// The file cannot be read, or holds none.
    pub fn passphrase_file(path: &Path) -> Result<Unlock> {
        passphrase(path).map(Unlock::Passphrase)
    }
}

fn recipient(text: &str) -> Option<Box<dyn age::Recipient + Send>> {
    if let Ok(r) = text.parse::<x25519::Recipient>() {
        return Some(Box::new(r));
    }
    if let Ok(r) = text.parse::<tag::Recipient>() {
        return Some(Box::new(r));
    }
    text.parse::<tagpq::Recipient>().ok().map(|r| Box::new(r) as Box<dyn age::Recipient + Send>)
}

fn no_recipient(place: &str) -> Error {
    Error::usage("is no recipient of age")
        .about(place.to_owned())
        .hint("a recipient is age1…, as `age-keygen -y` prints it, or a file of such lines; keys of SSH are not used")
}

/// Whoever gives the secret key where the public one belongs must not see it in a log.
fn refuse_secret(text: &str) -> Result<()> {
    match text.trim_start().to_ascii_uppercase().starts_with("AGE-SECRET-KEY-") {
        true => Err(Error::usage("a secret key was given as the recipient").hint(
            "encrypt to the public one: `age-keygen -y FILE` prints it; what stood in a command line others could read",
        )),
        false => Ok(()),
    }
}

fn passphrase(path: &Path) -> Result<SecretString> {
    let text = read_text(path)?;
    let phrase = text.strip_suffix('\n').unwrap_or(&text);
    let phrase = phrase.strip_suffix('\r').unwrap_or(phrase);
    if phrase.is_empty() || phrase.contains('\n') {
        return Err(Error::usage("a file of a passphrase has one line, with the passphrase")
            .about(path.display().to_string())
            .hint("write the passphrase, and nothing else, into that file"));
    }
    Ok(SecretString::from(phrase.to_owned()))
}

/// Reads a small file of text. Its name is not repeated if there is no such file: it may be the secret itself.
fn read_text(path: &Path) -> Result<String> {
    let hint = "check the path of the key or passphrase file, and that you may read it";
    let size = match fs::metadata(path) {
        Ok(meta) => meta.len(),
        Err(e) => return Err(Error::usage(format!("a file of keys or a passphrase cannot be read: {e}")).hint(hint)),
    };
    let unreadable =
        |what: String| Error::usage(format!("cannot be read: {what}")).hint(hint).about(path.display().to_string());
    if size > LARGEST {
        return Err(unreadable(format!("{size} bytes are no key")));
    }
    let mut bytes = Vec::new();
    let file = File::open(path).map_err(|e| unreadable(e.to_string()))?;
    file.take(LARGEST).read_to_end(&mut bytes).map_err(|e| unreadable(e.to_string()))?;
    String::from_utf8(bytes).map_err(|_| unreadable("it is not text".to_owned()))
}

/// At most how many bytes an encrypted file has: a tag of 16 bytes for each 64 KiB, and a header.
pub(super) fn sealed_bytes(plain: u64) -> u64 {
    plain.saturating_add((plain >> 16).saturating_add(1).saturating_mul(16)).saturating_add(64 << 10)
}

/// Encrypts a file; what went in and what came out.
pub(super) fn seal(
    plain: &Path,
    out: File,
    sealed: &Path,
    lock: &Lock,
    tick: &dyn Fn(u64) -> Result<()>,
) -> Result<(Tally, Tally)> {
    let input = File::open(plain).map_err(|e| failed("cannot be read", plain, e))?;
    let written = |e: std::io::Error| failed("cannot be written", sealed, e);
    let mut cipher = lock.encryptor()?.wrap_output(Counted::new(BufWriter::new(out))).map_err(written)?;
    let tally = files::pour(input, &mut cipher, plain, sealed, tick)?;
    let mut counted = cipher.finish().map_err(written)?;
    counted.flush().map_err(written)?;
    let (out, sum) = counted.end();
    out.into_inner().map_err(|e| written(e.into_error()))?.sync_all().map_err(written)?;
    Ok((tally, sum))
}

/// Whether a file is encrypted.
///
/// # Errors
/// It cannot be read, or is armoured, which is not read here.
pub(super) fn is_sealed(path: &Path) -> Result<bool> {
    let mut head = Vec::new();
    let file = File::open(path).map_err(|e| failed("cannot be read", path, e))?;
    file.take(64).read_to_end(&mut head).map_err(|e| failed("cannot be read", path, e))?;
    if head.starts_with(ARMOUR) {
        return Err(Error::source("is an armoured file of age")
            .about(path.display().to_string())
            .hint("decrypt it with `age -d`, and restore what comes out with --no-checksum"));
    }
    Ok(head.starts_with(MAGIC))
}

/// Decrypts a file into another.
pub(super) fn open(
    sealed: &Path,
    out: File,
    plain: &Path,
    unlock: &Unlock,
    tick: &dyn Fn(u64) -> Result<()>,
) -> Result<Tally> {
    let file = File::open(sealed).map_err(|e| failed("cannot be read", sealed, e))?;
    let told = |e: DecryptError| explain(sealed, unlock, e);
    let decryptor = Decryptor::new_buffered(BufReader::new(file)).map_err(told)?;
    let by_passphrase = decryptor.is_scrypt();
    let reader = match unlock {
        Unlock::Passphrase(secret) if by_passphrase => {
            let mut identity = scrypt::Identity::new(secret.clone());
            // What a stronger machine made may take this one a while; more than 2^22 would take gigabytes of memory.
            identity.set_max_work_factor(22);
            decryptor.decrypt(std::iter::once(&identity as &dyn age::Identity))
        }
        Unlock::Identities(all) if !by_passphrase => decryptor.decrypt(all.iter().map(|i| &**i as &dyn age::Identity)),
        _ => {
            let flag = if by_passphrase { "--passphrase-file" } else { "--identity" };
            return Err(Error::source("was encrypted in another way")
                .about(sealed.display().to_string())
                .hint(format!("give {flag} FILE instead")));
        }
    }
    .map_err(told)?;
    // Each piece is authenticated; an error while reading means that one is not as it was written.
    files::pour(reader, out, sealed, plain, tick)
}

fn explain(sealed: &Path, unlock: &Unlock, e: DecryptError) -> Error {
    let wrong = match unlock {
        Unlock::Passphrase(_) => ("the passphrase is not the one it was encrypted with", "check the passphrase's file"),
        Unlock::Identities(_) => (
            "none of the identities fits: it was encrypted to others",
            "give the file with the secret key of a recipient with --identity; it can be given several times",
        ),
    };
    let damaged = ("the head of the encrypted file is damaged", "fetch the backup again, or take another one");
    let (message, hint) = match &e {
        DecryptError::NoMatchingKeys | DecryptError::DecryptionFailed | DecryptError::KeyDecryptionFailed => wrong,
        DecryptError::ExcessiveWork { .. } => {
            ("was encrypted with more work for each passphrase than is done here", "decrypt it with `age -d` first")
        }
        _ => damaged,
    };
    Error::source(message).about(sealed.display().to_string()).hint(hint).because(e)
}
