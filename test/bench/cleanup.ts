/** What was begun and has to be undone, last first; also when the run is interrupted. */
export class Cleanup {
  private readonly undos: { readonly what: string; readonly undo: () => Promise<unknown> | unknown }[] = [];
  private running: Promise<void> | null = null;

  add(what: string, undo: () => Promise<unknown> | unknown): void {
    this.undos.push({ what, undo });
  }

  /** One that fails is told of and does not keep the others from being undone. */
  run(): Promise<void> {
    this.running ??= this.undoAll();
    return this.running;
  }

  private async undoAll(): Promise<void> {
    for (let next = this.undos.pop(); next; next = this.undos.pop()) {
      try {
        await next.undo();
      } catch (error) {
        console.error(`could not remove ${next.what}: ${error instanceof Error ? error.message : String(error)}`);
      }
    }
  }
}
