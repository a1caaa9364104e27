//! One run per source: a lock file that a dead process does not leave behind.
//! Owns the file in the state directory; never touches the source.
