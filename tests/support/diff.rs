//! What differs between two texts, as `diff -u` shows it.

use std::fmt::Write;

const CONTEXT: usize = 2;
const MAX_LINES: usize = 60;
const MAX_WIDTH: usize = 240;

/// The lines of `left` (`-`) and `right` (`+`) between their common beginning and end, aligned where that is cheap.
pub(crate) fn unified(left: &str, right: &str) -> String {
    let (a, b): (Vec<&str>, Vec<&str>) = (left.split('\n').collect(), right.split('\n').collect());
    let head = a.iter().zip(&b).take_while(|(x, y)| x == y).count();
    let tail = a[head..].iter().rev().zip(b[head..].iter().rev()).take_while(|(x, y)| x == y).count();
    let (old, new) = (&a[head..a.len() - tail], &b[head..b.len() - tail]);
    let start = head.saturating_sub(CONTEXT);
    let mut lines: Vec<(char, &str)> = a[start..head].iter().map(|line| (' ', *line)).collect();
    lines.extend(edits(old, new));
    lines.extend(a[a.len() - tail..].iter().take(CONTEXT).map(|line| (' ', *line)));
    let mut text = format!("@@ from line {} @@\n", start + 1);
    for (mark, line) in lines.iter().take(MAX_LINES) {
        let line: String =
            line.escape_debug().to_string().replace("\\'", "'").replace("\\\"", "\"").chars().take(MAX_WIDTH).collect();
        let _ = writeln!(text, "{mark}{line}");
    }
    if lines.len() > MAX_LINES {
        let _ = writeln!(text, "… {} more lines", lines.len() - MAX_LINES);
    }
    text
}

/// Longest common subsequence for small parts, everything out and everything in for large ones.
fn edits<'a>(old: &[&'a str], new: &[&'a str]) -> Vec<(char, &'a str)> {
    let (n, m) = (old.len(), new.len());
    if n * m > 1_000_000 {
        return old.iter().map(|line| ('-', *line)).chain(new.iter().map(|line| ('+', *line))).collect();
    }
    let mut length = vec![vec![0_u32; m + 1]; n + 1];
    for i in (0..n).rev() {
        for j in (0..m).rev() {
            length[i][j] =
                if old[i] == new[j] { length[i + 1][j + 1] + 1 } else { length[i + 1][j].max(length[i][j + 1]) };
        }
    }
    let (mut i, mut j, mut edits) = (0, 0, Vec::new());
    while i < n || j < m {
        if i < n && j < m && old[i] == new[j] {
            edits.push((' ', old[i]));
            (i, j) = (i + 1, j + 1);
        } else if j == m || (i < n && length[i + 1][j] >= length[i][j + 1]) {
            edits.push(('-', old[i]));
            i += 1;
        } else {
            edits.push(('+', new[j]));
            j += 1;
        }
    }
    edits
}
