//! The route table: all rows, checked.

use std::collections::{BTreeMap, HashSet};

use super::row::Row;

/// All rows, checked once and grouped by path.
pub struct Table {
    rows: Vec<Row>,
    by_path: BTreeMap<&'static str, Vec<usize>>,
}

impl Table {
    /// Checks the rows and groups them.
    ///
    /// # Panics
    /// When two rows share a name, or a method and a path, or when two paths differ only in the
    /// names of their parameters (the second would never be reached).
    pub fn new(rows: Vec<Row>) -> Self {
        let mut names = HashSet::new();
        let mut shapes = BTreeMap::new();
        let mut by_path: BTreeMap<&'static str, Vec<usize>> = BTreeMap::new();
        for (index, row) in rows.iter().enumerate() {
            assert!(names.insert(row.name), "two rows are called {}", row.name);
            assert!(row.name.contains('.'), "{}: a name is `tag.verb`", row.name);
            let known = *shapes.entry(shape(row.path)).or_insert(row.path);
            assert!(known == row.path, "{} and {known} match the same URLs", row.path);
            let same_path = by_path.entry(row.path).or_default();
            assert!(
                same_path.iter().filter_map(|i| rows.get(*i)).all(|r| r.method != row.method),
                "two rows for {} {}",
                row.method,
                row.path
            );
            same_path.push(index);
        }
        Self { rows, by_path }
    }

    /// Every row, in the order of declaration.
    pub fn rows(&self) -> &[Row] {
        &self.rows
    }

    /// The paths with their rows.
    pub fn paths(&self) -> impl Iterator<Item = (&'static str, Vec<&Row>)> {
        self.by_path
            .iter()
            .map(|(path, rows)| (*path, rows.iter().filter_map(|i| self.rows.get(*i)).collect()))
    }
}

/// The path with its parameters made nameless.
fn shape(path: &str) -> String {
    path.split('/')
        .map(|segment| match segment.strip_prefix('{') {
            Some(inside) if inside.contains(':') => "{*}",
            Some(_) => "{}",
            None => segment,
        })
        .collect::<Vec<_>>()
        .join("/")
}
