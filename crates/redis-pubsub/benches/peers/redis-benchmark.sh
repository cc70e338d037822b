# The job `publish` done by Redis's own tool, in C: one client, no pipeline.
# needs: program:redis-benchmark
#
# sh redis-benchmark.sh (REDIS_URL says where the server is)
set -eu
export LC_ALL=C

case publish in
*"${BENCH_ONLY:-}"*) ;;
*) exit 0 ;;
esac

place=${REDIS_URL:-redis://127.0.0.1:6379}
place=${place#redis://}
place=${place%%/*}
host=${place%:*}
port=${place##*:}

# The first run is to warm up. The second takes two seconds or so: the tool
# is told a number of messages, not a time.
for count in 10000 100000; do
    figures=$(redis-benchmark -h "$host" -p "$port" -c 1 -P 1 -n $count \
        --csv PUBLISH catA hatA)
done

# "PUBLISH catA hatA","48000.00",...: name, messages a second, latencies.
echo "$figures" | awk -F '","' '
    END {
        if ($2 + 0 == 0) {
            print "redis-benchmark said no speed" >"/dev/stderr"
            exit 1
        }
        printf "publish %.0f messages/s\n", $2
    }'
