//! Reads back what was printed: codes from pictures, from PDF content and from ZPL; cells from sheets.

mod codes;
mod papers;
mod reading;
mod samples;
mod sheets;
