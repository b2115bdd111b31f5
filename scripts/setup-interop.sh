#!/usr/bin/env bash
# The machinery of `npm run test:interop`: PyIceberg and Spark in a virtual environment of their
# own, and the two jars Spark needs. Everything lands in .cache/interop (ignored by git); a second
# run finds it there and does nothing. Needs python3 with venv, Java 17 or newer, and Maven.
set -euo pipefail

root="$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)"
cache="$root/.cache/interop"
requirements="$root/test/interop/python/requirements.txt"
jars=(
  org.apache.iceberg:iceberg-spark-runtime-4.1_2.13:1.12.0
  org.xerial:sqlite-jdbc:3.53.0.0
)

# The stamp holds what was asked for: a changed pin, and nothing else, makes it again.
wanted="$(cat "$requirements"; printf '%s\n' "${jars[@]}")"
if [[ -f "$cache/stamp" && "$(cat "$cache/stamp")" == "$wanted" ]]; then
  exit 0
fi

mkdir -p "$cache/jars"
rm -f "$cache/stamp"
if [[ ! -x "$cache/venv/bin/python" ]]; then
  python3 -m venv "$cache/venv"
fi
echo "interop: installing $(grep -c '==' "$requirements") pinned Python packages"
"$cache/venv/bin/pip" install --quiet --no-cache-dir --requirement "$requirements"

for jar in "${jars[@]}"; do
  IFS=: read -r group artifact version <<<"$jar"
  if [[ ! -f "$cache/jars/$artifact-$version.jar" ]]; then
    echo "interop: fetching $artifact $version"
    maven=(mvn -B -q "-Dmaven.repo.local=$cache/maven")
    "${maven[@]}" dependency:get -Dtransitive=false -Dartifact="$jar"
    "${maven[@]}" dependency:copy -Dartifact="$jar" -DoutputDirectory="$cache/jars"
  fi
done
printf '%s\n' "$wanted" >"$cache/stamp"
echo "interop: ready in $cache"
