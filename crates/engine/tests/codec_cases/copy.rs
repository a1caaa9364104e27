//! Columns in and out of PostgreSQL by COPY BINARY, written anew for the tests.

use super::{Case, texts};
use lite2pg_model::mapping::codec::{Codec, Misfit};
use std::io::{Read as _, Write as _};

/// The type of the labels' column.
pub fn labels(client: &mut postgres::Client) {
    let labels = texts::MOODS.map(|label| format!("'{}'", label.replace('\'', "''"))).join(", ");
    client.batch_execute(&format!("CREATE TYPE mood AS ENUM ({labels})")).unwrap();
}

/// The values of a case as a stream with one column.
pub fn stream(codec: &Codec, case: &Case) -> Result<Vec<u8>, Misfit> {
    let mut stream = b"PGCOPY\n\xff\r\n\0\0\0\0\0\0\0\0\0".to_vec();
    for (v, _) in &case.values {
        stream.extend_from_slice(&1i16.to_be_bytes());
        codec.encode(v.as_value(), &mut stream)?;
    }
    stream.extend_from_slice(&(-1i16).to_be_bytes());
    Ok(stream)
}

/// Makes a table (id, v) and fills it.
pub fn load(client: &mut postgres::Client, table: &str, case: &Case, stream: &[u8]) -> Result<(), postgres::Error> {
    let ty = case.ddl.map_or_else(|| case.crossing.ty.sql(), str::to_owned);
    client.batch_execute(&format!("DROP TABLE IF EXISTS {table}; CREATE TABLE {table}(id serial, v {ty})"))?;
    let mut copy = client.copy_in(&format!("COPY {table}(v) FROM STDIN BINARY"))?;
    copy.write_all(stream).unwrap();
    copy.finish().map(|_| ())
}

/// The fields of its column, in the order of the rows.
pub fn unload(client: &mut postgres::Client, table: &str) -> Vec<Option<Vec<u8>>> {
    let mut out = Vec::new();
    let sql = format!("COPY (SELECT v FROM {table} ORDER BY id) TO STDOUT BINARY");
    client.copy_out(&sql).unwrap().read_to_end(&mut out).unwrap();
    fields(&out)
}

/// The fields of the rows of a COPY BINARY stream with one column.
fn fields(stream: &[u8]) -> Vec<Option<Vec<u8>>> {
    let mut rest = &stream[19..];
    let mut all = Vec::new();
    loop {
        let (count, tail) = rest.split_at(2);
        if count == [0xff, 0xff] {
            return all;
        }
        let (length, tail) = tail.split_at(4);
        let length = i32::from_be_bytes(length.try_into().unwrap());
        let Ok(n) = usize::try_from(length) else {
            all.push(None);
            rest = tail;
            continue;
        };
        all.push(Some(tail[..n].to_vec()));
        rest = &tail[n..];
    }
}
