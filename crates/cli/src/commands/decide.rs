//! What to type when findings need a decision.
//! Owns that advice; never decides.

use super::line::Line;
use crate::show::{Show, findings, text};
use lite2pg_engine::observe::Report;

/// Says what to type so that just these findings are answered. `line` is the command that would go on.
pub fn advise(show: &Show, report: &Report, line: Line, nothing_written: &str) {
    if show.json {
        return;
    }
    let blocking = report.findings.iter().filter(|f| f.blocks()).count() as u64;
    if show.quiet {
        // With -q the findings were not shown above.
        let only: Vec<_> = report.findings.iter().filter(|f| f.blocks()).cloned().collect();
        findings::lines(&only, usize::MAX - 1, "", show).iter().for_each(|l| text::to_stderr(l));
    }
    let decision = findings::decision(&report.findings);
    let needs = text::counted(blocking, "finding needs", "findings need");
    let mut lines = vec![String::new(), format!("{} a decision; {nothing_written}", show.paint().bold(&needs))];
    if !decision.by_hand.is_empty() {
        let objects = decision.by_hand.iter().map(|o| text::clean(o).into_owned()).collect::<Vec<_>>().join(", ");
        lines.push(format!(
            "  no ready flag answers these; mend the source, or choose in the plan's file as said above: {objects}"
        ));
    }
    if !decision.flags.is_empty() {
        let line = line.decided(&decision.flags);
        let word = if decision.by_hand.is_empty() { "to go on with the choices named above" } else { "for the others" };
        lines.push(format!("  {word}:"));
        lines.push(format!("    {}", line.text()));
    }
    for line in lines {
        if show.quiet { text::to_stderr(&line) } else { show.line(&line) }
    }
}
