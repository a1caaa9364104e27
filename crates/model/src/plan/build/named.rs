//! What is said of names that are others in the target.
//! Owns these findings; never gives a name (see `plan::names`).

use super::Builder;
use crate::finding::{Finding, codes};
use crate::plan::names::{Collision, Renamed};
use crate::schema::Table;

impl Builder<'_> {
    pub(super) fn tell_renamed(&mut self) {
        for Renamed { object, from, to, chosen } in self.names.renamed() {
            let why = if chosen { "as chosen" } else { "which cannot keep the name (63 bytes, reserved or taken)" };
            self.findings.push(Finding::note(
                codes::RENAMED,
                object,
                format!("{from:?} is called {to:?} in PostgreSQL, {why}"),
                "change the statements of the application that use the old name",
            ));
        }
    }

    /// Two names that are one in the style that was chosen: a person says what the second one is called.
    pub(super) fn tell_collisions(&mut self) {
        for Collision { object, first, second, both, instead, must_choose } in self.names.collisions() {
            let message = format!("{first:?} and {second:?} would both be called {both:?} in PostgreSQL");
            self.findings.push(if *must_choose {
                let hint = format!("give one of them another name: --set '{object}.to={instead}', or to in the plan");
                Finding::data(codes::NAMES, object, message, hint)
            } else {
                let message = format!("{message}; {second:?} is called {instead:?}");
                Finding::warning(codes::NAMES, object, message, "change the statements that use the old name")
            });
        }
    }

    /// A name that somebody gave is not changed without saying so.
    pub(super) fn tell_constraint_renamed(&mut self, table: &Table, given: Option<&str>, made: &str) {
        if let Some(given) = given.filter(|g| *g != made) {
            let why =
                if self.names.styled(given) == made { "as chosen" } else { "where that name is taken or too long" };
            self.findings.push(Finding::note(
                codes::RENAMED,
                format!("{}.{given}", table.name),
                format!("constraint {given:?} is called {made:?} in PostgreSQL, {why}"),
                "change the statements of the application that use the old name",
            ));
        }
    }
}
