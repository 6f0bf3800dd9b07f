#!/bin/sh
# Stands for k3s: says what it was called as, and keeps what its service was started with.
name=${0##*/}
if [ "$name" != k3s ]; then
  echo "$name of k3s"
  exit
fi
out=/var/lib/k3s-fixture
mkdir -p $out
printf '%s\n' "$@" >$out/arguments
env | sort >$out/environment
echo started >>$out/starts
echo Stands for k3s
exec sleep infinity
