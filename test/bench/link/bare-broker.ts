import { createServer } from 'node:http';
import { Aedes } from 'aedes';
import { createWebSocketStream, WebSocketServer } from 'ws';

/** The floor of the embedded broker: aedes over WebSockets, in a process of its own, and nothing else. `bare-broker.ts PORT`. */
const aedes = await Aedes.createBroker({ concurrency: 5_000 });
const server = createServer();
new WebSocketServer({ server, perMessageDeflate: false }).on('connection', (socket, request) => {
  aedes.handle(createWebSocketStream(socket), request);
});
server.listen(Number(process.argv[2]), '127.0.0.1', 4_096, () => console.log('bare broker is up'));
