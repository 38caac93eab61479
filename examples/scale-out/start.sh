#!/bin/sh
# Start N emulators with a state file each, and nginx in front of them. Usage: ./start.sh [N] [PORT] [FOLDER]
set -eu
shards=${1:-2}
port=${2:-8080}
folder=${3:-state}

mkdir -p "$folder/temp"
cp "$(dirname "$0")/nginx.conf" "$folder/nginx.conf"
echo "listen 127.0.0.1:$port;" > "$folder/listen.conf"
: > "$folder/shards.conf"

# Restart an emulator when it ends. Its state file has everything that it acknowledged.
keep_running() {
    child=
    trap 'kill "$child" 2>/dev/null; wait; exit 0' TERM INT
    while :; do
        oms-emulator serve --port "$1" --state "$2" & child=$!
        echo "$child" > "$2.pid"
        wait "$child" || sleep 0.2
    done
}

number=1
supervisors=
while [ "$number" -le "$shards" ]; do
    shard_port=$((port + number))
    echo "server 127.0.0.1:$shard_port max_fails=0;" >> "$folder/shards.conf"
    keep_running "$shard_port" "$folder/shard-$number.db" & supervisors="$supervisors $!"
    number=$((number + 1))
done

trap 'kill $supervisors $proxy 2>/dev/null; wait; exit 0' TERM INT
nginx -p "$folder/" -c nginx.conf & proxy=$!
wait "$proxy"
