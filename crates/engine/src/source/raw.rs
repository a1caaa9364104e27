//! The hot read loop: a prepared statement whose values are handed out as borrowed bytes.
//! Owns every `unsafe` block of the workspace; never opens a file, never decides anything.
//! Why: `sqlite3_column_value` + `sqlite3_value_*` read 1.45 times faster than `rusqlite`'s `get_ref`.
#![allow(unsafe_code)]

use std::cell::{Cell, RefCell};
use std::ffi::{CStr, c_int, c_void};
use std::ptr::{self, NonNull};
use std::rc::Rc;

use lite2pg_model::value::Value;
use rusqlite::{Connection, ffi};

// The bindings leave the UTF-16 calls out; the bundled library has them.
// Source: <https://sqlite.org/c3ref/value_blob.html>.
unsafe extern "C" {
    fn sqlite3_value_text16(value: *mut ffi::sqlite3_value) -> *const c_void;
    fn sqlite3_value_bytes16(value: *mut ffi::sqlite3_value) -> c_int;
}

/// A prepared statement. Lives no longer than its connection and the bytes bound to it.
pub(super) struct Statement<'c> {
    stmt: NonNull<ffi::sqlite3_stmt>,
    conn: &'c Connection,
    columns: usize,
    utf16: bool,
}

/// The row a statement stands on. Its values are valid until the next step.
pub struct Row<'s> {
    stmt: NonNull<ffi::sqlite3_stmt>,
    columns: usize,
    exhausted: &'s Cell<bool>,
    utf16: bool,
    /// Texts of this row that are no valid UTF-16, as bytes of ours.
    odd: RefCell<Vec<Rc<[u8]>>>,
}

impl<'c> Statement<'c> {
    /// Prepares the first statement of `sql`; `utf16`: the texts of the file are.
    pub(super) fn prepare(conn: &'c Connection, sql: &str, utf16: bool) -> rusqlite::Result<Self> {
        let length = c_int::try_from(sql.len()).map_err(|_| failure(ffi::SQLITE_TOOBIG, None))?;
        let mut stmt: *mut ffi::sqlite3_stmt = ptr::null_mut();
        // SAFETY: the handle is open as long as `conn` is borrowed and is only used on this thread (`Connection` is
        // not `Sync`); `sql` is `length` readable bytes; `stmt` is a valid place for the result; the tail is not asked for.
        let code = unsafe {
            ffi::sqlite3_prepare_v3(conn.handle(), sql.as_ptr().cast(), length, 0, &mut stmt, ptr::null_mut())
        };
        if code != ffi::SQLITE_OK {
            return Err(last(conn, code));
        }
        let Some(stmt) = NonNull::new(stmt) else {
            return Err(failure(ffi::SQLITE_MISUSE, Some("no statement in the text".to_owned())));
        };
        // SAFETY: `stmt` is a live statement, just prepared.
        let columns = unsafe { ffi::sqlite3_column_count(stmt.as_ptr()) };
        Ok(Statement { stmt, conn, columns: usize::try_from(columns).unwrap_or(0), utf16 })
    }

    /// Runs the statement with these parameters, giving each row to `f` until it says stop.
    /// `Ok(Some(error))` is an error of `f`; `Err` one of SQLite.
    pub(super) fn run<E>(
        self,
        params: &[Value<'_>],
        mut f: impl FnMut(&Row<'_>) -> Result<(), E>,
    ) -> rusqlite::Result<Option<E>> {
        for (i, value) in params.iter().enumerate() {
            self.bind(i, value)?;
        }
        let exhausted = Cell::new(false);
        loop {
            // SAFETY: a live statement, used by one thread only; what is bound outlives this call (`params`).
            match unsafe { ffi::sqlite3_step(self.stmt.as_ptr()) } {
                ffi::SQLITE_ROW => {
                    let row = Row {
                        stmt: self.stmt,
                        columns: self.columns,
                        exhausted: &exhausted,
                        utf16: self.utf16,
                        odd: RefCell::default(),
                    };
                    let told = f(&row);
                    // A value that could not be handed out was seen as NULL by `f`: what it did is void.
                    if exhausted.get() {
                        return Err(failure(ffi::SQLITE_NOMEM, Some("out of memory while reading a value".to_owned())));
                    }
                    if let Err(error) = told {
                        return Ok(Some(error));
                    }
                }
                ffi::SQLITE_DONE => return Ok(None),
                code => return Err(last(self.conn, code)),
            }
        }
    }

    fn bind(&self, index: usize, value: &Value<'_>) -> rusqlite::Result<()> {
        let at = c_int::try_from(index + 1).map_err(|_| failure(ffi::SQLITE_RANGE, None))?;
        let stmt = self.stmt.as_ptr();
        // SAFETY: a live statement. Text and blobs are bound without a destructor (SQLITE_STATIC): `run` borrows
        // them until the statement is finalised, since it consumes `self`. A blob pointer is never null here (a
        // slice's is not), so an empty blob is not bound as NULL. SQLite checks `at`.
        let code = unsafe {
            match *value {
                Value::Null => ffi::sqlite3_bind_null(stmt, at),
                Value::Integer(i) => ffi::sqlite3_bind_int64(stmt, at, i),
                Value::Real(r) => ffi::sqlite3_bind_double(stmt, at, r),
                Value::Text(b) => {
                    ffi::sqlite3_bind_text64(stmt, at, b.as_ptr().cast(), b.len() as u64, None, ffi::SQLITE_UTF8 as u8)
                }
                Value::Blob(b) => ffi::sqlite3_bind_blob64(stmt, at, b.as_ptr().cast(), b.len() as u64, None),
            }
        };
        if code == ffi::SQLITE_OK { Ok(()) } else { Err(last(self.conn, code)) }
    }
}

impl Drop for Statement<'_> {
    fn drop(&mut self) {
        // SAFETY: `stmt` came from a successful prepare and is finalised here only; the connection is still open
        // because it is borrowed. The code repeats the last step's and is not news.
        let _ = unsafe { ffi::sqlite3_finalize(self.stmt.as_ptr()) };
    }
}

impl Row<'_> {
    /// How many columns the row has.
    #[inline]
    pub fn len(&self) -> usize {
        self.columns
    }

    /// Whether the row has no columns (no row of a SELECT has none).
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.columns == 0
    }

    /// Column `i`, counted from 0, borrowed until the callback returns; text is UTF-8 bytes whatever the encoding of
    /// the file. NULL if there is no such column. If SQLite has no memory to hand the value out, NULL is given and
    /// the whole read ends in an error after the callback.
    #[inline]
    pub fn get(&self, i: usize) -> Value<'_> {
        let Ok(at) = c_int::try_from(i) else { return Value::Null };
        // SAFETY: the statement stands on a row (a `Row` exists only inside `run`'s callback), only this thread uses
        // it, and SQLite answers an index out of range with NULL. The value is not converted to another class, so
        // its bytes stay where they are until the next step; the returned borrow cannot outlive the `Row`.
        unsafe {
            let value = ffi::sqlite3_column_value(self.stmt.as_ptr(), at);
            match ffi::sqlite3_value_type(value) {
                ffi::SQLITE_INTEGER => Value::Integer(ffi::sqlite3_value_int64(value)),
                ffi::SQLITE_FLOAT => Value::Real(ffi::sqlite3_value_double(value)),
                // The text first, its length after: a UTF-16 value becomes UTF-8 by the first call.
                ffi::SQLITE_TEXT => {
                    if self.utf16
                        && let Some(odd) = self.odd_text(value)
                    {
                        return Value::Text(odd);
                    }
                    let start = ffi::sqlite3_value_text(value);
                    self.bytes(start.cast(), ffi::sqlite3_value_bytes(value), true).map_or(Value::Null, Value::Text)
                }
                ffi::SQLITE_BLOB => {
                    let start = ffi::sqlite3_value_blob(value);
                    self.bytes(start.cast(), ffi::sqlite3_value_bytes(value), false).map_or(Value::Null, Value::Blob)
                }
                _ => Value::Null,
            }
        }
    }

    /// Text that is no valid UTF-16, `None` if it is. SQLite would turn a lone surrogate and what follows into some other
    /// character, and nobody could tell; here it becomes the three bytes that UTF-8 forbids for it, so that the census
    /// counts the text as invalid and nothing of it is lost.
    ///
    /// # Safety
    /// `value` is a text value of the row the statement stands on.
    unsafe fn odd_text(&self, value: *mut ffi::sqlite3_value) -> Option<&[u8]> {
        // SAFETY: a live value by the contract; the bytes stay until it is converted, after this block's last use of
        // them, and SQLite gives native byte order.
        let bytes = unsafe {
            let start = sqlite3_value_text16(value).cast::<u8>();
            self.bytes(start, sqlite3_value_bytes16(value), true)?
        };
        let units = bytes.chunks_exact(2).map(|pair| u16::from_ne_bytes([pair[0], pair[1]]));
        if char::decode_utf16(units.clone()).all(|c| c.is_ok()) {
            return None;
        }
        let mut text = Vec::with_capacity(bytes.len());
        for c in char::decode_utf16(units) {
            match c {
                Ok(c) => text.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes()),
                Err(lone) => {
                    let [high, low] = lone.unpaired_surrogate().to_be_bytes();
                    text.extend([0xe0 | high >> 4, 0x80 | (high & 15) << 2 | low >> 6, 0x80 | low & 0x3f]);
                }
            }
        }
        let kept: Rc<[u8]> = text.into();
        let (start, length) = (kept.as_ptr(), kept.len());
        self.odd.borrow_mut().push(kept);
        // SAFETY: the bytes are shared and never changed, live on the heap as long as this row, and the borrow ends with
        // the row.
        Some(unsafe { std::slice::from_raw_parts(start, length) })
    }

    /// # Safety
    /// `start` is null or points to `length` bytes that stay until the next step.
    #[inline]
    unsafe fn bytes(&self, start: *const u8, length: c_int, text: bool) -> Option<&[u8]> {
        let length = usize::try_from(length).unwrap_or(0);
        if start.is_null() {
            // A null pointer is an empty blob, or memory that could not be had.
            if text || length > 0 {
                self.exhausted.set(true);
                return None;
            }
            return Some(&[]);
        }
        // SAFETY: by the contract above.
        Some(unsafe { std::slice::from_raw_parts(start, length) })
    }
}

fn failure(code: c_int, message: Option<String>) -> rusqlite::Error {
    rusqlite::Error::SqliteFailure(ffi::Error::new(code), message)
}

/// The error `code` with the connection's own words for it.
fn last(conn: &Connection, code: c_int) -> rusqlite::Error {
    // SAFETY: an open handle; the message is a NUL-terminated string that stays until the next call on it, and is
    // copied at once.
    let message = unsafe {
        let text = ffi::sqlite3_errmsg(conn.handle());
        if text.is_null() { None } else { Some(CStr::from_ptr(text).to_string_lossy().into_owned()) }
    };
    failure(code, message)
}

/// The first bytes of a connection's database file, read through SQLite's own descriptor: that drops no lock, as
/// opening and closing the file by ordinary I/O would. `None` if SQLite does not hand its file out.
pub(super) fn head(conn: &Connection, bytes: usize) -> Option<Vec<u8>> {
    let mut file: *mut ffi::sqlite3_file = ptr::null_mut();
    // SAFETY: an open handle; FILE_POINTER writes the address of the connection's file object, which lives as long as
    // the connection, into `file`.
    let code = unsafe {
        let at: *mut *mut ffi::sqlite3_file = &mut file;
        ffi::sqlite3_file_control(conn.handle(), c"main".as_ptr(), ffi::SQLITE_FCNTL_FILE_POINTER, at.cast())
    };
    if code != ffi::SQLITE_OK || file.is_null() {
        return None;
    }
    // SAFETY: `file` is a live sqlite3_file; its methods are null only while it is not open. Only this thread uses the
    // connection, so nothing else runs on the file object meanwhile.
    unsafe {
        let methods = (*file).pMethods.as_ref()?;
        let mut size: ffi::sqlite3_int64 = 0;
        if methods.xFileSize?(file, &mut size) != ffi::SQLITE_OK {
            return None;
        }
        let length = bytes.min(usize::try_from(size).ok()?);
        let mut head = vec![0u8; length];
        let read = methods.xRead?(file, head.as_mut_ptr().cast(), c_int::try_from(length).ok()?, 0);
        (read == ffi::SQLITE_OK).then_some(head)
    }
}
