# A command that works in a folder. $1: the folder, removed at the end. The rest: the command.
dir=$1
shift
log=$dir/log
cd "$dir" || exit 1

prepare() { :; }
program() { exec "$@"; }
finish() { cd / && rm -rf "$dir"; }
