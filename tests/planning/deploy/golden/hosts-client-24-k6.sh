#!/bin/sh
# client-24: k6, from the plan of whitepaper-2019, written by hosttune plan.
# k6/device.js imports k6/x/mqtt, an extension that k6 fetches itself or is built with (xk6). Whether an
# extension dials from --local-ips is its own affair: look with `ss -tn` at the first run.
# To be started from the directory above hosts/.
set -eu
exec k6 run --local-ips=10.0.1.24 --stage=993s:41667 --stage=31000s:41667 -e HOST=client-24 -e TARGETS=10.0.2.1:1883 k6/device.js
