# The broker of the container that this runs in; the container ends with it.
log=/tmp/kafka.log
: >/tmp/held

prepare() { :; }
# The image's own start makes the settings and formats; a second time it would find that done and refuse.
program() {
  [ -e /tmp/started ] || { : >/tmp/started; exec /etc/kafka/docker/run; }
  exec java -Xmx768m -cp '/opt/kafka/libs/*' -Dkafka.logs.dir=/opt/kafka/logs \
    -Dlog4j2.configurationFile=/opt/kafka/config/log4j2.yaml kafka.Kafka /opt/kafka/config/server.properties
}
finish() { kill -TERM 1; }
