//! Where in the target the rows lie that the source does not have.
//! Owns that search; never reads more of a row than its hash needs.

use super::{HASHES, Sides};
use crate::error::{Error, Kind, Result};
use crate::pool::Cancel;
use crate::source::Reader;
use crate::source::census::TICK;
use crate::target::copy::copy_out;
use crate::target::error_from_pg;
use crate::verify::huge::LongRows;
use lite2pg_model::ident::{pg, pg_in};
use postgres::GenericClient;
use std::collections::HashMap;

impl Sides<'_> {
    /// The place (`ctid`) of every row of the target that the source does not have: added there, or changed. Rows with long
    /// values are all among them. A place is good until the transaction ends, if nobody else may write to the table.
    ///
    /// # Errors
    /// A side cannot be read, `each` fails, or `Interrupted`.
    pub fn places(
        &self,
        reader: &mut Reader,
        client: &mut impl GenericClient,
        cancel: &Cancel,
        mut each: impl FnMut(&str) -> Result<()>,
    ) -> Result<()> {
        let about = |e: Error| if e.kind == Kind::Interrupted { e } else { e.about(&self.table.name) };
        let table = pg_in(self.schema, &self.table.target);
        let columns: Vec<String> = self.table.columns.iter().map(|c| pg(&c.target)).collect();
        let mut query = format!("SELECT ctid::text, {} FROM ONLY {table}", columns.join(", "));
        if let Some(long) = LongRows::of(self.schema, self.table) {
            let sql = format!("SELECT ctid::text FROM ONLY {table} WHERE NOT ({})", long.others());
            let rows =
                client.query(&sql, &[]).map_err(|e| about(error_from_pg(e, "looking for rows with long values")))?;
            for row in rows {
                each(row.get(0))?;
            }
            query.push_str(&format!(" WHERE {}", long.others()));
        }
        let passes = self.table.rows / HASHES + 1;
        for pass in 0..passes {
            let mine = |key: u128| key % u128::from(passes) == u128::from(pass);
            // How many of each row the target has more than the source.
            let mut wanted: HashMap<u128, i64> = HashMap::new();
            for rest in self.unmet(reader, client, &mine, cancel)?.into_values() {
                let extra = rest.balance.into_iter().filter(|(_, balance)| *balance < 0);
                wanted.extend(extra.map(|(row, balance)| (row, -balance)));
            }
            if wanted.is_empty() {
                continue;
            }
            let (mut normal, mut ends, mut rows) = (Vec::new(), Vec::new(), 0u64);
            copy_out(client, &query, |fields| {
                let Some((place, fields)) = fields.split_first() else { return Ok(()) };
                normal.clear();
                ends.clear();
                for (form, field) in self.forms.iter().zip(fields) {
                    form.of_target(*field, &mut normal);
                    ends.push(normal.len());
                }
                let hashes = self.hashes(&normal, &ends);
                if let Some(left) = wanted.get_mut(&hashes.row).filter(|left| **left > 0 && mine(hashes.key)) {
                    *left -= 1;
                    each(std::str::from_utf8(place.unwrap_or_default()).unwrap_or_default())?;
                }
                rows += 1;
                if rows.is_multiple_of(TICK) { cancel.check() } else { Ok(()) }
            })
            .map_err(about)?;
        }
        Ok(())
    }
}
