"""stomp_sink.py PORT FILE: a STOMP broker that keeps what it is sent. Each body becomes a line of FILE.

The Rucio server sends on to a broker the traces that clients post; here tests can read them.
"""
import asyncio
import sys


def parse(frame):
    """-> command, headers, body of a frame without its final NUL."""
    head, _, body = frame.lstrip(b'\r\n').partition(b'\n\n')
    command, *lines = head.decode().splitlines()
    return command, dict(line.split(':', 1) for line in lines), body


class Sink:
    def __init__(self, path):
        self.path = path

    async def serve(self, reader, writer):
        try:
            while True:
                command, headers, body = parse((await reader.readuntil(b'\0'))[:-1])
                if command in ('CONNECT', 'STOMP'):
                    writer.write(b'CONNECTED\nversion:1.1\nheart-beat:0,0\n\n\0')
                elif command == 'SEND':
                    # opened for each, so that a test may remove the file
                    with open(self.path, 'ab') as out:
                        out.write(body.replace(b'\n', b' ') + b'\n')
                if 'receipt' in headers:
                    writer.write(f'RECEIPT\nreceipt-id:{headers["receipt"]}\n\n\0'.encode())
                await writer.drain()
                if command == 'DISCONNECT':
                    break
        except (asyncio.IncompleteReadError, ConnectionError):
            pass                                    # clients leave without a word, too
        finally:
            writer.close()


async def main(port, path):
    server = await asyncio.start_server(Sink(path).serve, '127.0.0.1', port)
    await server.serve_forever()


if __name__ == '__main__':
    asyncio.run(main(int(sys.argv[1]), sys.argv[2]))
