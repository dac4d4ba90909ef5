# The parts of the mesh: their ports, how each is started, how it is known to be ready. A new part is added here.
# shellcheck shell=bash

ALL_PARTS=(triton text-service)  # in the order of starting

# part_ports NAME: what each port is for, the variable that sets it, its default.
part_ports() {
  case $1 in
    triton) printf '%s\n' "grpc TRIPTYCH_TRITON_GRPC_PORT 8001" "http TRIPTYCH_TRITON_HTTP_PORT 8000" \
      "metrics TRIPTYCH_TRITON_METRICS_PORT 8002" ;;
    text-service) printf '%s\n' "grpc TRIPTYCH_TEXT_GRPC_PORT 9101" "http TRIPTYCH_TEXT_HTTP_PORT 9181" ;;
  esac
}

# part_command NAME: sets COMMAND to what runs in the foreground until SIGTERM.
part_command() {
  case $1 in
    triton) triton_command ;;
    text-service) service_command "$1" ;;
  esac
}

# part_is_ready NAME: whether it can do its work now.
part_is_ready() {
  case $1 in
    triton) triton_is_ready ;;
    text-service) http_ok "$(port_of "$1" http)" /q/health/ready ;;
  esac
}

# part_why NAME: what the part itself says when it does not become ready.
part_why() {
  case $1 in
    triton) echo "models that are not ready: $(triton_waits_for)" ;;
    text-service) http_get "$(port_of "$1" http)" /q/health/ready | sed '1,/^\r*$/d' || true ;;
  esac
}

# prepare_part NAME: all that has to be there before it starts.
prepare_part() {
  case $1 in
    triton) set_up_triton ;;
    text-service) [[ ${BUILD:-} ]] || build ;;
  esac
}

# part_build NAME: the build that it runs; Triton is not built here.
part_build() { if [[ $1 != triton ]]; then echo "${BUILD:-}"; fi; }

# --- Triton

triton_models() {
  local config
  for config in "$ROOT"/triton/models/*/config.pbtxt; do
    if [[ -f $config ]]; then basename "$(dirname "$config")"; fi
  done
}

triton_command() {
  local model
  COMMAND=("$ROOT/local/run-triton.sh" --repository "$ROOT/triton/models" --shm-prefix "$SHM_PREFIX"
    --grpc-port "$(port_of triton grpc)" --http-port "$(port_of triton http)"
    --metrics-port "$(port_of triton metrics)")
  for model in $(triton_models); do COMMAND+=(--model "$model"); done
}

triton_is_ready() { http_ok "$(port_of triton http)" /v2/health/ready && [[ ! $(triton_waits_for) ]]; }

triton_waits_for() {
  local model
  for model in $(triton_models); do
    http_ok "$(port_of triton http)" "/v2/models/$model/ready" || echo "$model"
  done
}

# set_up_triton: the set-up knows itself what is there already, and has a lock of its own.
set_up_triton() {
  step "Setting up Triton and the models" "$LOGS/setup-triton.log" "$ROOT/local/setup-triton.sh" || {
    show_cause "$LOGS/setup-triton.log"
    exit 1
  }
}

# --- the Quarkus services

service_command() {
  local app; app=$(app_folder)/$1
  COMMAND=(env "QUARKUS_GRPC_SERVER_HOST=127.0.0.1" "QUARKUS_GRPC_SERVER_PORT=$(port_of "$1" grpc)"
    "QUARKUS_HTTP_HOST=127.0.0.1" "QUARKUS_HTTP_PORT=$(port_of "$1" http)"
    "TRIPTYCH_TRITON_TARGET=127.0.0.1:$(port_of triton grpc)" "$JAVA" "@$(app_folder)/jvm.options")
  if [[ -f $app/app.aot ]]; then COMMAND+=("-XX:AOTCache=$app/app.aot"); fi
  read -ra options <<<"${TRIPTYCH_JAVA_OPTIONS:-}"
  COMMAND+=("${options[@]}" -jar "$app/quarkus-run.jar")
}
