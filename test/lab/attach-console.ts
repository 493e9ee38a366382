import { connectSocket } from '../../agent/src/drivers/guest/qmp.ts';
import { serialPath } from './qemu.ts';

const LEAVE = 0x1d;

/** Joins this terminal to a host's serial line, until Ctrl-] or the end of the input. */
export async function attachConsole(folder: string): Promise<void> {
  const socket = await connectSocket(serialPath(folder));
  const { stdin, stdout } = process;
  console.error('Connected; Ctrl-] leaves. Enter brings a prompt.');
  if (stdin.isTTY) stdin.setRawMode(true);
  await new Promise<void>((resolve) => {
    socket.on('data', (bytes) => stdout.write(bytes));
    socket.on('close', resolve);
    // The close that follows tells the same.
    socket.on('error', () => {});
    stdin.on('end', resolve);
    stdin.on('data', (bytes: Buffer) => {
      const end = bytes.indexOf(LEAVE);
      if (end === -1) socket.write(bytes);
      else resolve();
    });
  });
  if (stdin.isTTY) stdin.setRawMode(false);
  socket.destroy();
}
