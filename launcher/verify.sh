# test: everything that can be tested here, then the totals alone on the last line.
# shellcheck shell=bash

PASSED=0 FAILED=0 SKIPPED=0

count() { PASSED=$((PASSED + $1)) FAILED=$((FAILED + $2)) SKIPPED=$((SKIPPED + $3)); }

# at_end STATUS: called by clean_up, so that the totals end the output however the run went.
# shellcheck disable=SC2329
start_totals() {
  at_end() {
    if (($1 != 0 && FAILED == 0)); then FAILED=1; fi
    echo
    echo "$PASSED passed, $FAILED failed, $SKIPPED skipped"
  }
}

verify() {
  if [[ ${1:-} == -- ]]; then shift; fi
  start_totals
  find_jdk
  lock_build
  find_maven
  test_launcher
  set_up_triton
  test_models
  test_java "$@"
  unlock_build
  ((FAILED == 0)) || exit 1
}

# fail_stage MESSAGE COUNTED: a stage that failed without a failed test to show for it still counts as one.
fail_stage() {
  error "$1"
  if (($2 == 0)); then count 0 1 0; fi
}

test_launcher() {
  local log=$LOGS/test-launcher.log before=$FAILED line
  step "Testing the launcher" "$log" "$ROOT/launcher/test.sh" || show_cause "$log"
  line=$(grep -E '^[0-9]+ passed, [0-9]+ failed$' "$log" | tail -n 1) || true
  if [[ $line =~ ^([0-9]+)\ passed,\ ([0-9]+)\ failed$ ]]; then
    count "${BASH_REMATCH[1]}" "${BASH_REMATCH[2]}" 0
  else
    fail_stage "The launcher's test did not end." $((FAILED - before))
  fi
}

test_models() {
  local log=$LOGS/test-models.log before=$FAILED status=0
  [[ -d $ROOT/triton/tests ]] || return 0
  step "Testing the models' code" "$log" env -C "$ROOT" PYTHONDONTWRITEBYTECODE=1 \
    "$STATE/triton-venv/bin/python" -m unittest discover -s triton/tests -v || status=$?
  count_unittest "$log"
  if ((status != 0)); then
    show_cause "$log"
    fail_stage "The models' tests failed." $((FAILED - before))
  elif [[ $before == "$FAILED" && $(grep -c '^Ran 0 tests' "$log") != 0 ]]; then
    fail_stage "There is no test in triton/tests." 0
  fi
}

# count_unittest LOG: from "Ran 12 tests in 0.1s" and "FAILED (failures=1, errors=1, skipped=2)".
count_unittest() {
  local ran bad skipped
  ran=$(sed -n 's/^Ran \([0-9]*\) tests\{0,1\} in .*/\1/p' "$1" | tail -n 1)
  bad=$(($(result_number "$1" failures) + $(result_number "$1" errors)))
  bad=$((bad + $(result_number "$1" 'unexpected successes')))
  skipped=$(result_number "$1" skipped)
  ran=${ran:-0}
  if ((ran < bad + skipped)); then ran=$((bad + skipped)); fi  # an error in setUpClass is in no test
  count $((ran - bad - skipped)) "$bad" "$skipped"
}

result_number() {
  local number
  number=$(grep -E '^(OK|FAILED)' "$1" | tail -n 1 | sed -n "s/.*[( ]$2=\([0-9]*\).*/\1/p") || true
  echo "${number:-0}"
}

test_java() {
  local log=$LOGS/test-java.log before=$FAILED passed=$PASSED status=0
  find "$ROOT" -path "$STATE" -prune -o \( -path '*/target/surefire-reports' -o -path '*/target/failsafe-reports' \) \
    -prune -exec rm -rf {} +
  step "Building and testing the services" "$log" \
    env -C "$ROOT" "$MAVEN" -B -Dstyle.color=never --fail-at-end verify "$@" || status=$?
  count_reports
  if ((status != 0)); then
    maven_errors "$log"
    fail_stage "Maven's build failed." $((FAILED - before))
  elif (($# == 0 && FAILED == before && PASSED == passed)); then
    fail_stage "Maven ran no test." 0
  fi
}

# count_reports: adds up the JUnit reports of surefire and failsafe.
count_reports() {
  local report tests bad skipped
  while IFS= read -r -d '' report; do
    tests=$(suite_number "$report" tests)
    bad=$(($(suite_number "$report" failures) + $(suite_number "$report" errors)))
    skipped=$(suite_number "$report" skipped)
    count $((tests - bad - skipped)) "$bad" "$skipped"
  done < <(find "$ROOT" -path "$STATE" -prune -o -path '*/target/*-reports/TEST-*.xml' -print0)
}

suite_number() {
  local number
  number=$(grep -m 1 -o '<testsuite [^>]*>' "$1" | sed -n "s/.* $2=\"\([0-9]*\)\".*/\1/p") || true
  echo "${number:-0}"
}
