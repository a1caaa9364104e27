//! Rows that were rejected, whole: written in the transaction of their chunk, read back for `verify` and for another try.
//! Owns the table `rejected_row` and how a value lies in it (docs/quarantine.md); never decides what is rejected.

use crate::error::{Error, Result};
use crate::target::error_from_pg;
use lite2pg_model::mapping::codec::OwnedValue;
use lite2pg_model::value::Value;
use postgres::binary_copy::BinaryCopyInWriter;
use postgres::fallible_iterator::FallibleIterator as _;
use postgres::types::{ToSql, Type};
use postgres::{CopyInWriter, GenericClient, Row};
use std::collections::BTreeMap;

/// Why and where a row was rejected.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// Its rowid, or its place in reading order (from 1) where it has none.
    pub number: i64,
    /// What stands after WHERE in SQLite to see it.
    pub key: String,
    /// The column that is to blame.
    pub column: String,
    /// Why.
    pub reason: String,
}

/// A rejected row as it was stored.
#[derive(Clone, Debug)]
pub struct Stored {
    /// Its number in `rejected_row`.
    pub id: i64,
    /// Where it stood, and why it was rejected. The number is -1 where none is known.
    pub place: Place,
    /// Every value, by the column's name in the source.
    pub values: Vec<(String, OwnedValue)>,
}

impl Stored {
    /// The value of a column.
    pub fn value(&self, column: &str) -> Value<'_> {
        self.values.iter().find(|(name, _)| name == column).map_or(Value::Null, |(_, v)| v.as_value())
    }
}

/// The bytes of a value: integers as 8 bytes, big-endian two's complement; reals as the 8 bytes of the IEEE double,
/// big-endian; texts and blobs as they are. NULL has none.
pub fn raw(value: Value<'_>) -> Option<Vec<u8>> {
    match value {
        Value::Null => None,
        Value::Integer(i) => Some(i.to_be_bytes().to_vec()),
        Value::Real(r) => Some(r.to_bits().to_be_bytes().to_vec()),
        Value::Text(b) | Value::Blob(b) => Some(b.to_vec()),
    }
}

/// Reads what [`raw`] made of a value of this storage class.
fn value_of(class: &str, raw: Option<&[u8]>) -> Option<OwnedValue> {
    let eight = || raw.and_then(|b| <[u8; 8]>::try_from(b).ok());
    Some(match class {
        "null" => OwnedValue::Null,
        "integer" => OwnedValue::Integer(i64::from_be_bytes(eight()?)),
        "real" => OwnedValue::Real(f64::from_bits(u64::from_be_bytes(eight()?))),
        "text" => OwnedValue::Text(raw?.to_vec()),
        "blob" => OwnedValue::Blob(raw?.to_vec()),
        _ => return None,
    })
}

/// Rejected rows of one chunk on their way into the table.
pub struct Writer<'a> {
    copy: BinaryCopyInWriter<'a>,
    run: String,
    table: String,
    chunk: i32,
    names: Vec<String>,
}

const TYPES: [Type; 12] = [
    Type::TEXT,
    Type::TEXT,
    Type::INT4,
    Type::INT8,
    Type::TEXT,
    Type::TEXT,
    Type::TEXT,
    Type::BYTEA,
    Type::TEXT,
    Type::TEXT_ARRAY,
    Type::TEXT_ARRAY,
    Type::BYTEA_ARRAY,
];

impl<'a> Writer<'a> {
    /// Starts writing rejected rows of a chunk of a table with these columns.
    ///
    /// # Errors
    /// The target refuses.
    pub fn start(
        tx: &'a mut impl GenericClient,
        run: &str,
        table: &str,
        chunk: i32,
        names: Vec<String>,
    ) -> Result<Writer<'a>> {
        let sql = "COPY lite2pg.rejected_row (run, table_name, chunk, row_number, key, column_name, storage_class, raw, \
                   reason, names, classes, raws) FROM STDIN (FORMAT binary)";
        let copy: CopyInWriter<'a> = tx.copy_in(sql).map_err(|e| error_from_pg(e, DOING).about(table))?;
        let (run, table) = (run.to_owned(), table.to_owned());
        Ok(Writer { copy: BinaryCopyInWriter::new(copy, &TYPES), run, table, chunk, names })
    }

    /// Writes one row; its values are in the order of the columns.
    ///
    /// # Errors
    /// The target refuses, or the connection is lost.
    pub fn row(&mut self, place: &Place, values: &[Value<'_>]) -> Result<()> {
        let classes: Vec<&str> = values.iter().map(|v| v.class().word()).collect();
        let raws: Vec<Option<Vec<u8>>> = values.iter().map(|v| raw(*v)).collect();
        let culprit = self.names.iter().position(|n| *n == place.column).and_then(|i| values.get(i)).copied();
        let culprit = culprit.unwrap_or(Value::Null);
        let (class, bytes) = (culprit.class().word(), raw(culprit));
        let fields: [&(dyn ToSql + Sync); 12] = [
            &self.run,
            &self.table,
            &self.chunk,
            &place.number,
            &place.key,
            &place.column,
            &class,
            &bytes,
            &place.reason,
            &self.names,
            &classes,
            &raws,
        ];
        self.copy.write(&fields).map_err(|e| error_from_pg(e, DOING).about(&self.table))
    }

    /// Ends; returns how many rows the target counted.
    ///
    /// # Errors
    /// As [`Writer::row`].
    pub fn finish(self) -> Result<u64> {
        let table = self.table;
        self.copy.finish().map_err(|e| error_from_pg(e, DOING).about(table))
    }
}

const DOING: &str = "writing down rejected rows";

/// How many rows of each table lie here for a run.
///
/// # Errors
/// The target cannot be asked.
pub fn counts(client: &mut impl GenericClient, run: &str) -> Result<BTreeMap<String, u64>> {
    let sql = "SELECT table_name, count(*) FROM lite2pg.rejected_row WHERE run = $1 GROUP BY table_name";
    let rows = client.query(sql, &[&run]).map_err(|e| error_from_pg(e, "counting rejected rows"))?;
    Ok(rows.iter().map(|r| (r.get(0), r.get::<_, i64>(1).cast_unsigned())).collect())
}

/// The numbers of a table's rows here, in the order of the source.
///
/// # Errors
/// The target cannot be asked.
pub fn ids(client: &mut impl GenericClient, run: &str, table: &str) -> Result<Vec<i64>> {
    let sql = "SELECT id FROM lite2pg.rejected_row WHERE run = $1 AND table_name = $2 ORDER BY row_number, id";
    let rows = client.query(sql, &[&run, &table]).map_err(|e| error_from_pg(e, READING))?;
    Ok(rows.iter().map(|r| r.get(0)).collect())
}

const COLUMNS: &str = "id, coalesce(row_number, -1), key, column_name, reason, names, classes, raws";
const READING: &str = "reading rejected rows";

/// One row.
///
/// # Errors
/// The target cannot be asked, or what lies there is not what was written.
pub fn one(client: &mut impl GenericClient, id: i64) -> Result<Stored> {
    let sql = format!("SELECT {COLUMNS} FROM lite2pg.rejected_row WHERE id = $1");
    let row = client.query_one(&sql, &[&id]).map_err(|e| error_from_pg(e, READING))?;
    stored(&row)
}

/// Every row of a table, one after the other.
///
/// # Errors
/// As [`one`], and those of `each`.
pub fn for_each(
    client: &mut impl GenericClient,
    run: &str,
    table: &str,
    mut each: impl FnMut(&Stored) -> Result<()>,
) -> Result<()> {
    let sql = format!("SELECT {COLUMNS} FROM lite2pg.rejected_row WHERE run = $1 AND table_name = $2");
    let mut rows = client.query_raw(&sql, [run, table]).map_err(|e| error_from_pg(e, READING))?;
    while let Some(row) = rows.next().map_err(|e| error_from_pg(e, READING))? {
        each(&stored(&row)?)?;
    }
    Ok(())
}

fn stored(row: &Row) -> Result<Stored> {
    let (names, classes): (Vec<String>, Vec<String>) = (row.get(5), row.get(6));
    let raws: Vec<Option<Vec<u8>>> = row.get(7);
    let damaged = || Error::target("a rejected row in the control tables is not as it was written").about(READING);
    if names.len() != classes.len() || names.len() != raws.len() {
        return Err(damaged());
    }
    let values = names.into_iter().zip(classes).zip(raws).map(|((name, class), raw)| {
        let value = value_of(&class, raw.as_deref()).ok_or_else(damaged)?;
        Ok((name, value))
    });
    Ok(Stored {
        id: row.get(0),
        place: Place { number: row.get(1), key: row.get(2), column: row.get(3), reason: row.get(4) },
        values: values.collect::<Result<_>>()?,
    })
}

/// Forgets rows that have arrived after all.
///
/// # Errors
/// The target refuses.
pub fn forget(client: &mut impl GenericClient, ids: &[i64]) -> Result<()> {
    client
        .execute("DELETE FROM lite2pg.rejected_row WHERE id = ANY ($1)", &[&ids])
        .map_err(|e| error_from_pg(e, DOING))?;
    Ok(())
}

/// Forgets every row of a run that is undone.
///
/// # Errors
/// The target refuses.
pub fn forget_run(client: &mut impl GenericClient, run: &str) -> Result<()> {
    client.execute("DELETE FROM lite2pg.rejected_row WHERE run = $1", &[&run]).map_err(|e| error_from_pg(e, DOING))?;
    Ok(())
}

/// Writes down the values that a row has in the source by now, in the order of its columns.
///
/// # Errors
/// The target refuses.
pub fn renew(client: &mut impl GenericClient, id: i64, names: &[String], values: &[OwnedValue]) -> Result<()> {
    let classes: Vec<&str> = values.iter().map(|v| v.as_value().class().word()).collect();
    let raws: Vec<Option<Vec<u8>>> = values.iter().map(|v| raw(v.as_value())).collect();
    client
        .execute(
            "UPDATE lite2pg.rejected_row SET names = $2, classes = $3, raws = $4, \
             storage_class = coalesce(($3::text[])[array_position($2::text[], column_name)], storage_class), \
             raw = ($4::bytea[])[array_position($2::text[], column_name)] WHERE id = $1",
            &[&id, &names, &classes, &raws],
        )
        .map_err(|e| error_from_pg(e, DOING))?;
    Ok(())
}

/// Writes down why another try failed.
///
/// # Errors
/// The target refuses.
pub fn still(client: &mut impl GenericClient, id: i64, column: &str, reason: &str) -> Result<()> {
    client
        .execute(
            "UPDATE lite2pg.rejected_row SET reason = $2, column_name = $3 WHERE id = $1",
            &[&id, &reason, &column],
        )
        .map_err(|e| error_from_pg(e, DOING))?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_read_back_to_the_bit() {
        let texts: [&[u8]; 3] = [b"", b"a\0b", b"\xff\xfe"];
        let mut values = vec![Value::Null, Value::Integer(i64::MIN), Value::Integer(-1), Value::Real(-0.0)];
        values.extend([Value::Real(f64::MIN_POSITIVE / 4.0), Value::Real(f64::NEG_INFINITY)]);
        values.extend(texts.iter().flat_map(|t| [Value::Text(t), Value::Blob(t)]));
        for value in values {
            let back = value_of(value.class().word(), raw(value).as_deref()).unwrap();
            match (back.as_value(), value) {
                (Value::Real(a), Value::Real(b)) => assert_eq!(a.to_bits(), b.to_bits()),
                (a, b) => assert_eq!(a, b),
            }
        }
        assert_eq!(value_of("integer", Some(b"1")), None);
        assert_eq!(value_of("colour", Some(b"1")), None);
    }
}
