#!/bin/bash
# Runs the local (CPU) Triton Inference Server in the foreground, on the loopback interface only.
#
#   local/run-triton.sh [options] [-- arguments for tritonserver]
#
#   --repository DIR   model repository; may be given again for a further one (default: triton/models)
#   --model NAME       model to load; may be given again (default: text and embedding)
#   --grpc-port N      (default 8001)
#   --http-port N      (default 8000)
#   --metrics-port N   (default 8002)
#   --shm-prefix P     names of this server's files in /dev/shm begin with P and its process id (default: triptych-)
#   --trace-url URL    send traces to this OTLP/HTTP address, such as http://127.0.0.1:4318/v1/traces
#   --trace-rate N     trace one request of N (default 1: all)
#
# The process becomes tritonserver: signal it directly. On SIGTERM it refuses new requests and exits as soon as running ones
# have finished, at least about four seconds later; a stream is never cut, so kill a server whose streams may take too
# long. After SIGKILL its Python processes live on, some for ever, and files stay in /dev/shm: a small process of its own
# session that this script starts ends them within ten seconds and removes the files.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
repository=$(dirname "$here")
state=${TRIPTYCH_STATE:-$repository/.triptych}
[[ $state == /* ]] || state=$PWD/$state
venv=$state/triton-venv
server=$venv/lib/python3.11/site-packages/pytriton/tritonserver

fail() { echo "run-triton: $*" >&2; exit 2; }

repositories=() models=() trace=()
grpc_port=8001 http_port=8000 metrics_port=8002
shm_prefix=triptych-
trace_url='' trace_rate=1

while (($#)); do
  option=$1
  shift
  [[ $option == -- ]] && break
  [[ $option == -h || $option == --help ]] && { sed -n '2,/^set /{/^#/s/^# \{0,1\}//p}' "${BASH_SOURCE[0]}"; exit; }
  (($#)) || fail "$option needs a value"
  case $option in
    --repository) repositories+=("--model-repository=$1") ;;
    --model) models+=("--load-model=$1") ;;
    --grpc-port) grpc_port=$1 ;;
    --http-port) http_port=$1 ;;
    --metrics-port) metrics_port=$1 ;;
    --shm-prefix) shm_prefix=$1 ;;
    --trace-url) trace_url=$1 ;;
    --trace-rate) trace_rate=$1 ;;
    *) fail "unknown option $option (see --help)" ;;
  esac
  shift
done
[[ $shm_prefix =~ ^[A-Za-z0-9_-]+$ ]] || fail "--shm-prefix must have letters, digits, _ and - only"
shm_prefix=$shm_prefix$$-
((${#repositories[@]})) || repositories=("--model-repository=$repository/triton/models")
((${#models[@]})) || models=(--load-model=text --load-model=embedding)
[[ -z $trace_url ]] || trace=(--trace-config mode=opentelemetry "--trace-config=opentelemetry,url=$trace_url"
  "--trace-config=opentelemetry,resource=service.name=triton" --trace-config "rate=$trace_rate" --trace-config level=TIMESTAMPS)
[[ -x $server/bin/tritonserver ]] || fail "Triton is not set up in $state: run local/setup-triton.sh first"

# The Python backend starts the python that comes first on PATH. Shared memory per Python process starts at 4 MiB and grows
# by whole MiB as messages need it.
export PATH=$venv/bin:$PATH
export PYTHONPATH=$venv/lib/python3.11/site-packages
export TRIPTYCH_WEIGHTS=${TRIPTYCH_WEIGHTS:-$state/weights}

# Cleans up after the server, whose process id is this script's. ([t] keeps the pattern from matching this command.)
# shellcheck disable=SC2016 # expanded by the inner bash
setsid --fork bash -c '
  tail --pid="$1" -f /dev/null
  stubs="[t]riton_python_backend_stub .* $2"
  for _ in {1..8}; do pgrep -f "$stubs" || break; sleep 1; done
  pkill -KILL -f "$stubs"
  rm -f "/dev/shm/$2"*' triton-cleaner "$$" "$shm_prefix" </dev/null &>/dev/null

exec "$server/bin/tritonserver" \
  "${repositories[@]}" --model-control-mode=explicit "${models[@]}" \
  --backend-directory="$server/backends" \
  --backend-config=python,shm-default-byte-size=4194304 \
  --backend-config=python,shm-growth-byte-size=1048576 \
  --backend-config="python,shm-region-prefix-name=$shm_prefix" \
  --allow-gpu-metrics=false --pinned-memory-pool-byte-size=0 \
  --grpc-address=127.0.0.1 --grpc-port="$grpc_port" \
  --http-address=127.0.0.1 --http-port="$http_port" \
  --metrics-address=127.0.0.1 --metrics-port="$metrics_port" \
  --grpc-header-forward-pattern='(traceparent|tracestate|x-.*)' \
  --exit-timeout-secs=5 \
  "${trace[@]}" "$@"
