//! The checks of the book, of the README and of the sections' manifests.

use runner::book;
use runner::workspace::Workspace;

#[test]
fn the_book_shows_all_there_is_and_nothing_else() {
    let workspace = Workspace::here().unwrap();
    let problems = book::problems(&workspace).unwrap();
    assert!(problems.is_empty(), "\n{}", problems.join("\n"));
}

#[test]
fn every_section_is_an_island() {
    let workspace = Workspace::here().unwrap();
    let problems = book::islands(&workspace).unwrap();
    assert!(problems.is_empty(), "\n{}", problems.join("\n"));
}
