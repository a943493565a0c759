# Runs one Kafka broker for the process at the other end of stdin, and not a moment longer.
# $1: the broker's folder, removed at the end. The rest: the command that runs a Java class.
# Orders on stdin, one answer line each: start, kill, status. The end of stdin ends everything.

# Ignored, not trapped: a trapped signal ends `read`, which would look like the end of stdin.
# PIPE too: when nobody is left to hear an answer, there is still a broker to end.
trap '' HUP INT PIPE TERM
dir=$1
shift
cd / || exit 1
pid=

# `kill -0` also succeeds on a dead child that nobody waited for; waiting for `sleep` reaps it.
alive() { [ "$pid" ] && sleep 0 && kill -0 "$pid" 2>/dev/null; }

# Formatted here, before the broker goes to the background, so that the end cannot overtake it.
format() {
  [ -e "$dir/data/meta.properties" ] || [ -e "$dir/data/bootstrap.checkpoint" ] ||
    "$@" kafka.tools.StorageTool format -t "$(cat "$dir/id")" -c "$dir/server.properties" \
      </dev/null >>"$dir/log" 2>&1
}

# The signals go back to their defaults: a JVM told to ignore TERM would not shut down on it.
start() {
  format "$@" || { echo failed; return; }
  (trap - HUP INT PIPE TERM; exec "$@" kafka.Kafka "$dir/server.properties") </dev/null >>"$dir/log" 2>&1 &
  pid=$!
  echo "$pid"
}

crash() { alive && kill -9 "$pid" 2>/dev/null && wait "$pid" 2>/dev/null; pid=; }

while read -r order; do
  case $order in
    start) if alive; then echo "$pid"; else start "$@"; fi ;;
    kill) crash; echo killed ;;
    status) if alive; then echo alive; else echo dead; fi ;;
  esac
done

if alive; then
  kill -TERM "$pid" 2>/dev/null
  left=40
  while [ "$left" -gt 0 ] && kill -0 "$pid" 2>/dev/null; do
    sleep 0.05
    left=$((left - 1))
  done
  crash
fi
rm -rf "$dir"
