# The job `one-cat` done by nginx: the same bytes, from a file, by as many
# processes as there are cores.
# needs: program:nginx program:wrk
#
# sh nginx.sh
set -eu
export PATH=$PATH:/usr/sbin
here=$(cd "$(dirname "$0")/.." && pwd)
folder=$(mktemp -d)
port=$((20000 + $$ % 10000))
printf '{"name":"catA","hat":"hatA"}' >"$folder/cat.json"
cat >"$folder/nginx.conf" <<END
worker_processes auto;
daemon off;
pid $folder/pid;
error_log stderr error;
events { worker_connections 1024; }
http {
  access_log off;
  client_body_temp_path $folder;
  proxy_temp_path $folder;
  fastcgi_temp_path $folder;
  uwsgi_temp_path $folder;
  scgi_temp_path $folder;
  open_file_cache max=10;
  keepalive_requests 100000000;
  server {
    listen 127.0.0.1:$port;
    location = /cats/catA { default_type application/json; alias $folder/cat.json; }
  }
}
END
nginx -e stderr -c "$folder/nginx.conf" &
server=$!
trap 'kill $server; wait $server 2>/dev/null; rm -rf "$folder"' EXIT
url=http://127.0.0.1:$port/cats/catA
# It has answered once: it is ready.
until wrk -t1 -c1 -d1 "$url" >/dev/null 2>&1; do kill -0 $server; done
sh "$here/common/measure.sh" "$url"
