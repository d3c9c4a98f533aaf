//! Hostile names on a terminal: they are shown, and move nothing.

use anyhow::{Result, ensure};

use super::names::{by_hand, generated};
use super::site::{Catalogue, Site, dataset, found, lines, record};
use crate::fixtures::Pty;
use crate::fixtures::sandbox::Sandbox;

/// What programs draw with is taken out: moves of the cursor, colours, and clearing of lines, by bars and log lines.
fn without_drawing(screen: &str) -> Result<String> {
    let drawing = regex::Regex::new("\x1b\\[[0-9;]*[ABCDKmhlJ]|\r\n|\r|\n")?;
    Ok(drawing.replace_all(screen, "").into_owned())
}

fn names(sandbox: &Sandbox) -> Vec<String> {
    by_hand(&sandbox.outside()).into_iter().chain(generated().into_iter().take(200)).collect()
}

fn on_terminal(site: &Site, words: &[&str]) -> Result<(i32, String)> {
    site.client()?;
    let config = site.home().path().join("rucio.cfg").to_string_lossy().into_owned();
    Pty::ours(site.home(), &[("RUCIO_CONFIG", &config), ("NO_COLOR", "1"), ("PAGER", "cat")], words)?.end()
}

#[test]
fn hostile_names_in_lists_move_no_cursor() -> Result<()> {
    let sandbox = Sandbox::new()?;
    let rows = names(&sandbox).iter().map(|name| found("s", name, "FILE", 1)).collect();
    let listed = names(&sandbox).iter().enumerate().map(|(number, name)| record(number, "s", name)).collect();
    let site = Site::start(Catalogue { found: lines(rows), listed: lines(listed) }, |_| {})?;
    let commands: [&[&str]; 5] = [
        &["did", "list", "s:*"],
        &["list-dids", "s:*"],
        &["list-dids", "--short", "s:*"],
        &["list-file-replicas", "s:x"],
        &["replica", "list", "file", "s:x"],
    ];
    for words in commands {
        let (code, screen) = on_terminal(&site, words)?;
        ensure!(code == 0 && screen.contains("%2e%2e"), "{words:?}: {code} {screen}");
        let controls: String = screen.replace("\r\n", "").chars().filter(|c| c.is_control() && *c != '\t').collect();
        ensure!(controls.is_empty() && !screen.contains('\u{202e}'), "{words:?}: {controls:?}");
    }
    Ok(())
}

/// Bars draw with escape sequences of their own; the names in them and in the log lines above have none.
#[test]
fn hostile_names_in_bars_move_the_cursor_no_further() -> Result<()> {
    let sandbox = Sandbox::new()?;
    let listed: Vec<_> = names(&sandbox).iter().enumerate().map(|(number, name)| record(number, "s", name)).collect();
    let site = Site::start(Catalogue { found: dataset(listed.len()), listed: lines(listed) }, |_| {})?;
    let target = sandbox.target().to_string_lossy().into_owned();
    let (code, screen) = on_terminal(&site, &["download", "--dir", &target, "s:set"])?;
    ensure!(code == 1, "{code}: {screen}");
    sandbox.is_untouched()?;
    let rest = without_drawing(&screen)?;
    let control = rest.char_indices().find(|(_, c)| c.is_control() && *c != '\t');
    let place = control.map(|(at, _)| rest[at..].chars().take(40).collect::<String>());
    ensure!(control.is_none() && !rest.contains('\u{202e}'), "{place:?}");
    // The names that clear the screen are among them, as text.
    ensure!(rest.contains("␛[2J"), "{rest}");
    Ok(())
}
