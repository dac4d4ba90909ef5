# Where the state lives, and the locks that keep two launchers from working on the same thing.
# shellcheck shell=bash

# prepare_state: makes the state folder and names what is in it.
prepare_state() {
  [[ -r /proc/self/stat ]] || die "this needs Linux: Triton's CPU build and /proc are Linux only"
  STATE=${TRIPTYCH_STATE:-$ROOT/.triptych}
  mkdir -p "$STATE" || die "cannot create $STATE (TRIPTYCH_STATE chooses another folder)"
  STATE=$(cd "$STATE" && pwd)
  LOGS=$STATE/logs RUN=$STATE/run APPS=$STATE/app
  mkdir -p "$LOGS" "$RUN" "$APPS"
  export TRIPTYCH_STATE=$STATE
  # Triton's shared memory must be told from everybody else's: one prefix for each state folder.
  SHM_PREFIX=triptych-$(printf '%s' "$STATE" | sha256sum | cut -c1-10)-
  trap 'exit 130' INT
  trap 'exit 143' TERM
  trap 'exit 129' HUP
  trap clean_up EXIT
  trap 'error "unexpected failure of: $BASH_COMMAND (${BASH_SOURCE[0]##*/}:$LINENO)"' ERR
}

# need COMMAND PACKAGE: fails early, with the package to install.
need() { command -v "$1" >/dev/null || die "'$1' is missing: install $2"; }

# lock_mesh, lock_build: wait for their turn. A lock ends with its unlock or with this process: what that starts in the
# background does not inherit descriptors 8 and 9 (in_session).
lock_mesh() { exec 9>>"$STATE/mesh.lock"; take_turn 9 "starts or stops parts"; }
lock_build() { exec 8>>"$STATE/build.lock"; take_turn 8 "builds or tests"; }
unlock_mesh() { exec 9>&-; }
unlock_build() { exec 8>&-; }

take_turn() {  # DESCRIPTOR WHAT
  need flock util-linux
  if flock --nonblock "$1"; then return; fi
  note "Waiting: another ./triptych $2 here."
  flock "$1"
}

# setting_port VARIABLE DEFAULT: the port number, or a clear failure.
setting_port() {
  local value=${!1:-$2}
  if [[ ! $value =~ ^[1-9][0-9]{0,4}$ ]] || ((value > 65535)); then
    error "$1 is '$value', which is no port number"
    return 1
  fi
  echo "$value"
}
