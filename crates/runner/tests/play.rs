//! What a demo.toml can say, and that a check fails when it should. The demos
//! are those of tests/fixture, and some that are too wrong to be recorded.

mod common;

use std::fs;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;

use runner::build::Programs;
use runner::check;
use runner::recording;
use runner::script::Script;
use runner::server::Choice;
use runner::workspace::{Section, Workspace};

struct Fixture {
    workspace: Workspace,
    programs: Programs,
}

impl Fixture {
    fn get() -> &'static Self {
        static FIXTURE: OnceLock<Fixture> = OnceLock::new();
        FIXTURE.get_or_init(|| {
            let root = common::copy_fixture("fixture-play");
            // Not in a folder that the environment names, where another copy
            // of the fixture may be built.
            let target = root.join("target");
            let programs = Programs::build(
                &root,
                &[
                    "build",
                    "--offline",
                    "--bins",
                    "--target-dir",
                    target.to_str().unwrap(),
                ],
            )
            .unwrap();
            let fixture = Self {
                workspace: Workspace::find(&root).unwrap(),
                programs,
            };
            fixture.write_terminals();
            fixture
        })
    }

    /// The book's fragments are not kept with the fixture: how they look
    /// changes with the book. But they are compared from play to play.
    fn write_terminals(&self) {
        for demo in self.demos() {
            let files = self.record(demo);
            let folder = self.section().demo_folder(demo);
            for (name, html) in &files {
                if name.ends_with(".html") {
                    fs::write(folder.join(name), html).unwrap();
                }
            }
        }
    }

    /// Plays a demo for the first time: without knowing what to expect.
    fn record(&self, demo: &str) -> Vec<(String, String)> {
        let section = self.section();
        let script = Script::read(section, demo).unwrap();
        let programs = &self.programs;
        check::record(section, &script, programs, Choice::Embedded, None)
            .unwrap()
            .files(&script, section, demo)
    }

    fn section(&self) -> &Section {
        self.workspace.section("talk").unwrap()
    }

    /// The demos that are recorded and can be played on this system.
    fn demos(&self) -> Vec<&str> {
        let section = self.section();
        let playable = |demo: &str| {
            let script = Script::read(section, demo).unwrap();
            section.demo_folder(demo).join("order.txt").is_file()
                && check::missing(&script, Choice::Embedded).unwrap().is_none()
        };
        section
            .demos
            .iter()
            .map(String::as_str)
            .filter(|demo| playable(demo))
            .collect()
    }

    fn check(&self, section: &Section, demo: &str) -> Result<(), String> {
        check::check_demo(section, demo, &self.programs, Choice::Embedded)
            .map_err(|error| format!("{error:#}"))
    }
}

/// Plays every demo 20 times, four at a time, and compares all files.
fn check_all_often() {
    let fixture = Fixture::get();
    let demos = fixture.demos();
    assert!(demos.len() >= 8, "{demos:?}");
    let next = AtomicUsize::new(0);
    thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                loop {
                    let number = next.fetch_add(1, Ordering::Relaxed);
                    if number >= demos.len() * 20 {
                        break;
                    }
                    let demo = demos[number % demos.len()];
                    if let Err(error) = fixture.check(fixture.section(), demo) {
                        panic!("{demo}, play {number}: {error}");
                    }
                }
            });
        }
    });
}

#[test]
fn every_play_is_the_same() {
    check_all_often();
}

#[test]
fn every_play_is_the_same_on_a_busy_machine() {
    let done = AtomicBool::new(false);
    thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                while !done.load(Ordering::Relaxed) {
                    std::hint::black_box(fastrand::u64(..));
                }
            });
        }
        // Also when it fails, so that the others end.
        let checked = std::panic::catch_unwind(check_all_often);
        done.store(true, Ordering::Relaxed);
        checked.unwrap();
    });
}

/// A first recording, which knows nothing of what to expect, is no other.
#[test]
fn the_first_recording_is_the_same() {
    let fixture = Fixture::get();
    let section = fixture.section();
    for demo in fixture.demos() {
        let files = fixture.record(demo);
        let folder = section.demo_folder(demo);
        if let Err(error) = recording::compare(&folder, &files) {
            panic!("{demo}: {error:#}");
        }
    }
}

#[test]
fn a_difference_is_seen_and_shown() {
    let fixture = Fixture::get();
    for (file, from, to, shown) in [
        // Another text, one line too many, one too few.
        ("both.txt", "out 3\n", "out three\n", "-out three\n+out 3\n"),
        ("both.txt", "out 3\n", "", "+out 3\n"),
        ("both.txt", "out 3\n", "out 3\nout 3\n", "-out 3\n"),
        // Another exit code.
        ("both.txt", "[exit 3]", "[exit 0]", "-[exit 0]\n+[exit 3]\n"),
        // Stdout instead of stderr, and the other way round.
        ("both.txt", "! err 5", "err 5", "-err 5\n+! err 5\n"),
        ("both.txt", "out 1\n", "! out 1\n", "-! out 1\n+out 1\n"),
        // What looks like an exit is a line.
        ("both.txt", "\\[looks", "[looks", "+\\[looks"),
        // Another order, and the page's fragment.
        ("order.txt", "both: out 1\n", "", "order.txt recorded"),
        (
            "terminals.html",
            "out 1",
            "out one",
            "terminals.html recorded",
        ),
        // Another command.
        ("both.txt", "talk-both 3", "talk-both", "+$ talk-both 3"),
    ] {
        let (_kept, section) = copy_of("both");
        let path = section.demo_folder("both").join(file);
        let text = fs::read_to_string(&path).unwrap();
        assert!(text.contains(from), "{text}");
        fs::write(&path, text.replacen(from, to, 1)).unwrap();
        let error = fixture.check(&section, "both").unwrap_err();
        assert!(error.contains(shown), "{from} -> {to}: {error}");
    }
}

#[test]
fn a_file_too_many_or_too_few_is_seen() {
    let fixture = Fixture::get();
    let (_kept, section) = copy_of("both");
    assert_eq!(fixture.check(&section, "both"), Ok(()));
    let folder = section.demo_folder("both");
    fs::write(folder.join("ghost.txt"), "").unwrap();
    let error = fixture.check(&section, "both").unwrap_err();
    assert!(error.contains("ghost.txt: nothing in the demo"), "{error}");

    let (_kept, section) = copy_of("hub");
    fs::remove_file(section.demo_folder("hub").join("late.txt")).unwrap();
    let error = fixture.check(&section, "hub").unwrap_err();
    assert!(error.contains("late.txt: entity not found"), "{error}");

    let (_kept, section) = copy_of("both");
    for file in ["both.txt", "order.txt", "terminals.html"] {
        fs::remove_file(section.demo_folder("both").join(file)).unwrap();
    }
    let error = fixture.check(&section, "both").unwrap_err();
    assert!(error.contains("nothing is recorded yet"), "{error}");
}

/// Also when the role does not end by itself.
#[test]
fn a_difference_before_a_stop_is_seen() {
    let fixture = Fixture::get();
    for (file, from, to, shown) in [
        ("late.txt", "two\n", "two\nSubscribe: three\n", "- three"),
        ("late.txt", "Subscribe: two\n", "", "+Subscribe: two"),
        (
            "late.txt",
            "Subscribe: two\n",
            "! Subscribe: two\n",
            "-! Sub",
        ),
        ("early.txt", "[killed]", "[exit 0]", "+[killed]"),
    ] {
        let (_kept, section) = copy_of("hub");
        let folder = section.demo_folder("hub");
        let script = folder.join("demo.toml");
        let text = fs::read_to_string(&script).unwrap();
        // Waiting for the line that never comes would take long.
        let text = text.replace("by = \"kill\"", "by = \"kill\"\nwithin = 0.5");
        fs::write(&script, text).unwrap();
        let path = folder.join(file);
        let text = fs::read_to_string(&path).unwrap();
        assert!(text.contains(from), "{text}");
        fs::write(&path, text.replacen(from, to, 1)).unwrap();
        let error = fixture.check(&section, "hub").unwrap_err();
        let shown = shown.replace("- ", "-Subscribe: ");
        assert!(error.contains(&shown), "{from} -> {to}: {error}");
    }
}

/// A recorded demo in a folder of its own, where it can be damaged.
fn copy_of(demo: &str) -> (tempfile::TempDir, Section) {
    let section = Fixture::get().section();
    let folder = tempfile::tempdir().unwrap();
    let to = folder.path().join("demos").join(demo);
    common::copy(&section.demo_folder(demo), &to);
    let section = Section {
        folder: folder.path().to_owned(),
        ..section.clone()
    };
    (folder, section)
}

/// Plays a demo for the first time; its order.txt, or why there is none.
fn play(text: &str) -> Result<String, String> {
    let fixture = Fixture::get();
    let folder = tempfile::tempdir().unwrap();
    let section = Section {
        folder: folder.path().to_owned(),
        ..fixture.section().clone()
    };
    let demo = section.demo_folder("new");
    fs::create_dir_all(&demo).unwrap();
    let text = format!("about = 'x'\n{text}");
    fs::write(demo.join("demo.toml"), text).unwrap();
    let play = || -> anyhow::Result<String> {
        let script = Script::read(&section, "new")?;
        let programs = &fixture.programs;
        let recording =
            check::record(&section, &script, programs, Choice::Embedded, None)?;
        let files = recording.files(&script, &section, "new");
        let order = files.into_iter().find(|file| file.0 == "order.txt");
        Ok(order.unwrap().1)
    };
    play().map_err(|error| format!("{error:#}"))
}

fn assert_fails(text: &str, why: &str) {
    let error = play(text).unwrap_err();
    assert!(error.contains(why), "{error}");
}

#[test]
fn what_is_missing_is_said() {
    let script = |keys: &str| {
        let (_kept, section) = copy_of("both");
        let path = section.demo_folder("both").join("demo.toml");
        let text = fs::read_to_string(&path).unwrap();
        fs::write(&path, format!("{keys}\n{text}")).unwrap();
        Script::read(&section, "both").unwrap()
    };
    for (keys, missing) in [
        ("systems = ['atari']", Some("only on atari")),
        ("systems = ['unix', 'windows']", None),
        ("needs = ['program:cargo']", None),
        (
            "needs = ['program:no-such']",
            Some("no program no-such here"),
        ),
        ("needs = ['python:no_such']", Some("no python no_such here")),
    ] {
        let found = check::missing(&script(keys), Choice::Embedded).unwrap();
        assert_eq!(found.as_deref(), missing, "{keys}");
    }
    let mistake = script("needs = ['cargo']");
    assert!(check::missing(&mistake, Choice::Embedded).is_err());
}

const BOTH: &str = "\
    [roles.both]\nprogram = 'talk-both'\n\
    [[replace]]\npattern = 'in .* ms'\nwith = 'soon'\n";
const ASK: &str = "[roles.ask]\nprogram = 'talk-ask'\n";
const SERVER: &str = "\
    [roles.server]\nprogram = 'talk-server'\n\
    hidden-args = ['127.0.0.1:0']\nready = '^Ready at (?<address>.*) since'\n";

#[test]
fn what_cannot_be_played_is_said() {
    let two = format!(
        "{BOTH}[roles.other]\nprogram = 'talk-both'\nargs = ['{{both.x}}']\n"
    );
    for (steps, roles, why) in [
        (
            "{start='ask'}, {wait='ask', line='Hello', within=0.3}",
            ASK,
            "step 2 (ask): ask did not print 'Hello' in time\nuntil then:\n  \
             ask: $ talk-ask\n  ask: Who is there?",
        ),
        (
            "{start='both'}, {wait='both', line='Hello'}",
            BOTH,
            "step 2 (both): both ended without the line 'Hello'",
        ),
        (
            "{start='ask'}, {end='ask', within=0.3}",
            ASK,
            "ask did not end in time",
        ),
        (
            "{start='ask'}",
            ASK,
            "ask is still there after the last step",
        ),
        ("{end='ask'}", ASK, "it was never started"),
        (
            "{type='ask', text='x'}",
            ASK,
            "ask is no running program: nobody can type to it",
        ),
        (
            "{start='both'}, {end='both'}, {stop='both'}",
            BOTH,
            "both is no running program: it cannot be stopped",
        ),
        // Whether it has ended by then is a matter of luck.
        (
            "{start='both'}, {start='both'}, {end='both'}",
            BOTH,
            "its last start must be ended, stopped or closed first",
        ),
        // And so is which of the two lines is seen first.
        (
            "{start='both'}, {wait='both', line=' 3$'}, {end='both'}",
            BOTH,
            "both printed ' 3$' on stdout and on stderr",
        ),
        ("{start='other'}", &two, "nothing is known for '{both.x}'"),
        (
            "{start='x'}",
            "[roles.x]\nprogram = 'talk-nobody'",
            "cargo built no program 'talk-nobody'",
        ),
        (
            "{start='x'}",
            "[roles.x]\nraw = 'udp-listen'",
            "x is still there",
        ),
        (
            "{start='x'}, {send='x', text='Hello'}",
            "[roles.x]\nraw = 'udp-listen'",
            "nobody wrote to it yet",
        ),
        (
            "{start='x'}, {send='x', text='Hello', within=0.3}",
            "[roles.x]\nraw = 'tcp-listen'",
            "nobody connected",
        ),
    ] {
        assert_fails(&format!("steps = [{steps}]\n{roles}"), why);
    }
}

/// The other side closes, and the script does not say that this is awaited.
#[test]
fn a_peer_that_was_closed_cannot_close() {
    let raw = "[roles.raw]\nraw = 'tcp://{server.address}'\n";
    let steps = "{start='server'}, {start='raw'}, {half-close='raw'}, \
                 {wait='raw', line='x', within=5}";
    assert_fails(
        &format!("steps = [{steps}]\n{SERVER}{raw}"),
        "raw ended without the line 'x'",
    );
    let steps = "{start='server'}, {start='raw'}, {stop='server', by='kill'}, \
                 {close='raw'}";
    assert_fails(
        &format!("steps = [{steps}]\n{SERVER}{raw}"),
        "raw is closed already: end it instead",
    );
}

#[test]
fn causes_that_cannot_be_are_said() {
    let steps = "steps = [{start='both'}, {end='both'}, \
                 {start='then'}, {end='then'}]\n";
    let roles = format!("{BOTH}[roles.then]\nprogram = 'talk-both'\n");
    let cause = |one: (&str, &str), other: (&str, &str)| {
        format!(
            "{steps}{roles}[[causes]]\n\
             line = {{ role = '{}', text = '{}' }}\n\
             effect = {{ role = '{}', text = '{}' }}\n",
            one.0, one.1, other.0, other.1
        )
    };
    // One effect is left over: it was said five times, and caused four times.
    assert_fails(
        &cause(("both", "^out ([1-4])"), ("both", "^err {1}")),
        "both printed 'err 5', but no line that causes it is left",
    );
    assert_fails(
        &cause(("then", "^out (.)"), ("both", "^err {1}")),
        "the causes contradict what happened",
    );
    // It is kept for who was not there yet, or it is not.
    let early = cause(("both", "^out (.)"), ("then", "^err {1}"));
    assert_fails(&early, "no line that causes it is left");
    assert!(play(&format!("{early}queued = true\n")).is_ok());
    // Within one role it says how stdout and stderr go together.
    let order = play(&cause(("both", "^out (.)"), ("both", "^err {1}")));
    let zipped = "both: out 1\nboth: ! err 1\nboth: out 2\nboth: ! err 2\n";
    assert!(order.as_ref().unwrap().contains(zipped), "{order:?}");
}

/// A role that is stopped has said what it has to say.
#[test]
#[cfg(unix)]
fn what_never_ends_is_gone_with_its_children() {
    for step in [
        "{end='endless', within=0.3}",
        "{wait='endless', line='x', within=0.3}",
        "{pause='endless'}, {stop='endless', within=0.3}",
        "{stop='endless'}, {end='endless'}, {wait='endless', line='x'}",
    ] {
        let error = play(&format!(
            "steps = [{{start='endless'}}, {step}]\n\
             [roles.endless]\nprogram = 'talk-forever'\nready = '^Ready'\n"
        ))
        .unwrap_err();
        let said = error.split_once("Processes ").expect(&error).1;
        let ids: Vec<i32> = said
            .lines()
            .next()
            .unwrap()
            .split(" and ")
            .map(|id| id.parse().unwrap())
            .collect();
        assert_eq!(ids.len(), 2, "{error}");
        for id in ids {
            assert!(
                common::becomes(|| !common::is_alive(id)),
                "{id} is still there: {error}"
            );
        }
    }
}

/// What a play asks of the wire and cannot have.
#[test]
fn a_wire_that_cannot_be_recorded_is_said() {
    let client = "[roles.client]\nprogram = 'talk-client'\n\
                  args = ['{server.address}', 'one']\n";
    let steps = "{start='server'}, {start='client'}, {end='client'}, \
                 {stop='server', by='kill'}";
    assert_fails(
        &format!("wire = 'stream'\nsteps = [{steps}]\n{SERVER}{client}"),
        "with 'wire', server must 'show' its address",
    );
    let steps = "{start='server'}, {stop='server', by='kill'}, \
                 {start='client'}, {end='client'}";
    let shown = "show = { address = '127.0.0.1:6789' }\n";
    assert_fails(
        &format!("wire = 'stream'\nsteps = [{steps}]\n{SERVER}{shown}{client}"),
        "connection refused",
    );
}

#[test]
fn another_wire_is_seen() {
    let fixture = Fixture::get();
    let (_kept, section) = copy_of("wire");
    assert_eq!(fixture.check(&section, "wire"), Ok(()));
    let path = section.demo_folder("wire").join("wire.txt");
    let text = fs::read_to_string(&path).unwrap();
    fs::write(&path, text.replacen("(7 bytes)", "(8 bytes)", 1)).unwrap();
    let error = fixture.check(&section, "wire").unwrap_err();
    assert!(
        error.contains("-raw to server: Hello! (8 bytes)"),
        "{error}"
    );
    fs::remove_file(path).unwrap();
    let error = fixture.check(&section, "wire").unwrap_err();
    assert!(error.contains("wire.txt: entity not found"), "{error}");
}
