#!/bin/sh
# client-24: emqtt-bench, from the plan of whitepaper-2019, written by hosttune plan.
# One command for each source address and port: 1 in all, that run together. Each binds to its
# address before it connects, so that a port serves once per address, whatever the number of backends.
# It publishes as long as it runs: end it 1,000 s after the last device has come.
set -eu
trap 'trap - TERM; kill 0' INT TERM
emqtt_bench pub -h 10.0.2.1 -p 1883 -c 41667 -n 958341 -i 24 --ifaddr 10.0.1.24 -k 1000 -t hosttune -s 52 -q 1 -I 10000 &
wait
