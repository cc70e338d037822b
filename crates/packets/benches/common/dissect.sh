# The job `dissect` done by another program: a line a packet, of the same file.
#
# sh dissect.sh PROGRAM
set -eu

case dissect in
*"${BENCH_ONLY:-}"*) ;;
*) exit 0 ;;
esac
section=$(cd "$(dirname "$0")/../.." && pwd)
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
times=${BENCH_TIMES:-71429}
python3 - "$section/captures/lo.pcap" "$times" >"$folder/it.pcap" <<'END'
import sys

with open(sys.argv[1], "rb") as file:
    whole = file.read()
sys.stdout.buffer.write(whole[:24] + whole[24:] * int(sys.argv[2]))
END
begin=$(date +%s%N)
"$1" -nr "$folder/it.pcap" >/dev/null 2>&1
end=$(date +%s%N)
echo "dissect $((times * 14 * 1000000000 / (end - begin))) packets/s"
