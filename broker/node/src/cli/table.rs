//! Rows of text under heads, aligned for the eye and still easy to cut.

use core::fmt;

/// Between two columns.
const GAP: &str = "  ";
/// What stands where there is nothing.
const NONE: &str = "-";

/// Columns whose cells are all numbers lean right, the others left. No cell is empty: `-` says that
/// there is nothing.
#[derive(Debug, Clone)]
pub(crate) struct Table<const COLUMNS: usize> {
    heads: [&'static str; COLUMNS],
    rows: Vec<[String; COLUMNS]>,
}

impl<const COLUMNS: usize> Table<COLUMNS> {
    pub(crate) fn new(heads: [&'static str; COLUMNS]) -> Self {
        Self { heads, rows: Vec::new() }
    }

    pub(crate) fn row(&mut self, cells: [String; COLUMNS]) {
        self.rows.push(cells);
    }
}

/// `-` for what is not there.
pub(crate) fn or_dash<T: fmt::Display>(value: Option<T>) -> String {
    match value.map(|value| value.to_string()) {
        Some(text) if !text.is_empty() => text,
        _ => NONE.to_owned(),
    }
}

/// `1,2,3`; `-` for none.
pub(crate) fn list<T: fmt::Display>(values: &[T]) -> String {
    let texts: Vec<String> = values.iter().map(T::to_string).collect();
    or_dash(Some(texts.join(",")))
}

impl<const COLUMNS: usize> fmt::Display for Table<COLUMNS> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let cells = |at: usize| self.rows.iter().map(move |row| row[at].as_str());
        let widths: [usize; COLUMNS] = core::array::from_fn(|at| {
            let widest = cells(at).map(|cell| cell.chars().count()).max().unwrap_or(0);
            widest.max(self.heads[at].len())
        });
        let numeric: [bool; COLUMNS] = core::array::from_fn(|at| {
            cells(at).all(is_number) && cells(at).any(|cell| cell != NONE)
        });
        let heads = self.heads.map(str::to_owned);
        for row in core::iter::once(&heads).chain(&self.rows) {
            let mut line = String::new();
            for at in 0..COLUMNS {
                let (cell, width) = (&row[at], widths[at]);
                let gap = if at == 0 { "" } else { GAP };
                line += gap;
                line += &if numeric[at] {
                    format!("{cell:>width$}")
                } else {
                    format!("{cell:<width$}")
                };
            }
            writeln!(f, "{}", line.trim_end())?;
        }
        Ok(())
    }
}

fn is_number(cell: &str) -> bool {
    cell == NONE || cell.parse::<i64>().is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use expect_test::expect;

    #[test]
    fn numbers_lean_right_and_lines_have_no_tail() {
        let mut table = Table::new(["TOPIC", "PARTITIONS", "NOTE"]);
        table.row(["orders".to_owned(), "12".to_owned(), "-".to_owned()]);
        table.row(["a-much-longer-name".to_owned(), "3".to_owned(), "ok".to_owned()]);
        expect![[r#"
            TOPIC               PARTITIONS  NOTE
            orders                      12  -
            a-much-longer-name           3  ok
        "#]]
        .assert_eq(&table.to_string());
    }

    #[test]
    fn a_table_without_rows_is_its_heads() {
        assert_eq!(Table::new(["A", "B"]).to_string(), "A  B\n");
    }

    #[test]
    fn nothing_is_a_dash() {
        assert_eq!(or_dash(None::<i32>), "-");
        assert_eq!(or_dash(Some("")), "-");
        assert_eq!(list(&[1, 2]), "1,2");
        assert_eq!(list::<i32>(&[]), "-");
    }
}
