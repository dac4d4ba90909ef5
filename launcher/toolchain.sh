# Finds a JDK 25 and a Maven 3.9; fetches only Maven, and only where an older one can do it.
# shellcheck shell=bash

JAVA_RELEASE=25
MAVEN_VERSION=3.9.16
MAVEN_SHA256=5af3b743dd8b876b5c45da33b676251e5f1687712644abb4ee519ca56e1d89ce

# jdk_candidates: folders that may hold a JDK, best first.
jdk_candidates() {
  local java folder
  if [[ ${JAVA_HOME:-} ]]; then echo "$JAVA_HOME"; fi
  if java=$(command -v java); then dirname "$(dirname "$(readlink -f "$java")")"; fi
  for folder in ${TRIPTYCH_JVM_DIRS:-/usr/lib/jvm /opt/java "$HOME/.sdkman/candidates/java" "$HOME/.jdks"}; do
    printf '%s\n' "$folder"/*/release | sed 's:/release$::' | sort -rV
  done
  if [[ -x /usr/libexec/java_home ]]; then /usr/libexec/java_home -v "$JAVA_RELEASE" 2>/dev/null || true; fi
}

# is_jdk FOLDER: a JDK (not a JRE) of the release we build with.
is_jdk() { [[ -x $1/bin/java && -x $1/bin/javac ]] && grep -qs "^JAVA_VERSION=\"$JAVA_RELEASE\b" "$1/release"; }

# find_jdk: sets and exports JAVA_HOME, sets JAVA.
find_jdk() {
  local folder folders
  mapfile -t folders < <(jdk_candidates)
  for folder in "${folders[@]}"; do
    if is_jdk "$folder"; then
      export JAVA_HOME=$folder
      JAVA=$folder/bin/java
      return
    fi
  done
  die "no JDK $JAVA_RELEASE here: install one (Debian, Ubuntu: openjdk-$JAVA_RELEASE-jdk or" \
    "temurin-$JAVA_RELEASE-jdk; elsewhere: any OpenJDK $JAVA_RELEASE build), or set JAVA_HOME to it"
}

# maven_version MVN: 3.9.16, or nothing.
maven_version() { "$1" -v 2>/dev/null | sed 's/\x1b\[[0-9;]*m//g' | sed -n 's/^Apache Maven \([0-9.]*\).*/\1/p'; }

is_new_maven() { [[ $1 =~ ^([0-9]+)\.([0-9]+) ]] && ((BASH_REMATCH[1] * 1000 + BASH_REMATCH[2] >= 3009)); }

# find_maven: sets MAVEN, to one on PATH if it is new enough, else to our own copy. MVN tells local/setup-triton.sh.
find_maven() {
  local own=$STATE/apache-maven-$MAVEN_VERSION/bin/mvn
  if MAVEN=$(command -v mvn) && is_new_maven "$(maven_version "$MAVEN")"; then
    export MVN=$MAVEN
    return
  fi
  [[ $MAVEN || -x $own ]] || die "no Maven here: install Maven 3.9 or newer (Debian, Ubuntu: maven)"
  [[ -x $own ]] || fetch_maven "$MAVEN"
  MAVEN=$own
  export MVN=$own
}

# fetch_maven MVN: lets an older Maven copy a newer one, in a folder where it finds no project to read.
fetch_maven() {
  local scratch=$STATE/fetch-maven zip
  zip=apache-maven-$MAVEN_VERSION-bin.zip
  mkdir -p "$scratch/.mvn"  # or it would read the checkout's .mvn
  step "Fetching Maven $MAVEN_VERSION" "$LOGS/maven.log" env -C "$scratch" "$1" -B \
    org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy \
    -Dartifact="org.apache.maven:apache-maven:$MAVEN_VERSION:zip:bin" -DoutputDirectory="$scratch" || {
    show_cause "$LOGS/maven.log"
    die "could not fetch Maven $MAVEN_VERSION: install Maven 3.9 or newer, or mend the network"
  }
  echo "$MAVEN_SHA256  $scratch/$zip" | sha256sum --check --status ||
    die "$scratch/$zip is not Maven $MAVEN_VERSION: wrong sha256"
  (cd "$scratch" && "$JAVA_HOME/bin/jar" xf "$zip")
  chmod +x "$scratch/apache-maven-$MAVEN_VERSION/bin/mvn"
  mv "$scratch/apache-maven-$MAVEN_VERSION" "$STATE/"
  rm -rf "$scratch"
}
