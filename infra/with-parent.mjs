/** Preloaded into the processes that `npm start` keeps: when the parent is gone, even by kill -9, they end in good order instead of holding port and data. */
if (process.channel) {
  process.once('disconnect', () => process.kill(process.pid, 'SIGTERM'));
  // The channel alone must not keep the process alive.
  process.channel.unref();
}
