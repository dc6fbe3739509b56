#!/bin/sh
# How many requests a second kiefs-sim takes: a mix of createTask and recordInfo with keep-alive.
# usage: sim.sh PROGRAM [SECONDS]; needs wrk.
set -eu

program=$1
seconds=${2:-5}
dir=$(mktemp -d)
trap 'kill "$pid" 2>/dev/null || :; rm -r "$dir"' EXIT

"$program" --ready-fd=3 --rate=0 --task-ms=1000 --credits=1e12 --max-tasks=200000 \
	3>"$dir/port" &
pid=$!
while [ ! -s "$dir/port" ]; do
	kill -0 "$pid"
done
cat >"$dir/mix.lua" <<'LUA'
local headers = {["Authorization"] = "Bearer bench", ["Content-Type"] = "application/json"}
local body = '{"model":"z-image","input":{"prompt":"A red kite over a green hill","aspect_ratio":"16:9"}}'
local task
local turn = 0
request = function()
	turn = turn + 1
	if task == nil or turn % 2 == 0 then
		return wrk.format("POST", "/api/v1/jobs/createTask", headers, body)
	end
	return wrk.format("GET", "/api/v1/jobs/recordInfo?taskId=" .. task, headers)
end
response = function(status, _, text)
	task = string.match(text, '"taskId":"(%x+)"') or task
end
LUA
wrk -t1 -c16 -d"${seconds}s" --latency -s "$dir/mix.lua" "http://127.0.0.1:$(cat "$dir/port")" \
	>"$dir/out"
cat "$dir/out"
curl -s "http://127.0.0.1:$(cat "$dir/port")/sim/requests" | cut -c1-200
echo
sed -n 's/^Requests\/sec: */req\/s: /p' "$dir/out"
