#!/usr/bin/env bash
# Tests the launcher itself with stand-in parts, in a scratch folder. Ends with "N passed, N failed".
# shellcheck disable=SC2016,SC2329
set -euo pipefail

ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
SCRATCH=$(mktemp -d)
PASSED=0 FAILED=0
unset "${!TRIPTYCH_@}" CI

# --- the stand-ins: a launcher whose two parts are a small HTTP server, with what TEST_* asks for

cat >"$SCRATCH/part.py" <<'PYTHON'
import http.server, os, signal, subprocess, sys, time
port, mode = int(sys.argv[1]), sys.argv[2]
print("starting", flush=True)
if mode == "dies":
    sys.exit("no model of that name")
if mode == "child":  # a child that SIGTERM does not end
    subprocess.Popen(["sh", "-c", "trap '' TERM; while :; do sleep 1; done"])
if mode == "stubborn":
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
status = 503 if mode == "never" else 200
class Health(http.server.BaseHTTPRequestHandler):
    def do_GET(self): self.send_response(status); self.end_headers()
    def log_message(self, *args): pass
http.server.HTTPServer(("127.0.0.1", port), Health).serve_forever()
PYTHON

cat >"$SCRATCH/launcher" <<BASH
source '$ROOT/triptych'
ALL_PARTS=(first second)
part_ports() { case \$1 in first) echo "http TEST_FIRST_PORT 1" ;; second) echo "http TEST_SECOND_PORT 2" ;; esac; }
part_command() {
  local mode=TEST_\${1^^}
  COMMAND=(python3 '$SCRATCH/part.py' "\$(port_of "\$1" http)" "\${!mode:-serves}")
}
part_is_ready() { http_ok "\$(port_of "\$1" http)" /; }
part_why() { echo "it says 503"; }
prepare_part() { :; }
endpoints() { :; }
main "\$@"
BASH

export TRIPTYCH_STATE=$SCRATCH/state TRIPTYCH_STOP_TIMEOUT=3

launcher() { bash "$SCRATCH/launcher" "$@"; }

free_port() { python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'; }

fresh() {
  TEST_FIRST_PORT=$(free_port) TEST_SECOND_PORT=$(free_port)
  export TEST_FIRST_PORT TEST_SECOND_PORT
}

# library FUNCTION-CALLS: runs them inside the launcher's libraries.
library() { bash -c "source '$ROOT/triptych'; prepare_state; trap - EXIT; $1"; }

pid_of() { sed -n 's/^pid=//p' "$TRIPTYCH_STATE/run/$1.part"; }

runs() { [[ -d /proc/$1 ]] && ! grep -q '^State:[[:space:]]*Z' "/proc/$1/status"; }

gone() { [[ ! -d /proc/$1 ]] || grep -q '^State:[[:space:]]*Z' "/proc/$1/status"; }

# eventually COMMAND...: within ten seconds.
eventually() {
  local attempt
  for ((attempt = 0; attempt < 100; attempt++)); do
    if "$@"; then return 0; fi
    sleep 0.1
  done
  return 1
}

holds() { grep -qF -- "$2" <<<"$1" || { echo "expected '$2' in: $1"; return 1; }; }

# --- the cases: each is a function, run in a subshell with `set -e`

help_names_every_command() {
  local text command; text=$("$ROOT/triptych" help)
  for command in demo up down status logs test bench help; do holds "$text" "  $command "; done
}

an_unknown_command_fails() { ! "$ROOT/triptych" nonsense >/dev/null 2>&1; }

down_is_safe_when_nothing_runs() { holds "$(launcher down)" "Nothing runs"; }

status_is_1_when_nothing_runs() {
  local status=0
  launcher status >/dev/null || status=$?
  ((status == 1))
}

fake_jdk() {  # NAME VERSION
  mkdir -p "$SCRATCH/jvm/$1/bin"
  printf 'IMPLEMENTOR="x"\nJAVA_VERSION="%s"\n' "$2" >"$SCRATCH/jvm/$1/release"
  touch "$SCRATCH/jvm/$1/bin/java" "$SCRATCH/jvm/$1/bin/javac"
  chmod +x "$SCRATCH/jvm/$1/bin/"*
}

finds_the_newest_jdk_25() {
  fake_jdk a17 17.0.15; fake_jdk b25 25.0.1; fake_jdk c25 25.0.3; fake_jdk d26 26; fake_jdk e25 25.0.9
  fake_jdk f250 250.1
  rm "$SCRATCH/jvm/e25/bin/javac"  # only a JRE
  local found
  found=$(JAVA_HOME=$SCRATCH/jvm/a17 TRIPTYCH_JVM_DIRS=$SCRATCH/jvm library '
    command() { return 1; }; find_jdk; echo "$JAVA"')
  [[ $found == "$SCRATCH/jvm/c25/bin/java" ]]
}

java_home_comes_first() {
  fake_jdk b25 25.0.1; fake_jdk c25 25.0.3
  [[ $(JAVA_HOME=$SCRATCH/jvm/b25 TRIPTYCH_JVM_DIRS=$SCRATCH/jvm library 'find_jdk; echo "$JAVA_HOME"') == *b25 ]]
}

says_what_to_install_without_a_jdk() {
  local text
  text=$(TRIPTYCH_JVM_DIRS=/nonexistent JAVA_HOME='' library 'command() { return 1; }; find_jdk' 2>&1) && return 1
  holds "$text" "openjdk-25-jdk"
}

knows_which_maven_is_new_enough() {
  library 'is_new_maven 3.9.16 && is_new_maven 3.10.1 && is_new_maven 4.0.0'
  library '! is_new_maven 3.8.7 && ! is_new_maven ""'
}

a_recycled_pid_is_not_ours() {
  sleep 60 &
  local other=$!
  mkdir -p "$TRIPTYCH_STATE/run"
  printf '%s\n' "pid=$other" started=1 "boot=$(cat /proc/sys/kernel/random/boot_id)" since=0 \
    >"$TRIPTYCH_STATE/run/first.part"
  launcher down >/dev/null
  runs "$other"
  [[ ! -e $TRIPTYCH_STATE/run/first.part ]]
}

an_occupied_port_fails_and_stays_occupied() {
  python3 "$SCRATCH/part.py" "$TEST_SECOND_PORT" serves >/dev/null &
  local other=$! text
  eventually library "[[ \$(listener $TEST_SECOND_PORT) ]]"
  text=$(launcher up 2>&1) && return 1
  holds "$text" "port $TEST_SECOND_PORT"
  holds "$text" TEST_SECOND_PORT
  holds "$text" "pid $other"
  launcher down | grep -q "Nothing runs"  # nothing was started beside it
  runs "$other"
}

a_port_is_not_given_twice() {
  local text
  text=$(TEST_SECOND_PORT=$TEST_FIRST_PORT launcher up 2>&1) && return 1
  holds "$text" "port $TEST_FIRST_PORT is set for two uses"
}

a_wrong_port_is_named() {
  local text
  text=$(TEST_FIRST_PORT=abc launcher up 2>&1) && return 1
  holds "$text" "TEST_FIRST_PORT is 'abc'"
}

up_leaves_alone_what_runs() {
  launcher up >/dev/null
  local first second; first=$(pid_of first) second=$(pid_of second)
  holds "$(launcher up)" "first runs already"
  [[ $(pid_of first) == "$first" && $(pid_of second) == "$second" ]]
  launcher status >/dev/null
  launcher down >/dev/null
  gone "$first"
  gone "$second"
}

up_restarts_what_died() {
  launcher up >/dev/null
  local second; second=$(pid_of second)
  kill -KILL "$(pid_of first)"
  eventually library '! is_alive first'
  local state=0; launcher status >/dev/null || state=$?
  ((state == 1))
  holds "$(launcher up)" "first had died"
  [[ $(pid_of second) == "$second" ]]
  launcher down >/dev/null
}

two_ups_at_once_start_one() {
  launcher up >"$SCRATCH/one" & local one=$!
  launcher up >"$SCRATCH/two" & local two=$!
  wait "$one"
  wait "$two"
  [[ $(cat "$SCRATCH/one" "$SCRATCH/two" | grep -c "first is ready") == 1 ]]
  [[ $(cat "$SCRATCH/one" "$SCRATCH/two" | grep -c "first runs already") == 1 ]]
  launcher down >/dev/null
}

down_ends_children_too() {
  TEST_FIRST=child launcher up >/dev/null
  local pids; pids=$(library 'members first')
  (($(wc -w <<<"$pids") >= 2))
  launcher down >/dev/null
  local pid
  for pid in $pids; do gone "$pid"; done
}

down_ends_orphans_of_a_dead_part() {
  TEST_FIRST=child launcher up >/dev/null
  kill -KILL "$(pid_of first)"
  local pids; pids=$(library 'members first')
  [[ $pids ]]
  launcher down >/dev/null
  local pid
  for pid in $pids; do gone "$pid"; done
}

down_kills_what_does_not_leave() {
  TEST_FIRST=stubborn launcher up >/dev/null
  local first; first=$(pid_of first)
  holds "$(TRIPTYCH_STOP_TIMEOUT=1 launcher down)" "did not leave by itself"
  gone "$first"
}

a_part_that_dies_tells_why_at_once() {
  local text began=$SECONDS
  text=$(TEST_SECOND=dies launcher up 2>&1) && return 1
  ((SECONDS - began < 10))
  holds "$text" "no model of that name"
  holds "$text" "$TRIPTYCH_STATE/logs/second.log"
  holds "$(launcher down)" "Nothing runs"
}

a_part_that_never_gets_ready_is_taken_down() {
  TRIPTYCH_PARTS=first launcher up >/dev/null
  local text
  text=$(TEST_SECOND=never TRIPTYCH_START_TIMEOUT=2 launcher up 2>&1) && return 1
  holds "$text" "second is not ready after 2 s"
  holds "$text" "it says 503"
  [[ ! -e $TRIPTYCH_STATE/run/second.part ]]
  runs "$(pid_of first)"
  launcher down >/dev/null
}

interrupted_up_takes_down_only_its_own() {
  TRIPTYCH_PARTS=first launcher up >/dev/null
  local first up status=0; first=$(pid_of first)
  # Bash cannot trap a SIGINT that is ignored when it starts, as it is for a background job.
  TEST_SECOND=never python3 -c 'import os, signal, sys
signal.signal(signal.SIGINT, signal.SIG_DFL); os.execvp(sys.argv[1], sys.argv[1:])' \
    bash "$SCRATCH/launcher" up >/dev/null 2>&1 &
  up=$!
  eventually test -e "$TRIPTYCH_STATE/run/second.part"
  local second; second=$(pid_of second)
  kill -INT "$up"
  wait "$up" || status=$?
  ((status == 130))
  runs "$first"
  gone "$second"
  [[ ! -e $TRIPTYCH_STATE/run/second.part ]]
  launcher down >/dev/null
}

only_main_sources_ask_for_a_build() {
  local checkout=$SCRATCH/checkout before
  mkdir -p "$checkout/m/src/main" "$checkout/m/src/test" "$checkout/m/target" "$checkout/jdk"
  echo "<module>m</module>" >"$checkout/pom.xml"
  touch "$checkout/jdk/release"
  hash() { library "ROOT=$checkout JAVA_HOME=$checkout/jdk; source_hash"; }
  before=$(hash)
  touch "$checkout/m/src/test/A.java" "$checkout/m/target/A.class" "$checkout/m/README.md"
  [[ $(hash) == "$before" ]]
  touch "$checkout/m/src/main/A.java"
  [[ $(hash) != "$before" ]]
}

shared_memory_of_our_prefix_is_freed() {
  local region; region=/dev/shm/$(library 'echo "$SHM_PREFIX"')test
  touch "$region"
  library 'free_shared_memory triton'
  [[ ! -e $region ]]
}

totals_are_added_up() {
  mkdir -p "$SCRATCH/source/m/target/surefire-reports" "$SCRATCH/source/m/target/failsafe-reports"
  echo '<testsuite name="a" time="0.1" tests="5" errors="1" skipped="1" failures="1"><testcase/>' \
    >"$SCRATCH/source/m/target/surefire-reports/TEST-a.xml"
  echo '<testsuite name="b" tests="2" errors="0" skipped="0" failures="0">' \
    >"$SCRATCH/source/m/target/failsafe-reports/TEST-b.xml"
  printf 'Ran 7 tests in 0.1s\n\nFAILED (failures=1, errors=2, skipped=1)\n' >"$SCRATCH/unittest"
  local totals
  totals=$(library "ROOT=$SCRATCH/source; count_reports; count_unittest $SCRATCH/unittest"'
    echo $PASSED $FAILED $SKIPPED')
  [[ $totals == "7 5 2" ]]
}

# --- running them

run_case() {
  local status
  export TRIPTYCH_STATE=$SCRATCH/state-$1
  fresh
  set +e
  (set -e; trap 'kill $(jobs -p) 2>/dev/null || true' EXIT; "$1") >"$SCRATCH/output" 2>&1
  status=$?
  set -e
  launcher down >/dev/null 2>&1 || true
  if ((status == 0)); then
    PASSED=$((PASSED + 1))
    echo "ok     ${1//_/ }"
  else
    FAILED=$((FAILED + 1))
    echo "FAILED ${1//_/ }"
    sed 's/^/         /' "$SCRATCH/output"
  fi
}

cases() {
  sed -n '/^# --- the cases/,/^# --- running/s/^\([a-z0-9_]*\)() {.*/\1/p' "${BASH_SOURCE[0]}" | grep -v '^fake_jdk$'
}

if (($# == 0)); then mapfile -t cases < <(cases); else cases=("$@"); fi
for case in "${cases[@]}"; do run_case "$case"; done
rm -rf "$SCRATCH"
echo "$PASSED passed, $FAILED failed"
((FAILED == 0))
