#!/bin/sh
# The job of stream.rs with an epoll server in C, and with the same client:
# that of stream.rs, which starts the program in ECHO_SERVER.
# needs: program:cc program:cargo
set -e
folder=$(cd "$(dirname "$0")/.." && pwd)
cc -O2 -Wall -o epoll-echo "$folder/epoll-echo.c"
ECHO_SERVER=$PWD/epoll-echo exec cargo bench --quiet \
    --manifest-path "$folder/../Cargo.toml" --bench stream
