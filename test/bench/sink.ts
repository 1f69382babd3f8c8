/** `node sink.ts PORT`: a registry that takes every blob and manifest and keeps none. Plain HTTP on the loopback. */
import { createServer } from 'node:http';

createServer((request, response) => {
  const { method, url = '' } = request;
  request.resume();
  request.on('end', () => {
    if (method === 'HEAD') response.writeHead(404).end();
    else if (method === 'POST') response.writeHead(202, { location: `${url}1?state=x` }).end();
    else if (method === 'PATCH') response.writeHead(202, { location: url }).end();
    else if (method === 'PUT') response.writeHead(201).end();
    else response.writeHead(200, { 'content-type': 'application/json' }).end('{}');
  });
}).listen(Number(process.argv[2]), '127.0.0.1');
