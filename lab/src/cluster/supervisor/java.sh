# A broker run by Java. $1: its folder, removed at the end. The rest: the command that runs a Java class.
dir=$1
shift
log=$dir/log
cd / || exit 1

prepare() {
  [ -e "$dir/data/meta.properties" ] || [ -e "$dir/data/bootstrap.checkpoint" ] ||
    "$@" kafka.tools.StorageTool format -t "$(cat "$dir/id")" -c "$dir/server.properties"
}
program() { exec "$@" kafka.Kafka "$dir/server.properties"; }
finish() { rm -rf "$dir"; }
