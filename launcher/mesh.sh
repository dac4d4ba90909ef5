# up, down, status, logs.
# shellcheck shell=bash

# --- ports

# port_of NAME WHAT: the port that the part runs on, or else would be started on.
port_of() {
  local what variable default
  if is_alive "$1"; then
    recorded "$1" ports | tr ' ' '\n' | sed -n "s/^$2=//p"
    return
  fi
  while read -r what variable default; do
    if [[ $what == "$2" ]]; then setting_port "$variable" "$default"; fi
  done < <(part_ports "$1")
}

# ports_wanted NAME: grpc=8001 http=8000, as the settings say.
ports_wanted() {
  local what variable default port all=()
  while read -r what variable default; do
    port=$(setting_port "$variable" "$default") || return 1
    all+=("$what=$port")
  done < <(part_ports "$1")
  echo "${all[*]}"
}

# listener PORT: the socket inode of whoever listens there on loopback or on every address, or nothing.
listener() {
  cat /proc/net/tcp /proc/net/tcp6 2>/dev/null | awk -v port="$(printf '%04X' "$1")" '
    BEGIN {
      blocks["00000000:" port]; blocks["0100007F:" port]  # 0.0.0.0, 127.0.0.1
      blocks["00000000000000000000000000000000:" port]; blocks["0000000000000000FFFF00000100007F:" port]
    }
    $4 == "0A" && $2 in blocks && !found { print $10; found = 1 }'
}

# owner INODE: "pid 123 (java)", as far as we may know.
owner() {
  local pid
  pid=$(find /proc/[0-9]*/fd -lname "socket:\[$1\]" 2>/dev/null | head -n 1 | cut -d/ -f3) || true
  if [[ $pid ]]; then echo "pid $pid ($(cat "/proc/$pid/comm" 2>/dev/null))"; else echo "another process"; fi
}

# check_ports NAME: nobody else may sit on a port of a part that is to be started.
check_ports() {
  local what variable default port inode
  while read -r what variable default; do
    port=$(setting_port "$variable" "$default") || return 1
    inode=$(listener "$port")
    if [[ $inode ]]; then
      error "port $port, wanted for $1 ($what), is in use by $(owner "$inode"). Free it, or set $variable to another."
      return 1
    fi
  done < <(part_ports "$1")
}

# --- HTTP, without needing curl

http_get() {  # PORT PATH: status line, headers, body
  (
    exec 3<>"/dev/tcp/127.0.0.1/$1"
    printf 'GET %s HTTP/1.0\r\nHost: localhost\r\n\r\n' "$2" >&3
    timeout 5 cat <&3
  ) 2>/dev/null
}

http_ok() { [[ $(http_get "$1" "$2" | head -n 1) == HTTP/1.?" 200"* ]]; }

# --- up

wanted_parts() { echo "${TRIPTYCH_PARTS:-${ALL_PARTS[*]}}"; }

# check_settings: only parts that there are, and no port twice.
check_settings() {
  local part ports every=''
  for part in $(wanted_parts); do
    [[ " ${ALL_PARTS[*]} " == *" $part "* ]] || die "TRIPTYCH_PARTS: there is no part '$part', only: ${ALL_PARTS[*]}"
    ports=$(ports_wanted "$part") || exit 1
    every+="$ports "
  done
  every=$(tr ' ' '\n' <<<"$every" | sed -n 's/.*=//p' | sort | uniq -d)
  [[ ! $every ]] || die "port ${every//$'\n'/, } is set for two uses (TRIPTYCH_..._PORT; see ./triptych help)"
}

up() {
  local part began=$SECONDS new=()
  check_settings
  need setsid util-linux
  lock_mesh
  for part in $(wanted_parts); do
    if is_alive "$part"; then
      tell_differences "$part"
    else
      new+=("$part")
      clear_remains "$part"
      check_ports "$part" || exit 1
    fi
  done
  prepare
  for part in "${new[@]}"; do start "$part"; done
  for part in $(wanted_parts); do await "$part" "$began"; done
  STARTED=()
  unlock_mesh
  endpoints
}

# prepare: the services first, for a missing JDK or Maven is better told before Triton's downloads than after.
prepare() {
  local index
  for ((index = ${#ALL_PARTS[@]} - 1; index >= 0; index--)); do
    if [[ " $(wanted_parts) " == *" ${ALL_PARTS[index]} "* ]]; then prepare_part "${ALL_PARTS[index]}"; fi
  done
}

# tell_differences NAME: a running part is left alone, even where a fresh one would differ.
tell_differences() {
  local wanted; wanted=$(ports_wanted "$1") || exit 1
  if [[ $(recorded "$1" ports) != "$wanted" ]]; then
    warn "$1 runs already, on $(recorded "$1" ports); for $wanted: ./triptych down first"
  fi
}

# clear_remains NAME: what a part left that died.
clear_remains() {
  if is_recorded "$1"; then
    stop "$1"
    warn "$1 had died; its remains are cleared. Its log then: $LOGS/$1.log.1"
  fi
  free_shared_memory "$1"
}

start() {
  check_ports "$1" || exit 1
  part_command "$1"
  launch "$1" "$(part_build "$1")" "$(ports_wanted "$1")" "${COMMAND[@]}"
}

# await NAME BEGAN: until it is ready; fails at once when any part dies meanwhile.
await() {
  local began=$SECONDS title="Waiting for $1"
  if part_is_ready "$1" && [[ " ${STARTED[*]} " != *" $1 "* ]]; then
    done_line "$1 runs already"
    tell_older_build "$1"
    return
  fi
  progress_begins
  until part_is_ready "$1"; do
    check_alive
    ((SECONDS - began < ${TRIPTYCH_START_TIMEOUT:-180})) || not_ready "$1"
    progress "$title" "$began" "$LOGS/$1.log"
    pause 0.2
  done
  done_line "$1 is ready ($(duration $((SECONDS - $2))) after ./triptych began)"
}

tell_older_build() {
  if [[ $(recorded "$1" build) != "$(part_build "$1")" ]]; then
    warn "$1 runs an older build; for the newest: ./triptych down, then up"
  fi
}

check_alive() {
  local part
  for part in $(wanted_parts); do
    is_alive "$part" && continue
    error "$part died while the mesh was starting. The end of its log:"
    show_cause "$LOGS/$part.log"
    exit 1
  done
}

not_ready() {
  error "$1 is not ready after ${TRIPTYCH_START_TIMEOUT:-180} s (TRIPTYCH_START_TIMEOUT). $(part_why "$1")"
  show_cause "$LOGS/$1.log"
  exit 1
}

endpoints() {
  local part
  echo
  for part in $(wanted_parts); do
    printf '      %-14s gRPC 127.0.0.1:%s' "$part" "$(port_of "$part" grpc)"
    case $part in
      triton) printf '   metrics http://127.0.0.1:%s/metrics\n' "$(port_of triton metrics)" ;;
      *) printf '   metrics http://127.0.0.1:%s/q/metrics\n' "$(port_of "$part" http)" ;;
    esac
  done
}

# --- down

down() {
  local index any=
  lock_mesh
  for ((index = ${#ALL_PARTS[@]} - 1; index >= 0; index--)); do
    if is_recorded "${ALL_PARTS[index]}"; then
      any=yes
      take_down "${ALL_PARTS[index]}"
    else
      free_shared_memory "${ALL_PARTS[index]}"
    fi
  done
  unlock_mesh
  if [[ ! $any ]]; then note "Nothing runs."; fi
}

# take_down NAME: stops it and tells what that freed.
take_down() {
  local began=$SECONDS memory ports how=stopped all
  mapfile -t all < <(members "$1")
  memory=$(memory_of "${all[@]}")
  ports=$(recorded "$1" ports | sed 's/[a-z]*=//g')
  if ! is_alive "$1"; then how="had died already"; fi
  stop "$1"
  if [[ $FORCED ]]; then how="did not leave by itself, ended"; fi
  free_shared_memory "$1"
  ports+=${FREED:+, $FREED files in /dev/shm}
  done_line "$1 $how ($(duration $((SECONDS - began)))), freed: $memory MB, ports $ports"
}

# free_shared_memory NAME: what a killed Triton leaves. Sets FREED to how many, or to nothing.
free_shared_memory() {
  local regions=("/dev/shm/$SHM_PREFIX"*)
  FREED=
  if [[ $1 == triton && -e ${regions[0]} ]]; then
    rm -f "${regions[@]}"
    FREED=${#regions[@]}
  fi
}

# --- status and logs

status() {
  local part bad=0 state
  check_settings
  printf '%-14s %8s %9s %9s  %-9s %s\n' PART PID UPTIME MEMORY STATE PORTS
  for part in "${ALL_PARTS[@]}"; do
    state=$(part_state "$part")
    if [[ $state == stopped && " $(wanted_parts) " != *" $part "* ]]; then continue; fi
    if [[ $state != ready ]]; then bad=1; fi
    status_line "$part" "$state"
  done
  exit "$bad"
}

part_state() {
  if is_alive "$1"; then
    if part_is_ready "$1"; then echo ready; else echo "not ready"; fi
  elif is_recorded "$1"; then echo died
  else echo stopped; fi
}

status_line() {  # NAME STATE
  local pid=- uptime=- memory=- ports=- all
  if is_alive "$1"; then
    mapfile -t all < <(members "$1")
    pid=$(recorded "$1" pid)
    uptime=$(duration $(($(date +%s) - $(recorded "$1" since))))
    memory="$(memory_of "${all[@]}") MB"
    ports=$(recorded "$1" ports)
  fi
  printf '%-14s %8s %9s %9s  %-9s %s\n' "$1" "$pid" "$uptime" "$memory" "$2" "$ports"
}

logs() {
  local log
  if [[ ${1:-} ]]; then
    [[ -f $LOGS/$1.log ]] || die "there is no log '$1' ($LOGS/$1.log)"
    exec tail -n 50 -F "$LOGS/$1.log"
  fi
  for log in "$LOGS"/*.log; do
    if [[ -f $log ]]; then printf '%-16s %s\n' "$(basename "$log" .log)" "$log"; fi
  done
}
