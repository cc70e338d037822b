# What a person types here. Each recipe is one line over cargo, mdBook or the
# runner (crates/runner), which can all be called without just as well.

set windows-shell := ["pwsh.exe", "-NoLogo", "-NoProfile", "-CommandWithArgs"]

# Quiet, because cargo would print the whole command, and a password may be
# in it. What the runner builds in its turn is shown.
runner := "cargo run --quiet --package runner --"
# All arguments as they were typed, in the shell's own way.
arguments := if os_family() == "windows" { "@($args | Select-Object -Skip 1)" } else { '"$@"' }

# Show the recipes
[private]
default:
    @{{ just_executable() }} --list --unsorted

# Run one program, with a server to meet: just run redis-pub --seed 7
[group('play')]
[no-exit-message]
[positional-arguments]
run program *options:
    @{{ runner }} run {{ arguments }}

# Play a demo in this terminal: just demo redis-pubsub/late
[group('play')]
[no-exit-message]
[positional-arguments]
demo *options:
    @{{ runner }} demo {{ arguments }}

# Explain what passes: just wire --listen 127.0.0.1:6380 --to 127.0.0.1:6379 --as resp
[group('play')]
[no-exit-message]
[positional-arguments]
wire *options:
    @{{ runner }} wire {{ arguments }}

# List sections, programs and demos
[group('play')]
list:
    @{{ runner }} list

# Run all tests, every demo among them
[group('check')]
[no-exit-message]
[positional-arguments]
test *options:
    @cargo test --workspace {{ arguments }}

# Compare demos with what is recorded: just check redis-pubsub --server real
[group('check')]
[no-exit-message]
[positional-arguments]
check *options:
    @{{ runner }} check {{ arguments }}

# Record demos anew and write what is generated: just bless redis-pubsub/pair
[group('check')]
[no-exit-message]
[positional-arguments]
bless *options:
    @{{ runner }} bless {{ arguments }}

# Measure a section beside its peers: just bench redis-pubsub
[group('check')]
[no-exit-message]
[positional-arguments]
bench *options:
    @{{ runner }} bench {{ arguments }}

# Do all that is checked before a change lands (Linux, installs what it needs)
[group('check')]
[no-exit-message]
ci:
    @bash .ci/run

# Build the book
[group('book')]
[no-exit-message]
book:
    @mdbook build book

# Open the book, and follow changes in it and in the crates
[group('book')]
[no-exit-message]
serve:
    @mdbook serve book --open

# Say which servers and tools are here, and how to get the others
[group('help')]
doctor:
    @{{ runner }} doctor
