# The jobs of codec.rs with serde_json: that bench, asked to be this peer.
# needs: program:cargo
cd "$(dirname "$0")/../.." || exit 1
BENCH_AS=serde_json exec cargo bench --quiet --bench codec
