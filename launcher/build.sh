# Builds the services when their sources changed. What runs is a copy, $APPS/<hash of the sources>/, so that a later
# build or test never pulls a jar from under a running service.
# shellcheck shell=bash

SERVICES=(text-service)
CLIENT_JAR=cli/target/triptych-cli.jar
JVM_OPTIONS=service-kit/jvm.options

modules() { sed -n 's:.*<module>\([^<]*\)</module>.*:\1:p' "$ROOT/pom.xml"; }

# source_hash: stands for all that the build reads: the main sources of the modules, the POMs, the JDK.
source_hash() (
  cd "$ROOT" || exit
  mapfile -t folders < <(modules)
  if [[ -d .mvn ]]; then folders+=(.mvn); fi
  {
    cat "$JAVA_HOME/release"
    find pom.xml "${folders[@]}" \( -name target -o -path '*/src/test' -o -name node_modules \) -prune \
      -o -type f ! -name '*.md' -print0 | LC_ALL=C sort -z | xargs -0 sha256sum
  } | sha256sum | cut -c1-16
)

# app_folder: the newest build.
app_folder() { echo "$APPS/$(cat "$APPS/current" 2>/dev/null)"; }

# build: makes sure that app_folder holds what the sources say. Sets BUILD.
build() {
  [[ -f $ROOT/pom.xml ]] || die "there is no pom.xml in $ROOT"
  find_jdk
  lock_build
  BUILD=$(source_hash)
  if [[ -d $APPS/$BUILD ]]; then
    echo "$BUILD" >"$APPS/current"
    done_line "Services are built already, nothing to do"
  else
    compile
  fi
  drop_old_builds
  unlock_build
}

compile() {
  find_maven
  step "Building the services" "$LOGS/build.log" env -C "$ROOT" "$MAVEN" -B -Dstyle.color=never -Dmaven.test.skip=true -Dspotless.check.skip package || {
    maven_errors "$LOGS/build.log"
    exit 1
  }
  keep_build
}

# maven_errors LOG: what went wrong, without Maven's advice.
maven_errors() {
  grep '^\[ERROR\] *[^ ]' "$1" |
    grep -vE '\[Help|Re-run Maven|To see the full|For more info|After correcting|mvn <args>' |
    head -n 40 | sed 's/^/    /' >&2 || true
  printf '    the whole log: %s\n' "$1" >&2
}

# keep_build: copies what runs; times are kept, for the AOT cache checks them.
keep_build() {
  local service new=$APPS/$BUILD.new
  rm -rf "$new"
  for service in "${SERVICES[@]}"; do
    [[ -f $ROOT/$service/target/quarkus-app/quarkus-run.jar ]] || die "the build left no $service/target/quarkus-app"
    mkdir -p "$new/$service"
    cp -a "$ROOT/$service/target/quarkus-app/." "$new/$service/"
  done
  cp -a "$ROOT/$CLIENT_JAR" "$ROOT/$JVM_OPTIONS" "$new/"
  mv "$new" "$APPS/$BUILD"
  echo "$BUILD" >"$APPS/current"
}

# drop_old_builds: all but the newest and those that a part still runs.
drop_old_builds() {
  local folder name part used=" $BUILD "
  for part in "${ALL_PARTS[@]}"; do used+="$(recorded "$part" build) "; done
  for folder in "$APPS"/*/; do
    name=$(basename "$folder")
    [[ $used == *" $name "* ]] || rm -rf "$folder"
  done
}
