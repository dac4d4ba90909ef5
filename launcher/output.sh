# What people see: plain lines, one moving line for slow steps on a terminal, colours where they are wanted.
# shellcheck shell=bash

TERMINAL='' WIDTH=80
if [[ -t 1 && -z ${CI:-} && ${TERM:-dumb} != dumb ]]; then
  TERMINAL=yes
  if size=$(stty size <&1 2>/dev/null) && ((${size#* } > 20)); then WIDTH=${size#* }; fi
fi

GREEN='' RED='' DIM='' PLAIN=''
if [[ $TERMINAL && -z ${NO_COLOR:-} ]]; then
  GREEN=$'\e[32m' RED=$'\e[31m' DIM=$'\e[2m' PLAIN=$'\e[0m'
fi

note() { clear_progress; printf '%s\n' "$*"; }
done_line() { clear_progress; printf '%sok%s    %s\n' "$GREEN" "$PLAIN" "$*"; }
warn() { clear_progress; printf '%snote%s  %s\n' "$DIM" "$PLAIN" "$*"; }
error() { clear_progress; printf '%striptych: %s%s\n' "$RED" "$*" "$PLAIN" >&2; }
die() { error "$@"; exit 1; }

# clear_progress: wipes the moving line; nothing to do where there is no terminal.
clear_progress() { if [[ $TERMINAL ]]; then printf '\r\e[K'; fi; }

# progress TITLE BEGAN [LOG]: shows that a slow step is alive. On a terminal one line is redrawn, with the log's last
# line; elsewhere a line comes after two seconds and then every half minute.
progress() {
  local elapsed=$((SECONDS - $2)) line
  if [[ $TERMINAL ]]; then
    line="...   $1  $elapsed s  $(if [[ ${3:-} ]]; then last_line "$3"; fi)"
    printf '\r\e[K%s%s%s' "$DIM" "${line:0:WIDTH-1}" "$PLAIN"
  elif ((elapsed >= NEXT_PLAIN_LINE)); then
    NEXT_PLAIN_LINE=$((elapsed + 30))
    printf '...   %s  %s s\n' "$1" "$elapsed"
  fi
}

progress_begins() { NEXT_PLAIN_LINE=2; }

# last_line LOG: the newest line with something on it, without control characters and the head that loggers put first.
last_line() {
  tail -n 5 "$1" 2>/dev/null | tr '\r' '\n' | tr -d '\000-\010\013-\037' | sed -E '/^[[:space:]]*$/d
    s/^[IWEF][0-9]{4} [^]]*\] //; s/^\[(INFO|WARNING|ERROR)\] //' | tail -n 1
}

# show_cause LOG: the end of a log, indented, and where the rest is.
show_cause() {
  if [[ -s $1 ]]; then
    tail -n 20 "$1" | sed 's/^/    /' >&2
  fi
  printf '    the whole log: %s\n' "$1" >&2
}

# duration SECONDS: 42s, 3m 5s, 2h 7m
duration() {
  if (($1 < 60)); then echo "$1s"
  elif (($1 < 3600)); then echo "$(($1 / 60))m $(($1 % 60))s"
  else echo "$(($1 / 3600))h $(($1 % 3600 / 60))m"; fi
}

pause() { sleep "$1" || true; }
