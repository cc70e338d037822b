# The job `answers` done by BIND, on one core, asked by dnsperf from another.
# needs: program:named program:dnsperf program:taskset
#
# sh bind.sh
set -eu
export LC_ALL=C PATH=$PATH:/usr/sbin

case answers in
*"${BENCH_ONLY:-}"*) ;;
*) exit 0 ;;
esac
section=$(cd "$(dirname "$0")/../.." && pwd)
folder=$(mktemp -d)
port=$((20000 + $$ % 10000))
cat >"$folder/named.conf" <<END
options {
  directory "$folder"; pid-file none; session-keyfile none;
  listen-on port $port { 127.0.0.1; }; listen-on-v6 { none; };
  recursion no; dnssec-validation no;
};
controls { };
zone "net.example" { type primary; file "$section/zones/net.example.zone"; };
END
taskset -c 0 named -g -c "$folder/named.conf" >/dev/null 2>&1 &
server=$!
trap 'kill $server; wait $server 2>/dev/null; rm -rf "$folder"' EXIT
# It has answered once: it is ready.
until taskset -c 1 dnsperf -s 127.0.0.1 -p $port -d "$section/benches/queries.txt" \
    -n 1 -t 1 2>/dev/null | grep -q 'Queries completed:  *[1-9]'; do :; done
# Its processor time in hundredths of a second (proc(5), fields 14 and 15).
ticks() { awk '{ print $14 + $15 }' "/proc/$server/stat"; }
before=$(ticks)
figures=$(taskset -c 1 dnsperf -s 127.0.0.1 -p $port \
    -d "$section/benches/queries.txt" -l 3 -c 4 -q 200 2>/dev/null)
echo "$figures" | awk -v cost=$(($(ticks) - before)) '
    /completed:/ { completed = $3 }
    /per second:/ { print "answers", $NF, "answers/s" }
    END { print "answers_by_processor_time", completed * 100 / cost, "answers/s" }'
