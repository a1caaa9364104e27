//! `lite2pg backup`.
//! Owns what is shown of a backup; the engine makes it.

use super::observers;
use crate::args::{Backup, Global};
use crate::settings::{World, make_private, no_target_here};
use crate::show::{Show, findings, human, text};
use crate::signals::{self, CANCEL};
use lite2pg_engine::safety::backup::{self as engine, BackupOptions, Lock};
use lite2pg_engine::{Error, Result};
use std::path::Path;

pub fn run(args: &Backup, global: &Global, show: &Show) -> Result<u8> {
    no_target_here("SOURCE", &args.source)?;
    let world = World::read(args.work_dir.as_deref());
    let lock = match (&args.passphrase_file, args.encrypt_to.as_slice()) {
        (Some(file), _) => Some(Lock::passphrase_file(file)?),
        (None, []) => None,
        (None, recipients) => Some(Lock::recipients(recipients)?),
    };
    if lock.is_none() && args.work_dir.is_some() {
        return Err(Error::usage("--work-dir is for encrypted backups; a plain one is made where it will lie")
            .hint("leave out --work-dir, or choose where the backup lies with -o"));
    }
    let work_dir = if lock.is_some() { world.check_work_dir()? } else { world.work_dir.clone() };
    if lock.is_some() {
        make_private(&work_dir).map_err(|e| world.bad_work_dir(&format!("cannot be made: {e}")))?;
    }
    signals::watch(show, &signals::COPY);
    let fan = observers(show, global, &world, "backup", false, String::new())?;
    let options = BackupOptions { to: args.output.clone(), lock, work_dir };
    let made = engine::backup(&args.source, &options, &fan, &CANCEL)?;
    drop(fan);
    if show.json {
        let mut document = serde_json::to_value(&made).unwrap_or_default();
        if let Some(map) = document.as_object_mut() {
            map.insert("status".into(), "done".into());
            map.insert("exit".into(), 0.into());
        }
        show.document(&document);
        return Ok(0);
    }
    let file = made.backup.display().to_string();
    let how = if made.encrypted.is_some() { " · encrypted" } else { "" };
    show.line(&format!(
        "{} · {} in {}{how} · integrity_check ok · {}",
        show.paint().bold("backed up"),
        text::bytes(made.bytes),
        text::clean(&file),
        text::seconds(made.seconds)
    ));
    findings::lines(&made.findings, usize::MAX - 1, "", show).iter().for_each(|line| show.line(line));
    show.line(&human::head(
        show,
        "sha256",
        &format!("{} (beside it in .sha256; sha256sum -c reads that)", made.sha256),
    ));
    let key = match (&args.passphrase_file, made.encrypted.is_some()) {
        (Some(file), _) => format!(" --passphrase-file {}", text::shell(&file.display().to_string())),
        (None, true) => " --identity KEYFILE".to_owned(),
        (None, false) => String::new(),
    };
    let again = format!("lite2pg restore {} {}{key}", text::shell(&file), text::shell(&fresh(&args.source)));
    show.line(&human::head(show, "restore", &again));
    Ok(0)
}

/// A name for the restored database that does not overwrite the source.
fn fresh(source: &Path) -> String {
    format!("{}.restored", source.display())
}
