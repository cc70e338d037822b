//! The check of the form, broken once on purpose for each of its rules.

use std::fs;
use std::path::Path;

use runner::form;
use runner::workspace::Workspace;

const SAY: &str = r#"//! Says a word.
//! cargo run --example short-talk-say
//! Its partner in Python: python/short_talk_say.py

fn main() -> anyhow::Result<()> {
    println!("a word");
    Ok(())
}
"#;
const HEAR: &str = r#"//! Hears a word.
//! cargo run --example short-talk-hear
//! Its partner in Python: python/short_talk_hear.py

#[tokio::main(flavor = "current_thread")]
async fn main() -> std::io::Result<()> {
    println!("a word");
    Ok(())
}
"#;
const PAGE: &str = r#"# Talk {#talk}

{{#include images/talk.svg}}

## The short pair {#short}

<div class="pair">

```rust
{{#include ../../crates/talk/examples/short-talk-say.rs}}
```

```python
{{#include ../../crates/talk/python/short_talk_say.py}}
```

</div>

<div class="pair">

```rust
{{#include ../../crates/talk/examples/short-talk-hear.rs}}
```

```python
{{#include ../../crates/talk/python/short_talk_hear.py}}
```

</div>

<details>

```rust
{{#include ../../crates/talk/src/lib.rs}}
```

</details>

{{#include ../../crates/talk/demos/short/terminals.html}}

Source of this crate: `crates/talk`

## What crosses the wire {#wire}

## What breaks {#breaks}

```rust
{{#include ../../crates/talk/src/lib.rs:mend}}
```

## One more {#more}

## The starter {#starter}

```rust
{{#include ../../crates/talk/src/lib.rs}}
```

## Try it {#try}

## The Rust you need {#rust}

## Make it yours {#yours}

## From Python {#python}

## Where to go next {#next}
"#;

const QUESTION: &str = r#"[predict]
after = { role = "say", text = "a word" }
ask = "And then?"
wrong = ["say: a word", "hear: nothing"]
"#;

/// A demo of two roles, each played by a program or a Python file.
fn demo(say: &str, hear: &str) -> String {
    format!(
        "about = \"A talk.\"\nsteps = [{{ start = \"say\" }}]\n\
         [roles.say]\n{say}\n[roles.hear]\n{hear}\n{QUESTION}"
    )
}

/// A workspace with one section that is in form: paths and texts.
fn files() -> Vec<(String, String)> {
    let section = "crates/talk";
    let mut library = "// ANCHOR: mend\n// 1\n".to_owned();
    library += &"// more\n".repeat(20);
    library += "// ANCHOR_END: mend\n";
    library += &"// rest\n".repeat(30);
    let (say, hear) = (
        "program = \"short-talk-say\"",
        "program = \"short-talk-hear\"",
    );
    let python_say = "python = \"short_talk_say.py\"";
    let python_hear = "python = \"short_talk_hear.py\"";
    let file =
        |path: &str, text: &str| (format!("{section}/{path}"), text.to_owned());
    vec![
        ("Cargo.toml".to_owned(), "[workspace]\n".to_owned()),
        ("book/src/talk.md".to_owned(), PAGE.to_owned()),
        file(
            "Cargo.toml",
            "[package]\nname = \"talk\"\n\
             [package.metadata.section]\ntitle = \"Talk\"\n\
             long = { talk-long = \"two protocols\" }\n",
        ),
        file("src/lib.rs", &library),
        file("src/bin/talk.rs", &"// more\n".repeat(100)),
        file("src/bin/talk-long.rs", &"// more\n".repeat(101)),
        file("examples/short-talk-say.rs", SAY),
        file("examples/short-talk-hear.rs", HEAR),
        file("python/short_talk_say.py", "print('a word')\n"),
        file("python/short_talk_hear.py", "import sys\n"),
        file("demos/short/demo.toml", &demo(say, hear)),
        file("demos/one/demo.toml", &demo(python_say, hear)),
        file("demos/other/demo.toml", &demo(say, python_hear)),
    ]
}

fn problems(files: &[(String, String)]) -> Vec<String> {
    let folder = tempfile::tempdir().unwrap();
    for (path, text) in files {
        let path = folder.path().join(path);
        fs::create_dir_all(path.parent().unwrap_or(Path::new("."))).unwrap();
        fs::write(path, text).unwrap();
    }
    let workspace = Workspace::find(folder.path()).unwrap();
    form::problems(&workspace, &workspace.sections[0]).unwrap()
}

/// Changes one file of a section in form (`None`: leaves it out), and looks
/// whether the one problem found says what it must.
fn broken(path: &str, change: Option<(&str, &str)>, said: &str) {
    let mut files = files();
    let at = files
        .iter()
        .position(|(name, _)| name.ends_with(path))
        .unwrap_or_else(|| panic!("no file {path}"));
    match change {
        None => drop(files.remove(at)),
        Some((before, after)) => {
            assert!(files[at].1.contains(before), "{path}: no '{before}'");
            files[at].1 = files[at].1.replacen(before, after, 1);
        }
    }
    let problems = problems(&files);
    assert!(
        problems.len() == 1 && problems[0].contains(said),
        "{path} {change:?} must be one problem with '{said}': {problems:#?}"
    );
}

#[test]
fn a_section_in_form_has_no_problem() {
    assert_eq!(problems(&files()), Vec::<String>::new());
}

#[test]
fn a_short_program_is_small_and_plain() {
    let say = "examples/short-talk-say.rs";
    let long = "    println!(\"a word\");\n".repeat(34);
    broken(
        say,
        Some(("    Ok", &(long + "    Ok"))),
        "42 lines, more than 40",
    );
    let wide = format!("{}\n    Ok", "//".repeat(31));
    broken(say, Some(("    Ok", &wide)), "more than 60 columns");
    broken(
        say,
        Some(("fn main", "use clap::Parser;\n\nfn main")),
        "uses clap",
    );
    broken(
        say,
        Some(("fn main", "use talk::say;\n\nfn main")),
        "the crate's own library",
    );
    broken(
        say,
        Some(("    Ok", "    word.unwrap();\n    Ok")),
        "calls unwrap",
    );
    broken(
        say,
        Some(("    Ok", "    word.expect(\"a word\");\n    Ok")),
        "calls unwrap or expect",
    );
    broken(
        say,
        Some(("anyhow::Result<()>", "Result<(), Box<dyn Error>>")),
        "needs 'fn main()",
    );
    let hear = "examples/short-talk-hear.rs";
    broken(
        hear,
        Some(("(flavor = \"current_thread\")", "")),
        "needs 'fn main()",
    );
}

#[test]
fn a_starter_has_a_hundred_lines_or_says_why() {
    let more = Some(("// more", "// more\n// more"));
    broken("bin/talk.rs", more, "talk has 101 lines, more than 100");
    broken(
        "bin/talk-long.rs",
        Some(("// more\n", "")),
        "which has 100 lines",
    );
    let manifest = "talk/Cargo.toml";
    let reason = "long = { talk-long = \"two protocols\" }\n";
    broken(manifest, Some((reason, "")), "talk-long has 101 lines");
    broken(
        manifest,
        Some(("two protocols", " ")),
        "gives no reason for talk-long",
    );
    broken(
        manifest,
        Some((" }", ", gone = \"it was long\" }")),
        "there is no src/bin/gone.rs",
    );
}

#[test]
fn a_short_program_has_a_header_of_three_lines() {
    let say = "examples/short-talk-say.rs";
    broken(
        say,
        Some(("//! Says", "//! It\n//! says")),
        "header of three lines",
    );
    broken(
        say,
        Some(("--example short", "--bin short")),
        "header of three",
    );
    broken(
        say,
        Some(("short_talk_say.py", "say.py")),
        "header of three lines",
    );
}

#[test]
fn a_partner_is_small_and_stands_alone() {
    let say = "python/short_talk_say.py";
    let long = "print('a word')\n".repeat(31);
    broken(
        say,
        Some(("print", &(long + "print"))),
        "32 lines, more than 30",
    );
    let wide = format!("# {}\nprint", "-".repeat(60));
    broken(say, Some(("print", &wide)), "more than 60 columns");
    broken(
        say,
        Some(("print", "from short_talk_hear import hear\nprint")),
        "imports short_talk_hear",
    );
    broken(say, None, "short-talk-say has no Python partner");
    let mut files = files();
    files.push(("crates/talk/python/short_more.py".to_owned(), String::new()));
    assert_eq!(
        problems(&files),
        ["python/short_more.py is the partner of no short program"]
    );
}

#[test]
fn each_pair_is_played_in_rust_and_mixed_in_both_directions() {
    broken(
        "demos/one/demo.toml",
        None,
        "no demo plays short-talk-say's Python partner with",
    );
    broken(
        "demos/other/demo.toml",
        None,
        "no demo plays short-talk-hear's Python partner with",
    );
    // Both in Python is no talk between the languages.
    broken(
        "demos/other/demo.toml",
        Some((
            "program = \"short-talk-say\"",
            "python = \"short_talk_say.py\"",
        )),
        "no demo plays short-talk-hear's Python partner with",
    );
    broken("demos/short/demo.toml", None, "has no demo 'short'");
    broken(
        "demos/short/demo.toml",
        Some(("program = \"short-talk-say\"", "program = \"talk-say\"")),
        "by short programs in Rust alone",
    );
}

#[test]
fn a_section_asks_what_comes_next() {
    let mut files = files();
    for (path, text) in &mut files {
        if path.ends_with("short/demo.toml") || path.ends_with("one/demo.toml")
        {
            *text = text.replace(QUESTION, "");
        }
    }
    let found = problems(&files);
    assert_eq!(
        found,
        ["fewer than 2 of its demos ask a question ([predict])"]
    );
}

#[test]
fn a_page_has_its_parts_in_their_order() {
    let page = "book/src/talk.md";
    broken(
        page,
        Some(("## Try it {#try}\n", "")),
        "no part '## … {#try}'",
    );
    broken(
        page,
        Some(("## Make it yours {#yours}\n", "")),
        "no part '## … {#yours}'",
    );
    let mut files = files();
    for (before, after) in [
        ("## Try it {#try}\n", ""),
        ("## From Python", "## Try it {#try}\n\n## From Python"),
    ] {
        files[1].1 = files[1].1.replacen(before, after, 1);
    }
    let found = problems(&files);
    assert_eq!(
        found,
        [
            "its page has the part {#rust} too early",
            "its page has the part {#yours} too early"
        ]
    );
    // Not every lesson has these.
    files = self::files();
    files[1].1 = files[1].1.replace("## What crosses the wire {#wire}\n", "");
    assert_eq!(problems(&files), Vec::<String>::new());
}

#[test]
fn a_page_begins_with_a_picture_and_the_short_pair_side_by_side() {
    let page = "book/src/talk.md";
    broken(
        page,
        Some(("{{#include images/talk.svg}}", "")),
        "no picture before",
    );
    broken(
        page,
        Some(("Source of", "The source of")),
        "no line 'Source of",
    );
    let mut files = files();
    files[1].1 = files[1].1.replace("{#short}", "{#programs}");
    let found = problems(&files);
    let said = "its page has no part {#short}, so no picture stands before it";
    assert!(found.iter().any(|problem| problem == said), "{found:#?}");
}

#[test]
fn a_page_shows_each_pair_side_by_side() {
    let page = "book/src/talk.md";
    broken(
        page,
        Some(("<div class=\"pair\">", "<div>")),
        "no page shows short-talk-say and its Python partner side by side",
    );
    // In one div each, but not together.
    broken(
        page,
        Some((
            "\n```python",
            "\n</div>\n\n<div class=\"pair\">\n\n```python",
        )),
        "no page shows short-talk-say and its Python partner side by side",
    );
}

#[test]
fn a_page_shows_little_before_the_first_terminals() {
    let page = "book/src/talk.md";
    broken(
        page,
        Some(("demos/short/terminals", "demos/one/terminals")),
        "are not those of the demo 'short'",
    );
    broken(
        page,
        Some(("<details>", "<div>")),
        "shows src/lib.rs open: only short programs",
    );
    let again = "```rust\n{{#include \
                 ../../crates/talk/examples/short-talk-say.rs}}\n```\n\n";
    let before = format!("{}<details>", again.repeat(8));
    broken(
        page,
        Some(("<details>", &before)),
        "shows 81 lines of Rust before the first terminals, more than 80",
    );
}

#[test]
fn what_mends_is_short() {
    broken(
        "src/lib.rs",
        Some(("// 1\n", &"// 1\n".repeat(6))),
        "under {#breaks} its page shows 26 lines of src/lib.rs, more than 25",
    );
}

#[test]
fn a_section_without_short_programs_says_why() {
    let mut files = files();
    files.retain(|(path, _)| {
        !path.contains("/short_") && !path.contains("/short-")
    });
    let manifest = files
        .iter()
        .position(|(path, _)| path == "crates/talk/Cargo.toml")
        .unwrap();
    let with = |files: &[(String, String)], line: &str| {
        let mut files = files.to_vec();
        files[manifest].1 += line;
        problems(&files)
    };
    let found = with(&files, "");
    assert!(found[0].contains("has no examples/short-….rs"), "{found:?}");
    let found = with(&files, "no-short = \" \"\n");
    assert!(found[0].contains("gives no reason"), "{found:?}");
    assert_eq!(
        with(&files, "no-short = \"a tool\"\n"),
        Vec::<String>::new()
    );
    let found = with(&self::files(), "no-short = \"a tool\"\n");
    assert!(found[0].contains("has short programs, and"), "{found:?}");
    // It needs a picture all the same.
    files[1].1 = files[1].1.replace("{{#include images/talk.svg}}", "");
    let found = with(&files, "no-short = \"a tool\"\n");
    assert!(found[0].contains("no picture before"), "{found:?}");
}
