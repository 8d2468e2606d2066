// Sends the demo's traffic: run inside a private namespace by scene.ts. Arguments: connections, address, port. Connects so
// many times by TCP, one after the other, to a server of its own on all addresses; then sends as many UDP datagrams, which
// nobody awaits.
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { connect, createServer } from 'node:net';

const [count = 0, address = '127.0.0.1', port = 0] = process.argv.slice(2).map((word, i) => (i === 1 ? word : Number(word))) as [
  number?,
  string?,
  number?,
];

const server = createServer((socket) => socket.end('hello')).listen(port, '0.0.0.0');
await once(server, 'listening');
for (let i = 0; i < count; i++) {
  const socket = connect({ host: address, port, timeout: 2000 });
  socket.on('timeout', () => socket.destroy(new Error(`no answer from ${address}:${port}`)));
  socket.resume();
  await once(socket, 'close');
}
server.close();

const udp = createSocket('udp4');
for (let i = 0; i < count; i++) await new Promise((sent) => udp.send('hello', 9, '127.0.0.1', sent));
udp.close();
