// a device of k6, from the plan of whitepaper-2019, written by hosttune plan.
// It is written against the manual of k6/x/mqtt; it has not been run.
import { Client } from "k6/x/mqtt";
import { setTimeout } from "k6/timers";

const targets = __ENV.TARGETS.split(",");
const payload = "x".repeat(52);

export default function () {
  const client = new Client({ client_id: `${__ENV.HOST}-${__VU}-${__ITER}` });
  function speak(left) {
    if (left > 0) { client.publish("hosttune", payload, {"qos": 1}); }
    if (left > 1) { setTimeout(() => speak(left - 1), 10000); }
  }
  client.on("connect", () => { speak(100); });
  client.connect(`mqtt://${targets[__VU % targets.length]}`, {"keepalive": 1000, "clean_session": true});
  setTimeout(() => client.end(), 31000000);
}
