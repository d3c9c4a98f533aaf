//! Compares tables with those of tabulate 0.10.0 (without wcwidth, as `pip install rucio-clients` installs it).

use super::{Cell, Table};

fn filled<const N: usize>(mut table: Table, rows: &[[Cell; N]]) -> String {
    for row in rows {
        table.row(row.iter().cloned());
    }
    table.render()
}

macro_rules! rows {
    ($([$($cell:expr),*]),* $(,)?) => { &[$([$(Cell::from($cell)),*]),*] };
}

const NONE: Option<&str> = None;

#[test]
fn table_texts_align_left() {
    let want = [
        "+--------------+--------------+",
        "| SCOPE:NAME   | [DID TYPE]   |",
        "|--------------+--------------|",
        "| mc16:AOD.1   | DATASET      |",
        "| user.jdoe:a  | CONTAINER    |",
        "+--------------+--------------+",
    ]
    .join("\n");
    assert_eq!(
        filled(
            Table::psql(["SCOPE:NAME", "[DID TYPE]"]),
            rows![["mc16:AOD.1", "DATASET"], ["user.jdoe:a", "CONTAINER"]]
        ),
        want
    );
}

#[test]
fn table_numbers_align_right_and_at_the_point() {
    let want = [
        "+-------+---------+---------+",
        "| RSE   |   USAGE |       X |",
        "|-------+---------+---------|",
        "| A     |       1 |   1.5   |",
        "| B     |     -20 | 300     |",
        "| C     |         |   1e-07 |",
        "+-------+---------+---------+",
    ]
    .join("\n");
    assert_eq!(
        filled(Table::psql(["RSE", "USAGE", "X"]), rows![["A", 1, "1.50"], ["B", -20, 300], ["C", NONE, 1e-07]]),
        want
    );
}

#[test]
fn table_texts_that_look_like_numbers_are_numbers() {
    let want = [
        "+-----+-----------------+--------+-----+",
        "|   A |               B |      C |   D |",
        "|-----+-----------------+--------+-----|",
        "| 007 |      1.2345e+16 | 1000   | nan |",
        "| 1_0 | 429920          | 1234.5 | inf |",
        "+-----+-----------------+--------+-----+",
    ]
    .join("\n");
    assert_eq!(
        filled(
            Table::psql(["A", "B", "C", "D"]),
            rows![["007", "12345e12", "1,000", "nan"], ["1_0", "42992e1", "1,234.50", "inf"]]
        ),
        want
    );
}

#[test]
fn table_without_numbers_is_unchanged() {
    let want = [
        "+-----+-------+-----+",
        "| A   | B     | C   |",
        "|-----+-------+-----|",
        "| 007 | 1.5   | 2   |",
        "| x   | 1e+16 |     |",
        "+-----+-------+-----+",
    ]
    .join("\n");
    assert_eq!(
        filled(Table::psql(["A", "B", "C"]).without_numbers(), rows![["007", 1.5, 2], ["x", 1e+16, NONE]]),
        want
    );
}

#[test]
fn table_column_is_text_if_one_cell_is() {
    let want = [
        "+-------+-----+",
        "| A     |   B |",
        "|-------+-----|",
        "| x     | 1   |",
        "| 1e+16 | 2.5 |",
        "| 3     |     |",
        "+-------+-----+",
    ]
    .join("\n");
    assert_eq!(filled(Table::psql(["A", "B"]), rows![["x", true], [1e+16, 2.5], [3, NONE]]), want);
}

#[test]
fn table_shows_truth_values() {
    let want = [
        "+-------+-----+------+",
        "| A     |   B | C    |",
        "|-------+-----+------|",
        "| True  | 1   | True |",
        "| False | 2   |      |",
        "|       | 0.5 |      |",
        "+-------+-----+------+",
    ]
    .join("\n");
    assert_eq!(
        filled(Table::psql(["A", "B", "C"]), rows![[true, true, "True"], [false, 2, ""], [NONE, 0.5, NONE]]),
        want
    );
}

#[test]
fn table_that_is_empty_has_headers() {
    let want = ["+-------+---------+", "| RSE   | LIMIT   |", "|-------+---------|", "+-------+---------+"].join("\n");
    assert_eq!(filled(Table::psql(["RSE", "LIMIT"]), &[[Cell::None; 0]; 0]), want);
}

#[test]
fn table_that_is_empty_has_no_headers() {
    let want = "";
    assert_eq!(filled(Table::plain(), &[[Cell::None; 0]; 0]), want);
}

#[test]
fn table_in_simple_form_without_rows() {
    let want = ["ID    ACCOUNT", "----  ---------"].join("\n");
    assert_eq!(filled(Table::simple(["ID", "ACCOUNT"]).without_numbers(), &[[Cell::None; 0]; 0]), want);
}

#[test]
fn table_in_simple_form_with_headers() {
    let want =
        ["ID    ACCOUNT    SIZE", "----  ---------  --------", "f00   root       1.000 GB", "f01   jdoe"].join("\n");
    assert_eq!(
        filled(
            Table::simple(["ID", "ACCOUNT", "SIZE"]).without_numbers(),
            rows![["f00", "root", "1.000 GB"], ["f01", "jdoe", ""]]
        ),
        want
    );
}

#[test]
fn table_in_simple_form_with_numbers() {
    let want = [
        "RSE Expression:      Nattempts:",
        "-----------------  ------------",
        "A                             1",
        "B                            22",
    ]
    .join("\n");
    assert_eq!(filled(Table::simple(["RSE Expression:", "Nattempts:"]), rows![["A", 1], ["B", 22]]), want);
}

#[test]
fn table_in_simple_form_without_headers() {
    let want = ["--  --", "a    1", "bb  22", "--  --"].join("\n");
    assert_eq!(filled(Table::simple([""; 0]), rows![["a", 1], ["bb", 22]]), want);
}

#[test]
fn table_in_plain_form_has_no_trailing_blanks() {
    let want = ["scope:    mc16", "name:", "account:"].join("\n");
    assert_eq!(
        filled(Table::plain().without_numbers(), rows![["scope:", "mc16"], ["name:", ""], ["  account: ", NONE]]),
        want
    );
}

#[test]
fn table_width_counts_characters() {
    let want =
        ["+-----+-----+", "| 日   | B   |", "|-----+-----|", "| 日本語 | é   |", "| ab  | é  |", "+-----+-----+"]
            .join("\n");
    assert_eq!(filled(Table::psql(["日", "B"]), rows![["日本語", "é"], ["ab", "é"]]), want);
}

#[test]
fn table_cells_lose_blanks_around() {
    let want = [
        "+-------+-----+",
        "|  A    | B   |",
        "|-------+-----|",
        "| x     | y   |",
        "| z     |     |",
        "+-------+-----+",
    ]
    .join("\n");
    assert_eq!(filled(Table::psql([" A ", "B"]), rows![[" x\t", " y "], ["z", ""]]), want);
}

#[test]
fn table_colours_have_no_width() {
    let want = [
        "+-------+------+",
        "| A     |    B |",
        "|-------+------|",
        "| \x1b[31mred\x1b[0m   |  \x1b[1m1.5\x1b[0m |",
        "| plain | 22   |",
        "+-------+------+",
    ]
    .join("\n");
    assert_eq!(
        filled(Table::psql(["A", "B"]), rows![["\x1b[31mred\x1b[0m", "\x1b[1m1.50\x1b[0m"], ["plain", "22"]]),
        want
    );
}

#[test]
fn table_cells_have_several_lines() {
    let want = [
        "+-----+-----+",
        "| A   |   C |",
        "| B   |     |",
        "|-----+-----|",
        "| x   |   1 |",
        "|     |     |",
        "| yy  |     |",
        "|     |  22 |",
        "+-----+-----+",
    ]
    .join("\n");
    assert_eq!(filled(Table::psql(["A\nB", "C"]), rows![["x\n\nyy\n", "1"], ["", "22"]]), want);
}

#[test]
fn table_row_of_empty_cells_vanishes_among_several_lines() {
    let want = [
        "+-----+-----+",
        "| A   |   B |",
        "|-----+-----|",
        "| x   |   1 |",
        "| y   |     |",
        "| z   |   2 |",
        "+-----+-----+",
    ]
    .join("\n");
    assert_eq!(filled(Table::psql(["A", "B"]), rows![["x\ny", 1], [NONE, NONE], ["z", 2]]), want);
}

#[test]
fn table_rows_may_be_longer_than_the_headers() {
    let want =
        ["+----+-----+", "|    |   A |", "|----+-----|", "| x  |   1 |", "| y  |   2 |", "+----+-----+"].join("\n");
    assert_eq!(filled(Table::psql(["A"]), rows![["x", 1], ["y", 2]]), want);
}

#[test]
fn table_headers_may_be_longer_than_the_rows() {
    let want = ["+-----+-----+", "| A   |   B |", "|-----+-----|", "| x   |   1 |", "| y   |   2 |", "+-----+-----+"]
        .join("\n");
    assert_eq!(filled(Table::psql(["A", "B", "C"]), rows![["x", 1], ["y", 2]]), want);
}

#[test]
fn table_in_rich_form_fits_its_width() {
    let mut table = Table::psql(["NAME", "FILES"]);
    table.row([Cell::from("a long text with words"), Cell::from(7)]);
    let want = [
        "╭──────────────┬───────╮",
        "│ NAME         ┆ FILES │",
        "╞══════════════╪═══════╡",
        "│ a long text  ┆     7 │",
        "│ with words   ┆       │",
        "╰──────────────┴───────╯",
    ];
    assert_eq!(table.render_rich(Some(24), false), want.join("\n"));
}

#[test]
fn table_in_rich_form_colours_states_only() {
    let mut table = Table::psql(["STATE", "NAME"]);
    table.row(["STUCK[1/0/2]", "\x1b[31mevil"]);
    let drawn = table.render_rich(None, true);
    assert!(drawn.contains("\x1b[38;5;11m STUCK[1/0/2]"), "{drawn:?}");
    assert!(drawn.contains("␛[31mevil") && !drawn.contains("\x1b[31m"), "{drawn:?}");
    assert!(!table.render_rich(None, false).contains('\x1b'));
}
