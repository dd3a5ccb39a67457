//! A plain text table: the first column to the left, the others to the right.

/// Prints the rows under their header, columns as wide as their widest cell.
pub(crate) fn print(header: &[&str], rows: &[Vec<String>]) {
    let head: Vec<String> = header.iter().map(ToString::to_string).collect();
    let widths: Vec<usize> = (0..head.len())
        .map(|column| {
            std::iter::once(&head)
                .chain(rows)
                .filter_map(|row| row.get(column))
                .map(|cell| cell.chars().count())
                .max()
                .unwrap_or(0)
        })
        .collect();
    println!();
    println!("{}", line(&head, &widths));
    println!("{}", "-".repeat(widths.iter().sum::<usize>() + 2 * widths.len().saturating_sub(1)));
    for row in rows {
        println!("{}", line(row, &widths));
    }
    println!();
}

fn line(cells: &[String], widths: &[usize]) -> String {
    let padded: Vec<String> = cells
        .iter()
        .zip(widths)
        .enumerate()
        .map(
            |(column, (cell, width))| {
                if column == 0 { format!("{cell:<width$}") } else { format!("{cell:>width$}") }
            },
        )
        .collect();
    padded.join("  ").trim_end().to_owned()
}

#[cfg(test)]
mod tests {
    use super::line;

    #[test]
    fn the_first_column_is_left_aligned_and_the_rest_right_aligned() {
        let cells = ["ab".to_owned(), "7".to_owned()];
        assert_eq!(line(&cells, &[4, 3]), "ab      7");
    }
}
