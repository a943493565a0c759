# Runs one program for the process at the other end of stdin, and not a moment longer.
# Before this come, for the place where it runs: `log`, the file for its output; `prepare`, done before it
# goes to the background; `program`, which becomes it; `finish`, which cleans up after it.
# Orders on stdin, one answer line each: start, stop, kill, status, log. The end of stdin ends everything.

# Ignored, not trapped: a trapped signal ends `read`, which would look like the end of stdin.
# PIPE too: when nobody is left to hear an answer, there is still a program to end.
trap '' HUP INT PIPE TERM
pid=

# `kill -0` also succeeds on a dead child that nobody waited for; waiting for `sleep` reaps it.
alive() { [ "$pid" ] && sleep 0 && kill -0 "$pid" 2>/dev/null; }

# The signals go back to their defaults: a JVM told to ignore TERM would not shut down on it.
start() {
  prepare "$@" </dev/null >>"$log" 2>&1 || { echo failed; return; }
  (trap - HUP INT PIPE TERM; program "$@") </dev/null >>"$log" 2>&1 &
  pid=$!
  echo "$pid"
}

crash() { alive && kill -9 "$pid" 2>/dev/null && wait "$pid" 2>/dev/null; pid=; }

# Asks first; $1 twentieths of a second later it does not.
stop() {
  alive && kill -TERM "$pid" 2>/dev/null
  left=$1
  while [ "$left" -gt 0 ] && alive; do
    sleep 0.05
    left=$((left - 1))
  done
  crash
}

status() {
  if alive; then echo alive; elif [ "$pid" ]; then wait "$pid" 2>/dev/null; echo "ended $?"; else echo none; fi
}

while read -r order; do
  case $order in
    start) if alive; then echo "$pid"; else start "$@"; fi ;;
    stop) stop 400; echo stopped ;;
    kill) crash; echo killed ;;
    status) status ;;
    log) tail -n 60 "$log" 2>/dev/null | tr '\n' '\001'; echo ;;
  esac
done

stop 40
finish "$@"
