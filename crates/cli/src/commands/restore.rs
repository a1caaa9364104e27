//! `lite2pg restore`.
//! Owns what is shown of a restored database; the engine restores it.

use super::observers;
use crate::args::{Global, Restore};
use crate::settings::{World, no_target_here};
use crate::show::{Show, findings, human, text};
use crate::signals::{self, CANCEL};
use lite2pg_engine::Result;
use lite2pg_engine::safety::backup::{self as engine, RestoreOptions, Unlock};

pub fn run(args: &Restore, global: &Global, show: &Show) -> Result<u8> {
    no_target_here("BACKUP", &args.backup)?;
    no_target_here("FILE", &args.file)?;
    let unlock = match (&args.passphrase_file, args.identity.as_slice()) {
        (Some(file), _) => Some(Unlock::passphrase_file(file)?),
        (None, []) => None,
        (None, files) => Some(Unlock::identity_files(files)?),
    };
    signals::watch(show, &signals::COPY);
    let fan = observers(show, global, &World::read(None), "restore", false, String::new())?;
    let options = RestoreOptions { unlock, force: args.force, no_checksum: args.no_checksum };
    let restored = engine::restore(&args.backup, &args.file, &options, &fan, &CANCEL)?;
    drop(fan);
    if show.json {
        let mut document = serde_json::to_value(&restored).unwrap_or_default();
        if let Some(map) = document.as_object_mut() {
            map.insert("status".into(), "done".into());
            map.insert("exit".into(), 0.into());
        }
        show.document(&document);
        return Ok(0);
    }
    let file = restored.file.display().to_string();
    let sum = if restored.checksum_compared { "SHA-256 equal" } else { "SHA-256 not compared" };
    show.line(&format!(
        "{} · {} in {} · {sum} · integrity_check ok · {}",
        show.paint().bold("restored"),
        text::bytes(restored.bytes),
        text::clean(&file),
        text::seconds(restored.seconds)
    ));
    findings::lines(&restored.findings, usize::MAX - 1, "", show).iter().for_each(|line| show.line(line));
    if let Some(kept) = &restored.kept {
        let kept = kept.display().to_string();
        show.line(&human::head(show, "kept", &format!("what lay there before is {}", text::clean(&kept))));
    }
    Ok(0)
}
