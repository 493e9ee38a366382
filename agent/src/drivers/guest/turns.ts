/** One thing at a time for each guest. */
export type InTurn = <T>(id: number, work: () => Promise<T>) => Promise<T>;

export function createTurns(): InTurn {
  const queues = new Map<number, Promise<unknown>>();
  return (id, work) => {
    const turn = (queues.get(id) ?? Promise.resolve()).then(work, work);
    // The next in line does not care how this one ended; its caller does.
    const settled = turn.catch(() => {});
    queues.set(id, settled);
    settled.then(() => {
      if (queues.get(id) === settled) queues.delete(id);
    });
    return turn;
  };
}
