# Measures one URL with wrk: warm first, then for three seconds.
#
# sh measure.sh URL
set -eu
wrk -t1 -c32 -d1 "$1" >/dev/null
wrk -t1 -c32 -d3 --latency "$1" | awk '
    /Non-2xx|Socket errors/ { print > "/dev/stderr"; failed = 1 }
    $1 == "99%" {
        time = $2 + 0
        if ($2 ~ /us$/) time = time / 1000
        if ($2 ~ /[0-9]s$/) time = time * 1000
        printf "one-cat-slowest-of-100 %.2f ms\n", time
    }
    /^Requests\/sec:/ { print "one-cat", $2, "requests/s" }
    END { exit failed }'
