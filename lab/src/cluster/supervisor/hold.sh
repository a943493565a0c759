# The first process of a broker's container: shows the broker's log as the container's own, and ends the
# container on TERM, or when nobody came to hold it.
trap 'exit 0' INT TERM
: >>/tmp/kafka.log
tail -f /tmp/kafka.log &
(sleep 60; [ -e /tmp/held ] || kill -TERM 1) &
wait
