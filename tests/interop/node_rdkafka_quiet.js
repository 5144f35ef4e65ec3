// Loaded before node-rdkafka's own specs: takes `debug` out of the configurations they make clients with.
//
// The client publishes its wake-up handle before it has initialised it (Dispatcher::Activate), when connect() returns; a log line of one of
// librdkafka's threads in that moment makes the process crash in uv_async_send, or hang when the handle is closed. With `debug: all` there are
// thousands of lines a second: on a busy machine one run of four ended so. No spec looks at what is logged.
const kafka = require('node-rdkafka');

function quiet(client, [{ debug, ...global }, ...rest]) {
  return new client(global, ...rest);
}

for (const name of ['Producer', 'HighLevelProducer', 'KafkaConsumer']) {
  kafka[name] = new Proxy(kafka[name], { construct: quiet, apply: (client, self, args) => quiet(client, args) });
}
