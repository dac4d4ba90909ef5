# Background processes: started in a session of their own, recorded so that a recycled PID is never taken for ours,
# stopped with everything they started.
#
# $RUN/NAME.part records a part: pid, started (field 22 of /proc/PID/stat), boot, since, build, ports.
# shellcheck shell=bash

STARTED=()  # parts that this run started and that are not ready yet
STEP_PID=   # the slow step in progress

BOOT=$(cat /proc/sys/kernel/random/boot_id 2>/dev/null || echo unknown)

# stat_field PID FIELD: sets REPLY to a field of /proc/PID/stat, numbered as in proc(5), from 3.
stat_field() {
  local line='' fields
  { IFS= read -r -d '' line <"/proc/$1/stat"; } 2>/dev/null || true
  [[ $line ]] || return 1
  read -ra fields <<<"${line##*) }"  # the name before it may hold spaces and brackets
  REPLY=${fields[$2 - 3]}
}

# is_process PID STARTED BOOT: the very process, not a later one with its number; a zombie is gone.
is_process() {
  stat_field "$1" 22 && [[ $REPLY == "$2" && $BOOT == "$3" ]] || return 1
  stat_field "$1" 3 && [[ $REPLY != [ZX] ]]
}

record_part() {  # NAME PID BUILD PORTS
  local file=$RUN/$1.part
  stat_field "$2" 22 || REPLY=0
  printf '%s\n' "pid=$2" "started=$REPLY" "boot=$BOOT" "since=$(date +%s)" "build=$3" "ports=$4" >"$file.new"
  mv "$file.new" "$file"
}

# recorded NAME KEY: what the record says, or nothing.
recorded() { sed -n "s/^$2=//p" "$RUN/$1.part" 2>/dev/null || true; }

is_recorded() { [[ -f $RUN/$1.part ]]; }

is_alive() {
  local pid; pid=$(recorded "$1" pid)
  [[ $pid =~ ^[0-9]+$ ]] && is_process "$pid" "$(recorded "$1" started)" "$(recorded "$1" boot)"
}

# session_members SID: every living process of the session, one a line.
session_members() {
  local folder pid
  for folder in /proc/[0-9]*; do
    pid=${folder#/proc/}
    stat_field "$pid" 6 && [[ $REPLY == "$1" ]] && stat_field "$pid" 3 && [[ $REPLY != [ZX] ]] && echo "$pid"
  done
  return 0
}

# members NAME: the part's process and what it started. Once the leader is gone its number may be another's, so then
# only processes count that carry our mark in their environment.
members() {
  local sid pid; sid=$(recorded "$1" pid)
  [[ $sid =~ ^[0-9]+$ ]] || return 0
  if is_alive "$1"; then
    session_members "$sid"
    return
  fi
  for pid in $(session_members "$sid"); do
    if grep -qzFx "TRIPTYCH_PART=$STATE:$1" "/proc/$pid/environ" 2>/dev/null; then echo "$pid"; fi
  done
}

# memory_of PID...: resident memory, in MB.
memory_of() {
  local pid resident sum=0
  for pid in "$@"; do
    resident=$(sed -n 's/^VmRSS:[^0-9]*\([0-9]*\).*/\1/p' "/proc/$pid/status" 2>/dev/null) || true
    sum=$((sum + ${resident:-0}))
  done
  echo $((sum / 1024))
}

# in_session LOG COMMAND...: runs it in a session of its own; $! is its PID and its session.
in_session() {
  local log=$1; shift
  setsid "$@" >>"$log" 2>&1 </dev/null 8>&- 9>&- &
}

# launch NAME BUILD PORTS COMMAND...: starts a part and records it. A signal that comes between the two waits.
launch() {
  local name=$1 build=$2 ports=$3 log=$LOGS/$1.log signal=; shift 3
  if [[ -f $log ]]; then mv "$log" "$log.1"; fi
  trap 'signal=130' INT; trap 'signal=143' TERM; trap 'signal=129' HUP
  # A folder of ours, for Quarkus reads .env and config/ from where it stands.
  in_session "$log" env -C "$STATE" "TRIPTYCH_PART=$STATE:$name" "$@"
  record_part "$name" "$!" "$build" "$ports"
  STARTED+=("$name")
  trap 'exit 130' INT; trap 'exit 143' TERM; trap 'exit 129' HUP
  if [[ $signal ]]; then exit "$signal"; fi
}

# stop NAME: asks, waits, then ends whatever is left of its session. FORCED says whether it had to be ended.
stop() {
  local pid began=$SECONDS left; pid=$(recorded "$1" pid)
  FORCED=
  progress_begins
  if is_alive "$1"; then kill -TERM "$pid" 2>/dev/null || true; fi
  while is_alive "$1" && ((SECONDS - began < ${TRIPTYCH_STOP_TIMEOUT:-40})) && [[ ! ${HURRY:-} ]]; do
    progress "Stopping $1" "$began"
    pause 0.1
  done
  if is_alive "$1"; then FORCED=yes; else await_children "$1"; fi
  mapfile -t left < <(members "$1")
  if ((${#left[@]})); then
    kill -KILL "${left[@]}" 2>/dev/null || true
    pause 0.2
  fi
  rm -f "$RUN/$1.part"
}

# await_children NAME: children that follow their leader by themselves get two seconds for it.
await_children() {
  local began=$SECONDS
  while [[ $(members "$1") ]] && ((SECONDS - began < 2)); do pause 0.1; done
}

# step TITLE LOG COMMAND...: runs a slow command with its progress shown; its exit status is the result.
step() {
  local title=$1 log=$2 began=$SECONDS status=0; shift 2
  : >"$log"
  progress_begins
  in_session "$log" "$@"
  STEP_PID=$!
  while kill -0 "$STEP_PID" 2>/dev/null; do
    progress "$title" "$began" "$log"
    pause 0.2
  done
  wait "$STEP_PID" || status=$?
  STEP_PID=
  if ((status == 0)) && [[ ! -s $log ]]; then done_line "$title: nothing to do"; return; fi
  if ((status == 0)); then done_line "$title ($(duration $((SECONDS - began))))"; return; fi
  error "$title: failed after $(duration $((SECONDS - began)))"
  return "$status"
}

# end_step: takes down the step in progress and all that it started.
end_step() {
  local began=$SECONDS left
  kill -TERM -- "-$STEP_PID" 2>/dev/null || true
  while [[ $(session_members "$STEP_PID") ]] && ((SECONDS - began < 10)) && [[ ! ${HURRY:-} ]]; do pause 0.1; done
  mapfile -t left < <(session_members "$STEP_PID")
  if ((${#left[@]})); then kill -KILL "${left[@]}" 2>/dev/null || true; fi
  STEP_PID=
}

# clean_up: however this run ends, nothing half-started stays behind. A second Ctrl-C makes it hurry.
clean_up() {
  local status=$? index
  set +e
  trap - ERR
  trap 'HURRY=yes' INT TERM HUP
  clear_progress
  if ((status == 130 || status == 143)); then error "interrupted"; fi
  if [[ $STEP_PID ]]; then end_step; fi
  for ((index = ${#STARTED[@]} - 1; index >= 0; index--)); do
    take_down "${STARTED[index]}"
  done
  if declare -F at_end >/dev/null; then at_end "$status"; fi
  exit "$status"
}
