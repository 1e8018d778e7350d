# Sourced by the scripts of this folder: the JDK, the job jars, and a Spark home. Sets root, java and spark_home.

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)

fail() {
  echo "Error: $*" >&2
  exit 2
}

find_java() {
  java=${JAVA_HOME:+$JAVA_HOME/bin/}java
  command -v "$java" >/dev/null || fail "No Java: neither JAVA_HOME nor PATH leads to one (expected a JDK from 17)"
  local version
  version=$("$java" -version 2>&1 | sed -n 's/.* version "\([0-9]*\).*/\1/p' | head -n 1)
  [[ -n $version && $version -ge 17 ]] \
    || fail "Invalid Java: $java is version ${version:-unknown} (expected a JDK from 17; JAVA_HOME chooses)"
}

# Builds the job jars if they are missing or older than the sources they are made of.
find_jars() {
  ! whole_jars || return 0
  mkdir -p "$root/target"
  (
    # Two builds in one folder take each other's classes away, and then make jars without them.
    ! command -v flock >/dev/null || flock -w 1800 9 || fail "Another build in $root did not end within 30 minutes"
    ! whole_jars || exit 0
    echo "Building the job jars; the first time downloads about 500 MB from Maven Central." >&2
    # One that is interrupted must not leave jars that look new.
    trap 'rm -f "$root/target/evaluate-eagle3.jar"' EXIT
    trap 'exit 130' INT TERM HUP
    (cd "$root" && ./mvnw -q -B --no-transfer-progress -Dmaven.test.skip=true package) >&2 9>&- || fail "The build failed"
    trap - EXIT
  ) 9>"$root/target/jars.lock" || exit
}

whole_jars() {
  local jar=$root/target/evaluate-eagle3.jar
  [[ -f $jar && -f $root/target/train-eagle3.jar && -f $root/target/prepare-hidden-states.jar && -f $root/target/aerie-tools.jar ]] \
    && compgen -G "$root/target/libtorch-cpu-*.jar" >/dev/null \
    && [[ ! -d $root/src || -z $(find "$root"/src/{main,quickstart,bench} "$root/pom.xml" -newer "$jar" -type f -print -quit) ]]
}

# SPARK_HOME, or else a home that is assembled once from the artifacts that Maven downloads anyway.
find_spark() {
  if [[ -n ${SPARK_HOME:-} ]]; then
    [[ -x $SPARK_HOME/bin/spark-submit ]] || fail "Invalid SPARK_HOME: $SPARK_HOME (expected a folder with bin/spark-submit)"
    spark_home=$SPARK_HOME
    return
  fi
  local version
  version=$(sed -n 's|.*<spark.version>\(.*\)</spark.version>.*|\1|p' "$root/pom.xml")
  spark_home=$root/target/spark-home-$version
  whole_spark_home || assemble_spark_home
  export SPARK_HOME=$spark_home
}

# The jars are links into Maven's repository, which may have been cleaned.
whole_spark_home() {
  [[ -x $spark_home/bin/spark-submit ]] || return 1
  local jar
  for jar in "$spark_home"/jars/*; do
    [[ -e $jar ]] || return 1
  done
}

assemble_spark_home() {
  echo "Putting a Spark home together in $spark_home" >&2
  (cd "$root" && ./mvnw -q -B --no-transfer-progress dependency:build-classpath@spark-home) >&2 \
    || fail "Maven cannot list Spark's jars"
  local new jar jars
  new=$(mktemp -d "$spark_home.XXXXXX")
  mkdir "$new/jars" "$new/conf" "$new/bin"
  # The file ends without a line feed, which read calls a failure.
  IFS=: read -r -a jars <"$root/target/spark-home.classpath" || [[ ${#jars[@]} -gt 0 ]]
  for jar in "${jars[@]}"; do
    ln -s "$jar" "$new/jars/"
  done
  cp "$root/conf/spark/log4j2.properties" "$root/conf/spark/spark-defaults.conf" "$new/conf/"
  cp "$root/jobs/spark-submit" "$new/bin/spark-submit"
  chmod 755 "$new" "$new/bin/spark-submit"
  # Another launcher may have been quicker; then its home is as good as ours.
  whole_spark_home || rm -rf "$spark_home"
  mv "$new" "$spark_home" 2>/dev/null || true
  [[ ! -e $spark_home/${new##*/} ]] || rm -rf "$spark_home/${new##*/}"
  whole_spark_home || fail "The Spark home in $spark_home is not whole"
}

# File names and messages in UTF-8, in the POSIX locale too, where the JDK would take ASCII and lose the rest of a name. The locale
# serves the JVM that puts spark-submit's command together, the options those whose settings are given.
utf8_options="-Dfile.encoding=UTF-8 -Dsun.jnu.encoding=UTF-8 -Dstdout.encoding=UTF-8 -Dstderr.encoding=UTF-8"
if [[ $(locale charmap 2>/dev/null) != UTF-8 ]]; then
  utf8_locale=$(locale -a 2>/dev/null | grep -iE '^(C|en_US)\.utf-?8$' | head -n 1 || true)
  [[ -z $utf8_locale ]] || export LC_ALL=$utf8_locale
fi
# Spark's launcher gives them to the driver of a spark-submit that runs here.
export SPARK_SUBMIT_OPTS="${SPARK_SUBMIT_OPTS:-} $utf8_options"

# What Spark's own launcher adds for JDK 17 and later (its JavaModuleOptions).
spark_java_options=(
  -XX:+IgnoreUnrecognizedVMOptions $utf8_options
  --add-opens=java.base/{java.lang,java.lang.invoke,java.lang.reflect,java.io,java.net,java.nio,java.util}=ALL-UNNAMED
  --add-opens=java.base/{java.util.concurrent,java.util.concurrent.atomic,jdk.internal.ref,sun.nio.ch,sun.nio.cs}=ALL-UNNAMED
  --add-opens=java.base/{sun.security.action,sun.util.calendar}=ALL-UNNAMED
  --add-opens=java.security.jgss/sun.security.krb5=ALL-UNNAMED
  -Dio.netty.tryReflectionSetAccessible=true --sun-misc-unsafe-memory-access=allow --enable-native-access=ALL-UNNAMED
)

# libgomp's spinning threads stall at random on small hosts: 0.2 s or 4 s for the same work.
export OMP_WAIT_POLICY=${OMP_WAIT_POLICY:-PASSIVE}
export SPARK_SCALA_VERSION=2.13
